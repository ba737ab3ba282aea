-- Forms that were sent (schema/019_form_sent.sql). No side selects or adds these rows: by these functions one gets at
-- those of one's own account, in one's own firm.

-- What the form P_FORM said that was sent to P_PATH, and where its answer led; no row: it was not sent yet.
CREATE OR REPLACE FUNCTION kz_form_sent(p_form text, p_path text)
RETURNS TABLE (fields bytea, place text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT s.fields, s.place FROM form_sent s
     WHERE s.firm = kz_at_firm() AND s.account = kz_me() AND s.form = p_form AND s.path = p_path;
$$;

-- Notes that it was sent; that it has been meanwhile breaks the unique key, and with it the transaction.
CREATE OR REPLACE FUNCTION kz_form_done(p_form text, p_path text, p_fields bytea, p_place text)
RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO form_sent (firm, account, form, path, fields, place)
    VALUES (kz_at_firm(), kz_me(), p_form, p_path, p_fields, p_place);
$$;
