-- part columns
r.document_id, r.document_name, r.client_id, r.client_name, r.client_number, r.size,
r.matter_id, r.matter_title, r.provided, r.provided_by, r.notified, r.notified_by, r.opened,
r.opened_by, r.delivered, r.received, r.received_by, r.confirmed, r.confirmed_by,
r.opened_code, r.received_code, r.confirmed_code

-- What the filter asks for.
-- part asked
[unopened: AND v.opened_at IS NULL]
[opened: AND v.opened_at IS NOT NULL]
[received: AND v.received_at IS NOT NULL]
[confirmed: AND v.confirmed_at IS NOT NULL]
[from: AND v.provided_at >= $from]
[to: AND v.provided_at < $to]

-- part from_place
[at: AND (v.provided_at, v.document) < ($at, $id)]
[before: AND (v.provided_at, v.document) > ($before, $id)]
ORDER BY v.provided_at [!before: DESC], v.document [!before: DESC]

-- Of the ids of a page, what is shown.
-- part shown
, LATERAL (
    SELECT * FROM receipt_row r
     WHERE r.firm = x.firm AND r.document_id = x.document AND r.client_id = x.client LIMIT 1) r
ORDER BY r.provided DESC, r.document_id DESC;

-- One row per document that the firm provided, and client: state unopened, opened, received or confirmed.
-- receipts(client uuid, matter uuid, unopened bool, opened bool, received bool, confirmed bool,
--          from timestamptz, to timestamptz, at timestamptz, before timestamptz, id uuid, count int4) :many
-- -> document_id uuid, document_name text, client_id uuid, client_name text, client_number text,
--    size bytes, matter_id uuid, matter_title text, provided timestamptz, provided_by text,
--    notified timestamptz, notified_by text, opened timestamptz, opened_by text,
--    delivered timestamptz, received timestamptz, received_by text, confirmed timestamptz, confirmed_by text,
--    opened_code bool, received_code bool, confirmed_code bool
SELECT {columns}
  FROM (SELECT v.firm, v.document, v.client FROM delivery v
         WHERE v.direction = 'from_firm'
           [client: AND v.client = $client] [matter: AND v.matter = $matter]
           [!client: [!matter: AND v.document <> '00000000-0000-0000-0000-000000000000']]
           {asked}
           {from_place} LIMIT $count) x
  {shown};

-- For those who see the clients and matters assigned to them: see document.sql.
-- receipts_mine(unopened bool, opened bool, received bool, confirmed bool, from timestamptz,
--               to timestamptz, at timestamptz, before timestamptz, id uuid, count int4) :many as receipts
SELECT {columns}
  FROM (SELECT n.firm, n.document, n.client, n.provided_at
          FROM (SELECT s.firm, s.client
                  FROM visible s, LATERAL (
                      SELECT v.provided_at, v.document FROM delivery v
                       WHERE v.firm = s.firm AND v.client = s.client AND v.direction = 'from_firm'
                         {asked}
                         {from_place} LIMIT 1) v
                 ORDER BY v.provided_at [!before: DESC], v.document [!before: DESC] LIMIT $count) s, LATERAL (
              SELECT v.firm, v.document, v.client, v.provided_at FROM delivery v
               WHERE v.firm = s.firm AND v.client = s.client AND v.direction = 'from_firm'
                 {asked}
                 {from_place} LIMIT $count) n
         UNION ALL
        SELECT n.firm, n.document, n.client, n.provided_at
          FROM visible_matter s, LATERAL (
              SELECT v.firm, v.document, v.client, v.provided_at FROM delivery v
               WHERE v.firm = s.firm AND v.matter = s.matter AND v.direction = 'from_firm'
                 {asked}
                 {from_place} LIMIT $count) n
         ORDER BY provided_at [!before: DESC], document [!before: DESC] LIMIT $count) x
  {shown};

-- How many there are, up to 501.
-- receipts_count(client uuid, matter uuid, unopened bool, opened bool, received bool, confirmed bool,
--                from timestamptz, to timestamptz) :one
-- -> n int4
SELECT count(*)::int
  FROM (SELECT FROM delivery v
         WHERE v.direction = 'from_firm'
           [client: AND v.client = $client] [matter: AND v.matter = $matter]
           [!client: [!matter: AND v.document <> '00000000-0000-0000-0000-000000000000']]
           {asked}
         ORDER BY v.provided_at DESC, v.document DESC LIMIT 501) x;

-- receipts_count_mine(unopened bool, opened bool, received bool, confirmed bool, from timestamptz,
--                     to timestamptz) :one as receipts_count
SELECT count(*)::int
  FROM (SELECT FROM visible s, LATERAL (
              SELECT FROM delivery v
               WHERE v.firm = s.firm AND v.client = s.client AND v.direction = 'from_firm'
                 {asked}
               ORDER BY v.provided_at DESC, v.document DESC LIMIT 501) v
         UNION ALL
        SELECT FROM visible_matter s, LATERAL (
              SELECT FROM delivery v
               WHERE v.firm = s.firm AND v.matter = s.matter AND v.direction = 'from_firm'
                 {asked}
               ORDER BY v.provided_at DESC, v.document DESC LIMIT 501) v
         LIMIT 501) x;
