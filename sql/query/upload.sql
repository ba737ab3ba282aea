-- One's uploads begin one after the other, to the end of the transaction: of many at once each is counted.
-- upload_lock() :one
-- -> held int4
SELECT 1 FROM pg_advisory_xact_lock(hashtext('kanzleipost uploads'), hashtext(kz_me()::text));

-- What one has announced, and one's whole firm; MOST: no more of the firm's uploads are looked at.
-- upload_announced(most int4) :one
-- -> mine int8, mine_bytes int8, firm int8, firm_bytes int8
SELECT mine, mine_bytes, firm, firm_bytes FROM kz_upload_announced($most);

-- upload_add(id uuid, matter uuid, name text, type text, size int8, key bytea) :exec
INSERT INTO upload (firm, id, account, client, matter, name, type, size, key)
SELECT m.firm, $id, kz_me(), m.client, m.id, $name, $type, $size, $key
  FROM matter m WHERE m.id = $matter;

-- upload(upload uuid) :one!
-- -> id uuid, name text, type text, size bytes, key bytea, matter uuid, client uuid,
--    state enum(receiving|scanning|storing|available|infected|unscannable|failed), what text,
--    touched timestamptz
SELECT id, name, type, size, kz_upload_key(id), matter, client, state, what, touched FROM upload WHERE id = $upload;

-- upload_touch(upload uuid) :exec
UPDATE upload SET touched = now() WHERE id = $upload AND state = 'receiving';

-- upload_remove(upload uuid) :exec
DELETE FROM upload WHERE id = $upload AND state = 'receiving';

-- All bytes of an upload are there: SIZE. It is taken to be finished, by one alone; nobody else does until
-- the lease is over. WORKER and LEASE together say who that is: one process does several at a time, and may
-- take again what it had. RATE: what the stores take at least, in bytes a second; a large document's lease
-- is longer. WORKER NULL: it is left to a job.
-- upload_complete(upload uuid, size int8, worker uuid, lease interval_ms, rate int8) :maybe
-- -> id uuid, name text, type text, size int8, key bytea, matter uuid, client uuid, account uuid,
--    kind text, state text, what text, sha256 bytea, created timestamptz, lease timestamptz
UPDATE upload u
   SET state = 'scanning', size = $size, touched = now(), worker = $worker,
       lease = CASE WHEN $worker IS NULL THEN NULL ELSE now() + $lease + $size / $rate * interval '1 second' END
  FROM account a
 WHERE u.id = $upload AND u.state = 'receiving' AND a.firm = u.firm AND a.id = u.account
RETURNING u.id, u.name, u.type, u.size, kz_upload_key(u.id), u.matter, u.client, u.account, a.kind, u.state,
          u.what, u.sha256, u.created, u.lease;

-- Goes on with one that was complete before, and was taken by upload_taken until TAKEN: from now on for
-- LEASE and what the stores take.
-- upload_take(upload uuid, worker uuid, taken timestamptz, lease interval_ms,
--     rate int8) :maybe as upload_complete
UPDATE upload u
   SET lease = now() + $lease + u.size / $rate * interval '1 second', touched = now()
  FROM account a
 WHERE u.id = $upload AND u.state IN ('scanning', 'storing') AND u.worker = $worker AND u.lease = $taken
   AND a.firm = u.firm AND a.id = u.account
RETURNING u.id, u.name, u.type, u.size, kz_upload_key(u.id), u.matter, u.client, u.account, a.kind, u.state,
          u.what, u.sha256, u.created, u.lease;

-- upload_release(upload uuid, worker uuid, lease timestamptz) :exec
UPDATE upload SET worker = NULL, lease = NULL WHERE id = $upload AND worker = $worker AND lease = $lease;

-- upload_scanned(upload uuid, worker uuid, lease timestamptz, size int8, sha256 bytea, what text,
--     type text) :exec
UPDATE upload SET state = 'storing', size = $size, sha256 = $sha256, what = $what, type = $type, touched = now()
 WHERE id = $upload AND worker = $worker AND lease = $lease AND state = 'scanning';

-- The object of one that is being stored may be removed: it is still the worker's, has no document, and
-- nobody takes it meanwhile: the lease lasts for longer than the removal, WAIT.
-- upload_storing_anew(upload uuid, worker uuid, lease timestamptz, wait interval_ms) :exec
UPDATE upload SET touched = now()
 WHERE id = $upload AND worker = $worker AND lease = $lease AND state IN ('scanning', 'storing')
   AND lease > now() + $wait
   AND NOT EXISTS (SELECT FROM document d WHERE d.id = $upload);

-- upload_end(upload uuid, worker uuid, lease timestamptz, state text, what text) :exec writes
SELECT kz_upload_end($upload, $worker, $lease, $state, $what);

-- The end of an upload whose document is there.
-- upload_document(upload uuid) :maybe
-- -> state text, reason text
SELECT CASE state WHEN 'available' THEN state ELSE 'unscannable' END, reason FROM document WHERE id = $upload;

-- document_add(id uuid, client uuid, matter uuid, direction text, name text, type text, size int8,
--     sha256 bytea, key bytea, object text, by uuid, state text, reason text) :exec
INSERT INTO document (firm, id, client, matter, direction, name, type, size, sha256, key, object, by,
                      state, reason)
VALUES (kz_at_firm(), $id, $client, $matter, $direction, $name, $type, $size, $sha256,
        $key, $object, $by, $state, $reason);

-- Now, by whoever brought the document.
-- delivery_add(document uuid) :exec
INSERT INTO delivery (firm, document, client, matter, direction)
SELECT d.firm, d.id, d.client, d.matter, d.direction FROM document d WHERE d.id = $document;

-- object_copy_set(document uuid, store text, state text) :exec
INSERT INTO object_copy (firm, document, store, state)
VALUES (kz_at_firm(), $document, $store, $state)
ON CONFLICT (firm, document, store) DO UPDATE
   SET state = excluded.state,
       at = CASE WHEN object_copy.state = excluded.state THEN object_copy.at ELSE now() END;

-- The copy in a STORE is bad, as somebody who reads the document has found: STATE is missing or damaged.
-- object_copy_bad(document uuid, store text, state text) :exec writes
SELECT kz_copy_bad($document, $store, $state);

-- Each of the client's people is to be told of the new document, a little later, so that one mail tells of all.
-- job_provided(document uuid, client uuid) :exec writes
SELECT kz_tell_people($document, $client);

-- upload_taken(worker uuid, lease interval_ms, life interval_ms) :maybe writes
-- -> firm int4, id uuid, state text, lease timestamptz
SELECT firm, id, state, lease FROM kz_upload_take($worker, $lease, $life);

-- upload_known(id uuid) :one
-- -> known bool
SELECT kz_upload_known($id);
