-- Functions of kanzleictl about all firms at once: numbers and errors, nothing that a client wrote. They
-- read past row-level security; applied before grant.sql, which grants them to the portal's role.

-- The state of the installation. COPIES_OPEN: what is to be mended in P_STORES; COPIES_GONE: what others
-- missed, which are not configured any more, by name in STORES_GONE. JOBS_OLDEST: since when a job could
-- have been done and nobody has; UPLOADS_LATE: complete, and tried in vain for half an hour or longer;
-- SEALS_OLDEST: since when an event waits for its seal.
DROP FUNCTION IF EXISTS kz_status();
CREATE OR REPLACE FUNCTION kz_status(p_stores text[])
RETURNS TABLE (version int, firms bigint, jobs_waiting bigint, jobs_failed bigint, uploads bigint,
               uploads_late bigint, held bigint, copies_open bigint, copies_oldest timestamptz, copies_gone bigint,
               stores_gone text, jobs_oldest timestamptz, seals_oldest timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH copy AS (
        SELECT o.store, o.store = ANY (p_stores) AS ours, d.at FROM object_copy o
          JOIN document d ON d.firm = o.firm AND d.id = o.document
         WHERE o.state <> 'held' AND d.state <> 'discarded')
    SELECT (SELECT max(m.number) FROM migration m), (SELECT count(*) FROM firm),
           (SELECT count(*) FROM job WHERE state = 'waiting'),
           (SELECT count(*) FROM job WHERE state = 'failed' AND due > now() - interval '1 day'),
           (SELECT count(*) FROM upload WHERE state IN ('receiving', 'scanning', 'storing')),
           (SELECT count(*) FROM upload WHERE state IN ('scanning', 'storing') AND tries >= 60),
           (SELECT count(*) FROM document WHERE state = 'unscannable'),
           (SELECT count(*) FROM copy WHERE ours), (SELECT min(at) FROM copy WHERE ours),
           (SELECT count(*) FROM copy WHERE NOT ours),
           (SELECT string_agg(DISTINCT store, ', ' ORDER BY store) FROM copy WHERE NOT ours),
           (SELECT min(due) FROM job WHERE state = 'waiting' AND due <= now()
                                       AND (lease IS NULL OR lease < now())),
           (SELECT min(since) FROM event_unsealed);
$$;

-- Jobs that went wrong at least once, and are not done: the newest first.
CREATE OR REPLACE FUNCTION kz_status_jobs(p_limit int)
RETURNS TABLE (slug text, id uuid, kind text, state text, tries int, error text, due timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT f.slug, j.id, j.kind, j.state, j.tries, j.error, j.due
      FROM job j JOIN firm f ON f.id = j.firm
     WHERE j.error <> '' AND (j.state = 'waiting' OR
                              j.state = 'failed' AND j.due > now() - interval '1 day')
     ORDER BY j.due DESC, j.id LIMIT p_limit;
$$;

-- Those of the stores' keys P_OBJECTS that no document has, and no upload that is being stored. The object
-- of a discarded document is known as long as its removal waits.
CREATE OR REPLACE FUNCTION kz_objects_unknown(p_objects text[])
RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT o FROM unnest(p_objects) o
     WHERE NOT EXISTS (SELECT FROM document d WHERE d.object = o
                          AND (d.state <> 'discarded' OR EXISTS
                               (SELECT FROM job j WHERE j.firm = d.firm AND j.state = 'waiting'
                                   AND j.kind = 'remove_object'
                                   AND j.data = jsonb_build_object('object', o))))
       AND NOT EXISTS (SELECT FROM upload u
                        WHERE u.state IN ('receiving', 'scanning', 'storing')
                          AND u.firm::text = split_part(o, '/', 1)
                          AND u.id::text = split_part(o, '/', 3));
$$;

-- Since when every step of a delivery has its event; before, the first one of each kind had.
CREATE OR REPLACE FUNCTION kz_steps_told_since()
RETURNS timestamptz LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT applied FROM migration WHERE name LIKE '%receipts_once';
$$;
