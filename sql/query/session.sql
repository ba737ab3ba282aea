-- sign_in_find(user text, lock_time interval_ms) :maybe
-- -> id uuid, kind text, password text, language text, locked bool
SELECT a.id, a.kind, a.password, a.language,
       a.locked_at IS NOT NULL AND NOT (a.locked_at < now() - $lock_time AND EXISTS (
           SELECT FROM "right" r WHERE r.firm = a.firm AND r.staff = a.id AND r.name = 'admin'))
  FROM account a WHERE a.user_fold = lower($user);

-- A wrong password: counted unless its mark is known; the third one locks. No row: nothing counted.
-- sign_in_wrong(user text, mark bytea, lock_time interval_ms) :maybe
-- -> id uuid, locked bool
UPDATE account a
   SET wrong = CASE WHEN a.locked_at IS NULL THEN a.wrong ELSE 0 END + 1,
       wrong_marks = CASE WHEN a.locked_at IS NULL THEN a.wrong_marks ELSE '{}' END || $mark,
       wrong_at = now(),
       locked_at = CASE WHEN a.locked_at IS NULL AND a.wrong >= 2 THEN now() END
 WHERE a.user_fold = lower($user)
   AND (a.locked_at IS NULL OR a.locked_at < now() - $lock_time AND EXISTS (
           SELECT FROM "right" r WHERE r.firm = a.firm AND r.staff = a.id AND r.name = 'admin'))
   AND (a.locked_at IS NOT NULL OR NOT $mark = ANY (a.wrong_marks))
RETURNING a.id, a.locked_at IS NOT NULL;

-- PASSWORD: the hash that was found right; another one may have come meanwhile.
-- sign_in_right(account uuid, lock_time interval_ms, password text) :exec
UPDATE account a
   SET wrong = 0, wrong_marks = '{}', locked_at = NULL, signed_in_at = now()
 WHERE a.id = $account AND a.password = $password
   AND (a.locked_at IS NULL OR a.locked_at < now() - $lock_time AND EXISTS (
           SELECT FROM "right" r WHERE r.firm = a.firm AND r.staff = a.id AND r.name = 'admin'));

-- A new session ends the one that the browser had before, BEFORE: nobody could use that any more but a thief.
-- session_add(id uuid, account uuid, token bytea, idle interval_ms, life interval_ms,
--             agent text, before bytea) :exec
WITH gone AS (DELETE FROM session WHERE token = $before)
INSERT INTO session (firm, id, account, token, idle, ends, agent)
VALUES (current_setting('kz.firm')::int, $id, $account, $token, $idle, now() + $life, $agent);

-- sessions(account uuid, current uuid) :many
-- -> id uuid, agent text, created timestamptz, seen timestamptz, current bool
SELECT s.id, s.agent, s.created, s.seen, s.id = $current
  FROM session s
 WHERE s.account = $account AND s.ends > now() AND s.seen + s.idle > now()
 ORDER BY s.seen DESC, s.id LIMIT 50;

-- session_end(session uuid) :exec
DELETE FROM session WHERE id = $session;

-- Ends all sessions of an account but one.
-- sessions_end(account uuid, keep uuid) :exec
DELETE FROM session WHERE account = $account AND id IS DISTINCT FROM $keep;
