"""The jobs of a running portal, which act without any request."""

import os
import secrets
import signal
import uuid

import pytest
from person import wait_for
from running import running_portal, unexpected
from scand_samples import sevenzip


class Life:
    """A portal with short intervals, its stores and its database."""

    def __init__(self, portal):
        self.portal, self.sql = portal, portal.sql
        (portal.data / "conf/kanzlei.local.conf").write_text(
            "KanzleiSealInterval 1s\nKanzleiDiscardGrace 0s\n"
        )
        portal.start()
        portal.kanzleictl("firm", "create", portal.firm, "--name", "Kanzlei Linde")
        portal.make_staff("admin", "--admin")
        self.admin = portal.signed_in("admin")
        self.maria = portal.make_client(self.admin, "Sommer", "maria")
        self.stores = [portal.data / f"store-{number}" for number in (1, 2)]

    def document(self, content):
        """Sends a document as Maria; returns its id and the paths of its object in both stores."""
        ident = self.maria.browser.upload(self.maria.matter, content)
        wait_for(lambda: self.maria.browser.state(ident) == "available")
        return ident, self.objects(ident)

    def objects(self, ident):
        [(key,)] = self.sql("SELECT object FROM document WHERE id = %s", ident)
        return [store / key for store in self.stores]

    def copies(self, ident):
        return self.sql(
            "SELECT store, state FROM object_copy WHERE document = %s ORDER BY store", ident
        )


@pytest.fixture(scope="module")
def life():
    with running_portal() as portal:
        yield Life(portal)


@pytest.fixture(autouse=True)
def quiet(request, life):
    """Does for this portal what quiet_log does for the common one."""
    before = life.portal.log.stat().st_size
    yield
    marker = request.node.get_closest_marker("expect_log")
    lines = unexpected(life.portal.said_since(before), marker.args if marker else ())
    assert not lines, "the error log says:\n" + "\n".join(lines)


# --- proof ---------------------------------------------------------------------------------------


def test_events_are_sealed(life):
    unsealed = "SELECT 1 FROM event_unsealed"
    for _ in range(2):
        life.document(b"brief")
        wait_for(lambda: life.sql(unsealed) == [])
    (firm,) = life.portal.kanzleictl("firm", "list")["firms"]
    assert firm["event_seal"]["number"] >= 2
    answer = life.portal.kanzleictl("check")
    assert answer["found"] == 0
    assert answer["events"] == life.sql("SELECT count(*) FROM event")[0][0]


# --- discarded documents -------------------------------------------------------------------------

NOT_CLEAN = pytest.mark.expect_log(r"worker \d: unscannable: encrypted")


def held(life, folder):
    name = f"{secrets.token_hex(4)}.zip"
    content = sevenzip(folder, name, "-psecret", content=secrets.token_bytes(2000))
    ident = life.maria.browser.upload(life.maria.matter, content, name)
    wait_for(lambda: life.maria.browser.state(ident) == "unscannable")
    return ident


def decide(life, ident, what):
    life.admin.get_json(f"/documents/{ident}")
    answer = life.admin.post_json(f"/documents/{ident}/{what}", {"reason": "geprüft"})
    assert answer.status_code == 303, answer.text


@NOT_CLEAN
def test_discarded_document_leaves_the_stores(life, tmp_path):
    ident = held(life, tmp_path)
    paths = life.objects(ident)
    assert all(path.exists() for path in paths)
    decide(life, ident, "discard")
    wait_for(lambda: life.copies(ident) == [])
    assert not any(path.exists() for path in paths)
    assert life.sql("SELECT state FROM document WHERE id = %s", ident) == [("discarded",)]
    assert life.portal.kanzleictl("check")["found"] == 0


@NOT_CLEAN
def test_released_document_stays(life, tmp_path):
    """Even a job that would remove its object does not remove it."""
    ident = held(life, tmp_path)
    decide(life, ident, "release")
    assert life.sql("SELECT 1 FROM job WHERE kind = 'remove_object' AND state = 'waiting'") == []
    assert all(path.exists() for path in life.objects(ident))


@pytest.mark.expect_log(r"remove_object, try 1: a document needs the object")
def test_the_object_of_a_document_is_never_removed(life):
    ident, paths = life.document(b"brief")
    life.sql("INSERT INTO job (firm, id, kind, data) SELECT firm, gen_random_uuid(),"
             " 'remove_object', jsonb_build_object('object', object) FROM document"
             " WHERE id = %s", ident)  # fmt: skip
    failed = "SELECT 1 FROM job WHERE kind = 'remove_object' AND state = 'failed'"
    wait_for(lambda: life.sql(failed))
    assert all(path.exists() for path in paths)
    assert life.copies(ident) == [("store-1", "held"), ("store-2", "held")]
    life.sql("DELETE FROM job WHERE kind = 'remove_object' AND state = 'failed'")


