"""kanzleictl check finds and repairs documents in real stores that are damaged in every way."""

import os
import shutil
import subprocess
import time
import uuid

import pytest
from ctl_site import PASSWORD, PLAIN, site_with_firm, unit_program

CLIENT, MATTER = (str(uuid.uuid4()) for _ in range(2))
CHUNK = 65536


@pytest.fixture(scope="session")
def document_put():
    """The program that puts a document into the stores."""
    return unit_program("document_put")


@pytest.fixture
def site(cluster, tmp_path):
    made = site_with_firm(cluster, tmp_path)
    add_client(made, 1)
    return made


def add_client(site, firm):
    site.sql("INSERT INTO client (firm, id, number, kind, name) VALUES"
             " (%s, %s, '1', 'company', 'Kunde')", firm, CLIENT)  # fmt: skip
    site.sql("INSERT INTO matter (firm, id, client, title) VALUES (%s, %s, %s, 'Akte')",
             firm, MATTER, CLIENT)  # fmt: skip


@pytest.fixture
def put(site, document_put):
    """Stores bytes as a document; returns its id and the key of its object."""

    def one(content, firm=1):
        [(account,)] = site.sql("SELECT id::text FROM account WHERE firm = %s", firm)
        command = [document_put, site.folder / "kanzlei.conf", str(firm), CLIENT, MATTER, account]
        done = subprocess.run(command, input=content, capture_output=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode().split()

    return one


def check(site, *words, code=0, **how):
    """Returns the answer of check, with problems as (problem, store, object, mended)."""
    answer = site.json("check", *words, code=code, **how)
    rows = answer["problems"]
    found = [(row["problem"], row["store"], row["object"], row["mended"]) for row in rows]
    assert answer["found"] == len(found)
    assert answer["mended"] == sum(row["mended"] for row in rows)
    return answer, found


def states(site):
    return site.sql("SELECT store, state FROM object_copy ORDER BY document, store")


def test_all_is_well(site, put):
    sizes = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK]
    for size in sizes:
        put(os.urandom(size))
    answer, found = check(site)
    assert found == []
    assert (answer["documents"], answer["copies"]) == (6, 12)
    assert answer["bytes"] == 2 * sum(sizes)


def test_missing_copy(site, put):
    put(b"a")
    _, key = put(b"brief")
    path = site.stores["two"] / key
    whole = path.read_bytes()
    path.unlink()
    assert check(site, code=1)[1] == [("missing", "two", key, False)]
    assert not path.exists()
    assert states(site) == [("one", "held"), ("two", "held")] * 2
    assert check(site, "--repair", code=1)[1] == [("missing", "two", key, True)]
    assert path.read_bytes() == whole
    assert check(site)[1] == []


def flip(at):
    def damage(path):
        with path.open("r+b") as file:
            file.seek(at, os.SEEK_END if at < 0 else os.SEEK_SET)
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte[0] ^ 1]))

    return damage


def cut(path):
    os.truncate(path, path.stat().st_size - 1)


def longer(path):
    with path.open("ab") as file:
        file.write(b"x")


def nothing(path):
    path.write_bytes(b"")


DAMAGE = {"first byte": flip(0), "middle": flip(70_000), "last byte": flip(-1), "cut": cut,
          "longer": longer, "empty": nothing}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
@pytest.mark.parametrize("store", ["one", "two"])
def test_damaged_copy(site, put, store, damage):
    _, key = put(os.urandom(2 * CHUNK))
    path = site.stores[store] / key
    whole = path.read_bytes()
    path.chmod(0o600)
    damage(path)
    assert check(site, code=1)[1] == [("damaged", store, key, False)]
    assert check(site, "--repair", code=1)[1] == [("damaged", store, key, True)]
    assert path.read_bytes() == whole
    assert check(site)[1] == []


def test_object_of_another_document(site, put):
    _, key = put(b"brief")
    _, other = put(b"other")
    shutil.copyfile(site.stores["one"] / other, site.stores["one"] / key)
    assert check(site, code=1)[1] == [("damaged", "one", key, False)]


@pytest.mark.parametrize("change", ["sha256 = sha256('x')", "size = 6"])
def test_copy_differs_from_its_row(site, put, change):
    _, key = put(b"brief")
    before = (site.stores["one"] / key).read_bytes()
    site.sql(f"UPDATE document SET {change}")
    answer, found = check(site, "--repair", code=1)
    assert found == [("damaged", name, key, False) for name in ("one", "two")]
    assert all("no store has a good copy" in row["detail"] for row in answer["problems"])
    assert (site.stores["one"] / key).read_bytes() == before
    assert states(site) == [("one", "damaged"), ("two", "damaged")]


