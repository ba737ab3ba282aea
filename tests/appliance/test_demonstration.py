"""Tests the demonstration firm: what its pages show, and which sign-ins a start prints."""

import json
import sys
import zipfile

import pytest
from conftest import APPLIANCE, appliance_in, scratch_folder

sys.path.insert(0, str(APPLIANCE / "demo"))
from firm import CLIENTS, from_client  # noqa: E402
from papers import locked_zip  # noqa: E402
from portal import Portal, Refused  # noqa: E402


def begin(appliance):
    """Starts the portal; .said becomes the output of --json."""
    done = appliance.start("--json")
    assert done.returncode == 0, done.stderr
    appliance.said = json.loads(done.stdout)
    return appliance.said


@pytest.fixture(scope="module")
def demonstration():
    """A running demonstration for all tests. A test that starts it again calls begin()."""
    with scratch_folder() as folder, appliance_in(folder) as made:
        begin(made)
        yield made


def person(appliance, said, account):
    """Returns a browser in which this account is signed in."""
    authority = appliance.data / "tls/ca.crt"
    made = Portal(said["url"], ("127.0.0.1", appliance.port), authority, said["firm"])
    made.sign_in(account["user"], account["password"])
    return made


def assert_refused(admin):
    """Checks that the virus which a client has sent is no document, only an event."""
    client = next(row for row in CLIENTS if row["user"] == "y.demir")
    known = {row["number"]: row["id"] for row in admin.get("/clients")["clients"]}
    page = admin.get(f"/clients/{known[client['number']]}")
    names = {name for _, title in client["matters"] for name, _ in from_client(client, title)}
    for matter in page["matters"]:
        names -= {row["name"] for row in admin.get(f"/matters/{matter['id']}")["documents"]}
    assert names == {"Rechnung 4711.pdf.com"}
    assert any(str(row["detail"]).startswith("Rechnung 4711.pdf.com: Eicar")
               for row in page["events"])  # fmt: skip


def test_the_locked_archive_is_a_real_one(tmp_path):
    """Python's own reader opens the archive with its password, and not without."""
    path = tmp_path / "a.zip"
    path.write_bytes(locked_zip("a.txt", b"Lohn", b"geheim"))
    with zipfile.ZipFile(path) as archive:
        assert archive.read("a.txt", b"geheim") == b"Lohn"
        with pytest.raises(RuntimeError):
            archive.read("a.txt")


def test_the_firm_shows_each_kind_of_thing(demonstration):
    said = demonstration.said
    assert said["firm"] == "muster"
    roles = [account["role"] for account in said["accounts"]]
    assert roles == ["admin", "staff", "client", "client"]
    admin, staff, *clients = (person(demonstration, said, each) for each in said["accounts"])
    assert len(admin.get("/clients")["clients"]) == len(CLIENTS) >= 12
    home = admin.get("/")
    for page in (home, staff.get("/")):
        assert all(page[name] for name in ("locked", "kept", "fresh", "unopened"))
    assert [row["reason"] for row in home["kept"]] == ["encrypted"]
    assert_refused(admin)
    kinds = set()
    for client in clients:
        matters = client.get("/matters")["matters"]
        assert matters
        for matter in matters:
            for document in client.get(f"/matters/{matter['id']}")["documents"]:
                kinds.add(document["name"].rsplit(".", 1)[-1])
                content = client.fetch(f"/documents/{document['id']}/content")
                assert content[:4] in (b"%PDF", b"\x89PNG") or content.decode()
    assert {"pdf", "png", "txt"} <= kinds
    done = [row for row in admin.get("/receipts")["receipts"] if row["confirmed"]]
    assert done


def test_each_start_makes_new_passwords_and_stores_none(demonstration):
    said, again = demonstration.said, begin(demonstration)
    for old, new in zip(said["accounts"], again["accounts"], strict=True):
        assert old["user"] == new["user"] and old["password"] != new["password"]
        person(demonstration, again, new)
        with pytest.raises(Refused):
            person(demonstration, said, old)
        for path in (*demonstration.data.glob("conf/*"), *demonstration.data.glob("log/*"),
                     *demonstration.data.glob("pg/log/*"), demonstration.data / "scan/log"):
            assert new["password"] not in path.read_text(errors="replace"), path


def test_an_interrupted_demonstration_is_completed(demonstration):
    (demonstration.data / "conf/demonstration").unlink()
    said = begin(demonstration)
    admin = person(demonstration, said, said["accounts"][0])
    assert len(admin.get("/clients")["clients"]) == len(CLIENTS)


def test_start_with_empty_makes_no_demonstration(running):
    assert running.said["firm"] is None and running.said["accounts"] == []
    assert not (running.data / "conf/demonstration").exists()
