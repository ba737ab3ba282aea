"""Fills the database with many documents, 50 to a matter, which arrived mixed over years."""

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg


class TooMany(Exception):
    """A row needs more documents than this run may load."""


PER_MATTER = 50
TABLES = ("document", "delivery", "delivery_step")

# Documents of one matter lie apart, as they do after years: row n belongs to matter n modulo the
# number of matters. Ids grow with time, as the portal makes them.
SETUP = """
CREATE SCHEMA IF NOT EXISTS bench;
CREATE OR REPLACE FUNCTION bench.id(kind int, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex(1600000000000 + n * 20), 12, '0') || '7' || lpad(to_hex(kind), 3, '0')
            || '8' || substr(md5(n::text), 1, 15))::uuid
$$;
"""
CLIENTS = """
INSERT INTO client (firm, id, number, kind, first_name, name, city)
SELECT %(firm)s, bench.id(1, n), 'b' || n, 'person', 'Vorname' || n %% 997, 'Name' || n, 'Ort'
  FROM generate_series(%(first)s::bigint, %(last)s::bigint) n;
"""
MATTERS = """
INSERT INTO matter (firm, id, client, number, title)
SELECT %(firm)s, bench.id(2, n), bench.id(1, n / 2), '1', 'Jahresabschluss ' || 2000 + n %% 25
  FROM generate_series(%(first)s::bigint, %(last)s::bigint) n;
"""
DOCUMENTS = """
INSERT INTO document (firm, id, client, matter, direction, name, type, size, sha256, key, object,
                      by, at, state, opened_at)
SELECT %(firm)s, d.id, bench.id(1, d.matter / 2), bench.id(2, d.matter),
       CASE d.n %% 3 WHEN 0 THEN 'from_client' ELSE 'from_firm' END,
       'Beleg ' || d.n || '.pdf', 'application/pdf', 1000 + d.n %% 900000,
       decode(repeat(md5(d.n::text), 2), 'hex'), decode(repeat('00', 76), 'hex'),
       %(firm)s || '/' || right(d.id::text, 2) || '/' || d.id || '/1', %(by)s,
       d.at, 'available', CASE WHEN d.n %% 10 > 0 THEN d.at + interval '1 day' END
  FROM (SELECT n, bench.id(3, n) AS id, %(base)s + n %% %(matters)s AS matter,
               timestamptz '2020-01-01' + n * interval '20 ms' AS at
          FROM generate_series(%(first)s::bigint, %(last)s::bigint) n OFFSET 0) d;
"""
DELIVERIES = """
INSERT INTO delivery (firm, document, client, matter, direction, provided_at, provided_by,
                      notified_at, notified_to, opened_at, opened_by)
SELECT %(firm)s, bench.id(3, d.n), bench.id(1, d.matter / 2), bench.id(2, d.matter),
       CASE d.n %% 3 WHEN 0 THEN 'from_client' ELSE 'from_firm' END,
       d.at, %(by)s, d.at, %(by)s, CASE WHEN d.n %% 10 > 0 THEN d.at + interval '1 day' END,
       CASE WHEN d.n %% 10 > 0 THEN %(by)s::uuid END
  FROM (SELECT n, %(base)s + n %% %(matters)s AS matter,
               timestamptz '2020-01-01' + n * interval '20 ms' AS at
          FROM generate_series(%(first)s::bigint, %(last)s::bigint) n OFFSET 0) d;
"""
# Only the steps that a page reads: whoever looks at a document has opened it already.
STEPS = """
INSERT INTO delivery_step (firm, document, client, account, step, at)
SELECT %(firm)s, bench.id(3, d.n), bench.id(1, d.matter / 2), %(by)s, 'opened',
       d.at + interval '1 day'
  FROM (SELECT n, %(base)s + n %% %(matters)s AS matter,
               timestamptz '2020-01-01' + n * interval '20 ms' AS at
          FROM generate_series(%(first)s::bigint, %(last)s::bigint) n WHERE n %% 10 > 0 OFFSET 0) d;
"""


