-- What a delivery, its steps and a document say of who did what, and when, is written once: whoever writes, an
-- update that changes it is refused. kanzleictl check compares the rows with the events, which are sealed.
ALTER TABLE event DROP CONSTRAINT event_kind_check, ADD CONSTRAINT event_kind_check CHECK (kind IN (
    'client_created', 'client_changed', 'matter_created', 'access_created', 'invited', 'letter_printed',
    'password_set', 'signed_in', 'signed_out', 'locked', 'unlocked', 'wrong_password', 'provided', 'notified',
    'opened', 'received', 'confirmed', 'held', 'released', 'discarded', 'infected', 'session_ended',
    'rights_changed', 'assigned', 'unassigned', 'staff_created', 'renamed', 'moved'));

-- An event waits for its seal from the moment in which it is there, without anybody adding that.
CREATE FUNCTION kz_event_waits() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO event_unsealed (firm, event) VALUES (NEW.firm, NEW.id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER event_waits AFTER INSERT ON event FOR EACH ROW EXECUTE FUNCTION kz_event_waits();

-- A document is provided now, by whoever brought it, unless the schema's owner says otherwise.
ALTER TABLE delivery ALTER provided_at SET DEFAULT now();
CREATE FUNCTION kz_delivery_by() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.provided_by IS NULL THEN
        SELECT d."by" INTO NEW.provided_by FROM document d WHERE d.firm = NEW.firm AND d.id = NEW.document;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER delivery_by BEFORE INSERT ON delivery FOR EACH ROW EXECUTE FUNCTION kz_delivery_by();

-- Refuses an update or a removal. The names of these triggers are such that foreign keys are looked at before.
CREATE FUNCTION kz_written_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a row of "%" is written once: no %', TG_TABLE_NAME, TG_OP USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER written_once AFTER UPDATE OR DELETE ON delivery_step FOR EACH ROW EXECUTE FUNCTION kz_written_once();
CREATE TRIGGER written_once_removal AFTER DELETE ON delivery FOR EACH ROW EXECUTE FUNCTION kz_written_once();

-- The first time of each step: none before, and as a row of delivery_step has it. Nothing else changes but the matter.
CREATE FUNCTION kz_delivery_once() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF (NEW.firm, NEW.document, NEW.client, NEW.direction, NEW.provided_at, NEW.provided_by) IS DISTINCT FROM
       (OLD.firm, OLD.document, OLD.client, OLD.direction, OLD.provided_at, OLD.provided_by)
       OR EXISTS (
           SELECT FROM (VALUES ('notified', OLD.notified_at, OLD.notified_to, NEW.notified_at, NEW.notified_to),
                               ('opened', OLD.opened_at, OLD.opened_by, NEW.opened_at, NEW.opened_by),
                               ('received', OLD.received_at, OLD.received_by, NEW.received_at, NEW.received_by),
                               ('confirmed', OLD.confirmed_at, OLD.confirmed_by, NEW.confirmed_at, NEW.confirmed_by))
                       x (step, old_at, old_by, new_at, new_by)
            WHERE (x.new_at, x.new_by) IS DISTINCT FROM (x.old_at, x.old_by)
              AND (x.old_at IS NOT NULL OR NOT EXISTS (
                   SELECT FROM delivery_step s
                    WHERE s.firm = NEW.firm AND s.document = NEW.document AND s.client = NEW.client
                      AND s.account = x.new_by AND s.step = x.step AND s.at = x.new_at)))
    THEN
        RAISE EXCEPTION 'what a delivery says is written once' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER written_once AFTER UPDATE ON delivery FOR EACH ROW EXECUTE FUNCTION kz_delivery_once();

-- The same of a document: its times are those of the delivery to its own client.
CREATE FUNCTION kz_document_once() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF (NEW.firm, NEW.id, NEW.client, NEW.direction, NEW."by", NEW.at) IS DISTINCT FROM
       (OLD.firm, OLD.id, OLD.client, OLD.direction, OLD."by", OLD.at)
       OR (NEW.opened_at, NEW.received_at, NEW.confirmed_at) IS DISTINCT FROM
          (OLD.opened_at, OLD.received_at, OLD.confirmed_at)
          AND NOT EXISTS (SELECT FROM delivery v
                           WHERE v.firm = NEW.firm AND v.document = NEW.id AND v.client = NEW.client
                             AND (v.opened_at, v.received_at, v.confirmed_at) IS NOT DISTINCT FROM
                                 (NEW.opened_at, NEW.received_at, NEW.confirmed_at))
    THEN
        RAISE EXCEPTION 'what a document says of its steps is written once' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER written_once AFTER UPDATE OF firm, id, client, direction, by, at, opened_at, received_at, confirmed_at
    ON document FOR EACH ROW EXECUTE FUNCTION kz_document_once();

-- A document is renamed by an event "renamed" with the new name, moved by an event "moved" about the new matter, each
-- of the same transaction; the events lead from the sealed header to what is shown. A delivery moves likewise.
CREATE FUNCTION kz_has_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    was jsonb := to_jsonb(OLD);
    is_now jsonb := to_jsonb(NEW);
BEGIN
    IF is_now ->> 'name' IS DISTINCT FROM was ->> 'name'
       AND NOT EXISTS (SELECT FROM event e WHERE e.firm = NEW.firm AND e.document = (is_now ->> 'id')::uuid
                          AND e.client = NEW.client AND e.kind = 'renamed' AND e.detail = is_now ->> 'name'
                          AND e.at >= now())
       OR NEW.matter <> OLD.matter
       AND NOT EXISTS (SELECT FROM event e
                        WHERE e.firm = NEW.firm AND e.document = coalesce(is_now ->> 'document', is_now ->> 'id')::uuid
                          AND e.client = NEW.client AND e.kind = 'moved' AND e.subject = NEW.matter AND e.at >= now())
    THEN
        RAISE EXCEPTION 'no event tells of this rename or move' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER has_event AFTER UPDATE OF name, matter ON document DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION kz_has_event();
CREATE CONSTRAINT TRIGGER has_event AFTER UPDATE OF matter ON delivery DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION kz_has_event();
