-- Who sees and changes which rows, in every table: as the portal's role, by kz_enter(). Each line of
-- access.sql checks each line of sql/policy/access.sql; this file writes out what must hold whatever these say.
BEGIN;
\ir scene.sql
SELECT no_plan();

-- Another firm's rows: each table has one, and nobody of firm 1 reaches it.
CREATE FUNCTION pg_temp.rows_of(t tap.firm_table, firm int) RETURNS text LANGUAGE sql AS $$
    SELECT format('%s WHERE %I = %s', t.quoted, t.firm_column, firm)
$$;

SELECT isnt_empty('SELECT FROM ' || pg_temp.rows_of(t, 2), t.name || ': scene.sql has a row of firm 2')
  FROM firm_table t;
SELECT matches(does(p, 'SELECT FROM ' || pg_temp.rows_of(t, 2)), '^(0 rows|42501)$',
               format('%s: %s does not see another firm''s', t.name, p))
  FROM firm_table t, unnest(ARRAY['admin', 'all', 'clerk', 'group', 'maria', 'portal', 'public', 'nobody']) p;
SELECT matches(does(p, format('UPDATE %s SET firm = firm WHERE firm = 2', t.quoted)),
               '^(0 rows|42501)$', format('%s: %s does not change another firm''s', t.name, p))
  FROM firm_table t, unnest(ARRAY['admin', 'maria', 'portal']) p WHERE t.name <> 'firm';
SELECT matches(does(p, 'DELETE FROM ' || pg_temp.rows_of(t, 2)),
               '^(0 rows|42501)$', format('%s: %s does not delete another firm''s', t.name, p))
  FROM firm_table t, unnest(ARRAY['admin', 'maria', 'portal']) p;
SELECT matches(does('admin', format('UPDATE %s SET firm = 2 WHERE firm = 1', t.quoted)), '^(0 rows|42501)$',
               t.name || ': no row goes to another firm')
  FROM firm_table t WHERE t.name <> 'firm';

-- Within a firm: rows of clients whom somebody doesn't act or work for.
CREATE TEMP TABLE of_client AS
SELECT * FROM (VALUES ('client', 'id'), ('matter', 'client'), ('document', 'client'), ('delivery', 'client'),
                      ('delivery_step', 'client'), ('upload', 'client'), ('event', 'client')) t (name, client_column);
GRANT SELECT ON of_client TO kanzlei_portal;
SELECT is_empty($$SELECT t.name FROM firm_table t JOIN pg_attribute a ON a.attrelid = t.oid
                   WHERE a.attname = 'client' AND NOT a.attisdropped
                     AND t.name NOT IN (SELECT name FROM of_client)
                     AND t.name NOT IN ('account_client', 'group_client', 'assignment',
                                        'delivery_untold') $$,
                'every table with a client is tested here');

CREATE FUNCTION pg_temp.seen(p text, tab text, client_column text, n int) RETURNS text LANGUAGE sql AS $$
    SELECT tap.does(p, format('SELECT FROM %I WHERE %I = %L', tab, client_column, tap.id(1, 'client', n)))
$$;
SELECT isnt(pg_temp.seen(p, t.name, t.client_column, n), '0 rows', format('%s: %s sees client %s', t.name, p, n))
  FROM (SELECT * FROM of_client WHERE name <> 'upload') t, (VALUES ('admin', 1), ('admin', 2), ('all', 1), ('all', 2), ('portal', 1), ('portal', 2),
                            ('clerk', 1), ('group', 2), ('maria', 1)) who (p, n);
SELECT is(pg_temp.seen(p, t.name, t.client_column, n), '0 rows', format('%s: %s does not see client %s', t.name, p, n))
  FROM of_client t, (VALUES ('clerk', 2), ('group', 1), ('maria', 2), ('public', 1), ('nobody', 1)) who (p, n);

SELECT is(does(p, format('SELECT FROM object_copy WHERE document = %L', id(1, 'from_firm', n))), rows || ' rows',
          format('object_copy: %s and client %s: %s', p, n, rows))
  FROM (VALUES ('clerk', 1, 1), ('clerk', 2, 0), ('maria', 1, 1), ('maria', 2, 0), ('admin', 2, 1)) x (p, n, rows);

