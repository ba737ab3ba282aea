-- How a transaction enters: these set what row-level security reads. The portal's role could set it by
-- itself: the policies guard against mistakes of the portal, not against somebody who has taken it over
-- (SECURITY.md). Each raises KZ4nn where the request is to be answered with HTTP 4nn. SECURITY DEFINER
-- functions read under the owner's policy, so each states its conditions in full.

-- A function whose result changes can't be replaced.
DROP FUNCTION IF EXISTS kz_set(int, uuid, text, boolean), kz_set_clients(int, uuid, text),
    kz_session(text, bytea), kz_upload_take(uuid, interval, interval);

-- Settings for the rest of the transaction. These two give true, because "x := f()" costs a tenth of
-- PERFORM, and every page pays it; for the same reason they are not LANGUAGE sql.
CREATE OR REPLACE FUNCTION kz_set(p_firm int, p_account uuid, p_side text, p_all boolean)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    now_set text;
BEGIN
    now_set := set_config('kz.firm', coalesce(p_firm::text, ''), true);
    now_set := set_config('kz.account', coalesce(p_account::text, ''), true);
    now_set := set_config('kz.side', p_side, true);
    now_set := set_config('kz.all', CASE WHEN p_all THEN 'on' ELSE 'off' END, true);
    now_set := set_config('kz.clients', '', true);
    now_set := set_config('kz.matters', '', true);
    now_set := set_config('kz.matter_clients', '', true);
    RETURN true;
END $$;

