-- Whether an account has a password is no secret, the hash of it is: nobody selects that (policy/secret.sql).
ALTER TABLE account ADD COLUMN has_password boolean NOT NULL GENERATED ALWAYS AS (password IS NOT NULL) STORED;
