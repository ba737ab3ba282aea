-- Locks all tables and views of the portal, at the beginning of each transaction of "kanzleictl migrate" that changes
-- tables or rules, so that nothing changes under a running statement.
--
-- PostgreSQL grants the locks one after the other, so a transaction of the portal may hold a table that this needs, and
-- wait for one that this has locked. This gives way: its waits end, in sum, after half of deadlock_timeout, before
-- PostgreSQL tells the other one of a deadlock; then kanzleictl tries again. Transactions of the portal begin with
-- "session" or "firm": when these two are locked, few others hold anything. A vacuum ends itself only for who waits
-- longer than deadlock_timeout, so a weak lock, which conflicts with no query, keeps vacuums off first.
DO $$
DECLARE
    look interval := (SELECT setting::int * interval '1 ms' FROM pg_settings WHERE name = 'deadlock_timeout');
    until timestamptz;
    one record;
BEGIN
    PERFORM set_config('lock_timeout', (extract(epoch FROM look) * 1000 + 1000)::int::text, true);
    FOR one IN SELECT c.relname FROM pg_class c
                WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
                  AND pg_has_role(c.relowner, 'USAGE') ORDER BY c.relname
    LOOP
        EXECUTE format('LOCK TABLE ONLY %I IN SHARE UPDATE EXCLUSIVE MODE', one.relname);
    END LOOP;
    until := clock_timestamp() + look / 2;
    FOR one IN SELECT c.relname FROM pg_class c
                WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')
                  AND pg_has_role(c.relowner, 'USAGE')
                ORDER BY c.relkind = 'v', c.relname <> 'session', c.relname <> 'firm', c.relname
    LOOP
        PERFORM set_config('lock_timeout',
                           greatest(1, extract(epoch FROM until - clock_timestamp()) * 1000)::int::text, true);
        EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', one.relname);
    END LOOP;
END $$;