@pytest.mark.expect_log(
    r"unscannable: encrypted", r"remove_object, try \d+: .*STORE_DOWN|STORE_DOWN: job"
)
def test_discarded_while_a_store_is_away(life, tmp_path):
    """The object leaves that store too, once the store is back."""
    ident = held(life, tmp_path)
    paths = life.objects(ident)
    away = life.stores[1].rename(life.stores[1].with_name("away"))
    try:
        decide(life, ident, "discard")
        tried = "SELECT 1 FROM job WHERE kind = 'remove_object' AND tries > 0 AND error <> ''"
        wait_for(lambda: life.sql(tried))
    finally:
        away.rename(life.stores[1])
    assert paths[1].exists()
    life.sql("UPDATE job SET due = now() WHERE kind = 'remove_object' AND state = 'waiting'")
    wait_for(lambda: life.copies(ident) == [])
    assert not any(path.exists() for path in paths)


# --- damaged copies ------------------------------------------------------------------------------


def damage(path):
    path.chmod(0o600)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def note(life, ident, store, state):
    life.sql("UPDATE object_copy SET state = %s, at = now() WHERE document = %s AND store = %s",
             state, ident, store)  # fmt: skip


def test_damaged_copy_is_replaced(life):
    ident, paths = life.document(os.urandom(100_000))
    whole = paths[0].read_bytes()
    damage(paths[1])
    note(life, ident, "store-2", "damaged")
    wait_for(lambda: life.copies(ident) == [("store-1", "held"), ("store-2", "held")])
    assert [path.read_bytes() for path in paths] == [whole, whole]


def test_good_copy_that_is_noted_as_damaged(life):
    """The other copy is damaged, and nobody has noticed: it must not replace the good copy."""
    ident, paths = life.document(os.urandom(100_000))
    whole = paths[0].read_bytes()
    damage(paths[0])
    note(life, ident, "store-2", "damaged")
    wait_for(lambda: life.copies(ident) == [("store-1", "held"), ("store-2", "held")])
    assert [path.read_bytes() for path in paths] == [whole, whole]


@pytest.mark.expect_log(r"no store has a good copy")
def test_damaged_copy_is_not_spread(life):
    """A copy that the other store misses is not made from a damaged copy."""
    ident, paths = life.document(os.urandom(100_000))
    whole = paths[0].read_bytes()
    damage(paths[0])
    paths[1].unlink()
    note(life, ident, "store-2", "missing")
    wait_for(lambda: life.copies(ident) == [("store-1", "damaged"), ("store-2", "missing")])
    assert not paths[1].exists()
    paths[1].write_bytes(whole)
    note(life, ident, "store-1", "damaged")
    wait_for(lambda: life.copies(ident) == [("store-1", "held"), ("store-2", "held")])
    assert paths[0].read_bytes() == whole


@pytest.mark.expect_log(r"the copy of document \S+ is missing")
def test_a_reader_notes_a_missing_copy(life):
    ident, paths = life.document(os.urandom(100_000))
    whole = paths[1].read_bytes()
    paths[0].unlink()
    assert life.admin.get(f"/documents/{ident}/content").status_code == 200
    wait_for(lambda: paths[0].exists())
    wait_for(lambda: life.copies(ident) == [("store-1", "held"), ("store-2", "held")])
    assert paths[0].read_bytes() == whole
    assert paths[0].stat().st_ino != paths[1].stat().st_ino


@pytest.mark.expect_log(
    r"no store has|the copy of document \S+ is missing|STORE_CORRUPT|a damaged copy"
)
@pytest.mark.parametrize("fault", ["missing", "damaged"])
def test_both_copies_are_bad(life, fault):
    """The reader gets a sentence that says so, not an empty or broken answer or "no such page"."""
    ident, paths = life.document(b"brief")
    wholes = [path.read_bytes() for path in paths]
    for path in paths:
        path.unlink() if fault == "missing" else damage(path)
    answer = life.admin.get(f"/documents/{ident}/content")
    assert answer.status_code == 500
    assert "keine lesbare Kopie" in answer.text
    wait_for(lambda: life.copies(ident) == [("store-1", fault), ("store-2", fault)])
    for path, whole in zip(paths, wholes, strict=True):
        path.write_bytes(whole)
    life.sql("UPDATE object_copy SET at = now() WHERE document = %s", ident)
    wait_for(lambda: life.copies(ident) == [("store-1", "held"), ("store-2", "held")])


