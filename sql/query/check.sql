-- Receipts against the events that tell of them (model/check/check_receipts.c), page by page in the order of keys.

-- The deliveries behind one. TOLD: the time of the event by which it was provided, the nearest one; WRONG: steps whose
-- first time in the delivery is no step's, or not the first; "document" when the document shows other times or another
-- place than the delivery to its own client.
-- check_deliveries(document uuid, client uuid, limit int4) :many
-- -> document uuid, client uuid, provided timestamptz, told timestamptz, wrong text
SELECT v.document, v.client, v.provided_at,
       (SELECT e.at FROM event e
         WHERE e.firm = v.firm AND e.document = v.document AND e.client = v.client AND e.kind = 'provided'
           AND e.account = v.provided_by
         ORDER BY greatest(e.at, v.provided_at) - least(e.at, v.provided_at) LIMIT 1),
       (SELECT concat_ws(' ', string_agg(x.step, ' '),
                         CASE WHEN d.direction <> v.direction OR d.client = v.client AND (
                                   (d.opened_at, d.received_at, d.confirmed_at) IS DISTINCT FROM
                                   (v.opened_at, v.received_at, v.confirmed_at) OR d.matter <> v.matter
                                   OR d.decided_at IS NULL AND d.at <> v.provided_at) THEN 'document' END)
          FROM (VALUES ('notified', v.notified_at, v.notified_to), ('opened', v.opened_at, v.opened_by),
                       ('received', v.received_at, v.received_by), ('confirmed', v.confirmed_at, v.confirmed_by))
               x (step, at, account)
         WHERE CASE WHEN x.at IS NULL OR x.account IS NULL THEN
                    EXISTS (SELECT FROM delivery_step s WHERE s.firm = v.firm AND s.document = v.document
                               AND s.client = v.client AND s.step = x.step)
               ELSE NOT EXISTS (SELECT FROM delivery_step s WHERE s.firm = v.firm AND s.document = v.document
                                   AND s.client = v.client AND s.step = x.step AND s.account = x.account
                                   AND s.at = x.at)
                    OR EXISTS (SELECT FROM delivery_step s WHERE s.firm = v.firm AND s.document = v.document
                                  AND s.client = v.client AND s.step = x.step AND s.at < x.at - interval '1 minute')
               END)
  FROM (SELECT * FROM delivery WHERE (document, client) > ($document, $client)
         ORDER BY firm, document, client LIMIT $limit) v
  JOIN LATERAL (SELECT x.client, x.matter, x.direction, x.at, x.opened_at, x.received_at, x.confirmed_at, x.decided_at
                  FROM document x WHERE x.firm = v.firm AND x.id = v.document OFFSET 0) d ON true
 ORDER BY v.document, v.client;

-- The steps behind one. TOLD: the time of the nearest event about the same. UNTOLD: it is a later person's, of before
-- migration receipts_once: then only the first had an event. MARKED_OTHERWISE: the mark of a code of the firm's is not
-- that of the event.
-- check_steps(document uuid, client uuid, account uuid, step text, limit int4) :many
-- -> document uuid, client uuid, account uuid, step text, at timestamptz, told timestamptz, untold bool,
--    marked_otherwise bool
SELECT s.document, s.client, s.account, s.step, s.at, t.at,
       s.step <> 'notified' AND s.at < (SELECT kz_steps_told_since())
           AND EXISTS (SELECT FROM delivery_step o WHERE o.firm = s.firm AND o.document = s.document
                          AND o.client = s.client AND o.step = s.step AND o.account <> s.account AND o.at <= s.at),
       s.firm_code <> (t.detail = 'firm_code')
  FROM (SELECT * FROM delivery_step WHERE (document, client, account, step) > ($document, $client, $account, $step)
         ORDER BY firm, document, client, account, step LIMIT $limit) s
  LEFT JOIN LATERAL (
       SELECT e.at, e.detail FROM event e
        WHERE e.firm = s.firm AND e.document = s.document AND e.client = s.client AND e.kind = s.step
          AND CASE s.step WHEN 'notified' THEN e.subject ELSE e.account END = s.account
        ORDER BY greatest(e.at, s.at) - least(e.at, s.at) LIMIT 1) t ON true
 ORDER BY s.document, s.client, s.account, s.step;

-- The events behind one that tell of a delivery or of a step: whether that is there.
-- check_told(after uuid, limit int4) :many
-- -> id uuid, kind text, document uuid, found bool
SELECT e.id, e.kind, e.document,
       CASE e.kind WHEN 'provided' THEN EXISTS (
           SELECT FROM delivery v WHERE v.firm = e.firm AND v.document = e.document AND v.client = e.client
              AND v.provided_by = e.account)
       WHEN 'notified' THEN EXISTS (
           SELECT FROM delivery_step s WHERE s.firm = e.firm AND s.document = e.document AND s.client = e.client
              AND s.account = e.subject AND s.step = e.kind)
       ELSE EXISTS (
           SELECT FROM delivery_step s WHERE s.firm = e.firm AND s.document = e.document AND s.client = e.client
              AND s.account = e.account AND s.step = e.kind) END
  FROM (SELECT * FROM event WHERE id > $after AND document IS NOT NULL
           AND kind IN ('provided', 'notified', 'opened', 'delivered', 'received', 'confirmed')
         ORDER BY firm, id LIMIT $limit) e
 ORDER BY e.id;

-- What events say of a document's name and matter, which its sealed header doesn't know: NULL, nothing.
-- check_renamed(document uuid) :one
-- -> name text, matter uuid
SELECT (SELECT e.detail FROM event e WHERE e.document = $document AND e.kind = 'renamed'
         ORDER BY e.at DESC, e.id DESC LIMIT 1),
       (SELECT e.subject FROM event e WHERE e.document = $document AND e.kind = 'moved'
         ORDER BY e.at DESC, e.id DESC LIMIT 1);
