-- Wrong states that a table refuses, whoever writes; these tests bypass row-level security.
BEGIN;
\ir scene.sql
SELECT no_plan();

-- Changes of a row of firm 1 that are refused, each with its error.
CREATE TEMP TABLE wrong (tab text, change text, state text);
INSERT INTO wrong VALUES
    ('firm', 'slug = ''Mit Leerzeichen''', '23514'), ('firm', 'slug = ''-anfang''', '23514'),
    ('firm', 'slug = ''firma-2''', '23505'), ('firm', 'name = ''''', '23514'),
    ('firm', 'language = ''fr''', '23514'), ('firm', 'key = ''kurz''', '23514'),
    ('firm', 'email = repeat(''x'', 255)', '23514'),
    ('office', 'name = ''''', '23514'), ('office', 'firm = 9', '23503'),
    ('account', 'kind = ''guest''', '23514'), ('account', 'password = ''klartext''', '23514'),
    ('account', 'wrong = -1', '23514'), ('account', 'locked_at = now()', '23514'),
    ('account', 'user_name = ''''', '23514'), ('account', 'user_name = repeat(''x'', 101)', '23514'),
    ('account', 'user_name = ''MARIA''', '23505'), ('account', 'name = ''''', '23514'),
    ('account', 'language = ''''', '23514'),
    ('staff', 'kind = ''client''', '23514'), ('staff', 'office = tap.id(2, ''office'')', '23503'),
    ('right', 'name = ''root''', '23514'), ('right', 'staff = tap.id(1, ''maria'')', '23503'),
    ('right', 'staff = tap.id(2, ''admin'')', '23503'),
    ('client', 'number = ''''', '23514'), ('client', 'number = ''1''', '23505'),
    ('client', 'kind = ''ghost''', '23514'), ('client', 'name = repeat(''ω'', 201)', '23514'),
    ('client', 'name = ''''', '23514'), ('client', 'name = repeat(''x'', 201)', '23514'),
    ('client', 'language = ''fr''', '23514'),
    ('group', 'name = ''''', '23514'), ('group_client', 'client = tap.id(2, ''client'')', '23503'),
    ('account_client', 'kind = ''staff''', '23514'),
    ('account_client', 'account = tap.id(1, ''clerk'')', '23503'),
    ('account_client', 'client = tap.id(2, ''client'')', '23503'),
    ('assignment', 'client = NULL, "group" = NULL, matter = NULL', '23514'),
    ('assignment', 'client = tap.id(1, ''client''), "group" = tap.id(1, ''group of clients'')', '23514'),
    ('assignment', 'client = NULL, "group" = tap.id(1, ''group of clients''), matter = tap.id(1, ''matter'')',
                   '23514'),
    ('assignment', 'client = NULL, "group" = NULL, matter = tap.id(2, ''matter'')', '23503'),
    ('assignment', 'staff = tap.id(1, ''maria'')', '23503'),
    ('assignment', 'client = tap.id(2, ''client''), "group" = NULL, matter = NULL', '23503'),
    ('matter', 'title = ''''', '23514'), ('matter', 'client = tap.id(2, ''client'')', '23503'),
    ('matter', 'client = NULL', '23502'),
    ('document', 'direction = ''up''', '23514'), ('document', 'state = ''infected''', '23514'),
    ('document', 'state = ''unscannable''', '23514'), -- without a reason
    ('document', 'state = ''discarded''', '23514'),   -- without a decision
    ('document', 'decided_at = now(), decision = ''gut''', '23514'), -- without a person
    ('document', 'decided_by = tap.id(1, ''clerk''), decided_at = now()', '23514'), -- without a reason
    ('document', 'decided_by = tap.id(1, ''maria''), decided_at = now(), decision = ''gut''', '23503'),
    ('document', 'state = ''unscannable'', reason = ''x'', decided_by = tap.id(1, ''clerk''), decided_at = now(),'
                 ' decision = ''gut''', '23514'),
    ('document', 'size = -1', '23514'), ('document', 'sha256 = ''kurz''', '23514'),
    ('document', 'key = ''kurz''', '23514'), ('document', 'name = ''''', '23514'),
    ('document', 'name = repeat(''ä'', 128)', '23514'), ('document', 'object = ''2from_firm1''', '23505'),
    ('document', 'client = CASE client WHEN tap.id(1, ''client'') THEN tap.id(1, ''client'', 2) ELSE'
                 ' tap.id(1, ''client'') END', '23503'), -- not the matter's
    ('document', 'by = tap.id(2, ''admin'')', '23503'),
    ('delivery', 'direction = ''up''', '23514'), ('delivery', 'opened_at = now()', '23514'),
    ('delivery', 'received_at = now(), received_by = tap.id(1, ''maria'')', '23514'), -- not opened
    ('delivery', 'confirmed_by = tap.id(1, ''maria'')', '23514'),
    ('delivery', 'opened_at = now(), opened_by = tap.id(2, ''maria'')', '23503'),
    ('delivery', 'matter = tap.id(2, ''matter'')', '23503'),
    ('delivery', 'client = CASE client WHEN tap.id(1, ''client'') THEN tap.id(1, ''client'', 2) ELSE'
                 ' tap.id(1, ''client'') END', '23503'), -- not the matter's
    ('delivery', 'document = gen_random_uuid()', '23503'),
    ('delivery_step', 'step = ''read''', '23514'), ('delivery_step', 'at = NULL', '23502'),
    ('delivery_step', 'account = tap.id(2, ''maria'')', '23503'),
    ('delivery_step', 'document = tap.id(2, ''from_client'')', '23503'),
    ('delivery_step', 'client = tap.id(2, ''client'')', '23503'),
    ('delivery_part', 'step = ''opened''', '23514'), ('delivery_part', 'parts = ''{}''', '23514'),
    ('delivery_part', 'account = tap.id(2, ''maria'')', '23503'),
    ('delivery_part', 'document = gen_random_uuid()', '23503'),
    ('event', 'kind = ''forged''', '23514'), ('event', 'account = tap.id(2, ''maria'')', '23503'),
    ('event', 'document = tap.id(2, ''from_firm'')', '23503'),
    ('event', 'client = tap.id(2, ''client'')', '23503'),
    ('form_sent', 'form = ''''', '23514'), ('form_sent', 'form = repeat(''x'', 65)', '23514'),
    ('form_sent', 'path = repeat(''x'', 401)', '23514'), ('form_sent', 'fields = ''kurz''', '23514'),
    ('form_sent', 'place = repeat(''x'', 2001)', '23514'), ('form_sent', 'account = tap.id(2, ''admin'')', '23503'),
    ('session', 'token = ''kurz''', '23514'), ('session', 'token = tap.token(2, ''admin'')', '23505'),
    ('session', 'account = tap.id(2, ''admin'')', '23503'),
    ('code', 'purpose = ''other''', '23514'), ('code', 'hash = ''kurz''', '23514'),
    ('code', 'account = tap.id(2, ''maria'')', '23503'),
    ('upload', 'state = ''done''', '23514'), ('upload', 'state = ''storing''', '23514'), -- without a hash
    ('upload', 'worker = tap.id(1, ''worker'')', '23514'), ('upload', 'lease = now()', '23514'),
    ('upload', 'size = -1', '23514'), ('upload', 'matter = tap.id(2, ''matter'')', '23503'),
    ('upload', 'account = tap.id(2, ''maria'')', '23503'),
    ('object_copy', 'state = ''lost''', '23514'), ('object_copy', 'store = ''''', '23514'),
    ('event_seal', 'number = 0', '23514'), ('event_seal', 'count = 0', '23514'),
    ('event_seal', 'previous = ''kurz''', '23514'), ('event_seal', 'hash = ''kurz''', '23514'),
    ('event_seal', 'key = ''kurz''', '23514'), ('event_seal', 'signature = ''kurz''', '23514'),
    ('event_sealed', 'place = 0', '23514'), ('event_sealed', 'hash = ''kurz''', '23514'),
    ('event_sealed', 'seal = 9', '23503'), ('event_sealed', 'event = tap.id(2, ''sealed'')', '23503'),
    ('event_unsealed', 'event = NULL', '23502'),
    ('delivery_untold', 'account = tap.id(2, ''maria'')', '23503'),
    ('delivery_untold', 'document = gen_random_uuid()', '23503'),
    ('job', 'kind = ''other''', '23514'), ('job', 'state = ''lost''', '23514'),
    ('job', 'state = ''done'', sealed = ''x''', '23514'), ('job', 'sealed = decode(repeat(''00'', 201), ''hex'')', '23514'),
    ('job', 'data = ''{"account": "nobody"}''', '22P02'), ('job', 'error = repeat(''x'', 1001)', '23514');

