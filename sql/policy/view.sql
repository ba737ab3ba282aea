-- The rows of lists. security_invoker: each table's own policy holds for the reader. Joins are LEFT on
-- primary keys, so that PostgreSQL leaves out those whose columns a query does not name; it still prepares
-- their policies each time, which is why the documents of one matter have a view with fewer tables.

DROP VIEW IF EXISTS document_row, document_item, receipt_row, client_row, account_row, person;

-- The names of people: of the firm's, and of those who act for a client that one sees. Not security_invoker: it
-- shows no more of an account than this, while its policy shows the whole of it to those alone whom it concerns.
CREATE VIEW person AS
    SELECT a.firm, a.id, a.kind, a.name FROM account a
     WHERE a.firm = (SELECT kz_at_firm())
       AND (a.id = (SELECT kz_me())
            OR (SELECT kz_reach() = 'all')
            OR a.kind = 'staff' AND (SELECT kz_side() <> 'public')
            OR kz_knows_account(a.id));

CREATE VIEW document_item WITH (security_invoker = true) AS
    SELECT d.firm, d.id, d.name, d.size, d.at, d.type AS media_type, d.sha256, d.state, d.reason,
           CASE WHEN d.type = 'application/pdf' THEN 'pdf'
                WHEN d.type IN ('image/png', 'image/jpeg', 'image/gif', 'image/webp') THEN 'picture'
                WHEN d.type = 'text/plain' OR d.type LIKE 'text/plain;%' THEN 'text' ELSE 'other' END AS kind,
           d.direction, d.direction = 'from_firm' AS from_firm, d.by, a.name AS by_name,
           d.state = 'available' AND d.opened_at IS NULL AND
               d.direction <> (SELECT CASE kz_side() WHEN 'client'
                               THEN 'from_client' ELSE 'from_firm' END) AS unread,
           d.matter AS matter_id, d.client AS client_id, d.opened_at AS opened,
           d.received_at AS received, d.confirmed_at AS confirmed
      FROM document d
      LEFT JOIN person a ON a.firm = d.firm AND a.id = d.by;

-- The same with its place.
CREATE VIEW document_row WITH (security_invoker = true) AS
    SELECT i.*, m.title AS matter_title, c.display AS client_name
      FROM document_item i
      LEFT JOIN matter m ON m.firm = i.firm AND m.id = i.matter_id
      LEFT JOIN client c ON c.firm = i.firm AND c.id = i.client_id;

-- …_CODE: the step was done by a password that a code of the firm's had set.
-- The names of whoever did the steps come of one look at the people: a look for each would cost a list a fifth more.
CREATE VIEW receipt_row WITH (security_invoker = true) AS
    SELECT v.firm, v.direction, v.document AS document_id, d.name AS document_name,
           v.client AS client_id, c.display AS client_name, c.number AS client_number, d.size,
           v.matter AS matter_id, m.title AS matter_title, v.provided_at AS provided, p.provided_by,
           v.notified_at AS notified, n.email AS notified_by, v.opened_at AS opened, p.opened_by,
           CASE WHEN v.received_at IS NULL THEN (
               SELECT min(s.at) FROM delivery_step s
                WHERE s.firm = v.firm AND s.document = v.document AND s.client = v.client
                  AND s.step = 'delivered') END AS delivered,
           v.received_at AS received, p.received_by, v.confirmed_at AS confirmed, p.confirmed_by,
           f.opened_code, f.received_code, f.confirmed_code
      FROM delivery v
      LEFT JOIN document d ON d.firm = v.firm AND d.id = v.document
      LEFT JOIN client c ON c.firm = v.firm AND c.id = v.client
      LEFT JOIN matter m ON m.firm = v.firm AND m.id = v.matter
      LEFT JOIN account n ON n.firm = v.firm AND n.id = v.notified_to
      LEFT JOIN LATERAL (
          SELECT max(a.name) FILTER (WHERE a.id = v.provided_by) AS provided_by,
                 max(a.name) FILTER (WHERE a.id = v.opened_by) AS opened_by,
                 max(a.name) FILTER (WHERE a.id = v.received_by) AS received_by,
                 max(a.name) FILTER (WHERE a.id = v.confirmed_by) AS confirmed_by
            FROM person a
           WHERE a.firm = v.firm
             AND a.id = ANY (ARRAY[v.provided_by, v.opened_by, v.received_by, v.confirmed_by])) p ON true
      LEFT JOIN LATERAL (
          SELECT bool_or(s.step = 'opened' AND s.account = v.opened_by) AS opened_code,
                 bool_or(s.step = 'received' AND s.account = v.received_by) AS received_code,
                 bool_or(s.step = 'confirmed' AND s.account = v.confirmed_by) AS confirmed_code
            FROM delivery_step s
           WHERE s.firm = v.firm AND s.document = v.document AND s.client = v.client AND s.firm_code) f ON true;

