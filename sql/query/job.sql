-- Work of one KIND that is due, of any firm, taken for a while. WORKER and LEASE together say who has it: after
-- the lease somebody else may, whose result then counts.
-- job_take(worker uuid, kind text, lease interval_ms) :maybe writes
-- -> firm int4, id uuid, account uuid, purpose text, client uuid, object text, code uuid, by uuid,
--    sealed bytea, tries int4, wake int4, lease timestamptz
SELECT firm, id, (data::jsonb ->> 'account')::uuid, data::jsonb ->> 'purpose',
       (data::jsonb ->> 'client')::uuid, data::jsonb ->> 'object', (data::jsonb ->> 'code')::uuid,
       (data::jsonb ->> 'by')::uuid, sealed, tries, wake, lease
  FROM kz_job_take($worker, $kind, $lease);

-- Done, unless it was woken since it was taken (WAKE). Whoever wakes it writes the same row: one waits for the other.
-- job_done(id uuid, worker uuid, lease timestamptz, wake int4) :exec
UPDATE job SET state = CASE WHEN wake = $wake THEN 'done' ELSE 'waiting' END, due = now(),
               tries = CASE WHEN wake = $wake THEN tries ELSE 0 END, error = '', sealed = NULL, worker = NULL, lease = NULL
 WHERE id = $id AND worker = $worker AND lease = $lease;

-- Once more later; after the last try it has failed for good, and its code is gone. Unless it was woken since it was
-- taken (WAKE): then there is something new, such as the address, and it is tried anew.
-- job_again(id uuid, worker uuid, lease timestamptz, wake int4, wait interval_ms, last bool, error text) :maybe
-- -> failed bool
UPDATE job SET [last: state = CASE WHEN wake = $wake THEN 'failed' ELSE state END, sealed = NULL,]
               due = now() + CASE WHEN wake = $wake THEN $wait ELSE interval '0' END,
               tries = CASE WHEN wake = $wake THEN tries ELSE 0 END, error = left($error, 500),
               worker = NULL, lease = NULL
 WHERE id = $id AND worker = $worker AND lease = $lease
RETURNING state = 'failed';

-- Whom to tell that the firm has made a code.
-- job_code_made(account uuid) :maybe
-- -> user text, name text, email text, language text
SELECT user_name, name, email, language FROM account WHERE id = $account AND email <> '';

-- Whom to tell of new documents of a client; no row: the access has ended, or never was used. DETAIL: whether the firm
-- wants names of documents and matters in mails.
-- job_person(account uuid, client uuid) :maybe
-- -> id uuid, name text, email text, language text, detail text
SELECT a.id, a.name, a.email, a.language, (SELECT f.mail_detail FROM firm f)
  FROM account_client ac JOIN account a ON a.firm = ac.firm AND a.id = ac.account
 WHERE ac.account = $account AND ac.client = $client AND (ac.ends_at IS NULL OR ac.ends_at > now())
   AND a.email <> '' AND a.has_password;

-- What ACCOUNT is to be told of as one of CLIENT's people. TELL: the person has not opened it by now, and it can be
-- opened.
-- job_documents(client uuid, account uuid, count int4) :many
-- -> id uuid, name text, size bytes, matter_title text, client_name text, tell bool
SELECT u.document, r.name, r.size, r.matter_title, r.client_name,
       coalesce(r.state = 'available', false)
       AND NOT EXISTS (SELECT FROM delivery_step s
                        WHERE s.firm = u.firm AND s.document = u.document AND s.client = u.client
                          AND s.account = u.account AND s.step IN ('notified', 'opened'))
  FROM delivery_untold u LEFT JOIN document_row r ON r.firm = u.firm AND r.id = u.document
 WHERE u.account = $account AND u.client = $client ORDER BY u.since, u.document LIMIT $count;

-- The mail server has taken the mail about DOCUMENTS; gives those of which that is new.
-- job_notified(documents uuid[], client uuid, account uuid) :many
-- -> document uuid
INSERT INTO delivery_step (firm, document, client, account, step)
SELECT kz_at_firm(), d, $client, $account, 'notified' FROM unnest($documents) d ORDER BY d
ON CONFLICT DO NOTHING
RETURNING document;

-- There is no more to tell of them.
-- job_untold_end(documents uuid[], client uuid, account uuid) :exec
DELETE FROM delivery_untold WHERE account = $account AND client = $client AND document = ANY ($documents);

-- There may be more than one mail tells of: its job goes on.
-- job_more(id uuid) :exec
UPDATE job SET wake = wake + 1 WHERE id = $id;

-- The last mail to ACCOUNT FAILED for good, or the mail server has taken it.
-- job_mail_ended(account uuid, failed bool) :exec writes
SELECT kz_mail_ended($account, $failed);

-- job_firm() :one
-- -> name text, email text
SELECT name, email FROM firm;

-- A copy to be mended in one of the STORES (one a line: kz_portal_stores()).
-- copy_take(again interval_ms, stores text) :maybe writes
-- -> firm int4, document uuid
SELECT firm, document FROM kz_copy_take($again, string_to_array($stores, E'\n'));

-- Whether an object stays: WANTED when a document has it that was not discarded, or when it is another firm's:
-- its key begins with the firm's number.
-- job_object(object text) :one
-- -> wanted bool
SELECT split_part($object, '/', 1) <> kz_at_firm()::text
    OR EXISTS (SELECT FROM document WHERE object = $object AND state <> 'discarded');

-- The object is in no store any more.
-- job_object_gone(object text) :exec
DELETE FROM object_copy c USING document d
 WHERE d.object = $object AND c.firm = d.firm AND c.document = d.id;

-- tidy() :one writes
-- -> gone int4
SELECT kz_tidy();
