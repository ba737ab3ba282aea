-- Row-level security: PostgreSQL enforces by itself what the dispatcher enforces too. Applied anew by
-- "kanzleictl migrate" when it has changed, so it may be edited. Who is at work is said by the setting kz.who
-- (sees.sql); what follows from it for each table stands in access.sql.
--
-- In a policy a part of the setting stands in a scalar subquery, so that it is read once per query, not per row, and
-- the plan, made for whoever comes first, is not one for this account alone: a planner looks through a function, not
-- through a subquery. Each costs a plan about two microseconds at each start of the query, read or not: so there are
-- few. None is read before it is needed: for who sees all, no list of clients.

-- The clients that the account at work may see when it doesn't see all.
CREATE OR REPLACE VIEW visible WITH (security_invoker = true) AS
    SELECT (SELECT kz_at_firm()) AS firm, unnest((SELECT kz_list_mine())) AS client;

-- The matters that it may see, of clients whom it doesn't see otherwise.
CREATE OR REPLACE VIEW visible_matter WITH (security_invoker = true) AS
    SELECT (SELECT kz_at_firm()) AS firm, m.client, m.matter
      FROM unnest((SELECT kz_part_clients())::uuid[], (SELECT kz_part_matters())::uuid[]) m (client, matter)
     WHERE m.client <> ALL ((SELECT kz_mine())::uuid[]);

-- The clients whose row it may see: those, and the clients of these matters.
CREATE OR REPLACE VIEW visible_client WITH (security_invoker = true) AS
    SELECT firm, client FROM visible UNION ALL SELECT DISTINCT firm, client FROM visible_matter;

