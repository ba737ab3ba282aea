-- Checks access of each side to each table: every line of sql/policy/access.sql, for every verb, with own rows, rows of
-- a second person and of a second firm; and the access to secrets.
BEGIN;
\ir scene.sql
SELECT no_plan();

-- The client Maria, written out: she sees what is hers, nothing of anybody else, and no secret.
SELECT is(does('maria', statement), result, 'maria: ' || statement)
  FROM (VALUES ('SELECT id FROM client', '1 rows'), ('SELECT id FROM account', '1 rows'),
               ('SELECT id FROM session', '1 rows'), ('SELECT id FROM code', '0 rows'),
               ('SELECT id FROM job', '0 rows'), ('SELECT firm FROM "right"', '0 rows'),
               ('SELECT firm FROM staff', '0 rows'), ('SELECT firm FROM assignment', '0 rows'),
               ('UPDATE account SET email = ''x@y.example''', '42501'), ('UPDATE session SET seen = now()', '42501'),
               ('UPDATE code SET expires = now()', '0 rows'), ('UPDATE job SET state = ''done''', '0 rows'),
               ('DELETE FROM session', '1 rows')) x (statement, result);
SELECT is(does(p, format('SELECT %I FROM %I', c, t)), '42501', format('%s: %s.%s is not to be selected', p, t, c))
  FROM (VALUES ('account', 'password'), ('account', 'wrong'), ('account', 'wrong_marks'), ('session', 'token'),
               ('code', 'hash'), ('job', 'sealed'), ('firm', 'key'), ('document', 'key'), ('upload', 'key')) x (t, c),
       unnest(ARRAY['maria', 'clerk', 'admin', 'portal', 'public', 'nobody']) p;
SELECT is(string_agg(format('%s.%s', c.relname, a.attname), ' ' ORDER BY c.relname, a.attname),
          'document.sha256 event_seal.hash event_seal.key event_seal.previous event_seal.signature'
          ' event_sealed.hash upload.sha256',
          'columns of bytes that the portal selects: hashes of documents and events, the public key, signatures')
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.atttypid IN ('bytea'::regtype, 'bytea[]'::regtype)
   AND has_column_privilege('kanzlei_portal', c.oid, a.attnum, 'SELECT');

-- The acting persons: one of each side, with the clients and accounts of firm 1 that concern them.
CREATE TEMP TABLE who (side text, person text, admin boolean, clients uuid[], accounts uuid[],
                       matters uuid[] DEFAULT '{}', -- clients of whom they see one matter alone
                       rights text[] DEFAULT '{}'); -- that open something to them
INSERT INTO who VALUES
    ('client', 'maria', false, ARRAY[id(1, 'client')], ARRAY[id(1, 'maria')]),
    ('staff', 'clerk', false, ARRAY[id(1, 'client')], ARRAY[id(1, 'clerk'), id(1, 'maria')]),
    ('staff', 'group', false, ARRAY[id(1, 'client', 2)], ARRAY[id(1, 'group'), id(1, 'otto')]),
    ('staff', 'all', false, ARRAY[id(1, 'client'), id(1, 'client', 2)],
     ARRAY[id(1, 'all'), id(1, 'maria'), id(1, 'otto')]),
    ('staff', 'admin', true, ARRAY[id(1, 'client'), id(1, 'client', 2)],
     ARRAY(SELECT id FROM account WHERE firm = 1)),
    ('portal', 'portal', true, ARRAY[id(1, 'client'), id(1, 'client', 2)],
     ARRAY(SELECT id FROM account WHERE firm = 1)),
    ('public', 'public', false, '{}', '{}');
INSERT INTO who VALUES ('staff', 'helper', false, '{}', ARRAY[id(1, 'helper')], ARRAY[id(1, 'matter')]);
INSERT INTO who VALUES
    ('staff', 'office', true, '{}', ARRAY(SELECT id FROM account WHERE firm = 1 AND kind = 'staff'));
