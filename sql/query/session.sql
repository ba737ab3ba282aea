-- sign_in_find(user text, lock_time interval_ms) :maybe
-- -> id uuid, kind text, password text, language text, locked bool
SELECT a.id, a.kind, a.password, a.language,
       a.locked_at IS NOT NULL AND NOT (a.locked_at < now() - $2 AND EXISTS (
           SELECT FROM "right" r WHERE r.firm = a.firm AND r.staff = a.id AND r.name = 'admin'))
  FROM account a WHERE a.user_fold = lower($1);

-- A wrong password: counted unless its mark is known; the third one locks. No row: nothing counted.
-- sign_in_wrong(user text, mark bytea, lock_time interval_ms) :maybe
-- -> id uuid, locked bool
UPDATE account a
   SET wrong = CASE WHEN a.locked_at IS NULL THEN a.wrong ELSE 0 END + 1,
       wrong_marks = CASE WHEN a.locked_at IS NULL THEN a.wrong_marks ELSE '{}' END || $2,
       wrong_at = now(),
       locked_at = CASE WHEN a.locked_at IS NULL AND a.wrong >= 2 THEN now() END
 WHERE a.user_fold = lower($1)
   AND (a.locked_at IS NULL OR a.locked_at < now() - $3 AND EXISTS (
           SELECT FROM "right" r WHERE r.firm = a.firm AND r.staff = a.id AND r.name = 'admin'))
   AND (a.locked_at IS NOT NULL OR NOT $2 = ANY (a.wrong_marks))
RETURNING a.id, a.locked_at IS NOT NULL;

-- PASSWORD: the hash that was found right; another one may have come meanwhile.
-- sign_in_right(account uuid, lock_time interval_ms, password text) :exec
UPDATE account a
   SET wrong = 0, wrong_marks = '{}', locked_at = NULL, signed_in_at = now()
 WHERE a.id = $1 AND a.password = $3
   AND (a.locked_at IS NULL OR a.locked_at < now() - $2 AND EXISTS (
           SELECT FROM "right" r WHERE r.firm = a.firm AND r.staff = a.id AND r.name = 'admin'));

-- A new session ends the one that the browser had before, BEFORE: nobody could use that any more but a thief.
-- session_add(id uuid, account uuid, token bytea, idle interval_ms, life interval_ms,
--             agent text, before bytea) :exec
WITH gone AS (DELETE FROM session WHERE token = $7)
INSERT INTO session (firm, id, account, token, idle, ends, agent)
VALUES (current_setting('kz.firm')::int, $1, $2, $3, $4, now() + $5, $6);

-- sessions(account uuid, current uuid) :many
-- -> id uuid, agent text, created timestamptz, seen timestamptz, current bool
SELECT s.id, s.agent, s.created, s.seen, s.id = $2
  FROM session s
 WHERE s.account = $1 AND s.ends > now() AND s.seen + s.idle > now()
 ORDER BY s.seen DESC, s.id LIMIT 50;

-- session_end(session uuid) :exec
DELETE FROM session WHERE id = $1;

-- Ends all sessions of an account but one.
-- sessions_end(account uuid, keep uuid) :exec
DELETE FROM session WHERE account = $1 AND id IS DISTINCT FROM $2;
