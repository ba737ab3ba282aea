-- That codes of an access were made void is an event. The kinds there are stay.
DO $$
DECLARE
    kinds text := pg_get_constraintdef(oid) FROM pg_constraint
                   WHERE conrelid = 'event'::regclass AND conname = 'event_kind_check';
BEGIN
    ALTER TABLE event DROP CONSTRAINT event_kind_check;
    EXECUTE 'ALTER TABLE event ADD CONSTRAINT event_kind_check '
         || replace(kinds, 'ARRAY[', 'ARRAY[''codes_voided''::text, ');
END $$;
