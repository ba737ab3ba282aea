-- Row-level security: PostgreSQL enforces by itself what the dispatcher enforces too. Applied anew by
-- "kanzleictl migrate" when it has changed, so it may be edited. What a transaction may see is said by
-- settings that kz_enter() and its kin set, for that transaction: kz.firm, kz.account, kz.side ('staff',
-- 'client', 'portal'), kz.all ('on': every client of the firm) and otherwise kz.clients (an array), and
-- kz.matters: those of other clients, whom kz.matter_clients names in the same order.
--
-- In a policy a setting stands in a scalar subquery, so that it is read once per query, not per row; the
-- list of clients in one that PostgreSQL hashes: a walk through an array of 5,000 for each row is slow.
-- Without the inner SELECT the planner would read the setting too, once for each table.

-- The clients that the account at work may see, one by one or by group, as kz_enter() found them (for
-- kz.all see the policies): an array in a setting, so that a policy costs no more than looking into it.
CREATE OR REPLACE VIEW visible WITH (security_invoker = true) AS
    SELECT (SELECT NULLIF(current_setting('kz.firm', true), '')::int) AS firm,
           unnest((SELECT NULLIF(current_setting('kz.clients', true), '')::uuid[])::uuid[]) AS client;

-- The matters that the account at work may see, of clients whom it doesn't see otherwise.
CREATE OR REPLACE VIEW visible_matter WITH (security_invoker = true) AS
    SELECT (SELECT NULLIF(current_setting('kz.firm', true), '')::int) AS firm,
           unnest((SELECT NULLIF(current_setting('kz.matter_clients', true), '')::uuid[])::uuid[]) AS client,
           unnest((SELECT NULLIF(current_setting('kz.matters', true), '')::uuid[])::uuid[]) AS matter;

-- The clients whose row it may see: those, and the clients of these matters.
CREATE OR REPLACE VIEW visible_client WITH (security_invoker = true) AS
    SELECT firm, client FROM visible UNION ALL SELECT DISTINCT firm, client FROM visible_matter;

DO $$
DECLARE
    t text;
    firm_is text := '(SELECT NULLIF(current_setting(''kz.firm'', true), '''')::int)';
    me text := '(SELECT NULLIF(current_setting(''kz.account'', true), '''')::uuid)';
    sees text := '(SELECT current_setting(''kz.all'', true) = ''on'')';
    staff text := '(SELECT current_setting(''kz.side'', true) IN (''staff'', ''portal''))';
    -- The column is that of a client who is seen as a whole; or of a matter, or of a matter's client.
    whole text := sees || ' OR %s.%I IN (SELECT'
                  ' unnest((SELECT NULLIF(current_setting(''kz.clients'', true), '''')::uuid[])::uuid[]))';
    part text := '%s.%I IN (SELECT unnest((SELECT NULLIF(current_setting(''kz.%s'', true), '''')::uuid[])::uuid[]))';
    -- A step's delivery is to be seen; it is noted by who received it, or by the portal: that a mail has gone.
    delivered text := 'SELECT FROM delivery v WHERE v.firm = delivery_step.firm'
                      ' AND v.document = delivery_step.document AND v.client = delivery_step.client';
    received text := format('((account = %s AND step <> ''notified'' AND EXISTS (%s AND (v.direction = ''from_client'')'
                            ' = (SELECT current_setting(''kz.side'', true) = ''staff'')))'
                            ' OR ((SELECT current_setting(''kz.side'', true) = ''portal'') AND step = ''notified'''
                            ' AND EXISTS (%s AND v.direction = ''from_firm'')))', me, delivered, delivered);
    rule text;
    added text; -- of rows that are written
