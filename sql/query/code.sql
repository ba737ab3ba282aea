-- A new code; unused ones of the same account and purpose end with it.
-- code_add(id uuid, account uuid, purpose text, hash bytea, life interval_ms) :one
-- -> expires timestamptz
WITH old AS (
    UPDATE code SET expires = now()
     WHERE account = $account AND purpose = $purpose AND used_at IS NULL AND expires > now())
INSERT INTO code (firm, id, account, purpose, hash, expires)
VALUES (kz_at_firm(), $id, $account, $purpose, $hash, now() + $life)
RETURNING expires;

-- code_find(hash bytea) :maybe
-- -> id uuid, account uuid, kind text, user text, name text, language text, used bool, expired bool
SELECT id, account, kind, user_name, name, language, used, expired FROM kz_code_find($hash);

-- Uses a code up for a new password; false: somebody else did, or its time is over.
-- code_redeem(id uuid, password text) :one writes
-- -> good bool
SELECT kz_code_redeem($id, $password);
