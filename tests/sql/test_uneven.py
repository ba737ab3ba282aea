"""Pages stay cheap where documents are spread unevenly: one matter of one client has nearly all of
them, and many others have none. For a planner each of these then has 60,000 as well, or none has,
as the statistics were made; a plan that reads others' documents until one fits costs a client's
page a minute."""

import uuid

import plan
import pytest
import real
from conftest import migrated

MANY, BESIDE = 60_000, 200
MOST = 2_000  # documents and deliveries that a page may read: some hundred for each of its lists
BIG, EMPTY = uuid.UUID(int=1), uuid.UUID(int=2)  # matter and client with them; with none
PEOPLE = """
INSERT INTO firm (id, slug, name, key) OVERRIDING SYSTEM VALUE
VALUES (1, 'firma-1', 'Kanzlei', decode(repeat('00', 76), 'hex'));
INSERT INTO account (firm, id, kind, user_name, name)
SELECT 1, md5(p)::uuid, CASE p WHEN 'maria' THEN 'client' ELSE 'staff' END, p, p
  FROM unnest(ARRAY['anna', 'maria', 'few']) p;
INSERT INTO session (firm, id, account, token, idle, ends)
SELECT 1, md5(user_name)::uuid, id, sha256(user_name::bytea), '1 hour', now() + interval '1 day'
  FROM account;
INSERT INTO staff (firm, id) SELECT firm, id FROM account WHERE kind = 'staff';
INSERT INTO "right" (firm, staff, name)
SELECT 1, md5('anna')::uuid, r FROM unnest(ARRAY['admin', 'all']) r;
INSERT INTO client (firm, id, number, kind, first_name, name)
VALUES (1, '{big}', '1', 'person', 'Maria', 'Sommer');
INSERT INTO account_client (firm, account, client) VALUES (1, md5('maria')::uuid, '{big}');
INSERT INTO assignment (firm, id, staff, client)
VALUES (1, '{big}', md5('few')::uuid, '{big}');
INSERT INTO matter (firm, id, client, title, created)
VALUES (1, '{big}', '{big}', 'Viele', now() - interval '1 year');
"""
# More clients, each with a matter; and more matters of the first one.
OTHERS = """
INSERT INTO client (firm, id, number, kind, first_name, name)
SELECT 1, md5('c' || n)::uuid, 'n' || n, 'person', 'Eva', 'Neu' || n FROM generate_series(1, {n}) n
UNION ALL SELECT 1, '{empty}', 'e', 'person', 'Eva', 'Leer';
INSERT INTO matter (firm, id, client, title)
SELECT 1, md5('m' || n)::uuid, '{big}', 'Leer ' || n FROM generate_series(1, {n}) n
UNION ALL SELECT 1, md5('d' || n)::uuid, md5('c' || n)::uuid, 'Leer' FROM generate_series(1, {n}) n
UNION ALL SELECT 1, '{empty}', '{empty}', 'Leer';
INSERT INTO assignment (firm, id, staff, client)
SELECT 1, md5('a' || n)::uuid, md5('few')::uuid, md5('c' || n)::uuid FROM generate_series(1, 40) n;
"""
DOCUMENTS = """
INSERT INTO document (firm, id, client, matter, direction, name, type, size, sha256, key, object,
                      by, at, state)
SELECT 1, md5('doc' || n)::uuid, '{big}', '{big}', '{direction}', n || '.pdf', 'application/pdf', 7,
       sha256(''), decode(repeat('00', 76), 'hex'), 'o' || n, md5('anna')::uuid,
       now() - interval '1 year' + n * interval '1 second', 'available'
  FROM generate_series(1, {n}) n;
INSERT INTO delivery (firm, document, client, matter, direction, provided_at, provided_by)
SELECT d.firm, d.id, d.client, d.matter, d.direction, d.at, d.by FROM document d;
"""
WHEN = ["never", "before the documents", "before the others", "at the end"]
QUERIES = real.queries()
PLACE = [None, None, None]  # at, before, id
CALLS = [
    ("maria", "matters_mine", [*PLACE, 201]),
    ("maria", "home_fresh_client", []),
    ("maria", "documents_of_matter", [EMPTY, *PLACE, 51]),
    ("anna", "matters_of_client", [BIG]),
    ("anna", "clients", [None, False, 51]),
    ("anna", "documents_of_matter", [EMPTY, *PLACE, 51]),
    ("anna", "documents", [EMPTY, None, *[None] * 7, 51]),
    ("anna", "documents", [None, EMPTY, *[None] * 7, 51]),
    ("anna", "receipts", [EMPTY, *[None] * 10, 51]),
    ("anna", "receipts", [None, EMPTY, *[None] * 9, 51]),
    ("few", "matters_of_client", [BIG]),
    ("few", "clients_mine", [None, False, 51]),
    ("few", "home_fresh_mine", []),
    ("few", "home_unopened_mine", []),
    ("few", "home_counts_mine", []),
    ("few", "documents_mine", [*[None] * 7, 51]),
    ("few", "receipts_mine", [*[None] * 9, 51]),
]


def fill(site, direction, when):
    """Fills the database; WHEN the statistics are made: before the documents, before the others,
    at the end, or never."""
    values = {"big": BIG, "empty": EMPTY, "n": MANY, "direction": direction}
    with site.cluster.connect(site.database) as db:
        db.execute("SET session_replication_role = replica")
        db.execute(PEOPLE.format(**values))
        if when == "before the documents":
            db.execute("VACUUM ANALYZE")
        db.execute(DOCUMENTS.format(**values))
        if when == "before the others":
            db.execute("VACUUM ANALYZE")
        db.execute(OTHERS.format(**values | {"n": BESIDE}))
        if when == "at the end":
            db.execute("VACUUM ANALYZE")


def rows_read(node):
    """Returns how many documents and deliveries a plan has read, shown or thrown away."""
    return sum(
        plan.total(one, "Actual Rows") + sum(plan.total(one, key) for key in plan.REMOVED)
        for one in plan.nodes(node)
        if one.get("Relation Name") in ("document", "delivery")
    )


@pytest.fixture(scope="module", params=WHEN)
def uneven(request, cluster, tmp_path_factory):
    """One connection for each side that has sent the documents."""
    made = {}
    for direction in ("from_firm", "from_client"):
        site = migrated(cluster, tmp_path_factory.mktemp("uneven"))
        fill(site, direction, request.param)
        real.explain_all(cluster, site.database)
        made[direction] = real.Line(site.conninfo("kanzlei_portal"))
    yield made
    for line in made.values():
        line.db.close()


@pytest.mark.parametrize("direction", ["from_firm", "from_client"])
def test_uneven(uneven, direction):
    found = []
    for who, name, arguments in CALLS:
        enter = [("SELECT * FROM kz_enter('firma-1', sha256(%s), 'member', '')", (who,))]
        plans = uneven[direction].explain(QUERIES[name], arguments, enter)
        read = sum(rows_read(one["Plan"]) for one in plans)
        if read > MOST:
            found.append(f"{who}: {name} {arguments[:2]}: {read} rows")
    assert not found, "\n" + "\n".join(found)
