"""The proof of events: kanzleictl seals events, somebody changes them past the portal, check finds
it."""

import os

import event_proof
import nacl.signing
import pytest
from ctl_site import PLAIN, site_with_firm
from scand_client import until

COLUMNS = "id, at, kind, account, client, document, subject, detail"
MICROSECONDS = "(extract(epoch FROM at) * 1000000)::bigint"


@pytest.fixture
def site(cluster, tmp_path):
    """A firm with nine events under three seals."""
    made = site_with_firm(cluster, tmp_path)
    made.run("event", "seal")
    for count in (3, 5):
        add(made, count)
        made.run("event", "seal")
    return made


def add(site, count, at="clock_timestamp()"):
    """Adds many events at once, as the portal writes them."""
    site.sql(
        "WITH new AS (SELECT gen_random_uuid() AS id, n FROM generate_series(1, %s) n),"
        " unsealed AS (INSERT INTO event_unsealed (firm, event) SELECT 1, id FROM new)"
        " INSERT INTO event (firm, id, at, kind, account, detail)"
        f" SELECT 1, new.id, {at}, 'signed_in', a.id, 'Nr. ' || n FROM new, account a", count,
    )  # fmt: skip


def rows(site, statement):
    with site.cluster.connect(site.database) as db:
        cursor = db.execute(statement)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def head(site):
    (firm,) = site.json("firm", "list")["firms"]
    return firm["event_key"], firm["event_seal"]


def other_opinion(site):
    """Returns the faults that the second implementation finds."""
    select = COLUMNS.replace("at", MICROSECONDS + " AS at", 1)
    events = rows(
        site,
        f"SELECT {select} FROM event e WHERE NOT EXISTS (SELECT FROM event_unsealed u"
        " WHERE u.firm = e.firm AND u.event = e.id)",
    )
    seals = f"SELECT *, {MICROSECONDS} AS at FROM event_seal ORDER BY number"
    return event_proof.verify(
        1,
        bytes.fromhex(head(site)[0]),
        rows(site, seals),
        rows(site, "SELECT * FROM event_sealed ORDER BY seal, place"),
        {event["id"]: event for event in events},
    )


def check(site, *words, code=0):
    """Returns the problems that check finds, as sorted words."""
    answer = site.json("check", "--events", *words, code=code)
    assert answer["found"] == len(answer["problems"])
    return answer, sorted(row["problem"] for row in answer["problems"])


def behind(site, *statements):
    """Runs a statement as a superuser can: without triggers and foreign keys."""
    with site.cluster.connect(site.database) as db:
        db.execute("SET session_replication_role = replica")
        for statement in statements:
            assert db.execute(statement).rowcount > 0, statement


def test_all_is_well(site):
    answer, found = check(site)
    assert found == []
    assert (answer["seals"], answer["events"]) == (3, 9)
    assert other_opinion(site) == []
    key, seal = head(site)
    (firm,) = site.json("event", "seal")["firms"]
    assert (firm["event_key"], firm["event_seal"]) == (key, seal)
    assert seal["number"] == 3
    assert f"3:{seal['hash']}" in site.run("event", "seal")[0]


def test_waiting_events_are_no_fault(site):
    add(site, 2)
    answer, found = check(site)
    assert (answer["events"], found) == (9, [])
    assert other_opinion(site) == []


SECOND = "(SELECT event FROM event_sealed WHERE seal = 2 AND place = 2)"
THIRD = "(SELECT event FROM event_sealed WHERE seal = 2 AND place = 3)"
UNNOTE = "DELETE FROM event_sealed WHERE seal = 2 AND place = 2"
IDENT = "00000000-0000-7000-8000-000000000001"
PUT_IN = f"INSERT INTO event (firm, id, kind) VALUES (1, '{IDENT}', 'opened')"
REMOVE = [
    "DELETE FROM event WHERE id IN (SELECT event FROM event_sealed WHERE seal = 2)",
    "DELETE FROM event_sealed WHERE seal = 2",
    "DELETE FROM event_seal WHERE number = 2",
]
OTHER_KEY = nacl.signing.SigningKey(bytes(32)).verify_key.encode().hex()


def place(old, new):
    return f"UPDATE event_sealed SET place = {new} WHERE seal = 2 AND place = {old}"


def renumber(old, new):
    return [
        f"UPDATE event_sealed SET seal = {new} WHERE seal = {old}",
        f"UPDATE event_seal SET number = {new} WHERE number = {old}",
    ]


