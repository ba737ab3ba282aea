-- The staff's worklist; each part exists twice: for those who see every client, and for those who see
-- the clients and matters assigned to them (of each the first few, merged).

-- The locked accesses of clients that one sees; to administrators those of staff too.
-- home_locked() :many
-- -> account_id uuid, name text, user text, client_id uuid, client_name text, locked_at timestamptz
SELECT a.id, a.name, a.user_name, c.id, NULLIF(c.display, a.name), a.locked_at
  FROM account a
  LEFT JOIN LATERAL (
      SELECT c.id, c.display FROM account_client ac
        JOIN client c ON c.firm = ac.firm AND c.id = ac.client
       WHERE ac.firm = a.firm AND ac.account = a.id LIMIT 1) c ON true
 WHERE a.locked_at IS NOT NULL AND (c.id IS NOT NULL OR a.kind = 'staff' AND (
           SELECT EXISTS (SELECT FROM "right" r WHERE r.name = 'admin' AND r.staff =
               (SELECT kz_me()))))
 ORDER BY a.locked_at DESC, a.id LIMIT 6;

-- Whom no mail reaches, of the same people.
-- home_unreachable() :many
-- -> account_id uuid, name text, email text, kind enum(staff|client), client_id uuid, client_name text, failed timestamptz
SELECT a.id, a.name, a.email, a.kind, c.id, NULLIF(c.display, a.name), a.mail_failed_at
  FROM account a
  LEFT JOIN LATERAL (
      SELECT c.id, c.display FROM account_client ac
        JOIN client c ON c.firm = ac.firm AND c.id = ac.client
       WHERE ac.firm = a.firm AND ac.account = a.id LIMIT 1) c ON true
 WHERE a.mail_failed_at IS NOT NULL AND (c.id IS NOT NULL OR a.kind = 'staff' AND (
           SELECT EXISTS (SELECT FROM "right" r WHERE r.name = 'admin' AND r.staff =
               (SELECT kz_me()))))
 ORDER BY a.mail_failed_at DESC, a.id LIMIT 6;

-- home_kept() :many
-- -> id uuid, name text, size bytes, at timestamptz, kind enum(pdf|picture|text|other), reason text,
--    matter_id uuid, matter_title text, client_id uuid, client_name text
SELECT id, name, size, at, kind, reason, matter_id, matter_title, client_id, client_name
  FROM document_row WHERE state = 'unscannable' AND id <> '00000000-0000-0000-0000-000000000000'
 ORDER BY at DESC, id DESC LIMIT 6;

-- home_kept_mine() :many as home_kept
SELECT r.id, r.name, r.size, r.at, r.kind, r.reason, r.matter_id, r.matter_title, r.client_id,
       r.client_name
  FROM (SELECT d.*
          FROM visible v, LATERAL (
              SELECT d.firm, d.id, d.at FROM document d
               WHERE d.firm = v.firm AND d.client = v.client AND d.state = 'unscannable'
               ORDER BY d.at DESC, d.id DESC LIMIT 6) d
         UNION ALL
        SELECT d.*
          FROM visible_matter v, LATERAL (
              SELECT d.firm, d.id, d.at FROM document d
               WHERE d.firm = v.firm AND d.client = v.client AND d.matter = v.matter
                 AND d.state = 'unscannable' ORDER BY d.at DESC, d.id DESC LIMIT 6) d
         ORDER BY at DESC, id DESC LIMIT 6) x
  JOIN document_row r ON r.firm = x.firm AND r.id = x.id
 ORDER BY r.at DESC, r.id DESC;

-- New from clients: nobody of the firm has opened it. The newest first.
-- home_fresh() :many
-- -> id uuid, name text, size bytes, at timestamptz, kind enum(pdf|picture|text|other),
--    matter_id uuid, matter_title text, client_id uuid, client_name text
SELECT r.id, r.name, r.size, r.at, r.kind, r.matter_id, r.matter_title, r.client_id, r.client_name
  FROM (SELECT firm, document, client, provided_at FROM delivery
         WHERE direction = 'from_client' AND opened_at IS NULL AND document <> '00000000-0000-0000-0000-000000000000'
         ORDER BY provided_at DESC, document DESC LIMIT 6) w
  JOIN document_row r ON r.firm = w.firm AND r.id = w.document AND r.client_id = w.client
 WHERE r.state = 'available' ORDER BY w.provided_at DESC, w.document DESC;

-- home_fresh_mine() :many as home_fresh
SELECT r.id, r.name, r.size, r.at, r.kind, r.matter_id, r.matter_title, r.client_id, r.client_name
  FROM (SELECT w.* FROM visible v, LATERAL (
               SELECT d.firm, d.document, d.client, d.provided_at FROM delivery d
                WHERE d.firm = v.firm AND d.client = v.client AND d.direction = 'from_client'
                  AND d.opened_at IS NULL ORDER BY d.provided_at DESC, d.document DESC LIMIT 6) w
         UNION ALL
        SELECT w.* FROM visible_matter v, LATERAL (
               SELECT d.firm, d.document, d.client, d.provided_at FROM delivery d
                WHERE d.firm = v.firm AND d.matter = v.matter AND d.direction = 'from_client'
                  AND d.opened_at IS NULL ORDER BY d.provided_at DESC, d.document DESC LIMIT 6) w
         ORDER BY provided_at DESC, document DESC LIMIT 6) w
  JOIN document_row r ON r.firm = w.firm AND r.id = w.document AND r.client_id = w.client
 WHERE r.state = 'available' ORDER BY w.provided_at DESC, w.document DESC;

