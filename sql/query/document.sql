-- Lists: the ids of a page first, by an index alone, and only of these what is shown. A list of somebody
-- who sees few clients ("mine") takes the newest of each client, and looks further only in the clients with
-- the newest ones: COUNT rows can't come from more clients than COUNT. Beside these come the newest of each matter
-- that is assigned without its client: they are few, so they are not weighed first. A state is a condition of its own
-- with its value in it, so that the partial index of these serves it. LATERAL … LIMIT 1 keeps the rows of a
-- page apart: how many COUNT lets through is not known to a plan for any arguments, and for a tenth of all
-- documents a join would read them all.

-- The documents of one matter, newest first, from a place on.
-- documents_of_matter(matter uuid, at timestamptz, before timestamptz, id uuid, count int4) :many
-- -> id uuid, name text, size bytes, at timestamptz, kind enum(pdf|picture|text|other),
--    state enum(available|unscannable|discarded), reason text, from_firm bool, by_name text, unread bool,
--    opened timestamptz, received timestamptz, confirmed timestamptz
SELECT id, name, size, at, kind, state, reason, from_firm, by_name, unread, opened, received, confirmed
  FROM (SELECT * FROM document_item
         WHERE matter_id = $matter [at: AND (at, id) < ($at, $id)]
            [before: AND (at, id) > ($before, $id)]
         ORDER BY at [!before: DESC], id [!before: DESC] LIMIT $count) x
 ORDER BY at DESC, id DESC;

-- document(document uuid) :one!
-- -> id uuid, name text, size bytes, at timestamptz, kind enum(pdf|picture|text|other),
--    state enum(available|unscannable|discarded), reason text, from_firm bool, by_name text, unread bool,
--    opened timestamptz, received timestamptz, confirmed timestamptz, matter_id uuid,
--    matter_title text, client_id uuid, client_name text, media_type text, sha256 text
SELECT id, name, size, at, kind, state, reason, from_firm, by_name, unread, opened, received,
       confirmed, matter_id, matter_title, client_id, client_name, media_type, encode(sha256, 'hex')
  FROM document_row WHERE id = $document;

-- document_content(document uuid) :one!
-- -> id uuid, name text, type text, size int8, sha256 bytea, key bytea, object text, from_firm bool
SELECT id, name, type, size, sha256, kz_document_key(id), object, direction = 'from_firm' FROM document
 WHERE id = $document AND state = 'available';

-- A step of the receiving side: a row for each client as whose the account receives the document, unless it did the
-- same before. OPENED: it has opened it by that.
-- delivery_step(document uuid, step text, account uuid) :many writes
-- -> client uuid, opened bool
SELECT client, opened FROM kz_step($document, $step, $account);

-- Parts of a document that the account got, "{[0,10),[20,30)}": with those of before they are all of it, or not.
-- delivery_part(document uuid, account uuid, step text, parts text) :one! writes
-- -> whole bool
SELECT kz_part($document, $account, $step, $parts::int8multirange);

-- document_decide(document uuid, state text, reason text) :maybe
-- -> client uuid, by uuid, from_firm bool, object text
UPDATE document
   SET state = $state, decided_by = kz_me(), decided_at = now(),
       decision = left($reason, 1000)
 WHERE id = $document AND state = 'unscannable'
RETURNING client, by, direction = 'from_firm', object;

-- Its object goes from the stores after a while.
-- job_remove(id uuid, object text, wait interval_ms) :exec
INSERT INTO job (firm, id, kind, data, due)
VALUES (kz_at_firm(), $id, 'remove_object', jsonb_build_object('object', $object::text),
        now() + $wait);

-- receipts_of_document(document uuid) :many
-- -> client_name text, provided timestamptz, provided_by text, notified timestamptz,
--    notified_by text, opened timestamptz, opened_by text, delivered timestamptz,
--    received timestamptz, received_by text, confirmed timestamptz, confirmed_by text,
--    opened_code bool, received_code bool, confirmed_code bool
SELECT client_name, provided, provided_by, notified, notified_by, opened, opened_by, delivered,
       received, received_by, confirmed, confirmed_by, opened_code, received_code, confirmed_code
  FROM receipt_row WHERE document_id = $document
   AND client_id = (SELECT d.client FROM document d WHERE d.id = $document);

-- part columns
r.id, r.name, r.size, r.at, r.kind, r.state, r.reason, r.from_firm, r.by_name, r.unread,
r.opened, r.received, r.confirmed, r.matter_id, r.matter_title, r.client_id, r.client_name

-- What the filter asks for.
-- part asked
[available: AND d.state = 'available'] [unscannable: AND d.state = 'unscannable']
[from: AND d.at >= $from] [to: AND d.at < $to]

-- part from_place
[at: AND (d.at, d.id) < ($at, $id)] [before: AND (d.at, d.id) > ($before, $id)]
ORDER BY d.at [!before: DESC], d.id [!before: DESC]

-- Of the ids of a page, what is shown.
-- part shown
, LATERAL (SELECT * FROM document_row r WHERE r.firm = x.firm AND r.id = x.id LIMIT 1) r
ORDER BY r.at DESC, r.id DESC

