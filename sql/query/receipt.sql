-- One row per document that the firm provided: state unopened, opened, received or confirmed.
-- receipts(client uuid, matter uuid, state text, from timestamptz, to timestamptz, at timestamptz,
--          id uuid, count int4) :many
-- -> document_id uuid, document_name text, client_id uuid, client_name text, client_number text,
--    size bytes, matter_id uuid, matter_title text, provided timestamptz, provided_by text,
--    notified timestamptz, notified_by text, opened timestamptz, opened_by text,
--    received timestamptz, received_by text, confirmed timestamptz, confirmed_by text
SELECT document_id, document_name, client_id, client_name, client_number, size, matter_id,
       matter_title, provided, provided_by, notified, notified_by, opened, opened_by, received,
       received_by, confirmed, confirmed_by
  FROM receipt_row
 WHERE direction = 'from_firm'
   AND ($1::uuid IS NULL OR client_id = $1) AND ($2::uuid IS NULL OR matter_id = $2)
   AND ($3::text IS DISTINCT FROM 'unopened' OR opened IS NULL)
   AND ($3::text IS DISTINCT FROM 'opened' OR opened IS NOT NULL)
   AND ($3::text IS DISTINCT FROM 'received' OR received IS NOT NULL)
   AND ($3::text IS DISTINCT FROM 'confirmed' OR confirmed IS NOT NULL)
   AND ($4::timestamptz IS NULL OR provided >= $4) AND ($5::timestamptz IS NULL OR provided < $5)
   AND ($6::timestamptz IS NULL OR (provided, document_id) < ($6, $7))
 ORDER BY provided DESC, document_id DESC LIMIT $8;

-- receipts_mine(client uuid, matter uuid, state text, from timestamptz, to timestamptz, at timestamptz,
--               id uuid, count int4) :many as receipts
SELECT r.document_id, r.document_name, r.client_id, r.client_name, r.client_number, r.size,
       r.matter_id, r.matter_title, r.provided, r.provided_by, r.notified, r.notified_by, r.opened,
       r.opened_by, r.received, r.received_by, r.confirmed, r.confirmed_by
  FROM visible v, LATERAL (
      SELECT * FROM receipt_row r
       WHERE r.firm = v.firm AND r.client_id = v.client AND r.direction = 'from_firm'
         AND ($2::uuid IS NULL OR r.matter_id = $2)
         AND ($3::text IS DISTINCT FROM 'unopened' OR r.opened IS NULL)
         AND ($3::text IS DISTINCT FROM 'opened' OR r.opened IS NOT NULL)
         AND ($3::text IS DISTINCT FROM 'received' OR r.received IS NOT NULL)
         AND ($3::text IS DISTINCT FROM 'confirmed' OR r.confirmed IS NOT NULL)
         AND ($4::timestamptz IS NULL OR r.provided >= $4)
         AND ($5::timestamptz IS NULL OR r.provided < $5)
         AND ($6::timestamptz IS NULL OR (r.provided, r.document_id) < ($6, $7))
       ORDER BY r.provided DESC, r.document_id DESC LIMIT $8) r
 WHERE ($1::uuid IS NULL OR v.client = $1)
 ORDER BY r.provided DESC, r.document_id DESC LIMIT $8;
