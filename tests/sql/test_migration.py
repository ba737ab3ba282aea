"""kanzleictl migrate loses nothing of the database of an earlier version."""

import json
import os
import struct
from itertools import product

import pytest
from ctl_site import SQL, Site
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt

BEFORE = 5
OWNER_ONLY = """
DO $$ DECLARE t regclass; BEGIN
    FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner ON %s TO kanzlei_owner USING (true)', t);
    END LOOP;
END $$;
"""
PEOPLE = """
INSERT INTO firm (slug, name, key)
SELECT 'firma-' || n, 'Kanzlei', decode(repeat('00', 76), 'hex') FROM generate_series(1, 2) n;
INSERT INTO account (firm, id, kind, user_name, name)
SELECT f.id, md5(f.id || p)::uuid, CASE p WHEN 'anna' THEN 'staff' ELSE 'client' END, p, p
  FROM firm f, unnest(ARRAY['anna', 'maria', 'karl', 'gone']) p;
INSERT INTO staff (firm, id) SELECT firm, id FROM account WHERE kind = 'staff';
INSERT INTO client (firm, id, number, kind, first_name, name)
SELECT id, md5(id || 'client')::uuid, '1', 'person', 'Maria', 'Sommer' FROM firm;
INSERT INTO account_client (firm, account, client)
SELECT f.id, md5(f.id || p)::uuid, md5(f.id || 'client')::uuid
  FROM firm f, unnest(ARRAY['maria', 'karl']) p;
INSERT INTO matter (firm, id, client, title)
SELECT id, md5(id || 'matter')::uuid, md5(id || 'client')::uuid, 'Steuer' FROM firm;
INSERT INTO "group" (firm, id, name) SELECT id, md5(id || 'group')::uuid, 'Gruppe' FROM firm;
INSERT INTO assignment (firm, id, staff, client)
SELECT id, md5(id || 'one')::uuid, md5(id || 'anna')::uuid, md5(id || 'client')::uuid FROM firm;
INSERT INTO assignment (firm, id, staff, "group")
SELECT id, md5(id || 'many')::uuid, md5(id || 'anna')::uuid, md5(id || 'group')::uuid FROM firm;
"""
DOCUMENT = """
INSERT INTO document (firm, id, client, matter, direction, name, type, size, sha256, key, object,
                      by, state)
SELECT f.id, md5(f.id || %(name)s)::uuid, md5(f.id || 'client')::uuid, md5(f.id || 'matter')::uuid,
       %(direction)s, 'a.pdf', 'application/pdf', 7, decode(repeat('00', 32), 'hex'),
       decode(repeat('00', 76), 'hex'), f.id || %(name)s, md5(f.id || 'anna')::uuid, 'available'
  FROM firm f
"""
DELIVERY = """
INSERT INTO delivery (firm, document, client, matter, direction, provided_at, provided_by,
                      {columns})
SELECT d.firm, d.id, d.client, d.matter, d.direction, d.at, d.by, {values}
  FROM document d WHERE d.id IN (SELECT md5(id || %(name)s)::uuid FROM firm)
"""
# Who took each step: nobody, a known person, or (of "notified" alone) an unknown one.
STEPS = ("notified", "opened", "received", "confirmed")
WHEN = {"notified": "01", "opened": "02", "received": "03", "confirmed": "04"}


def shapes():
    """Yields every delivery that a database at 005 could hold: (direction, {step: who or None})."""
    for direction, *by in product(
        ("from_firm", "from_client"), (None, "maria", ""), *[(None, "maria", "karl")] * 3
    ):
        steps = {step: who for step, who in zip(STEPS, by, strict=True) if who is not None}
        if "received" in steps and "opened" not in steps:
            continue  # 005 refused that already
        yield direction, steps


def at(step):
    return f"2026-01-{WHEN[step]} 10:00:00+00"


