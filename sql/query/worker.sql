-- The workers that have taken an upload or a job.
-- workers() :many
-- -> worker uuid
SELECT kz_workers();

-- Frees everything that a dead worker had taken.
-- worker_bury(worker uuid) :one writes
-- -> freed int4
SELECT kz_worker_bury($worker);

-- worker_uploads(worker uuid) :many
-- -> firm int4, id uuid, lease timestamptz
SELECT firm, id, lease FROM kz_worker_uploads($worker);

-- upload_free(firm int4, id uuid, worker uuid, lease timestamptz) :one writes
-- -> freed bool
SELECT coalesce(kz_upload_free($firm, $id, $worker, $lease), false);