def test_both_copies_are_one_file(site, put):
    """One fault of the disk would take both."""
    _, key = put(b"brief")
    one, two = (site.stores[name] / key for name in ("one", "two"))
    two.unlink()
    two.hardlink_to(one)
    assert check(site, code=1)[1] == [("shared", "two", key, False)]
    assert check(site, "--repair", code=1)[1] == [("shared", "two", key, True)]
    assert one.stat().st_ino != two.stat().st_ino
    assert check(site)[1] == []


def test_wrong_key_of_a_document(site, put):
    put(b"brief")
    site.sql("UPDATE document SET key = decode(repeat('00', 76), 'hex')")
    put(b"other")
    answer, found = check(site, code=1)
    assert [(problem, store) for problem, store, _, _ in found] == [("damaged", "database")]
    assert (answer["documents"], answer["copies"]) == (2, 2)


def test_both_copies_are_gone(site, put):
    _, key = put(b"brief")
    for store in site.stores.values():
        (store / key).unlink()
    found = check(site, "--repair", code=1)[1]
    assert found == [("missing", name, key, False) for name in ("one", "two")]
    assert states(site) == [("one", "missing"), ("two", "missing")]


def test_store_is_gone(site, put):
    for content in (b"a", b"b"):
        put(content)
    away = site.stores["two"].rename(site.folder / "away")
    answer, found = check(site, "--repair", code=1)
    assert found == [("down", "two", None, False)]
    assert (answer["documents"], answer["copies"]) == (2, 2)
    away.rename(site.stores["two"])
    assert check(site)[1] == []


def test_store_that_is_not_configured_any_more(site, put):
    """check reports the copies that the store missed, until an operator makes it forget them."""
    ident, _ = put(b"a")
    site.sql("INSERT INTO object_copy (firm, document, store, state)"
             " SELECT 1, %s, store, state"
             " FROM (VALUES ('three', 'missing'), ('four', 'held')) x (store, state)",
             ident)  # fmt: skip
    site.sql("UPDATE object_copy SET state = 'missing', at = now() - interval '2 hours'"
             " WHERE store = 'one'")  # fmt: skip
    told = [text for text in site.json("status", code=1)["problems"] if "three" in text]
    assert len(told) == 1 and "check --repair" in told[0] and "four" not in told[0]
    assert site.json("status", code=1)["database"]["copies_open"] == 1
    assert check(site, code=1)[1] == [("gone", "three", None, False)]
    assert check(site, "--repair", code=1)[1] == [("gone", "three", None, True)]
    assert check(site)[1] == []
    assert states(site) == [("four", "held"), ("one", "held"), ("two", "held")]
    assert not any("three" in text for text in site.json("status", code=1)["problems"])


def test_empty_store_is_not_filled(site, put):
    """The disk is not mounted: check writes nothing into the empty folder."""
    put(b"brief")
    shutil.rmtree(site.stores["two"])
    site.stores["two"].mkdir()
    assert check(site, "--repair", code=1)[1] == [("down", "two", None, False)]
    assert list(site.stores["two"].iterdir()) == []


def test_store_that_is_added(site, put):
    keys = [put(content)[1] for content in (b"a", b"b")]
    site.configure(["one", "two", "three"])
    assert site.json("store", "initialise")["stores"] == ["one", "two", "three"]
    found = check(site, "--repair", code=1)[1]
    assert sorted(found) == sorted(("missing", "three", key, True) for key in keys)
    assert states(site) == [("one", "held"), ("three", "held"), ("two", "held")] * 2
    assert check(site)[1] == []


def test_copy_noted_as_missing_exists(site, put):
    put(b"brief")
    site.sql("UPDATE object_copy SET state = 'missing' WHERE store = 'two'")
    assert check(site)[1] == []
    assert ("two", "missing") in states(site)
    assert check(site, "--repair")[1] == []
    assert states(site) == [("one", "held"), ("two", "held")]


def test_one_firm(site, put):
    site.run("firm", "create", "other", "--name", "Other")
    site.run("staff", "create", "--firm", "other", "--user", "otto", "--name", "Otto",
             "--password-stdin", stdin=PASSWORD)  # fmt: skip
    add_client(site, 2)
    _, mine = put(b"mine")
    _, theirs = put(b"theirs", firm=2)
    for key in (mine, theirs):
        (site.stores["one"] / key).unlink()
    assert check(site, "--firm", "muster", code=1)[1] == [("missing", "one", mine, False)]
    assert check(site, "--firm", "other", code=1)[1] == [("missing", "one", theirs, False)]
    assert len(check(site, code=1)[1]) == 2
    assert "no firm" in site.run("check", "--firm", "nix", code=1)[1]