UPDATE who SET rights = '{clients,release}' WHERE person IN ('admin', 'office', 'clerk', 'group', 'portal');

-- The meaning of the names of rows, a second time: for these people, and read by the superuser.
CREATE TEMP TABLE meaning (rows text, means text);
INSERT INTO meaning VALUES
    ('-', 'false'), ('firm', 'true'), ('self', 't.id = :me'), ('own', 't.account = :me'),
    ('known account', 't.id = ANY (:accounts)'), ('of known account', 't.account = ANY (:accounts)'),
    ('of whole account: "clients"', ':clients_right AND t.account = ANY (:accounts)'),
    ('new client''s account: "clients"', 't.kind = ''client'' AND :clients_right OR :admin'), ('admin''s', ':admin'),
    ('own or admin''s', 't.staff = :me OR :admin'),
    ('any: "clients"', ':clients_right'), ('whole client: "clients"', ':clients_right AND t.id = ANY (:clients)'),
    ('of whole client: "clients"', ':clients_right AND (:all OR t.client = ANY (:clients))'),
    ('of whole client', ':all OR t.client = ANY (:clients)'),
    ('seen client', 't.id = ANY (:clients) OR t.id IN (SELECT client FROM matter WHERE id = ANY (:matters))'),
    ('seen matter', 't.client = ANY (:clients) OR t.id = ANY (:matters)'),
    ('known account''s, of whole client: "clients"', ':clients_right AND (:all OR t.client = ANY (:clients)) AND (t.account = ANY (:accounts))'),
    ('of seen matter', 't.client = ANY (:clients) OR t.matter = ANY (:matters)'),
    ('of seen matter: "release"', ':release_right AND (t.client = ANY (:clients) OR t.matter = ANY (:matters))'),
    ('own of seen matter', 't.account = :me AND (t.client = ANY (:clients) OR t.matter = ANY (:matters))'),
    ('own being received', 't.account = :me AND t.state = ''receiving'' AND'
                           ' (t.client = ANY (:clients) OR t.matter = ANY (:matters))'),
    ('document of seen matter', 't.client = ANY (:clients) OR t.matter = ANY (:matters)'),
    ('of seen document and matter', '(t.client = ANY (:clients) OR t.matter = ANY (:matters)) AND'
                                    ' t.document IN (:documents)'),
    ('of seen document', 't.document IN (:documents)'), ('of seen delivery', 't.document IN (:documents)'),
    ('own with what came', 't.account = :me AND t.step <> ''notified'' AND t.document IN (:documents) AND'
                           ' t.document IN (SELECT id FROM document WHERE direction = :came)'),
    ('notified of what went, received',
     't.step = ''notified'' AND t.document IN (SELECT id FROM document WHERE direction = ''from_firm'')'
     ' OR t.step IN (''opened'', ''received'') AND (SELECT v.direction = ''from_client'' AND a.kind = ''staff'''
     ' OR v.direction = ''from_firm'' AND EXISTS (SELECT FROM account_client ac WHERE ac.account = a.id'
     ' AND ac.client = v.client) FROM delivery v, account a WHERE a.firm = v.firm AND a.id = t.account'
     ' AND v.firm = t.firm AND v.document = t.document AND v.client = t.client)'),
    ('own or of whole client', ':all OR t.staff = :me OR t.client = ANY (:clients)'),
    ('of whole or new client: "clients"', ':clients_right AND (:all OR t.client = ANY (:clients))'),
    ('own or seen event', 't.account = :me OR t.client = ANY (:clients) OR :all OR'
                          ' cardinality(:matters) > 0 AND t.document IN (:documents)'),
    ('own or of seen document', 't.account = :me OR t.document IN (:documents) AND t.client = ANY (:clients)'),
    ('own about seen client', 't.account = :me AND (t.client IS NULL OR t.client = ANY (:clients))'),
    ('about seen or new client', 't.client IS NULL OR t.client = ANY (:clients) OR'
                                 ' t.client IN (SELECT client FROM matter WHERE id = ANY (:matters))'),
    ('about no client', 't.client IS NULL AND t.document IS NULL'),
    ('about known account or seen client',
     't.about = ANY (:accounts || :clients) OR :all OR'
     ' t.kind = ''provided'' AND t.about IN (SELECT client FROM matter WHERE id = ANY (:matters))');
