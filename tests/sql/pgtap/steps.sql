-- Steps of deliveries: one row per person, never changed; the delivery has the first of each kind, and the document has
-- those of its own client.
BEGIN;
\ir scene.sql
SELECT no_plan();

-- Another account acts for client 1; its document is provided to client 2, too.
INSERT INTO account (firm, id, kind, user_name, name) VALUES (1, id(1, 'karl'), 'client', 'karl', 'karl');
INSERT INTO session (firm, id, account, token, idle, ends)
VALUES (1, id(1, 'karl'), id(1, 'karl'), token(1, 'karl'), '1 hour', now() + interval '1 day');
INSERT INTO account_client (firm, account, client) VALUES (1, id(1, 'karl'), id(1, 'client'));
SELECT throws_ok(copy('delivery', format('document = %L', id(1, 'from_firm')),
                      jsonb_build_object('client', id(1, 'client', 2), 'matter', id(1, 'matter', 2))), '23505', NULL,
                 'not to both in the same moment: a place in a list is one row');
SELECT lives_ok(copy('delivery', format('document = %L', id(1, 'from_firm')),
                     jsonb_build_object('client', id(1, 'client', 2), 'matter', id(1, 'matter', 2),
                                        'provided_at', now() + interval '1 microsecond', 'notified_at', NULL,
                                        'notified_to', NULL)), 'a document is delivered to two clients');