-- Those of one client or matter, or of all clients. The kept back ones of a matter are found by its client.
-- documents(client uuid, matter uuid, available bool, unscannable bool, from timestamptz,
--           to timestamptz, at timestamptz, before timestamptz, id uuid, count int4) :many
-- -> id uuid, name text, size bytes, at timestamptz, kind enum(pdf|picture|text|other),
--    state enum(available|unscannable|discarded), reason text, from_firm bool, by_name text, unread bool,
--    opened timestamptz, received timestamptz, confirmed timestamptz, matter_id uuid,
--    matter_title text, client_id uuid, client_name text
SELECT {columns}
  FROM (SELECT d.firm, d.id FROM document d
         WHERE true [client: AND d.client = $client]
               [matter: AND d.matter = $matter
                 [!client: AND d.client = (SELECT m.client FROM matter m WHERE m.id = $matter)]]
               [!client: [!matter: AND d.id <> '00000000-0000-0000-0000-000000000000']]
           {asked}
           {from_place} LIMIT $count) x
  {shown};

-- documents_mine(available bool, unscannable bool, from timestamptz, to timestamptz, at timestamptz,
--                before timestamptz, id uuid, count int4) :many as documents
SELECT {columns}
  FROM (SELECT n.firm, n.id, n.at
          FROM (SELECT v.firm, v.client
                  FROM visible v, LATERAL (
                      SELECT d.at, d.id FROM document d
                       WHERE d.firm = v.firm AND d.client = v.client
                         {asked}
                         {from_place} LIMIT 1) d
                 ORDER BY d.at [!before: DESC], d.id [!before: DESC] LIMIT $count) v, LATERAL (
              SELECT d.firm, d.id, d.at FROM document d
               WHERE d.firm = v.firm AND d.client = v.client
                 {asked}
                 {from_place} LIMIT $count) n
         UNION ALL
        SELECT n.firm, n.id, n.at
          FROM visible_matter v, LATERAL (
              SELECT d.firm, d.id, d.at FROM document d
               WHERE d.firm = v.firm AND d.client = v.client AND d.matter = v.matter
                 {asked}
                 {from_place} LIMIT $count) n
         ORDER BY at [!before: DESC], id [!before: DESC] LIMIT $count) x
  {shown};

-- Those with a name LIKE something.
-- documents_found(like text, client uuid, matter uuid, state text, from timestamptz, to timestamptz,
--                 at timestamptz, before timestamptz, id uuid, count int4) :many as documents
SELECT {columns}
  FROM kz_document_search(lower($like), $client, $matter, $state, $from, $to, $at, $before, $id,
                          $count) x
  {shown};

-- part available
, LATERAL (
    SELECT FROM document d WHERE d.firm = w.firm AND d.id = w.document AND d.client = w.client
       AND d.state = 'available' LIMIT 1) d

-- part new_from_place
[from: AND w.provided_at >= $from]
[to: AND w.provided_at < $to]
[at: AND (w.provided_at, w.document) < ($at, $id)]
[before: AND (w.provided_at, w.document) > ($before, $id)]
ORDER BY w.provided_at [!before: DESC], w.document [!before: DESC]

-- Documents that the other side has sent and mine has not opened, newest first.
-- documents_new(direction text, client uuid, matter uuid, from timestamptz, to timestamptz,
--               at timestamptz, before timestamptz, id uuid, count int4) :many as documents
SELECT {columns}
  FROM (SELECT w.firm, w.document AS id
          FROM delivery w {available}
         WHERE w.opened_at IS NULL AND w.direction = $direction
           [client: AND w.client = $client] [matter: AND w.matter = $matter]
           [!client: [!matter: AND w.document <> '00000000-0000-0000-0000-000000000000']]
           {new_from_place} LIMIT $count) x
  {shown};

-- documents_new_mine(direction text, from timestamptz, to timestamptz, at timestamptz,
--                    before timestamptz, id uuid, count int4) :many as documents
SELECT {columns}
  FROM (SELECT w.firm, w.document AS id, w.provided_at
          FROM visible v, LATERAL (
              SELECT w.firm, w.document, w.provided_at
                FROM delivery w {available}
               WHERE w.firm = v.firm AND w.client = v.client AND w.opened_at IS NULL
                 AND w.direction = $direction
                 {new_from_place} LIMIT $count) w
         UNION ALL
        SELECT w.firm, w.document AS id, w.provided_at
          FROM visible_matter v, LATERAL (
              SELECT w.firm, w.document, w.provided_at
                FROM delivery w {available}
               WHERE w.firm = v.firm AND w.matter = v.matter AND w.opened_at IS NULL
                 AND w.direction = $direction
                 {new_from_place} LIMIT $count) w
         ORDER BY provided_at [!before: DESC], id [!before: DESC] LIMIT $count) x
  {shown};

-- For a filter: clients by name, 201 at most.
-- filter_clients() :many
-- -> id uuid, client_name text
SELECT id, display FROM client ORDER BY sort, id LIMIT 201;

-- filter_clients_mine() :many as filter_clients
SELECT c.id, c.display
  FROM (SELECT v.firm, v.client FROM visible_client v LIMIT 201) v, LATERAL (
      SELECT c.* FROM client c WHERE c.firm = v.firm AND c.id = v.client LIMIT 1) c
 ORDER BY c.sort, c.id;

-- One of them, when there are more than that.
-- filter_client(client uuid) :many as filter_clients
SELECT id, display FROM client WHERE id = $client;

-- filter_matters(client uuid) :many
-- -> id uuid, title text
SELECT id, title FROM matter WHERE client = $client ORDER BY created DESC, id DESC LIMIT 201;
