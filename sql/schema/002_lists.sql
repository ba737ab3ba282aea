-- Lists of a firm with a million documents: each finds its first page by an index, whoever reads.

-- Under row-level security an index serves leakproof operators only, and = of jsonb is none. Whom a job is
-- about is a column, so that finding those that wait for one account doesn't read all that wait.
ALTER TABLE job ADD COLUMN about uuid
    GENERATED ALWAYS AS (coalesce(data ->> 'account', data ->> 'client')::uuid) STORED;
DROP INDEX job_waiting;
CREATE INDEX job_waiting ON job (firm, kind, about) WHERE state = 'waiting';
CREATE INDEX job_worker ON job (worker) WHERE state = 'waiting' AND worker IS NOT NULL;

-- The firm in front of the words that are looked for, so that no other firm's documents are read.
DROP INDEX document_name;
CREATE INDEX document_name ON document USING gin (firm, lower(name) gin_trgm_ops);
-- Other arguments and results now; the policies make them anew.
DROP FUNCTION IF EXISTS kz_document_search(text, int), kz_client_search(text, uuid, int);

-- With the client, whom a policy asks for: the work of the whole firm is read in order from the index alone.
DROP INDEX delivery_unopened;
CREATE INDEX delivery_unopened ON delivery (firm, direction, provided_at, document) INCLUDE (client)
    WHERE opened_at IS NULL;
CREATE INDEX delivery_unopened_matter ON delivery (firm, matter, direction, provided_at, document)
    WHERE opened_at IS NULL;

-- Few are confirmed: without these, the log of them reads all that were provided.
CREATE INDEX delivery_confirmed ON delivery (firm, direction, provided_at DESC, document DESC)
    WHERE confirmed_at IS NOT NULL;
CREATE INDEX delivery_confirmed_client ON delivery
    (firm, client, direction, provided_at DESC, document DESC) WHERE confirmed_at IS NOT NULL;
CREATE INDEX delivery_confirmed_matter ON delivery
    (firm, matter, direction, provided_at DESC, document DESC) WHERE confirmed_at IS NOT NULL;