SELECT set_eq('SELECT rows FROM meaning', 'SELECT rows FROM access_rows UNION SELECT ''-''',
              'what each name of rows means is said here too');

CREATE FUNCTION pg_temp.in_terms_of(w who, means text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT * FROM (VALUES
            (1, ':documents', 'SELECT id FROM document WHERE client = ANY (:clients) OR matter = ANY (:matters)'),
            (1, ':clients_right', ('clients' = ANY (w.rights))::text),
            (1, ':release_right', ('release' = ANY (w.rights))::text), (2, ':me', format('%L::uuid', id(1, w.person))), (2, ':accounts', format('%L::uuid[]', w.accounts)),
            (2, ':clients', format('%L::uuid[]', w.clients)), (2, ':matters', format('%L::uuid[]', w.matters)),
            (2, ':admin', w.admin::text), (2, ':all', (cardinality(w.clients) = 2)::text),
            (2, ':came', CASE w.side WHEN 'client' THEN '''from_firm''' ELSE '''from_client''' END))
            x (place, name, becomes) ORDER BY place
    LOOP
        means := replace(means, one.name, one.becomes);
    END LOOP;
    RETURN means;
END $$;

-- Each line for each person and verb: the rows that they may reach, and by which column.
CREATE TEMP VIEW asked AS
SELECT l.tab, w.side, w.person, v.verb, coalesce(l.rows, '-') AS rows, split_part(coalesce(c.columns, ''), ' ', 1) AS col,
       format('t.%I = 1 AND (%s)', CASE l.tab WHEN 'firm' THEN 'id' ELSE 'firm' END,
pg_temp.in_terms_of(w, m.means)) AS condition
  FROM (SELECT x.tab, x.side, j.key AS verb, j.value AS rows FROM access_line x, jsonb_each_text(to_jsonb(x)) j
         WHERE j.key IN ('reads', 'adds', 'changes', 'removes')) l
  JOIN who w USING (side)
  JOIN (VALUES ('reads'), ('adds'), ('changes'), ('removes')) v (verb) USING (verb)
  JOIN meaning m USING (rows)
  LEFT JOIN (SELECT x.tab, j.key AS verb, j.value AS columns FROM access_columns x, jsonb_each_text(to_jsonb(x)) j) c
    USING (tab, verb)
 WHERE l.tab NOT IN ('installation', 'master_key', 'migration');
SELECT is(count(*), (SELECT count(*) * 9 * 4 FROM firm_table), 'each table, person and verb is asked')
  FROM asked;

CREATE FUNCTION pg_temp.rows_in(tab text, condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM %I t WHERE %s', tab, condition) INTO n;
    RETURN n || ' rows';
END $$;
-- The expected result; NULL if no side may do it at all.
CREATE FUNCTION pg_temp.expected(a asked, read text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN a.col = '' AND a.rows = '-' AND NOT EXISTS
                     (SELECT FROM asked o WHERE o.tab = a.tab AND o.verb = a.verb AND o.rows <> '-') THEN '42501'
           ELSE pg_temp.rows_in(a.tab, CASE WHEN a.rows = '-' THEN 'false'
                                       ELSE format('(%s) AND (%s)', a.condition, read) END) END
$$;
SELECT is(does(a.person, CASE a.verb WHEN 'reads' THEN format('SELECT %I FROM %I', NULLIF(r.col, ''), a.tab)
                         WHEN 'changes' THEN format('UPDATE %I SET %2$I = %2$I', a.tab, NULLIF(a.col, ''))
                         ELSE format('DELETE FROM %I WHERE %I IS NOT NULL', a.tab, NULLIF(r.col, '')) END),
          pg_temp.expected(a, r.condition), format('%s: %s %s "%s"', a.tab, a.person, a.verb, a.rows))
  FROM asked a JOIN asked r ON r.tab = a.tab AND r.person = a.person AND r.verb = 'reads'
 WHERE a.verb <> 'adds' AND (a.verb = 'removes' OR a.col <> '') AND r.col <> '';

-- Rows are added as copies of existing ones, in the granted columns: one of each kind that the line
-- allows, one of each that it doesn't, and one of the other firm. An allowed row may be refused as a duplicate.
CREATE FUNCTION pg_temp.adding(a asked, condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found jsonb;
    cols text;
BEGIN
    EXECUTE format('SELECT to_jsonb(t) FROM %I t WHERE %s ORDER BY t::text LIMIT 1', a.tab, condition) INTO found;
    IF found IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT kz_access_columns(coalesce(NULLIF(c.adds, ''), c.reads)) INTO cols FROM access_columns c WHERE c.tab = a.tab;
    RETURN tap.does(a.person, format('INSERT INTO %I (%s) SELECT %2$s FROM jsonb_populate_record(NULL::%1$I, %3$L)',
                                     a.tab, coalesce(cols, 'firm'), found));
END $$;
SELECT isnt(pg_temp.adding(a, a.condition), '42501', format('%s: %s adds "%s"', a.tab, a.person, a.rows))
  FROM asked a WHERE a.verb = 'adds' AND a.rows <> '-' AND pg_temp.rows_in(a.tab, a.condition) <> '0 rows';
SELECT is(pg_temp.adding(a, other), '42501', format('%s: %s adds nothing where %s', a.tab, a.person, other))
  FROM asked a, unnest(ARRAY[format('NOT coalesce(%s, false)', a.condition), replace(a.condition, '= 1 ', '= 2 ')]) other
 WHERE a.verb = 'adds' AND pg_temp.rows_in(a.tab, other) <> '0 rows' AND a.tab <> 'firm';

-- One may add an access of a new account, or of an account that one sees already.
UPDATE account SET created = now() - interval '1 day';
SELECT is(does('clerk', format('INSERT INTO account_client (firm, account, client) VALUES (1, %L, %L)', id(1, 'otto'),
                               id(1, 'client'))), '42501', 'account_client: not of another client''s account');
SELECT is(does('clerk', format('INSERT INTO account (firm, id, kind, user_name, name) VALUES (1, %1$L, ''client'', ''neu'', ''Neu'');'
                               'INSERT INTO account_client (firm, account, client) VALUES (1, %1$L, %2$L)', id(1, 'new'),
                               id(1, 'client'))), '1 rows', 'account_client: of a new account');

-- One gets only one's own words for the password check.
SELECT is(does(p, format('SELECT FROM kz_account_words(%L) w WHERE w <> %L', id(1, 'maria'), '')), n || ' rows',
          format('words of maria''s: %s %s', p, n))
  FROM (VALUES ('maria', 1), ('public', 1), ('otto', 0), ('clerk', 0), ('admin', 0), ('nobody', 0)) x (p, n);

-- The proof has events about documents that one sees, whichever client they name.
SELECT is(does('clerk', statement), '42501', statement)
  FROM (VALUES (format('INSERT INTO event (firm, id, kind, account, client, document) VALUES (1, %L, ''opened'', %L, %s, %L)',
                       id(1, 'e'), id(1, 'clerk'), 'NULL', id(1, 'from_firm', 2))),
               (format('INSERT INTO event (firm, id, kind, account, client, document) VALUES (1, %L, ''opened'', %L, %L, %L)',
                       id(1, 'e'), id(1, 'clerk'), id(1, 'client'), id(1, 'from_firm', 2))),
               (format('INSERT INTO delivery (firm, document, client, matter, direction, provided_at, provided_by)'
                       ' VALUES (1, %L, %L, %L, ''from_firm'', now(), %L)', id(1, 'from_firm', 2), id(1, 'client'),
                       id(1, 'matter'), id(1, 'clerk')))) x (statement);
SELECT is(does('maria', format('INSERT INTO event (firm, id, kind, account, client, document)'
                               ' VALUES (1, %L, ''opened'', %L, %L, %L)', id(1, 'e'), id(1, 'maria'), id(1, 'client'),
                               id(1, 'from_firm', 2))), '42501', 'event: maria, about another client''s document');
INSERT INTO document (firm, id, client, matter, direction, name, type, size, sha256, key, object, by, state, reason)
SELECT firm, id(1, 'kept'), client, matter, direction, name, type, size, sha256, key, 'kept', by, 'unscannable', 'x'
  FROM document WHERE id = id(1, 'from_firm');
INSERT INTO event (firm, id, kind, client, document, detail) VALUES (1, id(1, 'e'), 'held', id(1, 'client'), id(1, 'kept'), 'x');
SELECT is(does(p, 'SELECT FROM event WHERE kind = ''held'''), n || ' rows', 'event: of what was kept back, ' || p)
  FROM (VALUES ('maria', 0), ('clerk', 1), ('group', 0)) x (p, n);
DELETE FROM event_unsealed WHERE event = id(1, 'e');
DELETE FROM event WHERE kind = 'held';
DELETE FROM document WHERE id = id(1, 'kept');

-- One may only hand one's own received upload to the portal: nobody else may say that it was scanned.
SELECT is(does('maria', format('UPDATE upload SET %s WHERE account = %L', what, id(1, 'maria'))), result,
          format('upload: maria sets %s', what))
  FROM (VALUES ('touched = now()', '1 rows'), ('state = ''storing'', sha256 = sha256(''x'')', '42501'),
               ('state = ''available''', '42501')) x (what, result);

-- One sees names of oneself, of the firm's staff, and of people of clients that one sees; only the names.
SELECT is(does(p, 'SELECT name FROM person'), n || ' rows', format('person: %s knows %s', p, n))
  FROM (VALUES ('maria', 7), ('otto', 7), ('clerk', 7), ('helper', 7), ('office', 6), ('all', 8), ('admin', 8), ('portal', 8), ('public', 0),
               ('nobody', 0)) x (p, n);
SELECT is(does('maria', format('SELECT name FROM person WHERE id = %L', id(1, 'otto'))), '0 rows',
          'person: a client does not know who acts for another one');

-- The maker of a client may be assigned to it in the same transaction: nobody else, and not to an older client.
SELECT is(does('clerk', format('INSERT INTO client (firm, id, number, kind, name) VALUES (1, %1$L, ''9'', ''company'', ''Neu'');'
                               'INSERT INTO assignment (firm, id, staff, client) VALUES (1, %1$L, %2$L, %3$L)',
                               id(1, 'new'), id(1, staff), client)), result, 'assignment: ' || what)
  FROM (VALUES ('clerk', id(1, 'new'), '1 rows', 'of whoever has just made the client'),
               ('group', id(1, 'new'), '42501', 'not of somebody else to it'),
               ('clerk', id(1, 'client', 2), '42501', 'not to another client')) x (staff, client, result, what);

-- Functions that read secrets. Somebody who is signed in acts only as himself; others may prove who they are.
UPDATE account SET password = '$argon2id$' || user_name, wrong_at = now(), locked_at = now() WHERE user_name = 'otto';
UPDATE account SET password = '$argon2id$' || user_name WHERE user_name <> 'otto';
UPDATE code SET expires = now() + interval '1 day';
SELECT is(does(p, replace(replace(replace(statement, ':otto', quote_literal(id(1, 'otto'))),
                          ':maria', quote_literal(id(1, 'maria'))), ':code', format('%L::bytea', tap.token(1, 'code 1')))),
          '1 rows', format('%s: %s', p, statement))
  FROM (VALUES ('maria', 'SELECT FROM kz_sign_in_find(''maria'', ''1 hour'') WHERE password <> '''''),
               ('public', 'SELECT FROM kz_sign_in_find(''maria'', ''1 hour'') WHERE password <> '''''),
               ('maria', 'SELECT FROM kz_password_tried(''maria'', NULL, ''x'', ''1 hour'')'),
               ('public', 'SELECT FROM kz_password_tried(''maria'', NULL, ''x'', ''1 hour'')'),
               ('public', 'SELECT WHERE kz_firm_key() IS NOT NULL'),
               ('public', 'SELECT FROM kz_code_find(tap.token(1, ''code 1''))'),
               ('public', 'SELECT WHERE kz_code_redeem(:code, ''$argon2id$x'')'),
               ('public', 'SELECT WHERE kz_sign_in(:maria, ''$argon2id$maria'', ''1 hour'', tap.id(1, ''s''), sha256(''a''), ''1 hour'','
                          ' ''1 day'', '''', NULL)'),
               ('admin', 'SELECT WHERE kz_unlock(:otto)'), ('portal', 'SELECT WHERE kz_unlock(:otto)'),
               ('admin', 'SELECT WHERE kz_document_key(tap.id(1, ''from_firm'', 2)) IS NOT NULL'),
               ('maria', 'SELECT WHERE kz_document_key(tap.id(1, ''from_firm'', 1)) IS NOT NULL'),
               ('maria', 'SELECT WHERE kz_upload_key(md5(''upload'' || tap.id(1, ''matter'') || ''maria'')::uuid) IS NOT NULL'),
               ('portal', 'SELECT WHERE kz_upload_key(md5(''upload'' || tap.id(1, ''matter'') || ''maria'')::uuid) IS NOT NULL'))
       x (p, statement);
SELECT is(does(p, replace(replace(replace(statement, ':otto', quote_literal(id(1, 'otto'))),
                          ':maria', quote_literal(id(1, 'maria'))), ':code', format('%L::bytea', tap.token(1, 'code 1')))),
          '0 rows', format('%s: no %s', p, statement))
  FROM (VALUES ('maria', 'SELECT FROM kz_sign_in_find(''otto'', ''1 hour'')'),
               ('portal', 'SELECT FROM kz_sign_in_find(''otto'', ''1 hour'')'),
               ('nobody', 'SELECT FROM kz_sign_in_find(''otto'', ''1 hour'')'),
               ('maria', 'SELECT FROM kz_password_tried(''admin'', NULL, ''x'', ''1 hour'')'),
               ('maria', 'SELECT WHERE kz_firm_key() IS NOT NULL'),
               ('maria', 'SELECT FROM kz_code_find(tap.token(1, ''code 1''))'),
               ('public', 'SELECT FROM kz_code_find(tap.token(2, ''code 1''))'),
               ('maria', 'SELECT WHERE kz_code_redeem(:code, ''$argon2id$x'')'),
               ('public', 'SELECT WHERE kz_code_redeem(tap.token(2, ''code 1''), ''$argon2id$x'')'),
               ('public', 'SELECT WHERE kz_sign_in(:maria, ''$argon2id$other'', ''1 hour'', tap.id(1, ''s''), sha256(''a''), ''1 hour'','
                          ' ''1 day'', '''', NULL)'),
               ('public', 'SELECT WHERE kz_sign_in(:otto, ''$argon2id$otto'', ''1 hour'', tap.id(1, ''s''), sha256(''a''), ''1 hour'','
                          ' ''1 day'', '''', NULL)'), -- locked
               ('maria', 'SELECT WHERE kz_sign_in(:maria, ''$argon2id$maria'', ''1 hour'', tap.id(1, ''s''), sha256(''a''), ''1 hour'','
                         ' ''1 day'', '''', NULL)'),
               ('office', 'SELECT WHERE kz_unlock(:otto)'), ('clerk', 'SELECT WHERE kz_unlock(:otto)'), ('all', 'SELECT WHERE kz_unlock(:otto)'),
               ('maria', 'SELECT WHERE kz_unlock(:otto)'), ('otto', 'SELECT WHERE kz_unlock(:otto)'),
               ('public', 'SELECT WHERE kz_unlock(:otto)'),
               ('admin', 'SELECT WHERE kz_unlock(tap.id(2, ''otto''))'),
               ('maria', 'SELECT WHERE kz_document_key(tap.id(1, ''from_firm'', 2)) IS NOT NULL'),
               ('clerk', 'SELECT WHERE kz_document_key(tap.id(1, ''from_client'', 2)) IS NOT NULL'),
               ('admin', 'SELECT WHERE kz_document_key(tap.id(2, ''from_firm'')) IS NOT NULL'),
               ('office', 'SELECT WHERE kz_document_key(tap.id(1, ''from_firm'')) IS NOT NULL'),
               ('public', 'SELECT WHERE kz_document_key(tap.id(1, ''from_firm'')) IS NOT NULL'),
               ('clerk', 'SELECT WHERE kz_upload_key(md5(''upload'' || tap.id(1, ''matter'') || ''maria'')::uuid) IS NOT NULL'),
               ('admin', 'SELECT WHERE kz_upload_key(md5(''upload'' || tap.id(1, ''matter'') || ''maria'')::uuid) IS NOT NULL'))
       x (p, statement);

-- Changes of a password: whose password changes.
CREATE FUNCTION pg_temp.password_of(person text, statement text, whose text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    PERFORM set_config('role', 'kanzlei_portal', true), tap.enter(person, 1);
    EXECUTE statement;
    PERFORM set_config('role', 'postgres', true);
    SELECT a.password INTO found FROM account a WHERE a.firm = 1 AND a.user_name = whose;
    RAISE SQLSTATE 'TAP00' USING MESSAGE = found;
EXCEPTION WHEN SQLSTATE 'TAP00' THEN
    RETURN SQLERRM;
END $$;
SELECT is(pg_temp.password_of(p, format(statement, id(1, 'otto')), whose), result, format('%s: %s: of %s', p, statement, whose))
  FROM (VALUES ('maria', 'SELECT kz_password_change(''$argon2id$maria'', ''$argon2id$new'', NULL, ''1 hour'')', 'maria', '$argon2id$new'),
               ('maria', 'SELECT kz_password_change(''$argon2id$wrong'', ''$argon2id$new'', NULL, ''1 hour'')', 'maria', '$argon2id$maria'),
               ('maria', 'SELECT kz_password_change(''$argon2id$otto'', ''$argon2id$new'', NULL, ''1 hour'')', 'otto', '$argon2id$otto'),
               ('otto', 'SELECT kz_password_change(''$argon2id$otto'', ''$argon2id$new'', NULL, ''1 hour'')', 'otto', '$argon2id$otto'), -- locked
               ('maria', 'SELECT kz_password_set(%L, ''$argon2id$new'')', 'otto', '$argon2id$otto'),
               ('admin', 'SELECT kz_password_set(%L, ''$argon2id$new'')', 'otto', '$argon2id$otto'),
               ('public', 'SELECT kz_password_set(%L, ''$argon2id$new'')', 'otto', '$argon2id$otto'),
               ('portal', 'SELECT kz_password_set(%L, ''$argon2id$new'')', 'otto', '$argon2id$new'))
       x (p, statement, whose, result);

SELECT * FROM finish();
ROLLBACK;
