-- Steps of deliveries: what the receiving side does with a document, noted once for each person.

-- P_ACCOUNT has P_STEP done ('opened', 'delivered', 'received', 'confirmed') with P_DOCUMENT; who has received or
-- confirmed it has opened it. A row for each client as whose it receives the document, unless it had done so before,
-- and whether it opened it by that: each row of delivery_step gets its event. As the portal's role: its policies say
-- whose document it is, that it is not one's own side's, and that a person notes steps for oneself alone.
DROP FUNCTION IF EXISTS kz_step(uuid, text);
CREATE OR REPLACE FUNCTION kz_step(p_document uuid, p_step text, p_account uuid)
RETURNS TABLE (client uuid, opened boolean)
LANGUAGE plpgsql AS $$
DECLARE
    v record;
    noted text[];
BEGIN
    FOR v IN SELECT d.firm, d.client FROM delivery d
              WHERE d.firm = kz_at_firm() AND d.document = p_document
                AND kz_receives(p_account, d.client, d.direction)
                AND NOT EXISTS (SELECT FROM delivery_step s
                                 WHERE s.firm = d.firm AND s.document = d.document AND s.client = d.client
                                   AND s.account = p_account AND s.step = p_step)
    LOOP
        WITH new AS (
            INSERT INTO delivery_step (firm, document, client, account, step)
            SELECT v.firm, p_document, v.client, p_account, s.step
              FROM (VALUES (1, 'opened'), (2, p_step)) s (place, step)
             WHERE s.place = CASE p_step WHEN 'opened' THEN 1 ELSE 2 END OR p_step IN ('received', 'confirmed')
             ORDER BY s.place
            ON CONFLICT DO NOTHING RETURNING step)
        SELECT array_agg(new.step) INTO noted FROM new;
        CONTINUE WHEN noted IS NULL OR p_step <> ALL (noted);
        client := v.client;
        opened := 'opened' = ANY (noted);
        RETURN NEXT;
    END LOOP;
END $$;

-- P_ACCOUNT has got P_PARTS of P_DOCUMENT, sent ('delivered') or acknowledged ('received'). Whether these and those
-- of before are all of it, which is then a step; until then they are kept, up to a thousand pieces. Past the
-- policies, for the account at work, or the portal itself.
CREATE OR REPLACE FUNCTION kz_part(p_document uuid, p_account uuid, p_step text, p_parts int8multirange)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    kept int8multirange;
    bytes bigint;
BEGIN
    SELECT d.size INTO bytes FROM document d
      JOIN delivery v ON v.firm = d.firm AND v.document = d.id
     WHERE d.firm = kz_at_firm() AND d.id = p_document AND kz_receives(p_account, v.client, v.direction)
       AND (p_account = kz_me() OR kz_side() = 'portal') LIMIT 1;
    IF bytes IS NULL OR isempty(p_parts) THEN
        RETURN false;
    END IF;
    INSERT INTO delivery_part AS p (firm, document, account, step, parts)
    VALUES (kz_at_firm(), p_document, p_account, p_step, p_parts)
        ON CONFLICT (firm, document, account, step) DO UPDATE SET parts = p.parts + EXCLUDED.parts
    RETURNING parts INTO kept;
    IF kept @> int8range(0, bytes) THEN
        DELETE FROM delivery_part p WHERE p.firm = kz_at_firm() AND p.document = p_document
                                      AND p.account = p_account AND p.step = p_step;
        RETURN true;
    END IF;
    IF (SELECT count(*) FROM unnest(kept)) > 1000 THEN
        UPDATE delivery_part p SET parts = p_parts
         WHERE p.firm = kz_at_firm() AND p.document = p_document AND p.account = p_account AND p.step = p_step;
    END IF;
    RETURN false;
END $$;

-- A reader has found that the copy in P_STORE, noted as held, is bad: P_STATE ('missing', 'damaged') is what the repair
-- job goes by. Of documents that one sees; nobody but the portal adds a copy, or says that one is good.
CREATE OR REPLACE FUNCTION kz_copy_bad(p_document uuid, p_store text, p_state text)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE object_copy o SET state = p_state, at = now()
      FROM document d
     WHERE d.firm = kz_at_firm() AND d.id = p_document AND kz_sees_matter(d.client, d.matter)
       AND o.firm = d.firm AND o.document = d.id AND o.store = p_store AND o.state = 'held'
       AND p_state IN ('missing', 'damaged');
$$;

-- Everybody who acts for P_CLIENT, one that one sees, at least in a matter, is to be told of P_DOCUMENT, which was
-- provided: by a job for each person; a little later, so that one mail tells of all. One that waits already is woken,
-- which waits for its end if that is being written. Always in the same order, so that two don't wait for each other.
DROP FUNCTION IF EXISTS kz_tell_people(uuid);
CREATE OR REPLACE FUNCTION kz_tell_people(p_document uuid, p_client uuid)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH untold AS (
        INSERT INTO delivery_untold (firm, document, client, account)
        SELECT a.firm, p_document, ac.client, a.id
          FROM account_client ac JOIN account a ON a.firm = ac.firm AND a.id = ac.account
         WHERE ac.firm = kz_at_firm() AND ac.client = p_client AND kz_sees_client_row(p_client)
           AND (ac.ends_at IS NULL OR ac.ends_at > now()) AND a.email <> '' AND a.has_password
        ON CONFLICT DO NOTHING
        RETURNING firm, client, account)
    INSERT INTO job (firm, id, kind, data, due)
    SELECT u.firm, gen_random_uuid(), 'provided',
           jsonb_build_object('client', u.client, 'account', u.account), now() + interval '5 seconds'
      FROM untold u ORDER BY u.account
    ON CONFLICT (firm, about, (data ->> 'client')) WHERE kind = 'provided' AND state = 'waiting'
    DO UPDATE SET wake = job.wake + 1;
$$;
