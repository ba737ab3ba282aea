-- account_password(account uuid, password text) :exec
UPDATE account SET password = $2 WHERE id = $1;
