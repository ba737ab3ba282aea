-- sign_in_find(user text, lock_time interval_ms) :maybe
-- -> id uuid, kind text, password text, language text, locked bool
SELECT id, kind, password, language, locked FROM kz_sign_in_find($user, $lock_time);

-- The answer to a password that was tried: FITTED is the hash that it fitted, NULL for none. A wrong one is counted
-- unless its mark is known; the third one locks. No row: there is no such name.
-- password_tried(user text, fitted text, mark bytea, lock_time interval_ms) :maybe writes
-- -> id uuid, verdict enum(right|wrong|locked), counted bool
SELECT id, verdict, counted FROM kz_password_tried($user, $fitted, $mark, $lock_time);

-- A new session, unless the account is locked or PASSWORD, the hash that was found right, is its hash no more. The
-- session that the browser had before, BEFORE, ends.
-- sign_in(account uuid, password text, lock_time interval_ms, session uuid, token bytea, idle interval_ms,
--         life interval_ms, agent text, before bytea) :one writes
-- -> taken bool
SELECT kz_sign_in($account, $password, $lock_time, $session, $token, $idle, $life, $agent, $before);

-- sessions(account uuid, current uuid) :many
-- -> id uuid, agent text, created timestamptz, seen timestamptz, current bool
SELECT s.id, s.agent, s.created, s.seen, s.id = $current
  FROM session s
 WHERE s.account = $account AND s.ends > now() AND s.seen + s.idle > now()
 ORDER BY s.seen DESC, s.id LIMIT 51;

-- session_end(session uuid) :exec
DELETE FROM session WHERE id = $session;

-- Ends all sessions of an account but one.
-- sessions_end(account uuid, keep uuid) :exec
DELETE FROM session WHERE account = $account AND id IS DISTINCT FROM $keep;