DELETE FROM "right" WHERE staff <> tap.id(firm, 'admin') OR name <> 'admin'; -- one of each firm: none gets another's key
SELECT throws_ok(format('UPDATE %I SET %s WHERE %I = 1', tab, change,
                        CASE tab WHEN 'firm' THEN 'id' ELSE 'firm' END),
                 state::char(5), NULL, format('%s: refuses %s', tab, change))
  FROM wrong;
SELECT is_empty('SELECT name FROM firm_table EXCEPT SELECT tab FROM wrong',
                'of every table a wrong state is tried here');

-- Valid changes, which show that the errors above do not come from the statements.
SELECT lives_ok(statement, statement)
  FROM unnest(ARRAY[
      'UPDATE account SET wrong_at = now(), locked_at = now(), password = ''$argon2id$x'' WHERE firm = 1',
      'UPDATE client SET kind = ''company'', first_name = '''' WHERE firm = 1',
      'UPDATE client SET kind = ''person'', first_name = '''', name = repeat(''ω'', 200) WHERE firm = 1',
      'UPDATE document SET state = ''unscannable'', reason = ''encrypted'' WHERE firm = 1',
      'UPDATE document SET state = ''discarded'', decided_by = tap.id(1, ''clerk''), decided_at = now(),'
          ' decision = ''nein'' WHERE firm = 1',
      'INSERT INTO delivery_step (firm, document, client, account, step) SELECT v.firm, v.document, v.client,'
          ' tap.id(1, ''maria''), s FROM unnest(''{opened,received}''::text[]) s, delivery v WHERE v.firm = 1',
      'UPDATE assignment SET client = NULL, "group" = NULL, matter = tap.id(1, ''matter'')'
          ' WHERE id = tap.id(1, ''assignment'')',
      'UPDATE account_client SET ends_at = now() WHERE firm = 1',
      'UPDATE upload SET state = ''storing'', sha256 = decode(repeat(''00'', 32), ''hex''),'
          ' worker = tap.id(1, ''worker''), lease = now() WHERE firm = 1']) statement;