-- The condition that a row of table T has to meet for VERB (a column of access_line), whoever is at work; NULL:
-- nobody ever gets one. The side is tested where the lines of the four sides differ, unless those that have
-- another line get no such row anyway.
CREATE OR REPLACE FUNCTION kz_access_condition(t text, verb text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    conditions text[] := '{}';
    rule text;
    one record;
BEGIN
    FOR one IN
        SELECT l.rows, r.condition, array_agg(l.side) AS sides,
               array_agg(l.side) || string_to_array(r.empty, ' ') @> '{client,staff,portal,public}' AS of_all
          FROM (SELECT side, to_jsonb(x) ->> verb AS rows FROM access_line x WHERE tab = t) l
          LEFT JOIN access_rows r ON r.rows = l.rows
         WHERE l.rows <> '-' GROUP BY l.rows, r.condition, r.empty ORDER BY l.rows
    LOOP
        IF one.condition IS NULL THEN
            RAISE EXCEPTION 'access.sql: "%" of table "%" is not among access_rows', one.rows, t;
        END IF;
        conditions := conditions || format(CASE WHEN one.of_all THEN '(%2$s)'
            ELSE '{side} = ANY (%1$L) AND (%2$s)' END, one.sides, one.condition);
    END LOOP;
    IF conditions = '{}' THEN
        RETURN NULL;
    END IF;
    rule := format('{t}.%I = {firm} AND (%s)', CASE t WHEN 'firm' THEN 'id' ELSE 'firm' END,
                   array_to_string(conditions, ' OR '));
    -- Of who sees many, what is in no list is looked up: by the functions, which say no of anybody else.
    rule := regexp_replace(rule, '\{sees (\w+)\}',
        '({all} OR {t}.\1 = ANY ({few}) OR {t}.\1 IN ({listed}) OR kz_works_for({t}.\1))', 'g');
    rule := regexp_replace(rule, '\{sees row of (\w+)\}',
        '({all} OR {t}.\1 = ANY ({few}) OR {t}.\1 = ANY ({part}) OR {t}.\1 IN ({listed}) OR kz_works_with({t}.\1))',
        'g');
    rule := regexp_replace(rule, '\{sees matter (\w+)\}',
        '({all} OR {t}.client = ANY ({few}) OR {t}.\1 = ANY ({matters}) OR {t}.client IN ({listed})'
        ' OR kz_works_on({t}.client, {t}.\1))', 'g');
    -- As kz_right_in(), which a planner would look through.
    rule := regexp_replace(rule, '\{may (\w+)\}', '(SELECT {part 5} ~ ''\\m(\1|admin)\\M'')', 'g');
    FOR one IN
        SELECT * FROM (VALUES
            ('{delivery}', 'SELECT FROM delivery v WHERE v.firm = {t}.firm AND v.document = {t}.document'
                           ' AND v.client = {t}.client'),
            ('{about no unseen document}', '({t}.document IS NULL OR EXISTS (SELECT FROM document d'
                                           ' WHERE d.firm = {t}.firm AND d.id = {t}.document))'),
            ('{t}', format('%I', t)),
            ('{firm}', '(SELECT NULLIF({part 1}, '''')::int)'),
            ('{me}', '(SELECT NULLIF({part 2}, '''')::uuid)'),
            ('{side}', '(SELECT {part 3})'),
            ('{all}', '(SELECT {part 4} = ''all'')'),
            ('{by matter}', '((SELECT {part 4} = ''many'') OR (SELECT {part 7} <> ''''))'),
            ('{listed}', 'SELECT unnest(kz_listed())'),
            ('{admin}', '(SELECT {part 5} ~ ''\madmin\M'')'),
            ('{few}', '(SELECT NULLIF({part 6}, '''')::uuid[])::uuid[]'),
            ('{matters}', '(SELECT NULLIF({part 7}, '''')::uuid[])::uuid[]'),
            ('{part}', '(SELECT NULLIF({part 8}, '''')::uuid[])::uuid[]')) x (name, means)
    LOOP
        rule := replace(rule, one.name, one.means);
    END LOOP;
    RETURN regexp_replace(rule, '\{part (\d)\}', 'split_part(current_setting(''kz.who'', true), ''|'', \1)', 'g');
END $$;

-- COLUMNS, words separated by blanks, as a list for GRANT.
CREATE OR REPLACE FUNCTION kz_access_columns(columns text)
RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%I', c), ', ') FROM unnest(string_to_array(NULLIF(columns, ''), ' ')) c;
$$;

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, kanzlei_portal;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO kanzlei_portal;
GRANT SELECT ON visible, visible_matter, visible_client, person, document_item, document_row, receipt_row, client_row,
    account_row TO kanzlei_portal;

-- Each table has its lines, and each line its table.
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT coalesce(t.tab, l.tab) AS tab, coalesce(t.side, l.side) AS side, t.tab IS NOT NULL AS is_there, l.lines
          FROM (SELECT c.relname::text AS tab, s AS side
                  FROM pg_class c, unnest('{client,staff,portal,public}'::text[]) s
                 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')) t
          FULL JOIN (SELECT x.tab, x.side, count(*) AS lines FROM access_line x GROUP BY 1, 2) l USING (tab, side)
         ORDER BY 1, 2
    LOOP
        IF one.lines IS NULL THEN
            RAISE EXCEPTION 'the table "%" has no line for the side "%" in policy/access.sql: who gets which of its'
                            ' rows?', one.tab, one.side;
        ELSIF NOT one.is_there OR one.lines > 1 THEN
            RAISE EXCEPTION 'policy/access.sql has % lines for the table "%" and the side "%"', one.lines, one.tab,
                            one.side;
        END IF;
    END LOOP;
END $$;

-- One policy per table and verb, for the portal's role; nobody else but the owner has any.
DO $$
DECLARE
    one record;
    rule text;
BEGIN
    FOR one IN SELECT c.oid, c.relname::text AS tab, p.polname FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid
                WHERE c.relnamespace = 'public'::regnamespace
    LOOP
        EXECUTE format('DROP POLICY %I ON %I', one.polname, one.tab);
    END LOOP;
    FOR one IN
        SELECT t.tab, v.verb, v.command, v.clause, kz_access_columns(to_jsonb(c) ->> v.verb) AS columns
          FROM (SELECT DISTINCT tab FROM access_line) t
         CROSS JOIN (VALUES ('reads', 'select', 'USING (%s)'), ('adds', 'insert', 'WITH CHECK (%s)'),
                            ('changes', 'update', 'USING (%s)'), ('removes', 'delete', 'USING (%s)'))
                    v (verb, command, clause)
          LEFT JOIN access_columns c ON c.tab = t.tab
         ORDER BY t.tab, v.verb
    LOOP
        IF one.verb = 'reads' THEN
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', one.tab);
            EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', one.tab);
            EXECUTE format('CREATE POLICY owner ON %I TO %I USING (true) WITH CHECK (true)', one.tab, current_user);
        END IF;
        rule := kz_access_condition(one.tab, one.verb);
        IF one.verb <> 'removes' AND (rule IS NULL) <> (one.columns IS NULL) THEN
            RAISE EXCEPTION 'policy/access.sql: rows and columns of the table "%" don''t agree for "%"', one.tab,
                            one.verb;
        END IF;
        CONTINUE WHEN rule IS NULL;
        EXECUTE format('CREATE POLICY %I ON %I FOR %s TO kanzlei_portal ' || one.clause, 'portal_' || one.command,
                       one.tab, one.command, rule);
        EXECUTE format('GRANT %s %s ON %I TO kanzlei_portal', one.command, '(' || one.columns || ')', one.tab);
    END LOOP;
END $$;
