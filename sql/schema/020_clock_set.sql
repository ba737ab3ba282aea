-- That the clock was set back is an event of its own, in the chain that tells of times. The kinds there are stay.
DO $$
DECLARE
    kinds text := pg_get_constraintdef(oid) FROM pg_constraint
                   WHERE conrelid = 'event'::regclass AND conname = 'event_kind_check';
BEGIN
    ALTER TABLE event DROP CONSTRAINT event_kind_check;
    EXECUTE 'ALTER TABLE event ADD CONSTRAINT event_kind_check '
         || replace(kinds, 'ARRAY[', 'ARRAY[''clock_set''::text, ');
END $$;
