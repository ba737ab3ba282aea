-- What proves the master keys: 32 random bytes wrapped by each, which the right key alone opens
-- (mod_kanzlei/io/seal/FORMAT.md). The schema's owner adds a row, nobody changes one.
CREATE TABLE master_key (
    version   bigint PRIMARY KEY CHECK (version BETWEEN 1 AND 4294967295),
    proof     bytea NOT NULL CHECK (octet_length(proof) = 76),
    noted     timestamptz NOT NULL DEFAULT now()
);
