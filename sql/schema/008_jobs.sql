-- Each kind of job is taken by itself, so that what waits for one does not hold up another.
DROP INDEX job_due;
CREATE INDEX job_due ON job (kind, due) WHERE state = 'waiting';

-- Who is told of new documents is told by a job of their own. What waited for all people of a client is theirs now.
INSERT INTO job (firm, id, kind, data, due, created)
SELECT j.firm, gen_random_uuid(), j.kind, j.data || jsonb_build_object('account', a.id), j.due, j.created
  FROM job j
  JOIN account_client ac ON ac.firm = j.firm AND ac.client = (j.data ->> 'client')::uuid
  JOIN account a ON a.firm = ac.firm AND a.id = ac.account
 WHERE j.kind = 'provided' AND j.state = 'waiting' AND a.email <> '' AND a.password IS NOT NULL;

DELETE FROM job WHERE kind = 'provided' AND state = 'waiting' AND NOT data ? 'account';