def change(what):
    return [f"UPDATE event_seal SET {what} WHERE number = 2"]


TAMPERED = {
    "detail": ([f"UPDATE event SET detail = 'x' WHERE id = {SECOND}"], ["event-changed"]),
    "kind": ([f"UPDATE event SET kind = 'opened' WHERE id = {SECOND}"], ["event-changed"]),
    "account": ([f"UPDATE event SET account = NULL WHERE id = {SECOND}"], ["event-changed"]),
    "subject": ([f"UPDATE event SET subject = id WHERE id = {SECOND}"], ["event-changed"]),
    "time": (
        [f"UPDATE event SET at = at + interval '1 microsecond' WHERE id = {SECOND}"],
        ["event-changed"],
    ),
    "no time": ([f"UPDATE event SET at = 'infinity' WHERE id = {SECOND}"], ["event-changed"]),
    "times swapped": (
        ["UPDATE event e SET at = o.at FROM event o WHERE"
         f" (e.id, o.id) IN (({SECOND}, {THIRD}), ({THIRD}, {SECOND}))"],
        ["event-changed"] * 2,
    ),
    "gone": ([f"DELETE FROM event WHERE id = {SECOND}"], ["event-missing"]),
    "gone without a trace": (
        [f"DELETE FROM event WHERE id = {SECOND}", UNNOTE], ["seal", "seal"]
    ),
    "gone, gap closed": (
        [f"DELETE FROM event WHERE id = {SECOND}", UNNOTE, place(3, 2), *change("count = 2")],
        ["seal"],
    ),
    "put in": ([PUT_IN], ["event-added"]),
    "put in, noted": (
        [PUT_IN, f"INSERT INTO event_sealed VALUES (1, '{IDENT}', 2, 4, sha256('x'))",
         *change("count = 4")],
        ["event-changed", "seal"],
    ),
    "places swapped": ([place(2, 9), place(3, 2), place(9, 3)], ["seal"]),
    "seals swapped": (
        [*renumber(2, 9), *renumber(3, 2), *renumber(9, 3)], ["seal"] * 4
    ),
    "a seal is gone": (REMOVE[2:], ["seal"]),
    "a seal and its events are gone": (REMOVE, ["seal"]),
    "and the others renumbered": ([*REMOVE, *renumber(3, 2)], ["seal"] * 2),
    "the last seal is gone": (["DELETE FROM event_seal WHERE number = 3"], ["seal"]),
    "a seal's time": (change("at = at - interval '1 day'"), ["seal"]),
    "a seal's hash": (change("hash = sha256('x')"), ["seal"] * 2),
    "a seal's signature": (change("signature = sha256('x') || sha256('y')"), ["seal"]),
    "a seal's key": (change(f"key = '\\x{OTHER_KEY}'"), ["seal"]),
}  # fmt: skip


@pytest.mark.parametrize(("statements", "words"), TAMPERED.values(), ids=TAMPERED.keys())
def test_tampered(site, statements, words):
    behind(site, *statements)
    answer, found = check(site, code=1)
    assert found == words, answer["problems"]
    assert all(row["firm"] == "muster" for row in answer["problems"])
    if "infinity" not in statements[0]:  # a time that Python can not represent
        assert other_opinion(site)
    assert "seal" in site.run("check", "--events", code=1)[0]


def test_the_event_is_named(site):
    [(ident,)] = site.sql(f"SELECT {SECOND}::text")
    behind(site, f"UPDATE event SET detail = 'x' WHERE id = '{ident}'")
    (problem,) = check(site, code=1)[0]["problems"]
    assert problem["event"] == ident
    assert "seal 2" in problem["detail"]
    assert ident in site.run("check", "--events", code=1)[0]


