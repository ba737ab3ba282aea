-- Who has taken an upload or a job.
-- workers() :many
-- -> worker uuid
SELECT kz_workers();

-- What a worker had taken is free again; it is no more.
-- worker_bury(worker uuid) :one writes
-- -> freed int4
SELECT kz_worker_bury($worker);
