-- Whoever has forgotten a password may name the mail address instead of the user name.
CREATE INDEX account_email ON account (firm, lower(email)) WHERE email <> '';
