-- The firms with events that no seal covers yet, one after the other; 0 behind the last.
-- seal_due(after int4) :one
-- -> firm int4
SELECT kz_seal_due($1);

-- One seals a firm's events at a time.
-- seal_lock() :one
-- -> mine bool, now timestamptz
SELECT pg_try_advisory_xact_lock(x'6b7a'::int, current_setting('kz.firm')::int), now();

-- seal_head() :maybe
-- -> number int8, at timestamptz, hash bytea
SELECT number, at, hash FROM event_seal ORDER BY firm DESC, number DESC LIMIT 1;

-- seal_events(limit int4) :many
-- -> id uuid, at timestamptz, kind text, account uuid, client uuid, document uuid, subject uuid,
--    detail text
SELECT e.id, e.at, e.kind, e.account, e.client, e.document, e.subject, e.detail
  FROM event_unsealed u JOIN event e ON e.firm = u.firm AND e.id = u.event
 ORDER BY u.firm, u.event LIMIT $1;

-- seal_add(number int8, at timestamptz, count int4, previous bytea, hash bytea, key bytea,
--          signature bytea, events uuid[], hashes bytea[]) :exec
WITH seal AS (
    INSERT INTO event_seal (firm, number, at, count, previous, hash, key, signature)
    VALUES (current_setting('kz.firm')::int, $1, $2, $3, $4, $5, $6, $7)),
sealed AS (
    INSERT INTO event_sealed (firm, event, seal, place, hash)
    SELECT current_setting('kz.firm')::int, x.event, $1, x.place, x.hash
      FROM unnest($8::uuid[], $9::bytea[]) WITH ORDINALITY AS x (event, hash, place))
DELETE FROM event_unsealed WHERE event = ANY ($8::uuid[]);

-- What a check reads: the seals behind one, the events that they cover, in order.
-- seals(after int8, limit int4) :many
-- -> number int8, at timestamptz, count int4, previous bytea, hash bytea, key bytea, signature bytea
SELECT number, at, count, previous, hash, key, signature
  FROM event_seal WHERE number > $1 ORDER BY firm, number LIMIT $2;

-- FOUND is false when the event is gone.
-- sealed_events(seal int8, place int4, limit int4) :many
-- -> seal int8, place int4, hash bytea, event uuid, found bool, at timestamptz, kind text,
--    account uuid, client uuid, document uuid, subject uuid, detail text
SELECT m.seal, m.place, m.hash, m.event, e.id IS NOT NULL, e.at, e.kind, e.account, e.client,
       e.document, e.subject, e.detail
  FROM event_sealed m LEFT JOIN event e ON e.firm = m.firm AND e.id = m.event
 WHERE (m.seal, m.place) > ($1, $2) ORDER BY m.firm, m.seal, m.place LIMIT $3;

-- The firm's events by id, behind one: whether each is sealed or waits for it.
-- events_covered(after uuid, limit int4) :many
-- -> id uuid, at timestamptz, kind text, covered bool
SELECT e.id, e.at, e.kind, m.event IS NOT NULL OR u.event IS NOT NULL
  FROM event e
  LEFT JOIN event_sealed m ON m.firm = e.firm AND m.event = e.id
  LEFT JOIN event_unsealed u ON u.firm = e.firm AND u.event = e.id
 WHERE e.id > $1 ORDER BY e.firm, e.id LIMIT $2;

-- Events that wait for a seal and are gone.
-- events_unsealed_gone(limit int4) :many
-- -> event uuid, since timestamptz
SELECT u.event, u.since
  FROM event_unsealed u LEFT JOIN event e ON e.firm = u.firm AND e.id = u.event
 WHERE e.id IS NULL ORDER BY u.firm, u.event LIMIT $1;
