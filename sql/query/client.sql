-- Clients by name: those behind PLACE, or the last ones before it (BACK); for those who see every client.
-- clients(place uuid, back bool, count int4) :many
-- -> id uuid, number text, client_name text, kind enum(person|company), city text,
--    matters_count int4, fresh_count int4, access enum(none|invited|active|locked|hidden)
SELECT r.id, r.number, r.client_name, r.kind, r.city, r.matters_count, r.fresh_count, r.access
  FROM (SELECT c.firm, c.id, c.sort FROM client c
         WHERE true
               [place: AND (c.sort, c.id) [back: <] [!back: >]
                           ((SELECT p.sort FROM client p WHERE p.id = $place), $place)]
         ORDER BY c.firm [back: DESC], c.sort [back: DESC], c.id [back: DESC] LIMIT $count) x, LATERAL (
      SELECT * FROM client_row r WHERE r.firm = x.firm AND r.id = x.id LIMIT 1) r
 ORDER BY x.sort, x.id;

-- The same for those who see the clients and matters assigned to them; a place that is none is the start.
-- clients_mine(place uuid, back bool, count int4) :many as clients
SELECT r.id, r.number, r.client_name, r.kind, r.city, r.matters_count, r.fresh_count, r.access
  FROM (SELECT c.firm, c.id, c.sort
          FROM visible_client v, LATERAL (
              SELECT * FROM client c WHERE c.firm = v.firm AND c.id = v.client LIMIT 1) c
         WHERE true
               [place: AND (c.sort, c.id) [back: <] [!back: >]
                           (coalesce((SELECT p.sort FROM client p WHERE p.id = $place), ''), $place)]
         ORDER BY c.sort [back: DESC], c.id [back: DESC] LIMIT $count) x, LATERAL (
      SELECT * FROM client_row r WHERE r.firm = x.firm AND r.id = x.id LIMIT 1) r
 ORDER BY x.sort, x.id;

-- Those whose number, name or town is LIKE something, in either case; BACK: the last ones before PLACE.
-- clients_found(like text, place uuid, back bool, count int4) :many as clients
SELECT r.id, r.number, r.client_name, r.kind, r.city, r.matters_count, r.fresh_count, r.access
  FROM kz_client_search(lower($like), $place, $back, $count) x, LATERAL (
      SELECT * FROM client_row r WHERE r.firm = x.firm AND r.id = x.id LIMIT 1) r
 ORDER BY r.sort, r.id;

-- Those with a locked access. They are few, so that all of them are sorted.
-- clients_locked(like text, place uuid, back bool, count int4) :many as clients_found
SELECT r.id, r.number, r.client_name, r.kind, r.city, r.matters_count, r.fresh_count, r.access
  FROM (SELECT DISTINCT c.firm, c.id, c.sort
          FROM account a
          JOIN account_client ac ON ac.firm = a.firm AND ac.account = a.id
          JOIN client c ON c.firm = ac.firm AND c.id = ac.client
         WHERE a.locked_at IS NOT NULL [like: AND c.search LIKE lower($like)]
               [place: AND (c.sort, c.id) [back: <] [!back: >]
                           (coalesce((SELECT p.sort FROM client p WHERE p.id = $place), ''), $place)]
         ORDER BY c.sort [back: DESC], c.id [back: DESC] LIMIT $count) x
  JOIN client_row r ON r.firm = x.firm AND r.id = x.id
 ORDER BY x.sort, x.id;

-- whole: not for one of its matters alone.
-- client(client uuid) :one!
-- -> id uuid, number text, kind enum(person|company), salutation text, first_name text, name text,
--    client_name text, street text, postcode text, city text, country text, email text,
--    language enum(de|en), created timestamptz, whole bool
SELECT id, number, kind, salutation, first_name, name, display, street, postcode, city, country,
       email, language, created, kz_sees_client(id)
  FROM client WHERE id = $client;

-- The same, locked for whoever changes it, to the end of the transaction.
-- client_locked(client uuid) :one! as client
SELECT id, number, kind, salutation, first_name, name, display, street, postcode, city, country,
       email, language, created, kz_sees_client(id)
  FROM client WHERE id = $client FOR NO KEY UPDATE;

-- client_add(id uuid, number text, kind text, salutation text, first_name text, name text,
--            street text, postcode text, city text, country text, email text, language text) :exec
INSERT INTO client (firm, id, number, kind, salutation, first_name, name, street, postcode, city,
                    country, email, language)
VALUES (kz_at_firm(), $id, $number, $kind, $salutation, $first_name, $name,
        $street, $postcode, $city, $country, $email, $language);

-- client_change(id uuid, number text, kind text, salutation text, first_name text, name text,
--               street text, postcode text, city text, country text, email text,
--               language text) :exec as client_add
UPDATE client SET number = $number, kind = $kind, salutation = $salutation,
                  first_name = $first_name, name = $name, street = $street, postcode = $postcode,
                  city = $city, country = $country, email = $email, language = $language
 WHERE id = $id;

-- assignments_of_client(client uuid) :many
-- -> staff_id uuid, staff_name text
SELECT s.staff, a.name
  FROM assignment s JOIN person a ON a.firm = s.firm AND a.id = s.staff
 WHERE s.client = $client ORDER BY a.name, s.staff LIMIT 201;

-- Staff who are not assigned to a client one by one.
-- assignable(client uuid) :many
-- -> id uuid, staff_name text
SELECT a.id, a.name
  FROM person a
 WHERE a.kind = 'staff' AND NOT EXISTS (
           SELECT FROM assignment s WHERE s.firm = a.firm AND s.staff = a.id AND s.client = $client)
 ORDER BY a.firm, a.kind, a.name, a.id LIMIT 201;

-- The accesses of a client.
-- accounts_of_client(client uuid) :many
-- -> id uuid, user text, name text, email text, state enum(new|invited|active|locked),
--    last_sign_in timestamptz
SELECT a.id, a."user", a.name, a.email, a.state, a.last_sign_in
  FROM account_client ac JOIN account_row a ON a.firm = ac.firm AND a.id = ac.account
 WHERE ac.client = $client ORDER BY a.name, a.id LIMIT 201;

-- One of the firm's staff, as anybody of the firm knows them: by name.
-- colleague(staff uuid) :maybe
-- -> id uuid
SELECT id FROM person WHERE kind = 'staff' AND id = $staff;

-- assignment_add(id uuid, staff uuid, client uuid) :exec
INSERT INTO assignment (firm, id, staff, client)
VALUES (kz_at_firm(), $id, $staff, $client)
ON CONFLICT ON CONSTRAINT assignment_client_taken DO NOTHING;

-- assignment_end(staff uuid, client uuid) :exec
DELETE FROM assignment WHERE staff = $staff AND client = $client;
