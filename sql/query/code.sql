-- A new code; unused ones of the same account and purpose end with it.
-- code_add(id uuid, account uuid, purpose text, hash bytea, life interval_ms) :one
-- -> expires timestamptz
WITH old AS (
    UPDATE code SET expires = now()
     WHERE account = $account AND purpose = $purpose AND used_at IS NULL AND expires > now())
INSERT INTO code (firm, id, account, purpose, hash, expires)
VALUES (current_setting('kz.firm')::int, $id, $account, $purpose, $hash, now() + $life)
RETURNING expires;

-- code_find(hash bytea) :maybe
-- -> id uuid, account uuid, kind text, user text, name text, language text, used bool, expired bool
SELECT k.id, k.account, a.kind, a.user_name, a.name, a.language, k.used_at IS NOT NULL,
       k.expires <= now()
  FROM code k JOIN account a ON a.firm = k.firm AND a.id = k.account
 WHERE k.hash = $hash;

-- Uses a code up; no row: somebody else did, or its time is over.
-- code_use(id uuid) :exec
UPDATE code SET used_at = now() WHERE id = $id AND used_at IS NULL AND expires > now();
