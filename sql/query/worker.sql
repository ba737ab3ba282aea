-- The workers that have taken an upload or a job.
-- workers() :many
-- -> worker uuid
SELECT kz_workers();

-- Frees everything that a dead worker had taken.
-- worker_bury(worker uuid) :one writes
-- -> freed int4
SELECT kz_worker_bury($worker);
