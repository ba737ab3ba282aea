-- The statements of kanzleictl. It enters as the portal, firm by firm; functions of policy/operator.sql answer
-- what is about all firms. ctl_firm_* are for the schema's owner: the portal's role may not.

-- ctl_firms() :many
-- -> id int4, slug text, name text, email text, language text, created timestamptz
SELECT id, slug, name, email, language, created FROM kz_firm_list();

-- ctl_firm_reserve() :one writes
-- -> firm int4
SELECT kz_firm_reserve();

-- ctl_firm_add(firm int4, slug text, name text, email text, language text, key bytea) :one writes
-- -> created timestamptz
SELECT kz_firm_add($firm, $slug, $name, $email, $language, $key);

-- ctl_account_add(id uuid, user text, name text, email text, language text, password text) :exec
INSERT INTO account (firm, id, kind, user_name, name, email, language, password)
VALUES (kz_at_firm(), $id, 'staff', $user, $name, $email, $language, $password);

-- ctl_staff_add(id uuid) :exec
INSERT INTO staff (firm, id) VALUES (kz_at_firm(), $id);

-- ctl_right_add(staff uuid, name text) :exec
INSERT INTO "right" (firm, staff, name) VALUES (kz_at_firm(), $staff, $name)
ON CONFLICT DO NOTHING;

-- ctl_accounts(after text, limit int4) :many
-- -> id uuid, user_name text, name text, email text, kind text, rights text, has_password bool,
--    locked timestamptz, signed_in timestamptz
SELECT a.id, a.user_name, a.name, a.email, a.kind,
       coalesce((SELECT string_agg(r.name, ' ' ORDER BY r.name) FROM "right" r
                  WHERE r.firm = a.firm AND r.staff = a.id), ''),
       a.has_password, a.locked_at, a.signed_in_at
  FROM account a WHERE a.user_fold > lower($after) ORDER BY a.firm, a.user_fold LIMIT $limit;

-- ctl_account(user text) :maybe
-- -> id uuid, user_name text, name text, email text, kind text, has_password bool,
--    locked timestamptz
SELECT a.id, a.user_name, a.name, a.email, a.kind, a.has_password, a.locked_at
  FROM account a WHERE a.user_fold = lower($user);

-- ctl_password(account uuid, password text) :exec writes
SELECT kz_password_set($account, $password);

-- ctl_codes_void(account uuid) :exec
UPDATE code SET used_at = now() WHERE account = $account AND used_at IS NULL;

-- STORES are the configured ones, one a line, here and below.
-- ctl_status(stores text) :one
-- -> version int4, firms int8, jobs_waiting int8, jobs_failed int8, uploads int8, uploads_late int8, held int8,
--    copies_open int8, copies_oldest timestamptz, copies_gone int8, stores_gone text,
--    jobs_oldest timestamptz, seals_oldest timestamptz
SELECT version, firms, jobs_waiting, jobs_failed, uploads, uploads_late, held, copies_open, copies_oldest, copies_gone,
       stores_gone, jobs_oldest, seals_oldest
  FROM kz_status(string_to_array($stores, E'\n'));

-- Writes to the database's log of changes, which the commit flushes, and nowhere else: a trial.
-- ctl_trial() :one writes
-- -> read_only bool
SELECT current_setting('transaction_read_only')::boolean
  FROM pg_logical_emit_message(true, 'kanzleictl', 'trial');

-- ctl_status_jobs(limit int4) :many
-- -> slug text, id uuid, kind text, state text, tries int4, error text, due timestamptz
SELECT slug, id, kind, state, tries, error, due FROM kz_status_jobs($limit);

-- ctl_objects_unknown(objects text[]) :many
-- -> object text
SELECT o FROM kz_objects_unknown($objects) o;

-- The firm's documents by id, behind one: what a check compares with the stores, and which stores hold
-- them as far as is known.
-- check_documents(after uuid, limit int4) :many
-- -> id uuid, object text, size int8, sha256 bytea, key bytea, held text, client uuid, matter uuid,
--    name text, type text, by uuid
SELECT d.id, d.object, d.size, d.sha256, kz_document_key(d.id),
       coalesce((SELECT string_agg(o.store, ' ') FROM object_copy o
                  WHERE o.firm = d.firm AND o.document = d.id AND o.state = 'held'), ''),
       d.client, d.matter, d.name, d.type, d.by
  FROM document d WHERE d.id > $after AND d.state <> 'discarded' ORDER BY d.firm, d.id LIMIT $limit;

-- Missed or damaged copies of stores that are not configured any more.
-- check_copies_gone(stores text) :many
-- -> store text, copies int8
SELECT store, count(*) FROM object_copy
 WHERE state <> 'held' AND store <> ALL (string_to_array($stores, E'\n')) GROUP BY store ORDER BY store;

-- check_copies_forget(store text) :exec
DELETE FROM object_copy WHERE state <> 'held' AND store = $store;

-- One of the documents.
-- check_document(document uuid) :maybe as check_documents
SELECT d.id, d.object, d.size, d.sha256, kz_document_key(d.id),
       coalesce((SELECT string_agg(o.store, ' ') FROM object_copy o
                  WHERE o.firm = d.firm AND o.document = d.id AND o.state = 'held'), ''),
       d.client, d.matter, d.name, d.type, d.by
  FROM document d WHERE d.id = $document AND d.state <> 'discarded';