BEGIN
    FOR t IN SELECT format('%I', c.relname) FROM pg_class c
              WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
                AND c.relname NOT IN ('installation', 'migration')
    LOOP
        rule := CASE
            WHEN t = 'firm' THEN format('id = %s', firm_is)
            WHEN t IN ('delivery', 'upload') THEN
                format('firm = %s AND (%s OR %s)', firm_is, format(whole, t, 'client'),
                       format(part, t, 'matter', 'matters'))
            WHEN t = 'matter' THEN
                format('firm = %s AND (%s OR %s)', firm_is, format(whole, t, 'client'),
                       format(part, t, 'id', 'matters'))
            WHEN t = 'document' THEN -- what the firm's scanner kept back is not the client's to see
                format('firm = %s AND (%s OR %s) AND (state = ''available'' OR direction = ''from_client'' OR %s)',
                       firm_is, format(whole, t, 'client'), format(part, t, 'matter', 'matters'), staff)
            WHEN t = 'client' THEN
                format('firm = %s AND (%s OR %s)', firm_is, format(whole, t, 'id'),
                       format(part, t, 'id', 'matter_clients'))
            WHEN t = 'delivery_step' THEN
                format('firm = %s AND (%s OR EXISTS (%s))', firm_is, format(whole, t, 'client'), delivered)
            WHEN t = 'event' THEN -- of a matter, what is about its documents
                format('firm = %s AND (account = %s OR %s OR (client IS NOT NULL AND (%s)) OR'
                       ' (document IS NOT NULL AND (SELECT current_setting(''kz.matters'', true) <> '''') AND'
                       ' EXISTS (SELECT FROM document d WHERE d.firm = event.firm AND d.id = event.document)))',
                       firm_is, me, sees, format(whole, t, 'client'))
            WHEN t = 'object_copy' THEN
                format('firm = %s AND EXISTS (SELECT FROM document d WHERE d.firm = object_copy.firm'
                       ' AND d.id = object_copy.document)', firm_is)
            WHEN t IN ('event_unsealed', 'event_seal', 'event_sealed') THEN
                format('firm = %s AND %s', firm_is, staff)
            ELSE format('firm = %s', firm_is)
        END;
        added := CASE WHEN t IN ('event', 'event_unsealed') THEN format('firm = %s', firm_is)
                      WHEN t = 'delivery_step' THEN format('firm = %s AND %s', firm_is, received)
                      WHEN t = 'client' THEN format('firm = %s AND (%s)', firm_is, format(whole, t, 'id'))
                      WHEN t = 'matter' THEN format('firm = %s AND (%s)', firm_is, format(whole, t, 'client'))
                      ELSE rule END;
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('DROP POLICY IF EXISTS owner ON %s', t);
        EXECUTE format('CREATE POLICY owner ON %s TO %I USING (true) WITH CHECK (true)', t, current_user);
        EXECUTE format('DROP POLICY IF EXISTS portal ON %s', t);
        IF t = 'client' THEN -- a new client is not assigned to anybody yet
            EXECUTE format('DROP POLICY IF EXISTS portal_insert ON client');
            EXECUTE format('CREATE POLICY portal_insert ON client FOR INSERT TO kanzlei_portal'
                           ' WITH CHECK (firm = %s AND %s)', firm_is, staff);
            EXECUTE format('DROP POLICY IF EXISTS portal_update ON client');
            EXECUTE format('CREATE POLICY portal_update ON client FOR UPDATE TO kanzlei_portal'
                           ' USING (%s) WITH CHECK (%s)', added, added);
            EXECUTE format('CREATE POLICY portal ON client FOR SELECT TO kanzlei_portal USING (%s)', rule);
        ELSE
            EXECUTE format('CREATE POLICY portal ON %s TO kanzlei_portal USING (%s) WITH CHECK (%s)',
                           t, rule, added);
        END IF;
    END LOOP;
END $$;

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, kanzlei_portal;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO kanzlei_portal;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO kanzlei_portal;
GRANT INSERT (firm, id, client, matter, direction, name, type, size, sha256, key, object, by, state, reason)
    ON document TO kanzlei_portal;
GRANT INSERT (firm, document, client, matter, direction, provided_at, provided_by) ON delivery TO kanzlei_portal;
GRANT INSERT (firm, document, client, account, step) ON delivery_step TO kanzlei_portal;
GRANT INSERT ON account, staff, "right", client, account_client, assignment, matter, event, event_unsealed,
    event_seal, event_sealed, session, code, upload, object_copy, job TO kanzlei_portal;
GRANT UPDATE ON account, staff, client, matter, session, code, upload, object_copy, job TO kanzlei_portal;
GRANT UPDATE (state, decided_by, decided_at, decision) ON document TO kanzlei_portal;
GRANT DELETE ON "right", assignment, event_unsealed, session, upload, object_copy TO kanzlei_portal;