SELECT matches(does(p, format('UPDATE %I SET %I = %2$I WHERE %2$I = %L', t.name, t.client_column,
                              id(1, 'client', 2))),
               '^(0 rows|42501)$', format('%s: %s changes nothing of client 2', t.name, p))
  FROM of_client t, unnest(ARRAY['clerk', 'maria']) p;
SELECT matches(does(p, format('DELETE FROM %I WHERE %I = %L', t.name, t.client_column, id(1, 'client', 2))),
               '^(0 rows|42501)$', format('%s: %s deletes nothing of client 2', t.name, p))
  FROM of_client t, unnest(ARRAY['clerk', 'maria']) p;
SELECT is(does(p, format('UPDATE %I SET client = %L WHERE client = %L', t, id(1, 'client', 2), id(1, 'client'))),
          '42501', format('%s: %s gives nothing to client 2', t, p))
  FROM unnest(ARRAY['matter', 'delivery', 'upload']) t, unnest(ARRAY['clerk', 'maria']) p;

-- Whoever sees more than 50 clients has no list of them in the setting: each is looked up, to the same effect.
SAVEPOINT few;
INSERT INTO client (firm, id, number, kind, name) SELECT 1, id(1, 'c', n), 'c' || n, 'company', 'GmbH' FROM generate_series(1, 60) n;
INSERT INTO matter (firm, id, client, title) SELECT 1, id(1, 'm', n), id(1, 'c', n), 'Steuer' FROM generate_series(1, 60) n;
INSERT INTO assignment (firm, id, staff, client) SELECT 1, id(1, 'a', n), id(1, 'clerk'), id(1, 'c', n) FROM generate_series(1, 60) n;
INSERT INTO group_client (firm, "group", client) SELECT 1, id(1, 'group of clients'), id(1, 'c', n) FROM generate_series(1, 60) n;
INSERT INTO account_client (firm, account, client) SELECT 1, id(1, 'maria'), id(1, 'c', n) FROM generate_series(1, 60) n;
SELECT is(does(p, statement), rows || ' rows', format('many clients: %s: %s', p, statement))
  FROM unnest(ARRAY['clerk', 'group', 'maria']) p,
       (VALUES ('SELECT WHERE kz_reach() = ''many''', 1), ('SELECT id FROM client', 61), ('SELECT id FROM matter', 61),
               ('SELECT client FROM visible', 61), ('SELECT id FROM kz_client_search(''%'', NULL, false, 100)', 61),
               ('SELECT document FROM delivery', 2)) x (statement, rows);
SELECT is(does(p, format('SELECT id FROM matter WHERE client = %L', id(1, 'client', n))), '0 rows',
          format('many clients: %s does not see client %s', p, n))
  FROM (VALUES ('clerk', 2), ('group', 1), ('maria', 2)) x (p, n);
SELECT is(does(p, 'SELECT WHERE kz_reach() = ''all'' AND kz_few() IS NULL'), '1 rows', p || ': has no list of clients')
  FROM unnest(ARRAY['admin', 'all', 'portal']) p;
ROLLBACK TO few;
SELECT is(does('clerk', 'SELECT WHERE kz_reach() = ''few'' AND cardinality(kz_few()) = 1'), '1 rows',
          'a few clients: stand in the setting');
INSERT INTO assignment (firm, id, staff, "group") VALUES (1, id(1, 'a', 0), id(1, 'clerk'), id(1, 'group of clients'));
INSERT INTO group_client (firm, "group", client) VALUES (1, id(1, 'group of clients'), id(1, 'client'));
SELECT is(does('clerk', 'SELECT client FROM visible'), '2 rows', 'a client by itself and by a group: is listed once');
ROLLBACK TO few;

