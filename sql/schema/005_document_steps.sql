-- Lists of documents show how far each has come. The first times of the steps stand in the document too, so
-- that a list reads one row each, not two: at a million documents the second one lies anywhere on the disk.
-- The delivery is what counts; a trigger copies its times, and the portal's role can't write them here.
ALTER TABLE document
    ADD COLUMN opened_at timestamptz,
    ADD COLUMN received_at timestamptz,
    ADD COLUMN confirmed_at timestamptz;

UPDATE document d
   SET opened_at = v.opened_at, received_at = v.received_at, confirmed_at = v.confirmed_at
  FROM delivery v
 WHERE v.firm = d.firm AND v.document = d.id
   AND (v.opened_at IS NOT NULL OR v.received_at IS NOT NULL OR v.confirmed_at IS NOT NULL);

CREATE FUNCTION kz_delivery_steps() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE document d
       SET opened_at = NEW.opened_at, received_at = NEW.received_at, confirmed_at = NEW.confirmed_at
     WHERE d.firm = NEW.firm AND d.id = NEW.document;
    RETURN NULL;
END $$;

CREATE TRIGGER delivery_steps_new AFTER INSERT ON delivery FOR EACH ROW
    WHEN (NEW.opened_at IS NOT NULL OR NEW.received_at IS NOT NULL OR NEW.confirmed_at IS NOT NULL)
    EXECUTE FUNCTION kz_delivery_steps();
CREATE TRIGGER delivery_steps AFTER UPDATE OF opened_at, received_at, confirmed_at ON delivery FOR EACH ROW
    EXECUTE FUNCTION kz_delivery_steps();