-- Documents that the client has not opened yet, the longest waiting first.
-- home_unopened() :many
-- -> id uuid, name text, size bytes, at timestamptz, kind enum(pdf|picture|text|other),
--    matter_id uuid, matter_title text, client_id uuid, client_name text, old bool
SELECT r.id, r.name, r.size, r.at, r.kind, r.matter_id, r.matter_title, r.client_id, r.client_name,
       r.at < now() - interval '14 days'
  FROM (SELECT firm, document, client, provided_at FROM delivery
         WHERE direction = 'from_firm' AND opened_at IS NULL AND document <> '00000000-0000-0000-0000-000000000000'
         ORDER BY provided_at, document LIMIT 6) w
  JOIN document_row r ON r.firm = w.firm AND r.id = w.document AND r.client_id = w.client
 WHERE r.state = 'available' ORDER BY w.provided_at, w.document;

-- home_unopened_mine() :many as home_unopened
SELECT r.id, r.name, r.size, r.at, r.kind, r.matter_id, r.matter_title, r.client_id, r.client_name,
       r.at < now() - interval '14 days'
  FROM (SELECT w.* FROM visible v, LATERAL (
               SELECT d.firm, d.document, d.client, d.provided_at FROM delivery d
                WHERE d.firm = v.firm AND d.client = v.client AND d.direction = 'from_firm'
                  AND d.opened_at IS NULL ORDER BY d.provided_at, d.document LIMIT 6) w
         UNION ALL
        SELECT w.* FROM visible_matter v, LATERAL (
               SELECT d.firm, d.document, d.client, d.provided_at FROM delivery d
                WHERE d.firm = v.firm AND d.matter = v.matter AND d.direction = 'from_firm'
                  AND d.opened_at IS NULL ORDER BY d.provided_at, d.document LIMIT 6) w
         ORDER BY provided_at, document LIMIT 6) w
  JOIN document_row r ON r.firm = w.firm AND r.id = w.document AND r.client_id = w.client
 WHERE r.state = 'available' ORDER BY w.provided_at, w.document;

-- How much is open, counted to 100 at most.
-- home_counts() :one
-- -> kept int4, fresh int4, unopened int4
SELECT (SELECT count(*) FROM (SELECT FROM document
         WHERE state = 'unscannable' AND id <> '00000000-0000-0000-0000-000000000000'
         ORDER BY at DESC, id DESC LIMIT 100) k)::int,
       (SELECT count(*) FROM (SELECT FROM delivery
         WHERE direction = 'from_client' AND opened_at IS NULL AND document <> '00000000-0000-0000-0000-000000000000'
         ORDER BY provided_at, document LIMIT 100) f)::int,
       (SELECT count(*) FROM (SELECT FROM delivery
         WHERE direction = 'from_firm' AND opened_at IS NULL AND document <> '00000000-0000-0000-0000-000000000000'
         ORDER BY provided_at, document LIMIT 100) u)::int;

-- home_counts_mine() :one as home_counts
SELECT (SELECT count(*) FROM (
            SELECT FROM visible v, LATERAL (
                SELECT FROM document d
                 WHERE d.firm = v.firm AND d.client = v.client AND d.state = 'unscannable'
                 ORDER BY d.at DESC, d.id DESC LIMIT 100) d
             UNION ALL
            SELECT FROM visible_matter v, LATERAL (
                SELECT FROM document d
                 WHERE d.firm = v.firm AND d.client = v.client AND d.matter = v.matter AND d.state = 'unscannable'
                 ORDER BY d.at DESC, d.id DESC LIMIT 100) d LIMIT 100) k)::int,
       (SELECT count(*) FROM (
            SELECT FROM visible v, LATERAL (
                SELECT FROM delivery d
                 WHERE d.firm = v.firm AND d.client = v.client AND d.direction = 'from_client' AND d.opened_at IS NULL
                 ORDER BY d.provided_at, d.document LIMIT 100) d
             UNION ALL
            SELECT FROM visible_matter v, LATERAL (
                SELECT FROM delivery d
                 WHERE d.firm = v.firm AND d.matter = v.matter AND d.direction = 'from_client' AND d.opened_at IS NULL
                 ORDER BY d.provided_at, d.document LIMIT 100) d LIMIT 100) f)::int,
       (SELECT count(*) FROM (
            SELECT FROM visible v, LATERAL (
                SELECT FROM delivery d
                 WHERE d.firm = v.firm AND d.client = v.client AND d.direction = 'from_firm' AND d.opened_at IS NULL
                 ORDER BY d.provided_at, d.document LIMIT 100) d
             UNION ALL
            SELECT FROM visible_matter v, LATERAL (
                SELECT FROM delivery d
                 WHERE d.firm = v.firm AND d.matter = v.matter AND d.direction = 'from_firm' AND d.opened_at IS NULL
                 ORDER BY d.provided_at, d.document LIMIT 100) d LIMIT 100) u)::int;

-- New for a client.
-- home_fresh_client() :many
-- -> id uuid, name text, size bytes, at timestamptz, kind enum(pdf|picture|text|other),
--    matter_id uuid, matter_title text, client_id uuid, client_name text
SELECT r.id, r.name, r.size, r.at, r.kind, r.matter_id, r.matter_title, r.client_id, r.client_name
  FROM (SELECT w.* FROM visible v, LATERAL (
               SELECT d.firm, d.document, d.client, d.provided_at FROM delivery d
                WHERE d.firm = v.firm AND d.client = v.client AND d.direction = 'from_firm'
                  AND d.opened_at IS NULL ORDER BY d.provided_at DESC, d.document DESC LIMIT 100) w
         ORDER BY w.provided_at DESC, w.document DESC LIMIT 100) w
  JOIN document_row r ON r.firm = w.firm AND r.id = w.document AND r.client_id = w.client
 WHERE r.state = 'available' ORDER BY w.provided_at DESC, w.document DESC;
