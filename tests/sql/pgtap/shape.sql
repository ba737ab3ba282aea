-- Rules that hold for every table, view and function.
BEGIN;
\ir scene.sql
SELECT no_plan();

SELECT ok(c.relrowsecurity AND c.relforcerowsecurity, t.name || ': row-level security is forced')
  FROM firm_table t JOIN pg_class c USING (oid);
SELECT ok((SELECT bool_and(p.roles = CASE p.policyname WHEN 'owner' THEN '{kanzlei_owner}'::name[]
                                     ELSE '{kanzlei_portal}' END) FROM pg_policies p
            WHERE p.schemaname = 'public' AND p.tablename = t.name),
          t.name || ': its policies are the owner''s and the portal''s')
  FROM firm_table t;
SELECT is((SELECT count(*) FROM regexp_matches(x.rule, 'current_setting', 'g')),
          (SELECT count(*) FROM regexp_matches(x.rule, 'SELECT [(]*(NULLIF[(])?[(]*split_part[(]current_setting', 'g')),
          p.tablename || ': the policy ' || p.policyname || ' reads settings once per query')
  FROM pg_policies p, LATERAL (SELECT concat(p.qual, p.with_check) AS rule) x
 WHERE p.schemaname = 'public' AND p.policyname LIKE 'portal%';
SELECT is(c.relowner::regrole::text, 'kanzlei_owner', t.name || ': the owner is not the portal''s role')
  FROM firm_table t JOIN pg_class c USING (oid);

SELECT is((SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum = k.conkey[1]),
          t.firm_column, t.name || ': the firm is first in the primary key')
  FROM firm_table t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'p';
SELECT is((SELECT string_agg(a.attname, ' ' ORDER BY a.attrelid = t.oid DESC) FROM pg_attribute a
            WHERE (a.attrelid, a.attnum) IN ((t.oid, k.conkey[1]), (k.confrelid, k.confkey[1]))),
          'firm ' || r.firm_column, format('%s: %s can''t point across firms', t.name, k.conname))
  FROM firm_table t
  JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'f'
  JOIN firm_table r ON r.oid = k.confrelid;

-- Grants of the portal's role.
SELECT ok(NOT (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolinherit),
          'the portal''s role has no power of its own')
  FROM pg_roles WHERE rolname = 'kanzlei_portal';
SELECT is_empty('SELECT FROM pg_auth_members WHERE member = ''kanzlei_portal''::regrole',
                'the portal''s role is member of none');
SELECT ok(NOT has_schema_privilege('kanzlei_portal', 'public', 'CREATE'), 'the portal makes no tables');
SELECT ok(NOT has_table_privilege('kanzlei_portal', t.oid, p),
          format('%s: the portal has no %s', t.name, p))
  FROM firm_table t, unnest(ARRAY['TRUNCATE', 'REFERENCES', 'TRIGGER']) p;
SELECT ok(NOT has_any_column_privilege('kanzlei_portal', t.oid, 'UPDATE')
          AND NOT has_table_privilege('kanzlei_portal', t.oid, 'DELETE'),
          t.name || ': what is there stays as it is')
  FROM firm_table t WHERE t.name IN ('event', 'event_seal', 'event_sealed', 'delivery_step');
SELECT is(string_agg(a.attname, ' ' ORDER BY a.attname), columns, t.name || ': what the portal may change')
  FROM (VALUES ('delivery', 'matter'), ('document', 'decided_at decided_by decision matter name state')) x (tab, columns)
  JOIN firm_table t ON t.name = x.tab JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0
 WHERE has_column_privilege('kanzlei_portal', t.oid, a.attnum, 'UPDATE') GROUP BY t.name, columns;
SELECT ok(NOT has_table_privilege('kanzlei_portal', t.oid, 'DELETE'), t.name || ': the portal removes none')
  FROM firm_table t WHERE t.name IN ('delivery', 'document');

-- Views and functions.
SELECT ok(c.reloptions @> ARRAY['security_invoker=true'], c.relname || ': the reader''s policies hold')
  FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v' AND c.relname <> 'person';
SELECT ok(NOT has_any_column_privilege('kanzlei_portal', c.oid, 'SELECT'), c.relname || ': is not for the portal')
  FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relname ~ '^access_|^installation$|^master_key$|^migration$';
SELECT ok(p.proconfig::text LIKE '%search_path=public, pg_temp%'
          OR p.prosrc !~ '\m(FROM|JOIN|UPDATE|INSERT INTO) +(?!public\.|pg_catalog\.|false|(LATERAL )?\()',
          p.proname || ': has its search_path, or full names of tables')
  FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef;
SELECT ok(NOT EXISTS (SELECT FROM aclexplode(p.proacl) WHERE grantee = 0) AND p.proacl IS NOT NULL,
          p.proname || ': is not for everybody')
  FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'kz%';

SELECT * FROM finish();
ROLLBACK;
