-- Two firms, 1 and 2, with at least one row in each table; and functions that act as one of their
-- people. The other files include this one inside of their transaction.

CREATE SCHEMA tap;
CREATE EXTENSION pgtap WITH SCHEMA tap;
GRANT USAGE ON SCHEMA tap TO kanzlei_portal;
SET LOCAL search_path = public, tap;

-- Returns the id of the N-th thing of a kind of a firm.
CREATE FUNCTION tap.id(firm int, kind text, n int DEFAULT 1) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT md5(firm || kind || n)::uuid
$$;

CREATE FUNCTION tap.token(firm int, person text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(convert_to(firm || person, 'UTF8'))
$$;

CREATE VIEW tap.firm_table AS
    SELECT c.oid, c.relname::text AS name, format('%I', c.relname) AS quoted,
           CASE c.relname WHEN 'firm' THEN 'id' ELSE 'firm' END AS firm_column
      FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
       AND c.relname NOT IN ('installation', 'master_key', 'migration');

-- Enters as PERSON: 'admin' and 'all' see every client, 'office' administers the firm and sees none, 'clerk' works for
-- client 1, 'group' for client 2, by a group; these two may make clients and release documents, 'all' and 'helper', who
-- works for the matter of client 1 alone, may not; 'maria' acts for client 1, 'otto' for client 2; 'portal',
-- 'public' and 'nobody' (not entered).
CREATE FUNCTION tap.enter(person text, firm int DEFAULT 1) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF person = 'portal' THEN
        PERFORM kz_enter_portal(firm);
    ELSIF person = 'public' THEN
        PERFORM kz_enter('firma-' || firm, '', 'public', '');
    ELSIF person <> 'nobody' THEN
        PERFORM kz_enter('firma-' || firm, tap.token(firm, person), 'member', '');
    END IF;
END $$;

-- Runs STATEMENT as PERSON with the portal's role; returns "N rows", or an error's SQLSTATE.
-- Undoes its changes.
CREATE FUNCTION tap.does(person text, statement text, firm int DEFAULT 1) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    PERFORM set_config('role', 'kanzlei_portal', true);
    PERFORM tap.enter(person, firm);
    EXECUTE statement;
    GET DIAGNOSTICS n = ROW_COUNT;
    RAISE SQLSTATE 'TAP00' USING MESSAGE = n || ' rows';
EXCEPTION
    WHEN SQLSTATE 'TAP00' THEN
        RETURN SQLERRM;
    WHEN OTHERS THEN
        RETURN SQLSTATE;
END $$;

-- Returns a statement that adds a copy of a row of TAB that meets CONDITION, with some columns changed.
CREATE FUNCTION tap.copy(tab text, condition text, changes jsonb DEFAULT '{}') RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    found jsonb;
    columns text;
BEGIN
    EXECUTE format('SELECT to_jsonb(t) FROM %I t WHERE %s LIMIT 1', tab, condition) INTO found;
    SELECT string_agg(format('%I', attname), ', ') INTO columns FROM pg_attribute
     WHERE attrelid = format('public.%I', tab)::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
    RETURN format('INSERT INTO %I (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM jsonb_populate_record(NULL::%I, %L)',
                  tab, columns, columns, tab, found || changes);
END $$;

INSERT INTO firm (id, slug, name, key) OVERRIDING SYSTEM VALUE
SELECT f, 'firma-' || f, 'Kanzlei ' || f, decode(repeat('00', 76), 'hex') FROM generate_series(1, 2) f;
INSERT INTO office (firm, id, name) SELECT id, tap.id(id, 'office'), 'Büro' FROM firm;
INSERT INTO account (firm, id, kind, user_name, name)
SELECT f.id, tap.id(f.id, p), CASE WHEN p IN ('maria', 'otto') THEN 'client' ELSE 'staff' END, p, p
  FROM firm f, unnest(ARRAY['admin', 'all', 'office', 'clerk', 'group', 'helper', 'maria', 'otto']) p;
INSERT INTO staff (firm, id) SELECT firm, id FROM account WHERE kind = 'staff';
INSERT INTO "right" (firm, staff, name)
SELECT f.id, tap.id(f.id, p), r
  FROM firm f, (VALUES ('admin', '{admin,all}'::text[]), ('all', '{all}'), ('office', '{admin}'),
                       ('clerk', '{clients,release}'), ('group', '{clients,release}')) x (p, rights), unnest(rights) r;
INSERT INTO session (firm, id, account, token, idle, ends)
SELECT firm, id, id, tap.token(firm, user_name), '1 hour', now() + interval '1 day' FROM account;
INSERT INTO form_sent (firm, account, form, path, fields, place)
SELECT firm, id, user_name, '/path', tap.token(firm, 'fields'), '/place' FROM account;
INSERT INTO code (firm, id, account, purpose, hash, expires)
SELECT f.id, tap.id(f.id, 'code', n), tap.id(f.id, p), 'invitation', tap.token(f.id, 'code ' || n), now()
  FROM firm f, (VALUES ('maria', 1), ('otto', 2), ('clerk', 3)) x (p, n);

INSERT INTO client (firm, id, number, kind, first_name, name, created)
SELECT f.id, tap.id(f.id, 'client', n), n::text, 'person', 'Maria', 'Sommer', now() - interval '1 day'
  FROM firm f, generate_series(1, 2) n;
INSERT INTO account_client (firm, account, client)
SELECT f.id, tap.id(f.id, p), tap.id(f.id, 'client', n) FROM firm f, (VALUES ('maria', 1), ('otto', 2)) x (p, n);
INSERT INTO "group" (firm, id, name) SELECT id, tap.id(id, 'group of clients'), 'Gruppe' FROM firm;
INSERT INTO group_client (firm, "group", client)
SELECT id, tap.id(id, 'group of clients'), tap.id(id, 'client', 2) FROM firm;
INSERT INTO assignment (firm, id, staff, client)
SELECT id, tap.id(id, 'assignment'), tap.id(id, 'clerk'), tap.id(id, 'client') FROM firm;
INSERT INTO assignment (firm, id, staff, "group")
SELECT id, tap.id(id, 'assignment', 2), tap.id(id, 'group'), tap.id(id, 'group of clients') FROM firm;

-- For each client: a matter, a document from each side, an upload under way, an event.
INSERT INTO matter (firm, id, client, title)
SELECT f.id, tap.id(f.id, 'matter', n), tap.id(f.id, 'client', n), 'Steuer' FROM firm f, generate_series(1, 2) n;
INSERT INTO assignment (firm, id, staff, matter)
SELECT id, tap.id(id, 'assignment', 3), tap.id(id, 'helper'), tap.id(id, 'matter') FROM firm;
INSERT INTO document (firm, id, client, matter, direction, name, type, size, sha256, key, object, by, state)
SELECT f.id, tap.id(f.id, d, n), tap.id(f.id, 'client', n), tap.id(f.id, 'matter', n), d, 'a.pdf',
       'application/pdf', 7, decode(repeat('00', 32), 'hex'), decode(repeat('00', 76), 'hex'),
       f.id || d || n, tap.id(f.id, 'admin'), 'available'
  FROM firm f, generate_series(1, 2) n, unnest(ARRAY['from_client', 'from_firm']) d;
INSERT INTO delivery (firm, document, client, matter, direction, provided_at, provided_by)
SELECT firm, id, client, matter, direction, at, by FROM document;
INSERT INTO delivery_step (firm, document, client, account, step)
SELECT firm, document, client, tap.id(firm, 'maria'), 'notified' FROM delivery WHERE direction = 'from_firm';
INSERT INTO delivery_part (firm, document, account, step, parts)
SELECT firm, document, tap.id(firm, 'maria'), 'received', '{[0,3)}' FROM delivery WHERE direction = 'from_firm';
INSERT INTO delivery_untold (firm, document, client, account)
SELECT firm, document, client, tap.id(firm, 'maria') FROM delivery WHERE direction = 'from_firm';
INSERT INTO object_copy (firm, document, store, state) SELECT firm, id, 'one', 'held' FROM document;
INSERT INTO upload (firm, id, account, client, matter, name, type, size, key)
SELECT m.firm, md5('upload' || m.id || p)::uuid, tap.id(m.firm, p), m.client, m.id, 'b.pdf', 'application/pdf', 7,
       decode(repeat('00', 76), 'hex') FROM matter m, unnest(ARRAY['maria', 'clerk', 'admin']) p;
INSERT INTO event (firm, id, kind, client, document)
SELECT firm, md5('event' || id)::uuid, 'provided', client, id FROM document;
INSERT INTO event (firm, id, kind, account)
SELECT firm, md5('event' || id)::uuid, 'signed_in', account FROM session;
INSERT INTO event (firm, id, kind, account, client)
SELECT c.firm, md5('event' || c.id)::uuid, 'client_changed', tap.id(c.firm, 'admin'), c.id FROM client c;
INSERT INTO job (firm, id, kind, data)
SELECT f.id, tap.id(f.id, 'job', n), 'mail', jsonb_build_object('account', tap.id(f.id, p))
  FROM firm f, (VALUES ('maria', 1), ('otto', 2), ('admin', 3)) x (p, n);
INSERT INTO job (firm, id, kind, data)
SELECT f.id, tap.id(f.id, 'job', 3 + n), 'provided', jsonb_build_object('client', tap.id(f.id, 'client', n))
  FROM firm f, generate_series(1, 2) n;
INSERT INTO event (firm, id, kind) SELECT id, tap.id(id, 'sealed'), 'invited' FROM firm;
DELETE FROM event_unsealed u USING event e WHERE e.firm = u.firm AND e.id = u.event AND e.kind <> 'provided';
INSERT INTO event_seal (firm, number, at, count, previous, hash, key, signature)
SELECT id, 1, now(), 1, decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex'),
       decode(repeat('00', 32), 'hex'), decode(repeat('00', 64), 'hex') FROM firm;
INSERT INTO event_sealed (firm, event, seal, place, hash)
SELECT id, tap.id(id, 'sealed'), 1, 1, decode(repeat('00', 32), 'hex') FROM firm;
