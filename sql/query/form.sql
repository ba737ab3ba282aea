-- The same form goes one after the other, to the end of the transaction: a double click is answered twice, and makes
-- one thing.
-- form_lock(form text) :one
-- -> held int4
SELECT 1 FROM pg_advisory_xact_lock(hashtext('kanzleipost form'), hashtext($form));

-- form_sent(form text, path text) :maybe
-- -> fields bytea, place text
SELECT fields, place FROM kz_form_sent($form, $path);

-- form_done(form text, path text, fields bytea, place text) :exec writes
SELECT kz_form_done($form, $path, $fields, $place);
