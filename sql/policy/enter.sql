-- How a transaction enters: these say who is at work (sees.sql), which row-level security reads. The portal's role
-- could set it by itself: the policies guard against mistakes of the portal, not against somebody who has taken it
-- over (SECURITY.md). Each raises KZ4nn where the request is to be answered with HTTP 4nn. SECURITY DEFINER
-- functions read under the owner's policy, so each states its conditions in full.

-- CREATE OR REPLACE can't change a function's result, so a former version is dropped. The present one never is: a
-- running statement may need it.
DROP FUNCTION IF EXISTS kz_set(int, uuid, text, boolean), kz_set_clients(int, uuid, text), kz_session(text, bytea),
    kz_assigned_matters(int, uuid, uuid[]), kz_firm(text), kz_enter(text, bytea, text, text, text[], uuid[]);
DO $$
DECLARE
    former regprocedure;
BEGIN
    FOR former IN
        SELECT p.oid FROM pg_proc p
         WHERE (p.oid = to_regprocedure('kz_upload_take(uuid, interval, interval)') AND 'lease' <> ALL (p.proargnames))
            OR (p.oid = to_regprocedure('kz_job_take(uuid, text, interval)') AND 'wake' <> ALL (p.proargnames))
            OR (p.oid = to_regprocedure('kz_enter_portal(int)') AND p.proretset)
            OR (p.oid = to_regprocedure('kz_status(text[])') AND 'uploads_late' <> ALL (p.proargnames))
    LOOP
        EXECUTE format('DROP FUNCTION %s', former);
    END LOOP;
END $$;

-- Enters as whoever holds the token. WHO: 'client', 'staff', 'member' (either) or 'public'. RIGHT: a right that is
-- needed, or ''. Notes that the session is in use, once a minute.
--
-- Every page pays for this: so no SET but full names, as few statements as whoever enters needs, and few expressions
-- beside them, each of which PL/pgSQL prepares anew in each transaction. Types have full names, too: without SET a
-- type of the session's own, in pg_temp, comes first, and its CHECK would run as the owner. RESULT comes of
-- set_config(), and is dropped.
CREATE OR REPLACE FUNCTION kz_enter(p_slug text, p_token bytea, p_who text, p_right text,
                                    OUT firm int, OUT firm_name text, OUT firm_key bytea, OUT account uuid, OUT kind text,
                                    OUT user_name text, OUT name text, OUT language text, OUT session uuid, OUT rights text)
LANGUAGE plpgsql SECURITY DEFINER AS $$
#variable_conflict use_column
DECLARE
    few constant int := 50;
    old boolean;
    n int; -- of clients and matters, few + 1 at most; NULL: all
    clients pg_catalog.uuid[];
    matters pg_catalog.uuid[];
    part pg_catalog.uuid[]; -- clients of the matters
    result pg_catalog.text;
BEGIN
    IF p_who = 'public' THEN
        SELECT f.id, f.name, f.language, '' INTO firm, firm_name, language, rights
          FROM public.firm f WHERE f.slug = p_slug;
        IF firm IS NULL THEN
            RAISE SQLSTATE 'KZ404' USING MESSAGE = 'no such firm';
        END IF;
        result := pg_catalog.set_config('kz.who', firm || '||public|||||', true);
        RETURN;
    END IF;
    SELECT f.id, f.name, f.key, a.id, a.kind, a.user_name, a.name, a.language, s.id,
           s.seen < pg_catalog.now() - interval '1 minute'
      INTO firm, firm_name, firm_key, account, kind, user_name, name, language, session, old
      FROM public.session s
      JOIN public.firm f ON f.id = s.firm
      JOIN public.account a ON a.firm = s.firm AND a.id = s.account
     WHERE s.token = p_token AND f.slug = p_slug
       AND s.ends > pg_catalog.now() AND s.seen + s.idle > pg_catalog.now();
    IF kind = 'client' THEN
        SELECT '', pg_catalog.array_agg(x.client), pg_catalog.count(*) INTO rights, clients, n
          FROM (SELECT c.client FROM public.account_client c
                 WHERE c.firm = kz_enter.firm AND c.account = kz_enter.account
                   AND (c.ends_at IS NULL OR c.ends_at > pg_catalog.now()) LIMIT few + 1) x;
    ELSIF kind = 'staff' THEN
        SELECT coalesce(pg_catalog.string_agg(r.name, ' '), '') INTO rights
          FROM public."right" r WHERE r.firm = kz_enter.firm AND r.staff = kz_enter.account;
        IF rights !~ '\mall\M' THEN
            SELECT pg_catalog.array_agg(DISTINCT x.client) FILTER (WHERE x.client IS NOT NULL),
                   pg_catalog.array_agg(x.matter) FILTER (WHERE x.part IS NOT NULL),
                   pg_catalog.array_agg(x.part) FILTER (WHERE x.part IS NOT NULL), pg_catalog.count(*)
              INTO clients, matters, part, n
              FROM (SELECT coalesce(w.client, g.client) AS client, w.matter,
                           (SELECT m.client FROM public.matter m WHERE m.firm = kz_enter.firm AND m.id = w.matter) AS part
                      FROM (SELECT a.client, a.matter, a."group" FROM public.assignment a
                             WHERE a.firm = kz_enter.firm AND a.staff = kz_enter.account LIMIT few + 1) w
                      LEFT JOIN LATERAL (
                           SELECT g.client FROM public.group_client g
                            WHERE g.firm = kz_enter.firm AND g."group" = w."group" LIMIT few + 1) g ON true
                     LIMIT few + 1) x;
        END IF;
    END IF;
    IF old IS DISTINCT FROM false OR p_who NOT IN ('member', kind) OR p_right <> '' THEN
        PERFORM public.kz_enter_special(p_slug, p_who, p_right, kind, rights, firm, session);
    END IF;
    result := pg_catalog.set_config('kz.who', CASE
        WHEN n <= few THEN pg_catalog.format('%s|%s|%s|few|%s|%s|%s|%s', firm, account, kind, rights, clients,
                                             matters, part)
        WHEN n > few THEN pg_catalog.format('%s|%s|%s|many|%s|||', firm, account, kind, rights)
        WHEN kind = 'staff' THEN pg_catalog.format('%s|%s|staff|all|%s|||', firm, account, rights) END, true);
