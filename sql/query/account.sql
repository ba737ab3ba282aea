-- account_password(account uuid, password text) :exec
UPDATE account SET password = $password WHERE id = $account;

-- account_add(id uuid, user text, name text, email text, language text) :exec
INSERT INTO account (firm, id, kind, user_name, name, email, language)
VALUES (current_setting('kz.firm')::int, $id, 'client', $user, $name, $email, $language);

-- account_client_add(account uuid, client uuid) :exec
INSERT INTO account_client (firm, account, client)
VALUES (current_setting('kz.firm')::int, $account, $client);

-- account(account uuid) :one!
-- -> id uuid, user text, name text, email text, language text, kind text,
--    state enum(new|invited|active|locked), created timestamptz, invited timestamptz,
--    last_sign_in timestamptz, locked_at timestamptz
SELECT a.id, a.user_name, a.name, a.email, a.language, a.kind, r.state, a.created, r.invited,
       a.signed_in_at, a.locked_at
  FROM account a JOIN account_row r ON r.firm = a.firm AND r.id = a.id
 WHERE a.id = $account;

-- clients_of_account(account uuid) :many
-- -> id uuid, client_name text, street text, postcode text, city text, country text
SELECT c.id, c.display, c.street, c.postcode, c.city, c.country
  FROM account_client ac JOIN client c ON c.firm = ac.firm AND c.id = ac.client
 WHERE ac.account = $account ORDER BY c.sort, c.id LIMIT 50;

-- account_unlock(account uuid) :exec
UPDATE account SET locked_at = NULL, wrong = 0, wrong_marks = '{}'
 WHERE id = $account AND locked_at IS NOT NULL;

-- A mail with a code; the code is made when the mail is. One that waits already serves.
-- job_mail(id uuid, account uuid, purpose text) :exec
INSERT INTO job (firm, id, kind, data)
SELECT current_setting('kz.firm')::int, $id, 'mail',
       jsonb_build_object('account', $account::uuid, 'purpose', $purpose::text)
 WHERE NOT EXISTS (SELECT FROM job WHERE kind = 'mail' AND state = 'waiting'
                      AND about = $account AND data ->> 'purpose' = $purpose);

-- A mail for a new password, asked for under the name USER. Always a row, so that the time
-- says nothing about who is there: one that concerns nobody when there is no such name, no mail
-- address, a lock, or a mail a moment ago. That one is done from the start: anybody may wish, and
-- what waited would hold up the mails of all firms.
-- job_forgotten(id uuid, user text) :exec
WITH who AS MATERIALIZED (
    SELECT (SELECT a.id FROM account a
             WHERE a.user_fold = lower($user) AND a.email <> '' AND a.locked_at IS NULL
               AND NOT EXISTS (SELECT FROM job j
                                WHERE j.firm = a.firm AND j.kind = 'mail' AND j.state = 'waiting'
                                  AND j.about = a.id AND j.data ->> 'purpose' = 'password')
               AND NOT EXISTS (SELECT FROM code k
                                WHERE k.firm = a.firm AND k.account = a.id AND k.purpose = 'password'
                                  AND k.created > now() - interval '1 minute')) AS account)
INSERT INTO job (firm, id, kind, state, data)
SELECT current_setting('kz.firm')::int, $id, 'mail',
       CASE WHEN account IS NULL THEN 'done' ELSE 'waiting' END,
       jsonb_build_object('purpose', 'password', 'account', coalesce(account, $id))
  FROM who;

-- The words that a password must not be made of: the person's and the clients' names.
-- account_words(account uuid) :one
-- -> words text
SELECT kz_account_words($account);

-- Codes that nobody has used yet don't outlive a change of the password.
-- codes_end(account uuid) :exec
UPDATE code SET expires = now() WHERE account = $account AND used_at IS NULL AND expires > now();

-- account_email(account uuid) :one
-- -> me_email text
SELECT email FROM account WHERE id = $account;
