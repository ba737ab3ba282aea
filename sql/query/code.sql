-- A new code; older ones stay good until their own end. No row: it is there already.
-- code_add(id uuid, account uuid, purpose text, hash bytea, life interval_ms) :maybe
-- -> expires timestamptz
INSERT INTO code (firm, id, account, purpose, hash, expires, sent_at)
VALUES (kz_at_firm(), $id, $account, $purpose, $hash, now() + $life, now())
ON CONFLICT DO NOTHING RETURNING expires;

-- A code of the account by its hash, if it is still good.
-- code_again(account uuid, hash bytea) :maybe
-- -> expires timestamptz
SELECT expires FROM kz_code_again($account, $hash);

-- A new code, and the JOB that mails it, in which it lies SEALED. A mail that waits already serves: then nothing is
-- made, as long as half of its code's life is left.
-- code_mail(job uuid, account uuid, purpose text, id uuid, hash bytea, life interval_ms, sealed bytea) :exec
WITH wanted AS (
    SELECT kz_at_firm() AS firm
     WHERE NOT EXISTS (SELECT FROM job j JOIN code k ON k.firm = j.firm AND k.account = $account
                                                   AND k.id = (j.data ->> 'code')::uuid
                        WHERE j.kind = 'mail' AND j.state = 'waiting' AND j.about = $account
                          AND j.data ->> 'purpose' = $purpose AND k.expires > now() + $life / 2)),
     made AS (
    INSERT INTO code (firm, id, account, purpose, hash, expires)
    SELECT firm, $id, $account, $purpose, $hash, now() + $life FROM wanted)
INSERT INTO job (firm, id, kind, data, sealed)
SELECT firm, $job, 'mail', jsonb_build_object('account', $account::uuid, 'purpose', $purpose::text, 'code', $id::uuid,
                                              'by', kz_me()), $sealed
  FROM wanted;

-- The same for a new password, asked for under USER, a user name or a mail address.
-- code_forgotten(job uuid, user text, id uuid, hash bytea, life interval_ms, sealed bytea) :exec writes
SELECT kz_forgotten($job, $user, $id, $hash, $life, $sealed);

-- Whether the last invitation of the account has never left: its mail waits, or was refused.
-- invitation_owed(account uuid) :one
-- -> owed bool
SELECT coalesce((SELECT sent_at IS NULL AND used_at IS NULL AND expires > now() FROM code
                  WHERE account = $account AND purpose = 'invitation' ORDER BY created DESC LIMIT 1), false);

-- Whom the mail with a code goes to. LOCKED: in a way that no code by mail ends (kz_code_unlock()). CLIENT: the first that the person acts for; NULL of staff.
-- code_reader(code uuid, account uuid) :maybe
-- -> user text, name text, email text, language text, kind text, client uuid, has_password bool, locked bool,
--    expires timestamptz, is_over bool
SELECT a.user_name, a.name, a.email, a.language, a.kind,
       (SELECT c.client FROM account_client c WHERE c.firm = a.firm AND c.account = a.id ORDER BY c.client LIMIT 1),
       a.has_password, a.locked_at IS NOT NULL AND a.kind = 'staff', k.expires, k.used_at IS NOT NULL OR k.expires <= now()
  FROM account a JOIN code k ON k.firm = a.firm AND k.account = a.id
 WHERE a.id = $account AND k.id = $code;

-- The mail server has taken the mail.
-- code_sent(code uuid) :exec
UPDATE code SET sent_at = now() WHERE id = $code;

-- Those of an account that nobody has used are void; false: there were none.
-- codes_void(account uuid) :one! writes
-- -> voided bool
SELECT voided FROM kz_codes_void($account);

-- code_find(hash bytea) :maybe
-- -> id uuid, account uuid, kind text, user text, name text, language text, used bool, expired bool
SELECT id, account, kind, user_name, name, language, used, expired FROM kz_code_find($hash);

-- Uses a code up for a new password; false: somebody else did, or its time is over.
-- code_redeem(hash bytea, password text) :one writes
-- -> good bool
SELECT kz_code_redeem($hash, $password);

-- Ends the lock of a client's access whose code, mailed on its wish, was used a moment ago in this transaction.
-- code_unlock(hash bytea) :one writes
-- -> unlocked bool
SELECT kz_code_unlock($hash);
