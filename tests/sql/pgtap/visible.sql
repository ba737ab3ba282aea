-- The rows that people see by an assignment to a matter, and by an access with an end.
BEGIN;
\ir scene.sql
SELECT no_plan();

-- Client 1 has another matter, with documents of its own: 'helper' is assigned to the first one alone.
INSERT INTO matter (firm, id, client, title) SELECT id, id(id, 'matter', 3), id(id, 'client'), 'Erbe' FROM firm;
INSERT INTO document (firm, id, client, matter, direction, name, type, size, sha256, key, object, by, state)
SELECT firm, id(firm, direction, 3), client, id(firm, 'matter', 3), direction, name, type, size, sha256, key,
       object || 'b', by, state FROM document WHERE client = id(firm, 'client');
INSERT INTO delivery (firm, document, client, matter, direction, provided_at, provided_by)
SELECT firm, id, client, matter, direction, at, by FROM document WHERE matter = id(firm, 'matter', 3);
INSERT INTO delivery_step (firm, document, client, account, step)
SELECT firm, document, client, id(firm, 'maria'), 'notified' FROM delivery
 WHERE direction = 'from_firm' AND matter = id(firm, 'matter', 3);
INSERT INTO upload (firm, id, account, client, matter, name, type, size, key)
SELECT firm, gen_random_uuid(), account, client, id(firm, 'matter', 3), name, type, size, key FROM upload
 WHERE client = id(firm, 'client');
INSERT INTO event (firm, id, kind, client, document)
SELECT firm, gen_random_uuid(), 'provided', client, id FROM document WHERE matter = id(firm, 'matter', 3);
INSERT INTO event (firm, id, kind, client) VALUES (1, gen_random_uuid(), 'client_changed', id(1, 'client'));
INSERT INTO object_copy (firm, document, store, state)
SELECT firm, id, 'one', 'held' FROM document WHERE matter = id(firm, 'matter', 3);

-- A matter shows its client's row, its documents with their rows, and nothing else of the client; uploads and events
-- of one's own.
SELECT is(does('helper', 'SELECT FROM ' || t), n || ' rows', format('helper sees %s of %s', n, t))
  FROM (VALUES ('client', 1), ('matter', 1), ('document', 2), ('delivery', 2), ('delivery_step', 1), ('upload', 0),
               ('object_copy', 2), ('event', 3)) x (t, n);
SELECT is(does('helper', 'SELECT FROM document WHERE matter = id(1, ''matter'')'), '2 rows', 'those of the matter');
SELECT is(does('helper', 'SELECT FROM event WHERE document IN (SELECT id FROM document)'), '2 rows',
          'the events of these, none of the client');
SELECT is(does('helper', 'SELECT FROM visible'), '0 rows', 'no client is seen as a whole');
SELECT is(does('helper', 'SELECT FROM visible_matter WHERE matter = id(1, ''matter'') AND client = id(1, ''client'')'),
          '1 rows', 'one matter, of its client');
SELECT is(does('helper', format('SELECT FROM kz_client_search(%L, NULL, false, 10)', '%')), '1 rows', 'search: the client');
SELECT is(does('helper', format('SELECT FROM kz_document_search(%L, NULL, NULL, %L, NULL, NULL, NULL, NULL, NULL, 10)',
                                '%pdf%', state)), n || ' rows', format('search: documents, %s', coalesce(state, 'all')))
  FROM (VALUES (NULL, 2), ('new', 1), ('available', 2)) x (state, n);

-- Ids in the path.
\set see 'SELECT FROM kz_enter(%L, %L, %L, %L) e WHERE kz_see_ids(e.firm, %4$L, %L, ARRAY[%L::uuid])'
SELECT is(does('nobody', format(:'see', 'firma-1', token(1, 'helper'),
                                'staff', r, format('{%s}', kind), id)), result,
          format('enter: %s %s with the right "%s": %s', what, kind, r, result))
  FROM (VALUES ('his', 'matter', '', id(1, 'matter'), '1 rows'),
               ('the other', 'matter', '', id(1, 'matter', 3), 'KZ404'),
               ('his', 'document', '', id(1, 'from_firm'), '1 rows'),
               ('the other', 'document', '', id(1, 'from_firm', 3), 'KZ404'),
               ('the matter''s', 'client', '', id(1, 'client'), '1 rows'),
               ('the matter''s', 'client', 'clients', id(1, 'client'), 'KZ404'),
               ('another', 'client', '', id(1, 'client', 2), 'KZ404'),
               ('the client''s', 'account', '', id(1, 'maria'), 'KZ404')) x (what, kind, r, id, result);
