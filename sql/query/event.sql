-- event_add(id uuid, kind text, account uuid, client uuid, document uuid, subject uuid,
--           detail text) :exec
INSERT INTO event (firm, id, kind, account, client, document, subject, detail)
VALUES (kz_at_firm(), $id, $kind, $account, $client, $document, $subject,
        left($detail, 1000));

-- events_of_client(client uuid) :many
-- -> at timestamptz, kind text, who text, document_id uuid, document_name text, subject_name text,
--    detail text
SELECT e.at, e.kind, a.name, e.document, d.name, s.name, e.detail
  FROM event e
  LEFT JOIN person a ON a.firm = e.firm AND a.id = e.account
  LEFT JOIN person s ON s.firm = e.firm AND s.id = e.subject
  LEFT JOIN document d ON d.firm = e.firm AND d.id = e.document
 WHERE e.client = $client ORDER BY e.at DESC, e.id DESC LIMIT 10;

-- events_of_document(document uuid) :many
-- -> at timestamptz, kind text, who text, document_id uuid, document_name text, subject_name text,
--    detail text
SELECT e.at, e.kind, a.name, e.document, d.name, NULL::text, e.detail
  FROM event e
  JOIN document d ON d.firm = e.firm AND d.id = e.document
  LEFT JOIN person a ON a.firm = e.firm AND a.id = e.account
 WHERE e.document = $document ORDER BY e.at, e.id LIMIT 200;
