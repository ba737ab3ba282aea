"""kanzleictl migrate --anew restores policies, grants and functions after any change."""

import shutil

import psycopg
import pytest
from conftest import migrated
from ctl_site import SQL

GRANTS = "(SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM aclexplode({}) a)"
SNAPSHOT = {
    "policies": "SELECT tablename, policyname, roles::text, cmd, qual, with_check FROM pg_policies"
    " WHERE schemaname = 'public' ORDER BY 1, 2",
    "tables": "SELECT relname, relrowsecurity, relforcerowsecurity, reloptions, "
    + GRANTS.format("relacl")
    + " FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')"
    " ORDER BY 1",
    "views": "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public' ORDER BY 1",
    "columns": "SELECT attrelid::regclass::text, attname, attacl::text FROM pg_attribute"
    " WHERE attacl IS NOT NULL AND attrelid IN (SELECT oid FROM pg_class"
    " WHERE relnamespace = 'public'::regnamespace) ORDER BY 1, 2",
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
        "DROP POLICY portal_select ON delivery",
        "ALTER POLICY portal_select ON job USING (true)",
        "CREATE POLICY more ON session TO kanzlei_portal USING (true)",
        "DROP POLICY portal_insert ON client",
        "GRANT UPDATE, DELETE, TRUNCATE ON event TO kanzlei_portal",
        "GRANT SELECT ON client TO PUBLIC",
        "GRANT UPDATE ON delivery_step TO kanzlei_portal",
        "REVOKE INSERT (name) ON upload FROM kanzlei_portal",
        "GRANT SELECT (password) ON account TO kanzlei_portal",
        "ALTER VIEW document_row SET (security_invoker = false)",
        "GRANT EXECUTE ON FUNCTION kz_firm_list() TO PUBLIC",
        "CREATE OR REPLACE FUNCTION kz_tidy() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ],
)
def test_migrate_restores_the_policies(site, change):
    before = snapshot(site)
    with site.cluster.connect(site.database) as db:
        db.execute(f"SET ROLE kanzlei_owner; {change}")
    assert snapshot(site) != before
    site.run("migrate", "--anew")
    assert snapshot(site) == before


LINES = """
    ('note', 'client', '-', '-', '-', '-'), ('note', 'staff', 'firm', '-', '-', '-'),
    ('note', 'portal', 'firm', '-', '-', '-'), ('note', 'public', '-', '-', '-', '-'),
"""
NOTE = "note (firm int PRIMARY KEY, text text, more text)"


def changed(tmp_path, *edits, table=""):
    """Copies the folder sql, adds a migration that makes TABLE, and edits access.sql: (before,
    after)."""
    folder = tmp_path / "sql"
    shutil.copytree(SQL, folder)
    if table:
        (folder / "schema/900_more.sql").write_text(f"CREATE TABLE {table};\n")
    path = folder / "policy/access.sql"
    text = path.read_text()
    for before, after in edits:
        assert before in text
        text = text.replace(before, after, 1)
    path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("table", "edit", "says"),
    [
        (NOTE, [], 'the table "note" has no line for the side "client" in policy/access.sql'),
        ("", [("('job', 'public',", "('jobs', 'public',")], '"public"'),
        ("", [("('job', 'public', '-',", "('job', 'public', 'mine',")], '"mine"'),
        ("", [("('job', 'public',", "('job', 'portal',")], 'has 2 lines for the table "job"'),
        ("", [("('firm', 'id slug name", "('firm', 'id slug nmae")], '"nmae"'),
        ("", [("('office', 'staff',  '-'", "('office', 'staff',  'firm'")], '"office"'),
    ],
)
def test_a_table_without_a_line_is_refused(cluster, tmp_path, table, edit, says):
    """The migration names the table without a line, and the policies stay as they are."""
    site = migrated(cluster, tmp_path)
    before = snapshot(site)
    said = "".join(site.run("migrate", "--anew", code=1, sql=changed(tmp_path, *edit, table=table)))
    assert says in said, said
    after = snapshot(site)
    if table:
        may = site.sql("SELECT has_any_column_privilege('kanzlei_portal', 'note', 'SELECT')")
        assert may == [(False,)]
        after["tables"] = [row for row in after["tables"] if row[0] != "note"]
    assert after == before


def test_a_new_table_with_its_lines_is_secured(cluster, tmp_path):
    site = migrated(cluster, tmp_path)
    edits = [
        ("    ('office', 'client'", LINES + "    ('office', 'client'"),
        ("    ('staff', 'firm id", "    ('note', 'firm text', '', ''),\n    ('staff', 'firm id"),
    ]
    site.run("migrate", sql=changed(tmp_path, *edits, table=NOTE))
    forced = "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE relname = 'note'"
    assert site.sql(forced) == [(True,)]
    columns = (
        "SELECT column_name::text FROM information_schema.column_privileges"
        " WHERE grantee = 'kanzlei_portal' AND table_name = 'note' ORDER BY 1"
    )
    assert site.sql(columns) == [("firm",), ("text",)]
    policies = "SELECT polname::text FROM pg_policy WHERE polrelid = 'note'::regclass ORDER BY 1"
    assert site.sql(policies) == [("owner",), ("portal_select",)]


def test_a_temporary_type_hides_no_other(site):
    """Without a search_path a type in pg_temp comes first; its CHECK would run as the owner."""
    with psycopg.connect(site.conninfo("kanzlei_portal")) as db:
        db.execute(
            "CREATE FUNCTION pg_temp.spy() RETURNS boolean LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'a type of the session is used'; END $$"
        )
        for name in ("bool", "bytea", "int4", "int8", "interval", "text", "timestamptz", "uuid"):
            db.execute(f"CREATE DOMAIN pg_temp.{name} AS pg_catalog.{name} CHECK (pg_temp.spy())")
        functions = db.execute(
            "SELECT proname, pronargs FROM pg_proc WHERE prosecdef AND proconfig IS NULL"
            " AND pronamespace = 'public'::regnamespace"
        ).fetchall()
        assert "kz_enter" in dict(functions)
        for name, args in functions:
            try:
                with db.transaction():
                    db.execute(f"SELECT * FROM public.{name}({', '.join(['NULL'] * args)})")
            except psycopg.Error as error:
                assert error.sqlstate.startswith("KZ"), f"{name}: {error}"
        db.rollback()