-- A row that others refer to can't be deleted.
SELECT throws_ok(format('DELETE FROM %I WHERE %I = 1', t, CASE t WHEN 'firm' THEN 'id' ELSE 'firm' END), '23503', NULL,
                 t || ': stays while something points at it')
  FROM unnest(ARRAY['firm', 'account', 'staff', 'client', 'group', 'matter', 'document']) t;

-- Unique values, and a single installation.
SELECT throws_ok(copy(t, 'firm = 1', changes), '23505', NULL, format('%s: no second %s', t, what))
  FROM (VALUES
      ('account', '{"id": "00000000-0000-7000-8000-000000000009"}'::jsonb, 'user name'),
      ('client', '{"id": "00000000-0000-7000-8000-000000000009"}', 'number'),
      ('group', '{"id": "00000000-0000-7000-8000-000000000009"}', 'name of a group'),
      ('assignment', '{"id": "00000000-0000-7000-8000-000000000009"}', 'assignment of the same'),
      ('delivery', '{}', 'delivery of a document to a client'), ('delivery_step', '{}', 'step of a person'),
      ('object_copy', '{}', 'copy in a store'),
      ('code', '{"id": "00000000-0000-7000-8000-000000000009"}', 'code'),
      ('session', '{"id": "00000000-0000-7000-8000-000000000009"}', 'session of a token')
  ) x (t, changes, what);
SELECT throws_ok('INSERT INTO installation (one, id) VALUES (false, gen_random_uuid())', '23514', NULL,
                 'installation: there is one');
INSERT INTO installation (id) VALUES (gen_random_uuid()) ON CONFLICT DO NOTHING;
SELECT throws_ok('INSERT INTO installation (id) VALUES (gen_random_uuid())', '23505', NULL,
                 'installation: there is no second');
SELECT throws_ok(copy('staff', 'firm = 1', jsonb_build_object('id', id(1, 'maria'))), '23503', NULL,
                 'staff: a client''s account is none');
SELECT throws_ok(copy('object_copy', 'firm = 1', jsonb_build_object('document', id(2, 'from_firm'))), '23503', NULL,
                 'object_copy: none of another firm''s document');

SELECT * FROM finish();
ROLLBACK;