END $$;

-- What kz_enter() needs not every time: why nobody enters, and the note that the session is in use.
CREATE OR REPLACE FUNCTION kz_enter_special(p_slug text, p_who text, p_right text, p_kind text, p_rights text,
                                            p_firm int, p_session uuid)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF p_session IS NULL THEN
        IF NOT EXISTS (SELECT FROM firm f WHERE f.slug = p_slug) THEN
            RAISE SQLSTATE 'KZ404' USING MESSAGE = 'no such firm';
        END IF;
        RAISE SQLSTATE 'KZ401' USING MESSAGE = 'no session';
    END IF;
    IF p_who NOT IN ('member', p_kind) THEN
        RAISE SQLSTATE 'KZ404' USING MESSAGE = 'not for ' || p_kind;
    END IF;
    IF p_right <> '' AND NOT kz_right_in(p_rights, p_right) THEN
        RAISE SQLSTATE 'KZ404' USING MESSAGE = 'right missing: ' || p_right;
    END IF;
    UPDATE session s SET seen = now()
     WHERE s.firm = p_firm AND s.id = p_session AND s.seen < now() - interval '1 minute';
END $$;

-- Whether each of IDS, the ids in a path, of kind KINDS, is visible to whoever has entered FIRM, for what needs
-- P_RIGHT; raises KZ404 otherwise. Not SECURITY DEFINER: it sees what the account at work sees.
CREATE OR REPLACE FUNCTION kz_see_ids(p_firm int, p_right text, p_kinds text[], p_ids uuid[])
RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    found_it boolean;
    me uuid := kz_me();
BEGIN
    FOR i IN 1 .. cardinality(p_ids) LOOP
        CASE p_kinds[i]
            WHEN 'client' THEN -- who needs a right there works for the whole client, not for a matter alone
                found_it := EXISTS (SELECT FROM client c WHERE c.firm = p_firm AND c.id = p_ids[i])
                        AND (p_right = '' OR kz_sees_client(p_ids[i]));
            WHEN 'matter' THEN
                found_it := EXISTS (SELECT FROM matter m WHERE m.firm = p_firm AND m.id = p_ids[i]);
            WHEN 'document' THEN
                found_it := EXISTS (SELECT FROM document d WHERE d.firm = p_firm AND d.id = p_ids[i]);
            WHEN 'upload' THEN -- one's own only
                found_it := EXISTS (SELECT FROM upload u WHERE u.firm = p_firm AND u.id = p_ids[i] AND u.account = me);
            WHEN 'session' THEN
                found_it := EXISTS (SELECT FROM session s WHERE s.firm = p_firm AND s.id = p_ids[i] AND s.account = me);
            WHEN 'account' THEN -- an access of a client that one works for, of all its clients for what needs a
                                -- right; for administrators staff too
                found_it := EXISTS (SELECT FROM account_client ac WHERE ac.firm = p_firm AND ac.account = p_ids[i])
                            AND (p_right = '' OR kz_sees_whole_account(p_ids[i]))
                         OR (kz_has('admin') AND EXISTS
                                (SELECT FROM staff t WHERE t.firm = p_firm AND t.id = p_ids[i]));
            WHEN 'staff' THEN
                found_it := EXISTS (SELECT FROM staff t WHERE t.firm = p_firm AND t.id = p_ids[i]);
            ELSE
                found_it := false;
        END CASE;
        IF found_it IS NOT TRUE THEN
            RAISE SQLSTATE 'KZ404' USING MESSAGE = 'no such ' || p_kinds[i];
        END IF;
    END LOOP;
    RETURN true;
END $$;

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
CREATE OR REPLACE FUNCTION kz_enter_portal(p_firm int, OUT firm_name text, OUT firm_slug text, OUT firm_key bytea,
                                           OUT language text)
LANGUAGE plpgsql SECURITY DEFINER AS $$
#variable_conflict use_column
DECLARE
    result pg_catalog.text;
