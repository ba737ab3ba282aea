-- matters_of_client(client uuid) :many
-- -> id uuid, number text, title text, client_name text, documents_count int4, fresh_count int4,
--    changed timestamptz
SELECT m.id, m.number, m.title, c.display, n.documents, f.fresh, l.at
  FROM matter m
  JOIN client c ON c.firm = m.firm AND c.id = m.client,
       LATERAL (SELECT count(*)::int AS documents FROM (SELECT FROM document d
                 WHERE d.firm = m.firm AND d.matter = m.id ORDER BY d.at DESC, d.id DESC LIMIT 100) x) n,
       LATERAL (SELECT count(*)::int AS fresh FROM (SELECT FROM delivery v
                 WHERE v.firm = m.firm AND v.matter = m.id AND v.opened_at IS NULL
                   AND v.direction = (SELECT CASE kz_side() WHEN 'client' THEN 'from_firm' ELSE 'from_client' END)
                 ORDER BY v.provided_at, v.document LIMIT 100) x) f
  LEFT JOIN LATERAL (SELECT d.at FROM document d WHERE d.firm = m.firm AND d.matter = m.id
                      ORDER BY d.at DESC, d.id DESC LIMIT 1) l ON true
 WHERE m.client = $client ORDER BY m.created DESC, m.id DESC LIMIT 201;

-- The matters of all clients that a client's account acts for, newest first, from a place on.
-- matters_mine(at timestamptz, before timestamptz, id uuid, count int4) :many
-- -> id uuid, number text, title text, client_name text, documents_count int4, fresh_count int4,
--    changed timestamptz, created timestamptz
SELECT m.id, m.number, m.title, c.display, n.documents, f.fresh, l.at, m.created
  FROM (SELECT m.*
          FROM visible s JOIN matter m ON m.firm = s.firm AND m.client = s.client
         WHERE true [at: AND (m.created, m.id) < ($at, $id)] [before: AND (m.created, m.id) > ($before, $id)]
         ORDER BY m.created [!before: DESC], m.id [!before: DESC] LIMIT $count) m
  JOIN client c ON c.firm = m.firm AND c.id = m.client,
       LATERAL (SELECT count(*)::int AS documents FROM (SELECT FROM document d
                 WHERE d.firm = m.firm AND d.matter = m.id ORDER BY d.at DESC, d.id DESC LIMIT 100) x) n,
       LATERAL (SELECT count(*)::int AS fresh FROM (SELECT FROM delivery v
                 WHERE v.firm = m.firm AND v.matter = m.id AND v.opened_at IS NULL
                   AND v.direction = (SELECT CASE kz_side() WHEN 'client' THEN 'from_firm' ELSE 'from_client' END)
                 ORDER BY v.provided_at, v.document LIMIT 100) x) f
  LEFT JOIN LATERAL (SELECT d.at FROM document d WHERE d.firm = m.firm AND d.matter = m.id
                      ORDER BY d.at DESC, d.id DESC LIMIT 1) l ON true
 ORDER BY m.created DESC, m.id DESC;

-- matter(matter uuid) :one!
-- -> id uuid, number text, title text, client_id uuid, client_name text
SELECT m.id, m.number, m.title, m.client, c.display
  FROM matter m JOIN client c ON c.firm = m.firm AND c.id = m.client WHERE m.id = $matter;

-- matter_add(id uuid, client uuid, number text, title text) :exec
INSERT INTO matter (firm, id, client, number, title)
VALUES (kz_at_firm(), $id, $client, $number, $title);

-- How many clients the account acts for, 2 at most.
-- visible_count() :one
-- -> count int4
SELECT count(*)::int FROM (SELECT FROM visible LIMIT 2) v;

-- Whether nobody of the client's people can see what is provided there (NO_ACCESS), or nobody is told by mail (NO_MAIL);
-- to staff who work for the whole client.
-- matter_readers(matter uuid) :one
-- -> no_access bool, no_mail bool
SELECT kz_side() = 'staff' AND count(m.id) > 0 AND NOT coalesce(bool_or(r.reads), false),
       kz_side() = 'staff' AND coalesce(bool_or(r.reads), false) AND NOT coalesce(bool_or(r.reads AND r.mail), false)
  FROM (SELECT m.firm, m.id, m.client FROM matter m WHERE m.id = $matter AND kz_sees_client(m.client)) m
  LEFT JOIN LATERAL (
       SELECT a.has_password AS reads, a.email <> '' AS mail
         FROM account_client c JOIN account a ON a.firm = c.firm AND a.id = c.account
        WHERE c.firm = m.firm AND c.client = m.client AND (c.ends_at IS NULL OR c.ends_at > now())) r ON true;
