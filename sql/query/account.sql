-- account_password(account uuid, password text) :exec
UPDATE account SET password = $2 WHERE id = $1;

-- account_add(id uuid, user text, name text, email text, language text) :exec
INSERT INTO account (firm, id, kind, user_name, name, email, language)
VALUES (current_setting('kz.firm')::int, $1, 'client', $2, $3, $4, $5);

-- account_client_add(account uuid, client uuid) :exec
INSERT INTO account_client (firm, account, client)
VALUES (current_setting('kz.firm')::int, $1, $2);

-- account(account uuid) :one
-- -> id uuid, user text, name text, email text, language text, kind text,
--    state enum(new|invited|active|locked), created timestamptz, invited timestamptz,
--    last_sign_in timestamptz, locked_at timestamptz
SELECT a.id, a.user_name, a.name, a.email, a.language, a.kind, r.state, a.created, r.invited,
       a.signed_in_at, a.locked_at
  FROM account a JOIN account_row r ON r.firm = a.firm AND r.id = a.id
 WHERE a.id = $1;

-- clients_of_account(account uuid) :many
-- -> id uuid, client_name text, street text, postcode text, city text, country text
SELECT c.id, c.display, c.street, c.postcode, c.city, c.country
  FROM account_client ac JOIN client c ON c.firm = ac.firm AND c.id = ac.client
 WHERE ac.account = $1 ORDER BY c.sort, c.id LIMIT 50;

-- account_unlock(account uuid) :exec
UPDATE account SET locked_at = NULL, wrong = 0, wrong_marks = '{}'
 WHERE id = $1 AND locked_at IS NOT NULL;

-- A mail with a code; the code is made when the mail is. One that waits already serves.
-- job_mail(id uuid, account uuid, purpose text) :exec
INSERT INTO job (firm, id, kind, data)
SELECT current_setting('kz.firm')::int, $1, 'mail',
       jsonb_build_object('account', $2::uuid, 'purpose', $3::text)
 WHERE NOT EXISTS (SELECT FROM job WHERE kind = 'mail' AND state = 'waiting'
                      AND about = $2 AND data ->> 'purpose' = $3);

-- A mail for a new password, wished by somebody who says to be USER. Always a row, so that the time
-- says nothing about who is there: one that concerns nobody when there is no such name, no mail
-- address, a lock, or a mail a moment ago. That one is done from the start: anybody may wish, and
-- what waited would hold up the mails of all firms.
-- job_forgotten(id uuid, user text) :exec
WITH who AS MATERIALIZED (
    SELECT (SELECT a.id FROM account a
             WHERE a.user_fold = lower($2) AND a.email <> '' AND a.locked_at IS NULL
               AND NOT EXISTS (SELECT FROM job j
                                WHERE j.firm = a.firm AND j.kind = 'mail' AND j.state = 'waiting'
                                  AND j.about = a.id AND j.data ->> 'purpose' = 'password')
               AND NOT EXISTS (SELECT FROM code k
                                WHERE k.firm = a.firm AND k.account = a.id AND k.purpose = 'password'
                                  AND k.created > now() - interval '1 minute')) AS account)
INSERT INTO job (firm, id, kind, state, data)
SELECT current_setting('kz.firm')::int, $1, 'mail',
       CASE WHEN account IS NULL THEN 'done' ELSE 'waiting' END,
       jsonb_build_object('purpose', 'password', 'account', coalesce(account, $1))
  FROM who;

-- What a password must not be made of: the person's and the clients' names.
-- account_words(account uuid) :one
-- -> words text
SELECT kz_account_words($1);

-- Codes that nobody has used yet don't outlive a change of the password.
-- codes_end(account uuid) :exec
UPDATE code SET expires = now() WHERE account = $1 AND used_at IS NULL AND expires > now();

-- account_email(account uuid) :one
-- -> me_email text
SELECT email FROM account WHERE id = $1;
