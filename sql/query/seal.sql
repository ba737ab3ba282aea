-- The firms with events that no seal covers yet, one after the other; 0 behind the last.
-- seal_due(after int4) :one
-- -> firm int4
SELECT kz_seal_due($after);

-- One seals a firm's events at a time.
-- seal_lock() :one
-- -> mine bool, now timestamptz
SELECT pg_try_advisory_xact_lock(x'6b7a'::int, kz_at_firm()), now();

-- seal_head() :maybe
-- -> number int8, at timestamptz, hash bytea
SELECT number, at, hash FROM event_seal ORDER BY firm DESC, number DESC LIMIT 1;

-- A page first, then its rows one by one, here and below: whatever the planner believes of tables that
-- have just grown, it costs no more.
-- seal_events(limit int4) :many
-- -> id uuid, at timestamptz, kind text, account uuid, client uuid, document uuid, subject uuid,
--    detail text
SELECT e.id, e.at, e.kind, e.account, e.client, e.document, e.subject, e.detail
  FROM (SELECT firm, event FROM event_unsealed ORDER BY firm, event LIMIT $limit) u,
       LATERAL (SELECT * FROM event x WHERE x.firm = u.firm AND x.id = u.event OFFSET 0) e
 ORDER BY e.id;

-- seal_add(number int8, at timestamptz, count int4, previous bytea, hash bytea, key bytea,
--          signature bytea, events uuid[], hashes bytea[]) :exec
WITH seal AS (
    INSERT INTO event_seal (firm, number, at, count, previous, hash, key, signature)
    VALUES (kz_at_firm(), $number, $at, $count, $previous, $hash, $key, $signature)),
sealed AS (
    INSERT INTO event_sealed (firm, event, seal, place, hash)
    SELECT kz_at_firm(), x.event, $number, x.place, x.hash
      FROM unnest($events::uuid[], $hashes::bytea[]) WITH ORDINALITY AS x (event, hash, place))
DELETE FROM event_unsealed WHERE event = ANY ($events::uuid[]);

-- Read by a check: the seals behind one, the events that they cover, in order.
-- seals(after int8, limit int4) :many
-- -> number int8, at timestamptz, count int4, previous bytea, hash bytea, key bytea, signature bytea
SELECT number, at, count, previous, hash, key, signature
  FROM event_seal WHERE number > $after ORDER BY firm, number LIMIT $limit;

-- FOUND is false when the event is gone.
-- sealed_events(seal int8, place int4, limit int4) :many
-- -> seal int8, place int4, hash bytea, event uuid, found bool, at timestamptz, kind text,
--    account uuid, client uuid, document uuid, subject uuid, detail text
SELECT m.seal, m.place, m.hash, m.event, e.id IS NOT NULL, e.at, e.kind, e.account, e.client,
       e.document, e.subject, e.detail
  FROM (SELECT * FROM event_sealed WHERE (seal, place) > ($seal, $place)
         ORDER BY firm, seal, place LIMIT $limit) m
  LEFT JOIN LATERAL (SELECT * FROM event x WHERE x.firm = m.firm AND x.id = m.event OFFSET 0) e ON true
 ORDER BY m.seal, m.place;

-- The firm's events by id, behind one: whether each is sealed or waits for it.
-- events_covered(after uuid, limit int4) :many
-- -> id uuid, at timestamptz, kind text, covered bool
SELECT e.id, e.at, e.kind, m.it IS NOT NULL OR u.it IS NOT NULL
  FROM (SELECT firm, id, at, kind FROM event WHERE id > $after ORDER BY firm, id LIMIT $limit) e
  LEFT JOIN LATERAL (SELECT x.event AS it FROM event_sealed x
                      WHERE x.firm = e.firm AND x.event = e.id OFFSET 0) m ON true
  LEFT JOIN LATERAL (SELECT x.event AS it FROM event_unsealed x
                      WHERE x.firm = e.firm AND x.event = e.id OFFSET 0) u ON true
 ORDER BY e.id;

-- Those that wait for a seal, behind one: whether each is there.
-- events_waiting(after uuid, limit int4) :many
-- -> event uuid, found bool
SELECT u.event, e.id IS NOT NULL
  FROM (SELECT firm, event FROM event_unsealed WHERE event > $after ORDER BY firm, event LIMIT $limit) u
  LEFT JOIN LATERAL (SELECT x.id FROM event x WHERE x.firm = u.firm AND x.id = u.event OFFSET 0) e ON true
 ORDER BY u.event;