-- The matters assigned to one of the staff, and their clients, without those of the clients P_BESIDE.
CREATE OR REPLACE FUNCTION kz_assigned_matters(p_firm int, p_staff uuid, p_beside uuid[])
RETURNS TABLE (matters uuid[], matter_clients uuid[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT array_agg(m.id ORDER BY m.id), array_agg(m.client ORDER BY m.id)
      FROM assignment a JOIN matter m ON m.firm = a.firm AND m.id = a.matter
     WHERE a.firm = p_firm AND a.staff = p_staff AND m.client <> ALL (p_beside);
$$;

-- Whom an account may see that does not see all: its own clients, until its access ends, or those assigned to
-- it; and the matters assigned to it of other clients.
CREATE OR REPLACE FUNCTION kz_set_clients(p_firm int, p_account uuid, p_kind text)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    found_them uuid[];
    matters uuid[];
    matter_clients uuid[];
    now_set text;
BEGIN
    IF p_kind = 'client' THEN
        SELECT array_agg(ac.client) INTO found_them
          FROM account_client ac
         WHERE ac.firm = p_firm AND ac.account = p_account AND (ac.ends_at IS NULL OR ac.ends_at > now());
    ELSE
        SELECT array_agg(w.client) INTO found_them FROM (
            SELECT a.client FROM assignment a
             WHERE a.firm = p_firm AND a.staff = p_account AND a.client IS NOT NULL
            UNION
            SELECT g.client FROM assignment a
              JOIN group_client g ON g.firm = a.firm AND g."group" = a."group"
             WHERE a.firm = p_firm AND a.staff = p_account AND a."group" IS NOT NULL) w;
        -- Under the policies nobody sees a matter yet: it is read past them.
        SELECT m.matters, m.matter_clients INTO matters, matter_clients
          FROM kz_assigned_matters(p_firm, p_account, coalesce(found_them, '{}')) m;
        now_set := set_config('kz.matters', coalesce(matters::text, ''), true);
        now_set := set_config('kz.matter_clients', coalesce(matter_clients::text, ''), true);
    END IF;
    now_set := set_config('kz.clients', coalesce(found_them::text, '{}'), true);
    RETURN true;
END $$;

-- The session of a token's hash at the entrance of a firm; notes that it is in use, once a minute.
CREATE OR REPLACE FUNCTION kz_session(p_slug text, p_token bytea)
RETURNS TABLE (firm int, firm_name text, firm_key bytea, account uuid, kind text, user_name text,
               name text, language text, session uuid, rights text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    old timestamptz;
BEGIN
    SELECT f.id, f.name, f.key, a.id, a.kind, a.user_name, a.name, a.language, s.id, s.seen,
           array_to_string(ARRAY(SELECT r.name FROM "right" r
                                  WHERE r.firm = s.firm AND r.staff = s.account ORDER BY r.name), ' ')
      INTO firm, firm_name, firm_key, account, kind, user_name, name, language, session, old, rights
      FROM session s
      JOIN firm f ON f.id = s.firm
      JOIN account a ON a.firm = s.firm AND a.id = s.account
     WHERE s.token = p_token AND f.slug = p_slug
       AND s.ends > now() AND s.seen + s.idle > now();
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF old < now() - interval '1 minute' THEN
        UPDATE session s SET seen = now() WHERE s.firm = kz_session.firm AND s.id = session;
    END IF;
    RETURN NEXT;
END $$;

-- Enters as the account whose session has the token. WHO: 'client', 'staff', 'member' (either) or 'public'.
-- RIGHT: a right that is needed, or ''. KINDS and IDS: the ids in the path, each of which must be visible.
CREATE OR REPLACE FUNCTION kz_enter(p_slug text, p_token bytea, p_who text, p_right text,
                                    p_kinds text[], p_ids uuid[])
RETURNS TABLE (firm int, firm_name text, firm_key bytea, account uuid, kind text, user_name text,
               name text, language text, session uuid, rights text)
LANGUAGE plpgsql AS $$
DECLARE
    found_it boolean;
    done boolean;
BEGIN
    IF p_who = 'public' THEN
        SELECT f.id, f.name, f.language INTO firm, firm_name, language FROM kz_firm(p_slug) f;
        IF firm IS NULL THEN
            RAISE SQLSTATE 'KZ404' USING MESSAGE = 'no such firm';
        END IF;
        done := kz_set(firm, NULL, 'public', false);
        rights := '';
        RETURN NEXT;
        RETURN;
    END IF;
    SELECT s.firm, s.firm_name, s.firm_key, s.account, s.kind, s.user_name, s.name, s.language,
           s.session, s.rights
      INTO firm, firm_name, firm_key, account, kind, user_name, name, language, session, rights
      FROM kz_session(p_slug, p_token) s;
    IF firm IS NULL THEN
        IF NOT EXISTS (SELECT FROM kz_firm(p_slug)) THEN
            RAISE SQLSTATE 'KZ404' USING MESSAGE = 'no such firm';
        END IF;
        RAISE SQLSTATE 'KZ401' USING MESSAGE = 'no session';
    END IF;
    done := kz_set(firm, account, kind, rights ~ '\m(all|admin)\M');
    IF rights !~ '\m(all|admin)\M' THEN
        done := kz_set_clients(firm, account, kind);
    END IF;
    IF p_who <> 'member' AND p_who <> kind THEN
        RAISE SQLSTATE 'KZ404' USING MESSAGE = 'not for ' || kind;
    END IF;
    IF p_right <> '' AND rights !~ ('\m(admin|' || p_right || ')\M') THEN
        RAISE SQLSTATE 'KZ404' USING MESSAGE = 'right missing: ' || p_right;
    END IF;
    FOR i IN 1 .. coalesce(array_length(p_ids, 1), 0) LOOP
        CASE p_kinds[i]
            WHEN 'client' THEN -- who needs a right there works for the whole client, not for a matter alone
                found_it := EXISTS (SELECT FROM client c WHERE c.firm = kz_enter.firm AND c.id = p_ids[i])
                       AND (p_right = '' OR NOT EXISTS
                               (SELECT FROM visible_matter v WHERE v.client = p_ids[i]));
            WHEN 'matter' THEN
                found_it := EXISTS (SELECT FROM matter m WHERE m.firm = kz_enter.firm AND m.id = p_ids[i]);
            WHEN 'document' THEN
                found_it := EXISTS (SELECT FROM document d WHERE d.firm = kz_enter.firm AND d.id = p_ids[i]);
            WHEN 'upload' THEN -- one's own only
                found_it := EXISTS (SELECT FROM upload u WHERE u.firm = kz_enter.firm AND u.id = p_ids[i]
                                       AND u.account = kz_enter.account);
            WHEN 'session' THEN
                found_it := EXISTS (SELECT FROM session s WHERE s.firm = kz_enter.firm AND s.id = p_ids[i]
                                       AND s.account = kz_enter.account);
            WHEN 'account' THEN -- an access of a client that one works for; for administrators staff too
                found_it := EXISTS (SELECT FROM account_client ac
                                      JOIN client c ON c.firm = ac.firm AND c.id = ac.client
                                     WHERE ac.firm = kz_enter.firm AND ac.account = p_ids[i]
                                       AND NOT EXISTS (SELECT FROM visible_matter v WHERE v.client = c.id))
                         OR (rights ~ '\madmin\M' AND EXISTS
                                (SELECT FROM staff t WHERE t.firm = kz_enter.firm AND t.id = p_ids[i]));
            WHEN 'staff' THEN
                found_it := EXISTS (SELECT FROM staff t WHERE t.firm = kz_enter.firm AND t.id = p_ids[i]);
            ELSE
                found_it := false;
        END CASE;
        IF NOT found_it THEN
            RAISE SQLSTATE 'KZ404' USING MESSAGE = 'no such ' || p_kinds[i];
        END IF;
    END LOOP;
    RETURN NEXT;
END $$;

-- A firm by its entrance; reads past row-level security because nobody has entered yet.
CREATE OR REPLACE FUNCTION kz_firm(p_slug text)
RETURNS TABLE (id int, name text, language text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT f.id, f.name, f.language FROM firm f WHERE f.slug = p_slug;
$$;

-- All firms, for kanzleictl.
CREATE OR REPLACE FUNCTION kz_firm_list()
RETURNS TABLE (id int, slug text, name text, email text, language text, created timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT f.id, f.slug, f.name, f.email, f.language, f.created FROM firm f ORDER BY f.slug;
$$;

-- A new firm: its number first, because its key is bound to that. Not SECURITY DEFINER: the caller needs
-- rights on the table, which the portal's role has not.
CREATE OR REPLACE FUNCTION kz_firm_reserve()
RETURNS int LANGUAGE sql AS $$
    SELECT nextval(pg_get_serial_sequence('firm', 'id'))::int;
$$;

CREATE OR REPLACE FUNCTION kz_firm_add(p_firm int, p_slug text, p_name text, p_email text,
                                       p_language text, p_key bytea)
RETURNS timestamptz LANGUAGE sql AS $$
    INSERT INTO firm (id, slug, name, email, language, key) OVERRIDING SYSTEM VALUE
    VALUES (p_firm, p_slug, p_name, p_email, p_language, p_key) RETURNING created;
$$;

-- The portal itself at work for one firm (jobs, uploads that are being finished, kanzleictl).
CREATE OR REPLACE FUNCTION kz_enter_portal(p_firm int)
RETURNS TABLE (firm_name text, firm_slug text, firm_key bytea, language text)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM kz_set(p_firm, NULL, 'portal', true);
    RETURN QUERY SELECT f.name, f.slug, f.key, f.language FROM firm f WHERE f.id = p_firm;
    IF NOT FOUND THEN
        RAISE SQLSTATE 'KZ404' USING MESSAGE = 'no such firm';
    END IF;
END $$;

-- Work of one kind of all firms that is due, taken for a while by one worker; a second host passes it by.
DROP FUNCTION IF EXISTS kz_job_take(uuid, interval);
CREATE OR REPLACE FUNCTION kz_job_take(p_worker uuid, p_kind text, p_lease interval)
RETURNS TABLE (firm int, id uuid, data text, tries int)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE job j SET worker = p_worker, lease = now() + p_lease, tries = j.tries + 1
     WHERE (j.firm, j.id) = (
               SELECT d.firm, d.id FROM job d
                WHERE d.state = 'waiting' AND d.kind = p_kind AND d.due <= now()
                  AND (d.lease IS NULL OR d.lease < now())
                ORDER BY d.due LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING j.firm, j.id, j.data::text, j.tries;
$$;

-- An upload whose worker is gone, or that got no byte for a long time: taken to be finished or given
-- up. Uploads that are being received count from their last byte.
CREATE OR REPLACE FUNCTION kz_upload_take(p_worker uuid, p_lease interval, p_life interval)
RETURNS TABLE (firm int, id uuid, state text, lease timestamptz)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE upload u SET worker = p_worker, lease = now() + p_lease, tries = u.tries + 1
     WHERE (u.firm, u.id) = (
               SELECT o.firm, o.id FROM upload o
                WHERE (o.state IN ('scanning', 'storing') OR
                       (o.state = 'receiving' AND o.touched < now() - p_life))
                  AND (o.lease IS NULL OR o.lease < now())
                  AND o.touched < now() - least(o.tries, 60) * interval '1 second'
                ORDER BY o.touched LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING u.firm, u.id, u.state, u.lease;
$$;

-- Ends an upload for the worker that has taken it; undoes the transaction when somebody else has taken it
-- meanwhile.
CREATE OR REPLACE FUNCTION kz_upload_end(p_upload uuid, p_worker uuid, p_lease timestamptz, p_state text,
                                         p_what text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE upload u SET state = p_state, what = p_what, worker = NULL, lease = NULL, touched = now()
     WHERE u.firm = NULLIF(current_setting('kz.firm', true), '')::int AND u.id = p_upload
       AND u.worker = p_worker AND u.lease = p_lease;
    IF NOT FOUND THEN
        RAISE SQLSTATE 'KZ423' USING MESSAGE = 'somebody else took the upload';
    END IF;
END $$;

-- The workers that have taken an upload or a job, and have not given it back.
CREATE OR REPLACE FUNCTION kz_workers()
RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT worker FROM upload
     WHERE state IN ('scanning', 'storing') AND worker IS NOT NULL AND lease > now()
    UNION
    SELECT worker FROM job WHERE state = 'waiting' AND worker IS NOT NULL AND lease > now();
$$;

-- Frees what a worker that is no more had taken; gives how much that is.
CREATE OR REPLACE FUNCTION kz_worker_bury(p_worker uuid)
RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    freed int;
    n int;
BEGIN
    UPDATE upload SET worker = NULL, lease = NULL
     WHERE state IN ('scanning', 'storing') AND worker = p_worker;
    GET DIAGNOSTICS freed = ROW_COUNT;
    UPDATE job SET worker = NULL, lease = NULL WHERE state = 'waiting' AND worker = p_worker;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN freed + n;
END $$;

-- Whether a spool file belongs to an upload that goes on.
CREATE OR REPLACE FUNCTION kz_upload_known(p_id uuid)
RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM upload u WHERE u.id = p_id
                      AND u.state IN ('receiving', 'scanning', 'storing'));
$$;

-- A copy that one of P_STORES missed or that is damaged there, oldest first; looked at again after a while.
DROP FUNCTION IF EXISTS kz_copy_take(interval);
CREATE OR REPLACE FUNCTION kz_copy_take(p_again interval, p_stores text[])
RETURNS TABLE (firm int, document uuid)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE object_copy c SET at = now() + p_again
     WHERE (c.firm, c.document, c.store) = (
               SELECT o.firm, o.document, o.store FROM object_copy o
                 JOIN document w ON w.firm = o.firm AND w.id = o.document AND w.state <> 'discarded'
                WHERE o.state <> 'held' AND o.at <= now() AND o.store = ANY (p_stores)
                ORDER BY o.at LIMIT 1 FOR UPDATE OF o SKIP LOCKED)
    RETURNING c.firm, c.document;
$$;

-- The first firm behind P_AFTER that has events which no seal covers; NULL: none.
CREATE OR REPLACE FUNCTION kz_seal_due(p_after int)
RETURNS int
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT u.firm FROM event_unsealed u WHERE u.firm > p_after ORDER BY u.firm LIMIT 1;
$$;

-- Deletes sessions, codes, finished uploads and jobs that nobody needs any more; returns how many. An
-- expired code is kept for a while, so that a late reader is told why it is of no use; a failed job as long
-- as somebody may ask for its error.
CREATE OR REPLACE FUNCTION kz_tidy()
RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    gone int;
    n int;
BEGIN
    DELETE FROM session WHERE ends < now() - interval '1 day';
    GET DIAGNOSTICS gone = ROW_COUNT;
    DELETE FROM upload WHERE state IN ('available', 'infected', 'unscannable', 'failed')
                         AND touched < now() - interval '1 day';
    GET DIAGNOSTICS n = ROW_COUNT;
    gone := gone + n;
    DELETE FROM code WHERE expires < now() - interval '90 days';
    GET DIAGNOSTICS n = ROW_COUNT;
    gone := gone + n;
    DELETE FROM job WHERE state = 'done' AND created < now() - interval '1 day';
    GET DIAGNOSTICS n = ROW_COUNT;
    gone := gone + n;
    DELETE FROM job WHERE state = 'failed' AND due < now() - interval '90 days';
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN gone + n;
END $$;

-- The names that make a password of P_ACCOUNT easy to guess: person, user, mail address, clients, firm.
-- A person who redeems a code may not see the clients yet.
CREATE OR REPLACE FUNCTION kz_account_words(p_account uuid)
RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT concat_ws(' ', a.name, a.user_name, split_part(a.email, '@', 1), f.name,
               (SELECT string_agg(x.display, ' ') FROM (
                    SELECT c.display FROM account_client ac
                      JOIN client c ON c.firm = ac.firm AND c.id = ac.client
                     WHERE ac.firm = a.firm AND ac.account = a.id LIMIT 20) x))
      FROM account a JOIN firm f ON f.id = a.firm
     WHERE a.firm = (SELECT NULLIF(current_setting('kz.firm', true), '')::int) AND a.id = p_account;
$$;
