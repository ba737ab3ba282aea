-- event_add(id uuid, kind text, account uuid, client uuid, document uuid, subject uuid,
--           detail text) :exec
INSERT INTO event (firm, id, kind, account, client, document, subject, detail)
VALUES (kz_at_firm(), $id, $kind, $account, $client, $document, $subject,
        left($detail, 1000));

-- The last events, here and below: one more than a page shows. SENT: provided by the client. SUBJECT_NAME: the person,
-- or the matter, that it is about, unless that is whoever did it.
-- events_of_client(client uuid) :many
-- -> at timestamptz, kind text, sent bool, who text, document_id uuid, document_name text, subject_name text,
--    detail text
SELECT e.at, e.kind, e.kind = 'provided' AND d.direction = 'from_client', a.name, e.document, d.name,
       CASE WHEN e.subject IS DISTINCT FROM e.account THEN coalesce(s.name, m.title) END, e.detail
  FROM event e
  LEFT JOIN person a ON a.firm = e.firm AND a.id = e.account
  LEFT JOIN person s ON s.firm = e.firm AND s.id = e.subject
  LEFT JOIN matter m ON m.firm = e.firm AND m.id = e.subject
  LEFT JOIN document d ON d.firm = e.firm AND d.id = e.document
 WHERE e.client = $client ORDER BY e.at DESC, e.id DESC LIMIT 10;

-- A client sees what was provided, what is the reader's own, and what the firm did with what was sent to it.
-- events_of_document(document uuid) :many
-- -> at timestamptz, kind text, sent bool, who text, subject_name text, detail text
SELECT x.at, x.kind, x.sent, x.who, x.subject_name, x.detail
  FROM (SELECT e.at, e.id, e.kind, e.kind = 'provided' AND d.direction = 'from_client' AS sent, a.name AS who,
               CASE WHEN e.subject IS DISTINCT FROM e.account THEN coalesce(s.name, m.title) END AS subject_name,
               e.detail
          FROM event e
          JOIN document d ON d.firm = e.firm AND d.id = e.document
          LEFT JOIN person a ON a.firm = e.firm AND a.id = e.account
          LEFT JOIN person s ON s.firm = e.firm AND s.id = e.subject
          LEFT JOIN matter m ON m.firm = e.firm AND m.id = e.subject
         WHERE e.document = $document
           AND ((SELECT kz_side()) <> 'client' OR e.kind IN ('provided', 'renamed', 'moved')
                OR (SELECT kz_me()) IN (e.account, e.subject)
                OR d.direction = 'from_client' AND a.kind = 'staff' AND e.kind IN ('opened', 'delivered', 'received', 'confirmed'))
         ORDER BY e.at DESC, e.id DESC LIMIT 201) x
 ORDER BY x.at, x.id;