def fill(db):
    db.execute(PEOPLE)
    for number, (direction, steps) in enumerate(shapes()):
        named = {"name": f"document {number}", "direction": direction}
        db.execute(DOCUMENT, named)
        columns, values = ["notified_to"] * ("notified" not in steps), []
        values = ["NULL"] * len(columns)
        for step, who in steps.items():
            columns += [f"{step}_at", f"{step}_{'to' if step == 'notified' else 'by'}"]
            values += [f"'{at(step)}'", f"md5(d.firm || '{who}')::uuid" if who else "NULL::uuid"]
        text = DELIVERY.format(columns=", ".join(columns), values=", ".join(values))
        db.execute(text, named)
    # The first document's mail went to two people; the event names one who no longer exists.
    db.execute(
        "INSERT INTO event (firm, id, at, kind, client, document, subject)"
        " SELECT d.firm, gen_random_uuid(), timestamptz '2026-02-01' + n * interval '1 day',"
        "        'notified', d.client, d.id, s.id FROM document d, generate_series(0, 1) n,"
        "        LATERAL (VALUES (md5(d.firm || 'maria')::uuid), (md5(d.firm || 'karl')::uuid),"
        "                        (gen_random_uuid()), (NULL)) s (id)"
        "  WHERE d.id IN (SELECT md5(id || 'document 0')::uuid FROM firm)"
    )


def columns(db):
    """Returns the columns of every table, as SQL lists them."""
    return dict(
        db.execute(
            "SELECT c.relname, string_agg(format('%I', a.attname), ', ' ORDER BY a.attnum)"
            "  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
            " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0"
            "   AND NOT a.attisdropped AND c.relname <> 'migration' GROUP BY c.relname"
        ).fetchall()
    )


def contents(db, of):
    """Returns every row of every table, with the columns OF."""
    return {
        table: sorted(
            json.dumps(row)
            for row in db.execute(f'SELECT to_jsonb(x) FROM (SELECT {names} FROM "{table}") x')
        )
        for table, names in of.items()
    }


def wrapped_key(site, firm):
    """Returns a key of the firm as it is wrapped by the master key (io/seal/FORMAT.md)."""
    master, nonce = (site.folder / "keys/master-1").read_bytes(), os.urandom(24)
    bound = b"kanzleipost/1/firm-key" + struct.pack(">Ii", 1, firm)
    key = crypto_aead_xchacha20poly1305_ietf_encrypt(os.urandom(32), bound, nonce, master)
    return struct.pack(">I", 1) + nonce + key


def earlier(cluster, folder):
    """An installation with the migrations up to BEFORE; only the owner sees its rows."""
    site = Site(cluster, folder)
    with cluster.connect(site.database) as db:
        db.execute("CREATE EXTENSION pg_trgm; CREATE EXTENSION btree_gin; SET ROLE kanzlei_owner")
        db.execute("GRANT USAGE ON SCHEMA public TO kanzlei_portal")
        db.execute((SQL / "migrate/begin.sql").read_text(encoding="utf-8"))
        for path in sorted((SQL / "schema").glob("*.sql"))[:BEFORE]:
            db.execute(path.read_text(encoding="utf-8"))
            noted = "INSERT INTO migration (number, name) VALUES (%s, %s)"
            db.execute(noted, (int(path.name[:3]), path.stem))
        db.execute("INSERT INTO installation (id) VALUES (%s)", (site.installation,))
        db.execute(OWNER_ONLY)
        fill(db)
        for (firm,) in db.execute("SELECT id FROM firm").fetchall():
            db.execute("UPDATE firm SET key = %s WHERE id = %s", (wrapped_key(site, firm), firm))
    return site


@pytest.fixture(scope="module")
def migrated_site(cluster, tmp_path_factory):
    site = earlier(cluster, tmp_path_factory.mktemp("earlier"))
    with cluster.connect(site.database) as db:
        site.columns = columns(db)
        site.before = contents(db, site.columns)
    answer = site.json("migrate")
    later = sorted((SQL / "schema").glob("*.sql"))[BEFORE:]
    assert answer["applied"] == [path.stem for path in later]
    return site


