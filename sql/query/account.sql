-- One's own, unless it is locked or FITTED, the hash that the former password fitted, is its hash no more; unused codes
-- and all sessions but KEEP end.
-- password_change(fitted text, password text, keep uuid, lock_time interval_ms) :one writes
-- -> changed bool
SELECT kz_password_change($fitted, $password, $keep, $lock_time);

-- account_add(id uuid, user text, name text, email text, language text) :exec
INSERT INTO account (firm, id, kind, user_name, name, email, language)
VALUES (kz_at_firm(), $id, 'client', $user, $name, $email, $language);

-- account_client_add(account uuid, client uuid) :exec
INSERT INTO account_client (firm, account, client)
VALUES (kz_at_firm(), $account, $client);

-- An access; for administrators that of one of the staff, too.
-- account(account uuid) :one!
-- -> id uuid, user text, name text, email text, language text, kind text,
--    state enum(new|invited|active|locked), created timestamptz, invited timestamptz,
--    mailing timestamptz, mail_failed timestamptz, last_sign_in timestamptz, locked_at timestamptz,
--    firm_code timestamptz, code_until timestamptz
SELECT a.id, a.user_name, a.name, a.email, a.language, a.kind, r.state, a.created, r.invited, r.mailing,
       a.mail_failed_at, a.signed_in_at, a.locked_at, a.firm_code_at, r.code_until
  FROM account a JOIN account_row r ON r.firm = a.firm AND r.id = a.id
 WHERE a.id = $account AND (a.kind = 'client' OR kz_has('admin'));

-- clients_of_account(account uuid) :many
-- -> id uuid, client_name text, street text, postcode text, city text, country text
SELECT c.id, c.display, c.street, c.postcode, c.city, c.country
  FROM account_client ac JOIN client c ON c.firm = ac.firm AND c.id = ac.client
 WHERE ac.account = $account ORDER BY c.sort, c.id LIMIT 51;

-- account_unlock(account uuid) :one writes
-- -> unlocked bool
SELECT kz_unlock($account);

-- The words that a password must not be made of: the person's and the clients' names.
-- account_words(account uuid) :one
-- -> words text
SELECT kz_account_words($account);

-- account_email(account uuid) :one
-- -> me_email text
SELECT email FROM account WHERE id = $account;

-- The mail address, for whoever changes it, locked to the end of the transaction.
-- address_locked(account uuid) :one! writes as account_email
SELECT email FROM kz_address_hold($account);

-- Another mail address; false: it is that already.
-- address_change(account uuid, email text) :one writes
-- -> changed bool
SELECT kz_address_change($account, $email);