def test_discarded_document(site, put):
    _, key = put(b"brief")
    site.sql("UPDATE document SET state = 'discarded', decision = 'spam', decided_at = now(),"
             " decided_by = (SELECT id FROM staff)")  # fmt: skip
    assert check(site)[1] == []
    (site.stores["one"] / key).unlink()
    assert check(site, "--repair")[1] == []


# --- objects that no row names -------------------------------------------------------------------


def uuid7(age):
    """Returns a UUIDv7 of AGE seconds ago (RFC 9562, section 5.7)."""
    head = int((time.time() - age) * 1000) << 16 | 0x7000
    return str(uuid.UUID(int=head << 64 | 0x8 << 60 | int.from_bytes(os.urandom(7), "big")))


def stray(site, store, age, firm=1):
    ident = uuid7(age)
    key = f"{firm}/{ident[-2:]}/{ident}/1"
    path = site.stores[store] / key
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    return key, path


def test_unknown_objects(site, put):
    _, known = put(b"brief")
    old, old_path = stray(site, "two", 25 * 3600)
    _, young_path = stray(site, "two", 23 * 3600)
    odd_path = site.stores["two"] / "odd/thing"
    odd_path.parent.mkdir()
    odd_path.write_bytes(b"x")
    both = [("unknown", "two", old, False), ("unknown", "two", "odd/thing", False)]
    assert sorted(check(site, code=1)[1]) == sorted(both)
    assert sorted(check(site, "--repair", code=1)[1]) == sorted(both)
    assert old_path.exists()
    mended = [("unknown", "two", old, True), ("unknown", "two", "odd/thing", False)]
    assert sorted(check(site, "--remove-unknown", code=1)[1]) == sorted(mended)
    assert not old_path.exists()
    assert young_path.exists()
    assert odd_path.exists()
    assert (site.stores["two"] / known).exists()


def test_object_of_a_discarded_document(site):
    """The object counts as known as long as its removal waits."""
    key, path = stray(site, "one", 50 * 3600)
    site.sql("INSERT INTO document (firm, id, client, matter, direction, name, type, size, sha256,"
             " key, object, by, state, decision, decided_at, decided_by) SELECT 1, %s, %s, %s,"
             " 'from_client', 'n', 't', 1, sha256('x'), decode(repeat('00', 76), 'hex'), %s, id,"
             " 'discarded', 'spam', now(), id FROM staff",
             key.split("/")[2], CLIENT, MATTER, key)  # fmt: skip
    site.sql("INSERT INTO job (firm, id, kind, data) VALUES (1, gen_random_uuid(),"
             " 'remove_object', jsonb_build_object('object', %s::text))", key)  # fmt: skip
    assert check(site)[1] == []
    site.sql("UPDATE job SET state = 'failed'")
    assert check(site, "--remove-unknown", code=1)[1] == [("unknown", "one", key, True)]
    assert not path.exists()


def test_upload_under_way_is_known(site):
    key, path = stray(site, "one", 50 * 3600)
    site.sql("INSERT INTO upload (firm, id, account, client, matter, name, type, size, key, state,"
             " sha256) SELECT firm, %s, id, %s, %s, 'n', 't', 1, decode(repeat('00', 76), 'hex'),"
             " 'storing', sha256('x') FROM account", key.split("/")[2], CLIENT, MATTER)  # fmt: skip
    assert check(site, "--remove-unknown")[1] == []
    assert path.exists()


def test_more_unknown_objects_than_one_query_takes(site):
    keys = {stray(site, "one", 48 * 3600)[0] for _ in range(1100)}
    found = check(site, "--remove-unknown", code=1)[1]
    assert {key for _, _, key, mended in found if mended} == keys
    assert check(site)[1] == []


# --- memory --------------------------------------------------------------------------------------


def peak(site):
    """Returns the most memory (KiB) that a check takes, without sanitizers, which keep freed
    memory."""
    process = site.start("check", build=PLAIN)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.communicate()
    assert process.returncode == 0
    return usage.ru_maxrss


def test_memory(site, put):
    put(b"brief")
    small = peak(site)
    for size in [100 << 20] + [1000] * 120:
        put(bytes(size))
    assert peak(site) < small + (8 << 10)
