-- A code is made when it is asked for. Until its mail has gone it lies in the job, sealed under the firm's key; it goes
-- with the job.
ALTER TABLE job
    ADD COLUMN sealed bytea CHECK (octet_length(sealed) <= 200),
    ADD CONSTRAINT job_sealed CHECK (sealed IS NULL OR state = 'waiting');

-- When a code left the portal: shown for a letter, or taken by the mail server. Those before were made then.
ALTER TABLE code ADD COLUMN sent_at timestamptz;
UPDATE code SET sent_at = created;