def test_every_row_is_as_it_was(migrated_site):
    with migrated_site.cluster.connect(migrated_site.database) as db:
        after = contents(db, migrated_site.columns)
    assert len(migrated_site.before["delivery"]) == 2 * len(list(shapes())) > 200
    assert after == migrated_site.before


def test_every_step_is_there(migrated_site):
    wanted = {
        (f"document {number}", who, step, at(step))
        for number, (_, steps) in enumerate(shapes())
        for step, who in steps.items()
        if who
    }
    told = ("notified", "2026-02-01 00:00:00+00")
    wanted |= {("document 0", who, *told) for who in ("maria", "karl")}
    for firm in (1, 2):
        names = {f"document {number}": number for number in range(len(list(shapes())))}
        rows = migrated_site.sql(
            "SELECT n, a.user_name, s.step,"
            " to_char(s.at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS+00')"
            "  FROM unnest(%s::text[]) n"
            "  JOIN delivery_step s ON s.firm = %s AND s.document = md5(s.firm || n)::uuid"
            "  JOIN account a ON a.firm = s.firm AND a.id = s.account"
            " WHERE s.client = md5(s.firm || 'client')::uuid",
            list(names), firm,
        )  # fmt: skip
        assert set(rows) == wanted
        assert len(rows) == len(wanted)
    assert migrated_site.sql("SELECT count(*) FROM delivery_step") == [(2 * len(wanted),)]


def test_a_second_migration_does_nothing(migrated_site):
    with migrated_site.cluster.connect(migrated_site.database) as db:
        before = contents(db, columns(db))
        assert migrated_site.json("migrate")["applied"] == []
        assert contents(db, columns(db)) == before


def test_new_steps_after_the_migration(migrated_site):
    """A delivery that was opened before keeps that step; one that was not is opened now."""
    for number, (_, steps) in enumerate(shapes()):
        named = f"document {number}"
        migrated_site.sql(
            "INSERT INTO delivery_step (firm, document, client, account, step)"
            " SELECT firm, id, client, md5(firm || 'karl')::uuid, 'opened' FROM document"
            "  WHERE firm = 1 AND id = md5(firm || %s)::uuid ON CONFLICT DO NOTHING", named,
        )  # fmt: skip
        ((first, same),) = migrated_site.sql(
            "SELECT v.opened_at = %s::timestamptz, v.opened_at = d.opened_at"
            "  FROM delivery v JOIN document d ON d.firm = v.firm AND d.id = v.document"
            " WHERE d.firm = 1 AND d.id = md5(d.firm || %s)::uuid", at("opened"), named,
        )  # fmt: skip
        assert (first, same) == ("opened" in steps, True), steps


def test_old_names_are_folded(cluster, tmp_path):
    """As what is typed today, so that they are found; a number stays where two would be one."""
    site = earlier(cluster, tmp_path)
    names = {
        "Bau  Huber": "Bau Huber", "Mu\u0308ller": "M\u00fcller", "\u00a0Karl\u2028AG ": "Karl AG",
        "zero\u200bwidth": "zerowidth", "\u00a0": "\u00a0", "Nguyễn Thị Lan": "Nguyễn Thị Lan",
    }  # fmt: skip
    numbers = {"7": "7", "7\u200b": "7\u200b", "8 \u00a09": "8 9"}
    add = (
        "INSERT INTO client (firm, id, number, kind, name)"
        " SELECT id, gen_random_uuid(), %s, 'company', %s FROM firm"
    )
    for name in names:
        site.sql(add, f"n{len(name)}{name[:1]}", name)
    for number in numbers:
        site.sql(add, number, "Zahl")
    site.json("migrate")
    found = {row[0] for row in site.sql("SELECT name FROM client WHERE kind = 'company'")}
    assert found == {*names.values(), "Zahl"}
    found = {row[0] for row in site.sql("SELECT number FROM client WHERE name = 'Zahl'")}
    assert found == set(numbers.values())
