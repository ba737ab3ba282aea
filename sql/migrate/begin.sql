-- Run by "kanzleictl migrate" at first, each time, as the owner: one migration at a time, the table
-- that says which have been applied, and the role of httpd.
SET client_min_messages = error;
SELECT pg_advisory_lock(x'6b7a6d6967'::bigint);

CREATE TABLE IF NOT EXISTS migration (
    number   int PRIMARY KEY CHECK (number > 0),
    name     text NOT NULL,
    applied  timestamptz NOT NULL DEFAULT now()
);

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'kanzlei_portal') THEN
        CREATE ROLE kanzlei_portal LOGIN NOINHERIT;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL; -- made in this moment, for another database
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'the role kanzlei_portal is missing, and % may not make it: an administrator'
                        ' of the server has to run CREATE ROLE kanzlei_portal LOGIN NOINHERIT',
                        current_user;
END $$;