-- A client with what is open there; counted to 100. Who sees one of its matters alone sees none of its accesses: so
-- "hidden", not "none".
CREATE VIEW client_row WITH (security_invoker = true) AS
    SELECT c.firm, c.id, c.number, c.display AS client_name, c.kind, c.city, c.sort,
           (SELECT count(*)::int FROM (SELECT FROM matter m
             WHERE m.firm = c.firm AND m.client = c.id ORDER BY m.created DESC, m.id DESC LIMIT 100) m) AS matters_count,
           (SELECT count(*)::int FROM (SELECT FROM delivery v
             WHERE v.firm = c.firm AND v.client = c.id AND v.direction = 'from_client'
               AND v.opened_at IS NULL ORDER BY v.provided_at, v.document LIMIT 100) v) AS fresh_count,
           CASE WHEN NOT kz_sees_client(c.id) THEN 'hidden' ELSE
           coalesce((SELECT CASE WHEN bool_or(a.locked_at IS NOT NULL) THEN 'locked'
                                 WHEN bool_or(a.has_password) THEN 'active'
                                 WHEN bool_or(EXISTS (SELECT FROM code k WHERE k.firm = a.firm
                                                         AND k.account = a.id AND k.sent_at IS NOT NULL)) THEN 'invited'
                                 ELSE 'none' END
                       FROM account_client ac
                       JOIN account a ON a.firm = ac.firm AND a.id = ac.account
                      WHERE ac.firm = c.firm AND ac.client = c.id), 'none') END AS access
      FROM client c;

-- An account; invited: when the last code for an invitation left, shown for a letter or taken by the mail server;
-- mailing: since when a mail with one waits for that; code_until: when the last code ends that can be used.
CREATE VIEW account_row WITH (security_invoker = true) AS
    SELECT a.firm, a.id, a.kind AS side, a.user_name AS "user", a.name, a.email, a.language,
           a.created, i.at AS invited, i.mailing, a.mail_failed_at AS mail_failed, a.signed_in_at AS last_sign_in,
           a.locked_at,
           (SELECT max(k.expires) FROM code k
             WHERE k.firm = a.firm AND k.account = a.id AND k.used_at IS NULL AND k.expires > now()) AS code_until,
           CASE WHEN a.locked_at IS NOT NULL THEN 'locked'
                WHEN a.has_password THEN 'active'
                WHEN i.at IS NOT NULL THEN 'invited' ELSE 'new' END AS state
      FROM account a
      LEFT JOIN LATERAL (
          SELECT (SELECT max(k.sent_at) FROM code k
                   WHERE k.firm = a.firm AND k.account = a.id AND k.purpose = 'invitation') AS at,
                 (SELECT max(j.created) FROM job j
                   WHERE j.firm = a.firm AND j.kind = 'mail' AND j.state = 'waiting'
                     AND j.about = a.id AND j.data ->> 'purpose' = 'invitation') AS mailing) i ON true;