INSERT INTO "right" (firm, staff, name) VALUES (1, id(1, 'helper'), 'clients');
SELECT is(does('nobody', format(:'see', 'firma-1', token(1, p),
                                'staff', 'clients', '{client}', id(1, 'client'))), result,
          format('enter: the client, with the right "clients", as %s: %s', p, result))
  FROM (VALUES ('helper', 'KZ404'), ('clerk', '1 rows')) x (p, result);

-- Allowed and refused changes.
CREATE FUNCTION pg_temp.adding(n int) RETURNS text LANGUAGE sql AS $$
    SELECT format('INSERT INTO upload (firm, id, account, client, matter, name, type, size, key) VALUES (1,'
                  ' gen_random_uuid(), %L, %L, %L, ''b.pdf'', ''application/pdf'', 7, %L)', tap.id(1, 'helper'),
                  tap.id(1, 'client'), tap.id(1, 'matter', n), decode(repeat('00', 76), 'hex'))
$$;
SELECT is(does('helper', s), result, format('helper: %s: %s', s, result))
  FROM (VALUES ('UPDATE client SET city = ''Ulm''', '0 rows'),
               (copy('matter', 'id = id(1, ''matter'')', '{"id": "00000000-0000-7000-8000-000000000009"}'), '42501'),
               (pg_temp.adding(1), '1 rows'), (pg_temp.adding(3), '42501')) x (s, result);
SELECT is(does('helper', format('SELECT FROM kz_step(%L, ''opened'', kz_me())', id(1, 'from_client', n))), rows || ' rows',
          format('helper opens what was sent in matter %s: %s', n, rows))
  FROM (VALUES (1, 1), (3, 0), (2, 0)) x (n, rows);

-- Somebody who also works for the whole client sees all of it.
INSERT INTO assignment (firm, id, staff, client) VALUES (1, gen_random_uuid(), id(1, 'helper'), id(1, 'client'));
SELECT is(does('helper', 'SELECT FROM ' || t), n || ' rows', format('helper, of the whole client: %s of %s', n, t))
  FROM (VALUES ('visible', 1), ('visible_matter', 0), ('matter', 2), ('document', 4)) x (t, n);

-- An access that has ended shows nothing of the client, one that will end does; those to other clients are unaffected.
INSERT INTO account_client (firm, account, client) VALUES (1, id(1, 'maria'), id(1, 'client', 2));
UPDATE account_client SET ends_at = now() + interval '1 second' WHERE client = id(1, 'client');
SELECT is(does('maria', 'SELECT FROM ' || t || ' WHERE client = id(1, ''client'')'), n || ' rows',
          format('an access that will end: %s of %s', n, t))
  FROM (VALUES ('matter', 2), ('document', 4), ('delivery', 4)) x (t, n);
UPDATE account_client SET ends_at = now() WHERE client = id(1, 'client');
SELECT is(does('maria', format('SELECT FROM %s WHERE %s = id(1, ''client'')', t, c)), '0 rows',
          'an access that has ended: nothing of ' || t)
  FROM (VALUES ('client', 'id'), ('matter', 'client'), ('document', 'client'), ('delivery', 'client'),
               ('delivery_step', 'client'), ('upload', 'client'), ('event', 'client'), ('visible', 'client')) x (t, c);
SELECT is(does('maria', 'SELECT FROM document'), '2 rows', 'the other client is seen as before');
SELECT is(does('maria', format('SELECT FROM kz_step(%L, ''opened'', kz_me())', id(1, 'from_firm'))), '0 rows',
          'an access that has ended opens nothing');
SELECT is(does('nobody', format(:'see', 'firma-1', token(1, 'maria'),
                                'client', '', '{document}', id(1, 'from_firm'))), 'KZ404',
          'enter: a document of the client whose access has ended');

SELECT * FROM finish();
ROLLBACK;
