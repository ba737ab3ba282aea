"""kanzleictl migrate --anew puts policies, grants and functions back, whatever became of them."""

import pytest
from conftest import migrated

GRANTS = "(SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM aclexplode({}) a)"
SNAPSHOT = {
    "policies": "SELECT tablename, policyname, roles::text, cmd, qual, with_check FROM pg_policies"
    " WHERE schemaname = 'public' ORDER BY 1, 2",
    "tables": "SELECT relname, relrowsecurity, relforcerowsecurity, reloptions, "
    + GRANTS.format("relacl")
    + " FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')"
    " ORDER BY 1",
    "views": "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public' ORDER BY 1",
    "functions": "SELECT proname, prosrc, prosecdef, proconfig, "
    + GRANTS.format("proacl")
    + " FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname ~ '^kz' ORDER BY 1, 2",
}


def snapshot(site):
    with site.cluster.connect(site.database) as db:
        return {name: db.execute(text).fetchall() for name, text in SNAPSHOT.items()}


@pytest.fixture(scope="module")
def site(cluster, tmp_path_factory):
    return migrated(cluster, tmp_path_factory.mktemp("policies"))


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE document DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE matter NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY portal ON delivery",
        "ALTER POLICY portal ON job USING (true)",
        "DROP POLICY portal_insert ON client",
        "GRANT UPDATE, DELETE, TRUNCATE ON event TO kanzlei_portal",
        "GRANT SELECT ON client TO PUBLIC",
        "GRANT UPDATE ON delivery_step TO kanzlei_portal",
        "REVOKE INSERT ON upload FROM kanzlei_portal",
        "ALTER VIEW document_row SET (security_invoker = false)",
        "GRANT EXECUTE ON FUNCTION kz_firm_list() TO PUBLIC",
        "CREATE OR REPLACE FUNCTION kz_tidy() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ],
)
def test_migrate_puts_it_back(site, change):
    before = snapshot(site)
    with site.cluster.connect(site.database) as db:
        db.execute(f"SET ROLE kanzlei_owner; {change}")
    assert snapshot(site) != before
    site.run("migrate", "--anew")
    assert snapshot(site) == before