def test_copy_of_a_store_that_is_not_configured_any_more(life):
    """The portal can't mend such a copy and does not try; only kanzleictl reports it."""
    ident, _ = life.document(b"brief")
    [(firm,)] = life.sql("SELECT firm FROM document WHERE id = %s", ident)
    due = life.sql(
        "INSERT INTO object_copy (firm, document, store, state, at)"
        " VALUES (%s, %s, 'store-9', 'missing', now() - interval '2 hours') RETURNING at",
        firm, ident,
    )  # fmt: skip
    damaged, _ = life.document(b"other")
    note(life, damaged, "store-2", "damaged")  # a second copy, which is mended after that one
    wait_for(lambda: life.copies(damaged) == [("store-1", "held"), ("store-2", "held")])
    assert life.sql("SELECT at FROM object_copy WHERE store = 'store-9'") == due
    life.sql("DELETE FROM object_copy WHERE store = 'store-9'")


# --- tidying -------------------------------------------------------------------------------------


def test_old_rows_are_deleted(life):
    """Deletes old sessions, codes, uploads and jobs, and keeps the younger ones."""
    life.sql(
        "INSERT INTO session (firm, id, account, token, idle, ends) SELECT firm, gen_random_uuid(),"
        " id, sha256((n || user_name)::bytea), '1 hour', now() - n * interval '20 hours'"
        " FROM account, generate_series(1, 2) n WHERE user_fold = 'maria'"
    )
    life.sql(
        "INSERT INTO code (firm, id, account, purpose, hash, expires) SELECT firm,"
        " gen_random_uuid(), id, 'password', sha256(n::text::bytea), now() - n * interval '50 days'"
        " FROM account, generate_series(1, 2) n WHERE user_fold = 'maria'"
    )
    life.sql(
        "INSERT INTO job (firm, id, kind, data, state, due, created) SELECT 1, gen_random_uuid(),"
        " 'mail', '{}', state, now() - n * interval '50 days', now() - n * interval '20 hours'"
        " FROM generate_series(1, 2) n, unnest('{done,failed}'::text[]) state"
    )
    left = life.stores[0] / ".tmp/left"
    left.write_bytes(b"x")
    os.utime(left, (0, 0))
    counts = (
        "SELECT (SELECT count(*) FROM session WHERE ends < now()),"
        " (SELECT count(*) FROM code WHERE expires < now() - interval '1 day'),"
        " (SELECT count(*) FROM job WHERE data = '{}' AND state = 'done'),"
        " (SELECT count(*) FROM job WHERE data = '{}' AND state = 'failed')"
    )
    assert life.sql(counts) == [(2, 2, 2, 2)]
    with (life.portal.data / "conf/kanzlei.local.conf").open("a") as file:
        file.write("# a start tidies first\n")
    life.portal.start()
    wait_for(lambda: life.sql(counts) == [(1, 1, 1, 1)])
    wait_for(lambda: not left.exists())
    life.sql("DELETE FROM job WHERE data = '{}'")


RESTART = r"AH00493|AH00488|AH00489|AH00494|SCANNER_DOWN: scanner: "


def workers(life):
    """The files by which processes show that they live."""
    return set((life.portal.data / "spool").glob("worker-*"))


def restart(life):
    """All processes end in order, others begin."""
    before = workers(life)
    os.kill(int((life.portal.data / "run/httpd.pid").read_text()), signal.SIGUSR1)
    wait_for(lambda: workers(life) - before)


@pytest.mark.expect_log(RESTART)
def test_who_ends_in_order_keeps_no_upload(life):
    """It could not give it back, because PostgreSQL was away in that moment: others take it at
    once, as after a kill."""
    wait_for(lambda: workers(life))
    ident, _ = life.document(b"x")
    life.sql(
        "UPDATE upload SET state = 'storing', worker = %s, lease = now() + interval '13 minutes'"
        " WHERE id = %s", max(workers(life)).name.removeprefix("worker-"), ident,
    )  # fmt: skip
    restart(life)
    wait_for(lambda: life.maria.browser.state(ident) == "available")


@pytest.mark.expect_log(RESTART)
def test_files_of_dead_workers_go(life):
    """Also of those that had taken nothing: a start tidies first."""
    spool = life.portal.data / "spool"
    dead = [spool / f"worker-{uuid.uuid4()}" for _ in range(2)]
    for path in dead:
        path.touch()
        os.chown(path, spool.stat().st_uid, -1)
        os.utime(path, (0, 0))
    restart(life)
    wait_for(lambda: not [path for path in dead if path.exists()])