def connect(site):
    """Connects as the cluster's superuser, and switches off the row-by-row check of foreign
    keys."""
    db = psycopg.connect(site.database(), autocommit=True)
    db.execute("SET session_replication_role = replica")
    db.execute("SET synchronous_commit = off")
    db.execute("SET maintenance_work_mem = '1GB'")
    return db


def fill(site, table, rows):
    """Fills one table; makes the indexes that no constraint needs afterwards."""
    statement = {"document": DOCUMENTS, "delivery": DELIVERIES, "delivery_step": STEPS}[table]
    with connect(site) as db:
        indexes = db.execute(
            "SELECT c.relname, pg_get_indexdef(c.oid)"
            " FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE i.indrelid = %s::regclass AND NOT EXISTS"
            " (SELECT FROM pg_constraint k WHERE k.conindid = c.oid)", (table,),
        ).fetchall()  # fmt: skip
        for name, _ in indexes:
            db.execute(f"DROP INDEX {name}")
        db.execute(statement, rows)
        for _, definition in indexes:
            db.execute(definition)
        db.execute(f"VACUUM (ANALYZE) {table}")


def load(site, total, have=0, known=0, *, clients=0):
    """Adds documents from HAVE up to TOTAL, in all tables at the same time, and clients from KNOWN
    up to CLIENTS; returns the seconds that this took."""
    start = time.monotonic()
    with connect(site) as db:
        db.execute("ALTER SYSTEM SET max_wal_size = '6GB'")
        db.execute("SELECT pg_reload_conf()")
        db.execute(SETUP)
        firm = db.execute("SELECT id FROM firm WHERE slug = %s", (site.firm,)).fetchone()[0]
        by = db.execute("SELECT id FROM account WHERE firm = %s LIMIT 1", (firm,)).fetchone()[0]
        base, matters = have // PER_MATTER, (total - have) // PER_MATTER
        some = {"firm": firm, "first": base, "last": base + matters - 1}
        first = max(base // 2, known)
        last = max((base + matters) // 2, clients) - 1
        db.execute(CLIENTS, some | {"first": first, "last": last})
        db.execute(MATTERS, some)
        rows = some | {"by": by, "base": base, "matters": matters}
        rows |= {"first": have, "last": total - 1}
        with ThreadPoolExecutor(len(TABLES)) as pool:
            list(pool.map(lambda table: fill(site, table, rows), TABLES))
        db.execute("VACUUM (ANALYZE) client")
        db.execute("VACUUM (ANALYZE) matter")
        db.execute("ALTER SYSTEM RESET max_wal_size")
        db.execute("SELECT pg_reload_conf()")
        db.execute("CHECKPOINT")
    return time.monotonic() - start


# The kinds of rows of the firm: number of the kind in bench.id(), and documents to one such row.
THINGS = {"client": (1, 2 * PER_MATTER), "matter": (2, PER_MATTER), "document": (3, 1)}


def some(site, thing, total, most):
    """Returns the ids of at most MOST random things of the firm with TOTAL documents."""
    kind, documents = THINGS[thing]
    with psycopg.connect(site.database(), autocommit=True) as db:
        found = db.execute(
            "SELECT bench.id(%s, (random() * (%s - 1))::bigint) FROM generate_series(1, %s)",
            (kind, total // documents, min(most, total // documents)),
        ).fetchall()
    return [str(row[0]) for row in found]


def matters(site, total, most=20_000):
    """Returns the paths of the pages of at most MOST random matters."""
    return [f"/k/{site.firm}/matters/{one}" for one in some(site, "matter", total, most)]


def adviser(site):
    """Returns the browser of an account that acts for three of the clients with documents."""
    if not hasattr(site, "adviser"):
        scene = site.make_client(site.admin, "Adler", "adler")
        site.adviser = scene.browser
        for n in range(3):
            site.sql(
                "INSERT INTO account_client (firm, account, client)"
                " SELECT firm, id, bench.id(1, %s) FROM account WHERE id = %s", n, scene.account,
            )  # fmt: skip
    return site.adviser