BEGIN
    SELECT f.name, f.slug, f.key, f.language, pg_catalog.set_config('kz.who', f.id || '||portal|all||||', true)
      INTO firm_name, firm_slug, firm_key, language, result
      FROM public.firm f WHERE f.id = p_firm;
    IF NOT FOUND THEN
        RAISE SQLSTATE 'KZ404' USING MESSAGE = 'no such firm';
    END IF;
END $$;

-- Work of one kind of all firms that is due, taken for a while by one worker; a second host passes it by.
DROP FUNCTION IF EXISTS kz_job_take(uuid, interval);
CREATE OR REPLACE FUNCTION kz_job_take(p_worker uuid, p_kind text, p_lease interval)
RETURNS TABLE (firm int, id uuid, data text, sealed bytea, tries int, wake int, lease timestamptz)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE job j SET worker = p_worker, lease = now() + p_lease, tries = j.tries + 1
     WHERE (j.firm, j.id) = (
               SELECT d.firm, d.id FROM job d
                WHERE d.state = 'waiting' AND d.kind = p_kind AND d.due <= now()
                  AND (d.lease IS NULL OR d.lease < now())
                ORDER BY d.due LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING j.firm, j.id, j.data::text, j.sealed, j.tries, j.wake, j.lease;
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
     WHERE u.firm = kz_at_firm() AND u.id = p_upload
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

-- The uploads that a worker has taken, and by which lease.
CREATE OR REPLACE FUNCTION kz_worker_uploads(p_worker uuid)
RETURNS TABLE (firm int, id uuid, lease timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT u.firm, u.id, u.lease FROM upload u
     WHERE u.state IN ('scanning', 'storing') AND u.worker = p_worker AND u.lease > now();
$$;

-- Frees one of these, on which nobody works any more.
CREATE OR REPLACE FUNCTION kz_upload_free(p_firm int, p_id uuid, p_worker uuid, p_lease timestamptz)
RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE upload SET worker = NULL, lease = NULL
     WHERE firm = p_firm AND id = p_id AND worker = p_worker AND lease = p_lease
    RETURNING true;
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

-- The clock was ahead for a while: what was noted then waits for no longer than what is noted now. Nothing is put
-- off for more than an hour (KZ_JOB_LONGEST in work/job.c), but what waits to be removed (KanzleiDiscardGrace): of that
-- the time counts from now. No lease is longer than half a day. Jobs are found by kind, as the index of due ones has them.
CREATE OR REPLACE FUNCTION kz_clock_set_back()
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    k text := '';
BEGIN
    LOOP
        SELECT min(kind) INTO k FROM job WHERE state = 'waiting' AND kind > k;
        EXIT WHEN k IS NULL;
        UPDATE job SET due = now() WHERE state = 'waiting' AND kind = k AND due > now() + interval '2 hours'
           AND (k <> 'remove_object' OR tries > 0);
    END LOOP;
    UPDATE job SET due = now() + (due - created), created = now()
     WHERE state = 'waiting' AND kind = 'remove_object' AND tries = 0 AND created > now() + interval '1 minute';
    UPDATE job SET worker = NULL, lease = NULL
     WHERE state = 'waiting' AND worker IS NOT NULL AND lease > now() + interval '12 hours';
    UPDATE upload SET touched = now()
     WHERE state IN ('receiving', 'scanning', 'storing') AND touched > now() + interval '1 minute';
    UPDATE upload SET worker = NULL, lease = NULL
     WHERE state IN ('scanning', 'storing') AND lease > now() + interval '12 hours';
    UPDATE object_copy SET at = now() WHERE state <> 'held' AND at > now() + interval '2 hours';
    UPDATE session SET seen = now() WHERE seen > now() + interval '1 minute';
END $$;

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
    PERFORM kz_clock_set_back();
    DELETE FROM session WHERE ends < now() - interval '1 day';
    GET DIAGNOSTICS gone = ROW_COUNT;
    DELETE FROM upload WHERE state IN ('available', 'infected', 'unscannable', 'failed')
                         AND touched < now() - interval '1 day';
    GET DIAGNOSTICS n = ROW_COUNT;
    gone := gone + n;
    DELETE FROM form_sent WHERE at < now() - interval '8 days';
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
-- Whoever is signed in gets his own; a person who redeems a code may not see the clients yet.
CREATE OR REPLACE FUNCTION kz_account_words(p_account uuid)
RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT concat_ws(' ', a.name, a.user_name, split_part(a.email, '@', 1), f.name,
               (SELECT string_agg(x.display, ' ') FROM (
                    SELECT c.display FROM account_client ac
                      JOIN client c ON c.firm = ac.firm AND c.id = ac.client
                     WHERE ac.firm = a.firm AND ac.account = a.id
                       AND (ac.ends_at IS NULL OR ac.ends_at > now()) LIMIT 20) x))
      FROM account a JOIN firm f ON f.id = a.firm
     WHERE a.firm = (SELECT kz_at_firm()) AND a.id = p_account AND (kz_side() = 'public' OR a.id = kz_me());
$$;