-- Does something as a person by the portal, and keeps the result: (client, opened) of each row.
CREATE FUNCTION pg_temp.step(person text, document uuid, step text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    PERFORM set_config('role', 'kanzlei_portal', true);
    PERFORM tap.enter(person);
    SELECT string_agg(format('client %s%s', CASE client WHEN id(1, 'client') THEN 1 ELSE 2 END,
                             CASE WHEN opened THEN ' opened' END), ', '
                      ORDER BY client = id(1, 'client', 2))
      INTO said FROM kz_step(document, step, kz_me());
    PERFORM set_config('role', 'none', true);
    RETURN coalesce(said, 'nothing');
END $$;
CREATE FUNCTION pg_temp.firsts(n int) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', 'opened ' || o.user_name, 'received ' || r.user_name, 'confirmed ' || c.user_name)
      FROM delivery v LEFT JOIN account o ON o.firm = v.firm AND o.id = v.opened_by
                      LEFT JOIN account r ON r.firm = v.firm AND r.id = v.received_by
                      LEFT JOIN account c ON c.firm = v.firm AND c.id = v.confirmed_by
     WHERE v.firm = 1 AND v.document = id(1, 'from_firm') AND v.client = id(1, 'client', n)
$$;
-- Documents whose steps differ from those of the delivery to their own client.
CREATE FUNCTION pg_temp.apart() RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM document d
      LEFT JOIN delivery v ON v.firm = d.firm AND v.document = d.id AND v.client = d.client
     WHERE (d.opened_at, d.received_at, d.confirmed_at)
           IS DISTINCT FROM (v.opened_at, v.received_at, v.confirmed_at);
$$;

SELECT is(pg_temp.step('otto', id(1, 'from_firm'), 'received'), 'client 2 opened',
          'the second client receives it, which opens it');
SELECT is(pg_temp.firsts(2), 'opened otto received otto', 'that is noted in the delivery to that client');
SELECT is(pg_temp.firsts(1), '', 'not in that to the first client');
SELECT is(opened_at, NULL, 'nor in the document') FROM document WHERE id = id(1, 'from_firm');
SELECT is(pg_temp.apart(), 0::bigint, 'documents have what the delivery to their own client has: nothing');

SELECT is(pg_temp.step('maria', id(1, 'from_firm'), 'opened'), 'client 1 opened', 'the first client opens it');
SELECT is(pg_temp.step('maria', id(1, 'from_firm'), 'opened'), 'nothing', 'once');
SELECT is(pg_temp.step('karl', id(1, 'from_firm'), 'confirmed'), 'client 1 opened',
          'another person of hers confirms, and so has opened it, too');
SELECT is(pg_temp.step('maria', id(1, 'from_firm'), 'confirmed'), 'client 1', 'and she does, too');
SELECT is(pg_temp.step('maria', id(1, 'from_firm'), 'received'), 'client 1', 'she receives it');
SELECT is(pg_temp.step('karl', id(1, 'from_firm'), 'received'), 'client 1', 'he does');
SELECT is(pg_temp.firsts(1), 'opened maria received maria confirmed karl', 'the first of each stand in the delivery');
SELECT is(pg_temp.firsts(2), 'opened otto received otto', 'the other delivery is as it was');
SELECT results_eq($$SELECT a.user_name || ' ' || s.step FROM delivery_step s JOIN account a USING (firm)
                     WHERE a.id = s.account AND s.document = id(1, 'from_firm') ORDER BY 1$$,
                  $$VALUES ('karl confirmed'), ('karl opened'), ('karl received'), ('maria confirmed'),
                           ('maria notified'), ('maria opened'), ('maria received'), ('otto opened'),
                           ('otto received')$$, 'a row for each person and step');
SELECT isnt(confirmed_at, NULL, 'confirmed, says the document') FROM document WHERE id = id(1, 'from_firm');
SELECT is(pg_temp.apart(), 0::bigint, 'documents have what the delivery to their own client has');
SELECT is(pg_temp.step(p, id(1, d), 'opened'), 'nothing', format('%s opens nothing of their own side', p))
  FROM (VALUES ('maria', 'from_client'), ('admin', 'from_firm')) x (p, d);
SELECT is(pg_temp.step('maria', id(1, 'from_firm', 2), 'opened'), 'nothing', 'nor of a client of others');
SELECT is(pg_temp.step('clerk', id(1, 'from_client'), 'opened'), 'client 1 opened', 'staff open what a client sent');

-- The time of the first step never changes.
INSERT INTO delivery_step (firm, document, client, account, step, at)
VALUES (1, id(1, 'from_client'), id(1, 'client'), id(1, 'admin'), 'opened', '2020-01-01');
SELECT isnt(opened_at, '2020-01-01', 'written once: what comes later changes it no more')
  FROM delivery WHERE document = id(1, 'from_client');
SELECT throws_ok($$INSERT INTO delivery_step (firm, document, client, account, step)
                   VALUES (1, id(1, 'from_client', 2), id(1, 'client', 2), id(1, 'admin'), 'received')$$, '23514', NULL,
                 'received: not before it was opened');

-- Whoever writes, what was written once stays: the times of steps, who did them, what was provided when and by whom.
SELECT throws_ok(statement, '23514', NULL, 'written once: ' || statement)
  FROM unnest(ARRAY[
      'UPDATE delivery SET opened_at = opened_at - interval ''1 day'' WHERE opened_at IS NOT NULL',
      'UPDATE delivery SET opened_by = tap.id(1, ''otto'') WHERE opened_by = tap.id(1, ''maria'')',
      'UPDATE delivery SET confirmed_at = NULL, confirmed_by = NULL WHERE confirmed_at IS NOT NULL',
      'UPDATE delivery SET received_at = now(), received_by = provided_by WHERE opened_at IS NOT NULL AND received_at IS NULL',
      'UPDATE delivery SET provided_at = provided_at - interval ''1 day''',
      'UPDATE delivery SET provided_by = tap.id(1, ''clerk'') WHERE firm = 1',
      'UPDATE delivery_step SET at = now()', 'UPDATE delivery_step SET account = tap.id(1, ''karl'') WHERE step = ''opened'' AND client = tap.id(1, ''client'', 2)',
      'DELETE FROM delivery_step', 'DELETE FROM delivery WHERE document = tap.id(1, ''from_client'', 2)',
      'UPDATE document SET opened_at = now() WHERE opened_at IS NULL',
      'UPDATE document SET opened_at = opened_at - interval ''1 day'' WHERE opened_at IS NOT NULL',
      'UPDATE document SET at = at - interval ''1 day''', 'UPDATE document SET by = tap.id(firm, ''clerk'')']) statement;

-- Names and matters change by an event that says so, in the same transaction.
INSERT INTO matter (firm, id, client, title) VALUES (1, id(1, 'other matter'), id(1, 'client'), 'Andere');
SET CONSTRAINTS ALL IMMEDIATE;
CREATE FUNCTION pg_temp.event_of(kind text, document uuid, subject uuid, detail text) RETURNS text LANGUAGE sql AS $$
    SELECT format('INSERT INTO event (firm, id, kind, account, client, document, subject, detail)'
                  ' VALUES (1, gen_random_uuid(), %L, %L, %L, %L, %L, %L);', kind, tap.id(1, 'clerk'),
                  tap.id(1, 'client'), document, subject, detail)
$$;
SELECT is(does('clerk', coalesce(event, '') || format(change, id(1, 'from_firm'))), result, what)
  FROM (VALUES
      (NULL, 'UPDATE document SET name = ''b.pdf'' WHERE id = %L', '23514', 'renamed: not without its event'),
      (pg_temp.event_of('renamed', id(1, 'from_firm'), NULL, 'c.pdf'),
       'UPDATE document SET name = ''b.pdf'' WHERE id = %L', '23514', 'renamed: not by an event of another name'),
      (pg_temp.event_of('renamed', id(1, 'from_client'), NULL, 'b.pdf'),
       'UPDATE document SET name = ''b.pdf'' WHERE id = %L', '23514', 'renamed: not by an event of another document'),
      (pg_temp.event_of('renamed', id(1, 'from_firm'), NULL, 'b.pdf'),
       'UPDATE document SET name = ''b.pdf'' WHERE id = %L', '1 rows', 'renamed: by its event'),
      (NULL, 'UPDATE document SET matter = tap.id(1, ''other matter'') WHERE id = %L', '23514', 'moved: not without its event'),
      (NULL, 'UPDATE delivery SET matter = tap.id(1, ''other matter'') WHERE client = tap.id(1, ''client'') AND document = %L',
       '23514', 'delivery moved: not without its event'),
      (pg_temp.event_of('moved', id(1, 'from_firm'), id(1, 'other matter'), ''),
       'UPDATE document SET matter = tap.id(1, ''other matter'') WHERE id = %L', '1 rows', 'moved: by its event'),
      (pg_temp.event_of('moved', id(1, 'from_firm'), id(1, 'other matter'), ''),
       'UPDATE delivery SET matter = tap.id(1, ''other matter'') WHERE client = tap.id(1, ''client'') AND document = %L',
       '1 rows', 'delivery moved: by its event')) x (event, change, result, what);
SELECT is(does('maria', pg_temp.event_of('renamed', id(1, 'from_firm'), NULL, 'b.pdf')
               || format('UPDATE document SET name = ''b.pdf'' WHERE id = %L', id(1, 'from_firm'))), '42501',
          'renamed: not by a client in the name of staff');
SELECT is(does('maria', 'UPDATE document SET name = ''b.pdf'''), '0 rows', 'renamed: not by a client');

-- What is provided is so now, by whoever brought it: nobody may say otherwise.
SELECT ok(NOT has_column_privilege('kanzlei_portal', 'delivery', c, 'INSERT'), 'delivery.' || c || ': not said by the portal')
  FROM unnest(ARRAY['provided_at', 'provided_by']) c;
INSERT INTO document (firm, id, client, matter, direction, name, type, size, sha256, key, object, by, state)
SELECT firm, id(1, 'bare'), client, matter, direction, name, type, size, sha256, key, 'bare', id(1, 'clerk'), state
  FROM document WHERE id = id(1, 'from_firm');
INSERT INTO delivery (firm, document, client, matter, direction)
SELECT firm, id, client, matter, direction FROM document WHERE id = id(1, 'bare');
SELECT is(provided_by, id(1, 'clerk'), 'provided by whoever brought it') FROM delivery WHERE document = id(1, 'bare');

-- Every event waits for its seal; nobody else says so. A reader says that a copy is bad, and nothing else of copies.
INSERT INTO event (firm, id, kind) VALUES (1, id(1, 'waits'), 'signed_in');
SELECT is(count(*), 1::bigint, 'an event waits for its seal') FROM event_unsealed WHERE event = id(1, 'waits');
SELECT is(does(p, format('SELECT kz_copy_bad(%L, ''one'', %L);'
                         'SELECT FROM object_copy WHERE document = %1$L AND state = ''missing''', id(1, d, n), s)), result,
          format('%s says that the copy of %s of client %s is %s', p, d, n, s))
  FROM (VALUES ('maria', 'from_firm', 1, 'missing', '1 rows'), ('clerk', 'from_firm', 1, 'missing', '1 rows'),
               ('maria', 'from_firm', 1, 'held', '0 rows'), ('maria', 'from_firm', 2, 'missing', '0 rows'))
       x (p, d, n, s, result);

-- The portal's role may write a step of the acting person, at this moment, and no other column.
SELECT is(does(p, format('INSERT INTO delivery_step (firm, document, client, account, step) VALUES (1, %L, %L, %L, %L)',
                         id(1, d, n), id(1, 'client', n), id(1, who), s)), result,
          format('%s: step "%s" of %s with %s of client %s: %s', p, s, who, d, n, result))
  FROM (VALUES
      ('otto', 'from_firm', 2, 'otto', 'opened', '1 rows'), ('otto', 'from_firm', 2, 'maria', 'opened', '42501'),
      ('otto', 'from_client', 2, 'otto', 'opened', '42501'), ('otto', 'from_firm', 2, 'otto', 'notified', '42501'),
      ('maria', 'from_firm', 2, 'maria', 'opened', '42501'), ('group', 'from_client', 2, 'group', 'opened', '1 rows'),
      ('group', 'from_firm', 2, 'group', 'opened', '42501'), ('clerk', 'from_client', 2, 'clerk', 'opened', '42501'),
      ('group', 'from_client', 2, 'admin', 'opened', '42501'), ('portal', 'from_firm', 2, 'otto', 'notified', '1 rows'),
      ('portal', 'from_firm', 2, 'otto', 'opened', '1 rows'), ('portal', 'from_firm', 2, 'maria', 'opened', '42501'),
      ('portal', 'from_firm', 2, 'admin', 'opened', '42501'), ('portal', 'from_firm', 2, 'otto', 'confirmed', '42501'),
      ('portal', 'from_firm', 2, 'otto', 'delivered', '42501'),
      ('portal', 'from_client', 2, 'admin', 'opened', '1 rows'), ('portal', 'from_client', 2, 'otto', 'opened', '42501'), ('portal', 'from_client', 2, 'admin', 'notified', '42501'),
      ('public', 'from_firm', 2, 'otto', 'opened', '42501'), ('nobody', 'from_firm', 2, 'otto', 'opened', '42501')
  ) x (p, d, n, who, s, result);
SELECT is(does(p, s), '42501', format('%s may not %s', p, s))
  FROM unnest(ARRAY['admin', 'maria', 'portal']) p,
       unnest(ARRAY['UPDATE delivery_step SET at = now()', 'DELETE FROM delivery_step',
                    'UPDATE delivery SET opened_at = now(), opened_by = provided_by',
                    'UPDATE document SET opened_at = now()']) s;
SELECT ok(NOT has_column_privilege('kanzlei_portal', t, c, p), format('%s.%s: no %s by the portal', t, c, p))
  FROM (SELECT 'document', unnest(ARRAY['opened_at', 'received_at', 'confirmed_at'])
         UNION SELECT 'delivery', unnest(ARRAY['notified_at', 'notified_to', 'opened_at', 'opened_by', 'received_at',
                                               'received_by', 'confirmed_at', 'confirmed_by'])
         UNION SELECT 'delivery_step', 'at') x (t, c), unnest(ARRAY['INSERT', 'UPDATE']) p;

-- Parts that together are all of it, of one person; a step of one's own alone, and no table for anybody.
CREATE FUNCTION pg_temp.part(person text, document uuid, account uuid, step text, parts int8multirange)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    said boolean;
BEGIN
    PERFORM set_config('role', 'kanzlei_portal', true);
    PERFORM tap.enter(person);
    said := kz_part(document, account, step, parts);
    PERFORM set_config('role', 'none', true);
    RETURN said;
END $$;
DELETE FROM delivery_part;
SELECT is(pg_temp.part(person, id(1, d, n), id(1, account), step, parts::int8multirange), whole, what)
  FROM (VALUES
      (1, 'portal', 'from_firm', 2, 'otto', 'received', '{[0,3)}', false, 'the beginning'),
      (2, 'portal', 'from_firm', 2, 'otto', 'received', '{[4,7)}', false, 'a byte is missing'),
      (3, 'portal', 'from_firm', 2, 'admin', 'received', '{[3,4)}', false, 'somebody of the sending side has it'),
      (4, 'otto', 'from_firm', 2, 'otto', 'delivered', '{[3,4)}', false, 'it was sent, not acknowledged'),
      (5, 'portal', 'from_firm', 2, 'otto', 'received', '{}', false, 'nothing'),
      (6, 'portal', 'from_firm', 2, 'otto', 'received', '{[3,4)}', true, 'all of it'),
      (7, 'portal', 'from_firm', 2, 'maria', 'received', '{[0,7)}', false, 'of who acts for another client: nothing'),
      (8, 'maria', 'from_firm', 2, 'otto', 'received', '{[0,7)}', false, 'a person says nothing of others'),
      (9, 'group', 'from_client', 2, 'group', 'delivered', '{[0,4),[4,9)}', true, 'staff get what a client sent')
  ) x (place, person, d, n, account, step, parts, whole, what) ORDER BY place;
SELECT results_eq('SELECT account, step, parts::text FROM delivery_part',
                  $$VALUES (id(1, 'otto'), 'delivered', '{[3,4)}')$$, 'what is whole is not kept');

SELECT * FROM finish();
ROLLBACK;
