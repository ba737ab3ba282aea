-- What staff did in a client's name can be told from what the client did. A code that staff have seen (a letter) for an
-- access that had a password already lets in whoever holds it. So the client is told of it by mail, and steps behind it
-- are marked, until a password is set by a code mailed to the client's own address, which nobody else has changed since.
ALTER TABLE job DROP CONSTRAINT job_kind_check,
    ADD CONSTRAINT job_kind_check CHECK (kind IN ('mail', 'provided', 'remove_object', 'code_made'));
ALTER TABLE account
    ADD COLUMN firm_code_at timestamptz, -- since when the password is one that a code of the firm's has set
    ADD COLUMN email_by_firm boolean NOT NULL DEFAULT false; -- the address is not the client's own any more
ALTER TABLE code ADD COLUMN shown boolean NOT NULL DEFAULT false; -- to staff; else it was mailed
ALTER TABLE delivery_step ADD COLUMN firm_code boolean NOT NULL DEFAULT false;
CREATE INDEX delivery_step_firm_code ON delivery_step (firm, document, client) WHERE firm_code;

CREATE FUNCTION kz_account_address() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Who enters by a code of the firm's may give any address: it says nothing then.
    IF NEW.email <> OLD.email AND OLD.password IS NOT NULL THEN
        NEW.email_by_firm := kz_me() IS DISTINCT FROM NEW.id OR NEW.firm_code_at IS NOT NULL;
    END IF;
    IF NEW.password <> OLD.password AND kz_side() = 'portal' AND NEW.kind = 'client' THEN
        NEW.firm_code_at := coalesce(OLD.firm_code_at, now()); -- kanzleictl has set it
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER account_address BEFORE UPDATE OF email, password ON account FOR EACH ROW
    EXECUTE FUNCTION kz_account_address();

-- Somebody who has not signed in uses a code up: then the password is set by it.
CREATE FUNCTION kz_code_used() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE account a
       SET firm_code_at = CASE WHEN NEW.shown OR a.email_by_firm THEN coalesce(a.firm_code_at, now()) END
     WHERE kz_side() = 'public' AND a.firm = NEW.firm AND a.id = NEW.account AND a.kind = 'client' AND a.has_password;
    RETURN NULL;
END $$;
CREATE TRIGGER code_used AFTER UPDATE OF used_at ON code FOR EACH ROW
    WHEN (OLD.used_at IS NULL AND NEW.used_at IS NOT NULL) EXECUTE FUNCTION kz_code_used();

-- A letter's code is shown to staff at once; one that is mailed leaves later (sent_at), or is made by the portal.
CREATE FUNCTION kz_code_shown() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.shown := kz_side() = 'staff' AND to_jsonb(NEW) -> 'sent_at' IS DISTINCT FROM 'null'::jsonb;
    RETURN NEW;
END $$;
CREATE TRIGGER code_shown BEFORE INSERT ON code FOR EACH ROW EXECUTE FUNCTION kz_code_shown();

-- The client is told of a code that staff have seen, for an access in use.
CREATE FUNCTION kz_code_made() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO job (firm, id, kind, data)
    SELECT a.firm, gen_random_uuid(), 'code_made', jsonb_build_object('account', a.id)
      FROM account a
     WHERE a.firm = NEW.firm AND a.id = NEW.account AND a.kind = 'client' AND a.has_password AND a.email <> ''
       AND NOT EXISTS (SELECT FROM job j WHERE j.firm = a.firm AND j.kind = 'code_made' AND j.state = 'waiting'
                          AND j.lease IS NULL AND j.about = a.id);
    RETURN NULL;
END $$;
CREATE TRIGGER code_made AFTER INSERT ON code FOR EACH ROW WHEN (NEW.shown)
    EXECUTE FUNCTION kz_code_made();

-- The mark stands in the step, and in its event, which is sealed.
CREATE FUNCTION kz_step_marked() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    NEW.firm_code := NEW.firm_code OR EXISTS (
        SELECT FROM account a WHERE a.firm = NEW.firm AND a.id = NEW.account AND a.firm_code_at IS NOT NULL);
    RETURN NEW;
END $$;
CREATE TRIGGER step_marked BEFORE INSERT ON delivery_step FOR EACH ROW WHEN (NEW.step <> 'notified')
    EXECUTE FUNCTION kz_step_marked();

CREATE FUNCTION kz_event_marked() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM account a WHERE a.firm = NEW.firm AND a.id = NEW.account AND a.firm_code_at IS NOT NULL) THEN
        NEW.detail := 'firm_code';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER event_marked BEFORE INSERT ON event FOR EACH ROW
    WHEN (NEW.document IS NOT NULL AND NEW.kind IN ('opened', 'delivered', 'received', 'confirmed'))
    EXECUTE FUNCTION kz_event_marked();