-- Searching goes past these policies. The place in the list is a client, too: one that somebody may not
-- see is no place, so that the answer doesn't reveal where its name sorts.
UPDATE client SET name = CASE id WHEN id(1, 'client', 1) THEN 'Ahorn' ELSE 'Zeder' END WHERE firm = 1;
SELECT is(does(p, format('SELECT FROM kz_client_search(%L, %L, false, 10)', '%', id(f, 'client', n))), rows || ' rows',
          format('search: %s behind client %s of firm %s: %s', p, n, f, rows))
  FROM (VALUES ('clerk', 1, 1, 0), ('clerk', 1, 2, 1), ('admin', 1, 1, 1), ('admin', 1, 2, 0), ('clerk', 2, 1, 1),
               ('maria', 1, 2, 1), ('nobody', 1, 1, 0)) x (p, f, n, rows);

-- A client doesn't see documents that the scanner kept back, except its own.
UPDATE document SET state = 'unscannable', reason = 'encrypted' WHERE firm = 1;
SELECT is(does(p, format('SELECT FROM document WHERE id = %L', id(1, d))), rows || ' rows',
          format('document: %s and what is kept back, %s: %s', p, d, rows))
  FROM (VALUES ('clerk', 'from_firm', 1), ('clerk', 'from_client', 1), ('maria', 'from_firm', 0),
               ('maria', 'from_client', 1)) x (p, d, rows);

-- Events are appended, never changed.
SELECT is(does(p, s), '42501', format('event: %s may not %s', p, s))
  FROM unnest(ARRAY['admin', 'maria', 'portal', 'nobody']) p,
       unnest(ARRAY['UPDATE event SET detail = ''x''', 'DELETE FROM event', 'TRUNCATE event']) s;

-- Entering.
SELECT is(does('nobody', format('SELECT FROM kz_enter(%L, %L, %L, %4$L) WHERE kz_see_ids(firm, %4$L, %L, %L)', slug, token, who, r, kinds, ids)),
          result, 'enter: ' || what)
  FROM (VALUES
      ('firma-1', token(1, 'clerk'), 'staff', '', '{client}', ARRAY[id(1, 'client')], '1 rows', 'a client of one''s own'),
      ('firma-1', token(1, 'clerk'), 'staff', '', '{client}', ARRAY[id(1, 'client', 2)], 'KZ404', 'a client of others'),
      ('firma-1', token(1, 'admin'), 'staff', '', '{client}', ARRAY[id(2, 'client')], 'KZ404', 'another firm''s client'),
      ('firma-1', token(1, 'admin'), 'staff', '', '{document}', ARRAY[id(2, 'from_firm')], 'KZ404',
       'another firm''s document'),
      ('firma-1', token(1, 'admin'), 'staff', '', '{session}', ARRAY[id(1, 'maria')], 'KZ404', 'somebody else''s session'),
      ('firma-1', token(1, 'clerk'), 'staff', 'admin', '{}', '{}'::uuid[], 'KZ404', 'a right that is missing'),
      ('firma-1', token(1, 'all'), 'staff', 'clients', '{}', '{}', 'KZ404', '"all" is no other right'),
      ('firma-1', token(1, 'office'), 'staff', 'clients', '{}', '{}', '1 rows', '"admin" brings other rights'),
      ('firma-1', token(1, 'office'), 'staff', 'all', '{}', '{}', 'KZ404', '"admin" does not bring "all"'),
      ('firma-1', token(1, 'maria'), 'staff', '', '{}', '{}', 'KZ404', 'a client where staff go'),
      ('firma-1', token(2, 'admin'), 'member', '', '{}', '{}', 'KZ401', 'another firm''s session'),
      ('firma-1', token(1, 'wer'), 'member', '', '{}', '{}', 'KZ401', 'no session'),
      ('firma-9', token(1, 'admin'), 'member', '', '{}', '{}', 'KZ404', 'no firm')
  ) x (slug, token, who, r, kinds, ids, result, what);
UPDATE session SET ends = now() - interval '1 second' WHERE firm = 1;
SELECT is(does('admin', 'SELECT'), 'KZ401', 'enter: a session that has ended');
UPDATE session SET ends = now() + interval '1 day', seen = now() - interval '2 hours' WHERE firm = 1;
SELECT is(does('admin', 'SELECT'), 'KZ401', 'enter: a session that was idle too long');

SELECT * FROM finish();
ROLLBACK;
