-- Steps of deliveries: what the receiving side does with a document, noted once for each person.

-- The account at work has P_STEP done ('opened', 'received', 'confirmed') with P_DOCUMENT, and so has opened it. A
-- row for each client as whose it receives the document, unless it had done so before, and whether it opened it by
-- that: each row of delivery_step gets its event. As the portal's role: its policies say whose document it is, and
-- that it is not one's own side's.
DROP FUNCTION IF EXISTS kz_step(uuid, text);
CREATE OR REPLACE FUNCTION kz_step(p_document uuid, p_step text)
RETURNS TABLE (client uuid, opened boolean)
LANGUAGE plpgsql AS $$
DECLARE
    me uuid := kz_me();
    incoming text := CASE kz_side() WHEN 'client' THEN 'from_firm' ELSE 'from_client' END;
    v record;
    noted text[];
BEGIN
    FOR v IN SELECT d.firm, d.client FROM delivery d
              WHERE d.firm = kz_at_firm() AND d.document = p_document
                AND d.direction = incoming
                AND NOT EXISTS (SELECT FROM delivery_step s
                                 WHERE s.firm = d.firm AND s.document = d.document AND s.client = d.client
                                   AND s.account = me AND s.step = p_step)
    LOOP
        WITH new AS (
            INSERT INTO delivery_step (firm, document, client, account, step)
            SELECT v.firm, p_document, v.client, me, s.step
              FROM (VALUES (1, 'opened'), (2, p_step)) s (place, step)
             WHERE s.place = 1 OR s.step <> 'opened' ORDER BY s.place
            ON CONFLICT DO NOTHING RETURNING step)
        SELECT array_agg(new.step) INTO noted FROM new;
        CONTINUE WHEN noted IS NULL OR p_step <> ALL (noted);
        client := v.client;
        opened := 'opened' = ANY (noted);
        RETURN NEXT;
    END LOOP;
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

-- A job for each person who acts for P_CLIENT, one that one sees, at least in a matter, to be told of what was provided;
-- a little later, so that one mail tells of all. One that waits already serves.
CREATE OR REPLACE FUNCTION kz_tell_people(p_client uuid)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO job (firm, id, kind, data, due)
    SELECT a.firm, gen_random_uuid(), 'provided',
           jsonb_build_object('client', ac.client, 'account', a.id), now() + interval '5 seconds'
      FROM account_client ac JOIN account a ON a.firm = ac.firm AND a.id = ac.account
     WHERE ac.firm = kz_at_firm() AND ac.client = p_client AND kz_sees_client_row(p_client)
       AND (ac.ends_at IS NULL OR ac.ends_at > now()) AND a.email <> '' AND a.has_password
       AND NOT EXISTS (SELECT FROM job j
                        WHERE j.firm = a.firm AND j.kind = 'provided' AND j.state = 'waiting'
                          AND j.lease IS NULL AND j.about = a.id
                          AND (j.data ->> 'client')::uuid = ac.client);
$$;