def test_written_anew_with_another_key(site):
    """All hashes are right and the chain is complete, but another key than the firm's signed it."""
    behind(site, f"UPDATE event SET detail = 'x' WHERE id = {SECOND}")
    signer = nacl.signing.SigningKey(os.urandom(32))
    previous = event_proof.ZEROS
    select = COLUMNS.replace("at", MICROSECONDS + " AS at", 1)
    for seal in rows(site, f"SELECT *, {MICROSECONDS} AS at FROM event_seal ORDER BY number"):
        events = rows(
            site,
            f"SELECT {select} FROM event JOIN event_sealed m ON m.event = id"
            f" WHERE seal = {seal['number']} ORDER BY place",
        )
        hashes = [event_proof.event_hash(1, event) for event in events]
        data = event_proof.message(1, seal | {"previous": previous}, hashes)
        site.sql(
            "UPDATE event_seal SET previous = %s, hash = sha256(%s), key = %s, signature = %s"
            " WHERE number = %s",
            previous, data, signer.verify_key.encode(), signer.sign(data).signature, seal["number"],
        )  # fmt: skip
        [(previous,)] = site.sql("SELECT hash FROM event_seal WHERE number = %s", seal["number"])
        for event, value in zip(events, hashes, strict=True):
            site.sql("UPDATE event_sealed SET hash = %s WHERE event = %s", value, event["id"])
    answer, found = check(site, code=1)
    assert found == ["seal"] * 3
    assert all("firm's key" in row["detail"] for row in answer["problems"])
    site.sql("UPDATE event_seal SET key = %s", bytes.fromhex(head(site)[0]))
    answer, found = check(site, code=1)
    assert found == ["seal"] * 3
    assert all("signature" in row["detail"] for row in answer["problems"])


def test_event_added_later(site):
    """Somebody adds an event of yesterday, and the portal seals it today."""
    add(site, 1, at="clock_timestamp() - interval '1 day'")
    site.run("event", "seal")
    assert check(site, code=1)[1] == ["event-added"]
    assert [what for what, _ in other_opinion(site)] == ["late"]


def test_clock_that_jumped(site):
    """The clock is a day ahead for a while: what was sealed then accuses no event that comes
    afterwards, and the jump is an event of its own."""
    site.sql("CREATE SCHEMA ahead")
    site.sql("CREATE FUNCTION ahead.now() RETURNS timestamptz STABLE LANGUAGE sql"
             " RETURN pg_catalog.now() + interval '1 day'")  # fmt: skip
    site.sql("GRANT USAGE ON SCHEMA ahead TO kanzlei_portal")
    role = f"ALTER ROLE kanzlei_portal IN DATABASE {site.database}"
    site.sql(f"{role} SET search_path = ahead, pg_catalog, public")
    add(site, 2, at="clock_timestamp() + interval '1 day'")
    site.run("event", "seal")
    site.sql(f"{role} RESET search_path")
    for count in (3, 4):
        add(site, count)
        site.run("event", "seal")
    assert check(site)[1] == []
    assert other_opinion(site) == []
    kinds = [row["kind"] for row in rows(site, "SELECT kind FROM event WHERE kind = 'clock_set'")]
    assert kinds == ["clock_set"]
    add(site, 1, at="clock_timestamp() - interval '1 day'")
    site.run("event", "seal")
    assert check(site, code=1)[1] == ["event-added"]


def test_waiting_and_gone(site):
    add(site, 2)
    behind(site, "DELETE FROM event WHERE id IN (SELECT event FROM event_unsealed LIMIT 1)")
    assert check(site, code=1)[1] == ["event-missing"]
    site.run("event", "seal")
    assert check(site, code=1)[1] == ["event-missing"]


def test_chain_without_its_end(site):
    """Only a head that somebody has noted elsewhere reveals this."""
    noted = head(site)[1]
    words = ["--firm", "muster", "--head", f"{noted['number']}:{noted['hash'].upper()}"]
    assert check(site, *words)[1] == []
    behind(
        site,
        "DELETE FROM event WHERE id IN (SELECT event FROM event_sealed WHERE seal = 3)",
        "DELETE FROM event_sealed WHERE seal = 3",
        "DELETE FROM event_seal WHERE number = 3",
    )
    assert check(site)[1] == []
    assert check(site, *words, code=1)[1] == ["seal"]
    add(site, 1)
    site.run("event", "seal")
    answer, found = check(site, *words, code=1)
    assert found == ["seal"]
    assert "noted elsewhere" in answer["problems"][0]["detail"]


@pytest.mark.parametrize(
    "words",
    [["--head", "1:" + "0" * 64], ["--firm", "muster", "--head", "1"],
     ["--firm", "muster", "--head", "0:" + "0" * 64], ["--firm", "muster", "--head", "1:00"]],
)  # fmt: skip
def test_bad_heads(site, words):
    site.run("check", "--events", *words, code=2)


def test_other_firm(site):
    site.run("firm", "create", "other", "--name", "Other")
    site.run("event", "seal")
    behind(site, f"UPDATE event SET detail = 'x' WHERE id = {SECOND}")
    assert check(site, "--firm", "other")[1] == []
    assert check(site, "--firm", "muster", code=1)[1] == ["event-changed"]
    keys = {firm["event_key"] for firm in site.json("firm", "list")["firms"]}
    assert len(keys) == 2


# --- how it grows --------------------------------------------------------------------------------


def numbers(site):
    return site.sql("SELECT number, count FROM event_seal ORDER BY number")


def test_transaction_that_commits_late(site):
    with site.cluster.connect(site.database) as other:
        with other.transaction():
            other.execute("WITH u AS (INSERT INTO event_unsealed VALUES"
                          " (1, '00000000-0000-7000-8000-000000000001'))"
                          " INSERT INTO event (firm, id, kind) VALUES"
                          " (1, '00000000-0000-7000-8000-000000000001', 'opened')")  # fmt: skip
            add(site, 2)
            site.run("event", "seal")
    site.run("event", "seal")
    assert numbers(site)[3:] == [(4, 2), (5, 1)]
    assert check(site)[1] == []
    assert other_opinion(site) == []


def test_many_events(site):
    """There are more events than a seal takes or the check reads at once; old ones, as after an
    upgrade."""
    site.sql("DELETE FROM event_sealed")
    site.sql("DELETE FROM event_seal")
    site.sql("DELETE FROM event")
    add(site, 2500, at="clock_timestamp() - n * interval '1 hour'")
    site.run("event", "seal")
    assert numbers(site) == [(1, 1000), (2, 1000), (3, 500)]
    for _ in range(3):
        add(site, 1)
        site.run("event", "seal")
    answer, found = check(site)
    assert (answer["seals"], answer["events"], found) == (6, 2503, [])
    assert other_opinion(site) == []
    behind(site, "UPDATE event SET detail = 'x' WHERE id IN"
                 " (SELECT event FROM event_sealed WHERE place IN (1, 500, 1000))")  # fmt: skip
    assert check(site, code=1)[1] == ["event-changed"] * 11


def test_more_seals_than_are_read_at_once(site):
    for _ in range(52):
        add(site, 1)
        site.run("event", "seal", build=PLAIN)
    answer, found = check(site)
    assert (answer["seals"], found) == (55, [])


def test_several_hosts_at_once(site):
    for _ in range(5):
        add(site, 20)
        both = [site.start("event", "seal") for _ in range(3)]
        errors = [process.communicate()[1] for process in both]
        assert [process.returncode for process in both] == [0, 0, 0], errors
    site.run("event", "seal")
    found = numbers(site)
    assert [number for number, _ in found] == list(range(1, len(found) + 1))
    assert sum(count for _, count in found) == 109
    assert check(site)[1] == []


def test_another_process_seals(site):
    """A process that does not get the lock seals nothing, and does not wait."""
    add(site, 1)
    with site.cluster.connect(site.database) as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(x'6b7a'::int, 1)")
        site.run("event", "seal")
        assert len(numbers(site)) == 3
    until(lambda: site.run("event", "seal") and len(numbers(site)) == 4, "the seal")


def test_portal_may_not_change(site):
    for table in ("event", "event_seal", "event_sealed"):
        for right in ("UPDATE", "DELETE", "TRUNCATE"):
            statement = "SELECT has_table_privilege('kanzlei_portal', %s, %s)"
            assert site.sql(statement, table, right) == [(False,)]


def test_events_from_before(site):
    """The database is from a version without seals."""
    for table in ("event_sealed", "event_unsealed", "event_seal"):
        site.sql(f"DROP TABLE {table}")
    site.sql("DELETE FROM migration WHERE number = 3")
    assert site.json("migrate")["applied"] == ["003_event_seal"]
    site.run("event", "seal")
    answer, found = check(site)
    assert (answer["seals"], answer["events"], found) == (1, 9, [])


def peak(site):
    """Returns the most memory (KiB) that a check takes, without sanitizers, which keep freed
    memory."""
    process = site.start("check", "--events", build=PLAIN)
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.communicate()
    assert process.returncode == 0, said
    return usage.ru_maxrss


def test_memory(site):
    add(site, 2000)
    site.run("event", "seal")
    small = peak(site)
    add(site, 30000)
    site.run("event", "seal")
    assert peak(site) < small + (4 << 10)
