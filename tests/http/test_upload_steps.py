"""The steps of an upload in the database: a step that fails, a step lost in a crash, and two
processes that do the same step."""

import fcntl
import os
import secrets
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from contents import random_content
from person import wait_for
from portal import TUS
from scand_samples import EICAR


def sql(portal, statement, *arguments):
    """Runs a statement as the cluster's superuser."""
    place = f"host={portal.data}/pg/socket dbname=kanzlei user=postgres"
    with psycopg.connect(place, autocommit=True) as db:
        db.execute(statement, arguments)


@pytest.mark.expect_log(r"database: commit: 23514")
def test_failed_commit_leaves_good_connections(portal, maria):
    """A change whose answer nobody reads fails: then only this request fails. The
    upload is released on the same connection, and finished later."""
    sql(portal, "ALTER TABLE event ADD CONSTRAINT t CHECK (kind <> 'provided') NOT VALID")
    try:
        upload = maria.browser.created(maria.matter, 1)
        assert maria.browser.patch(upload, 0, b"x").status_code >= 400
    finally:
        sql(portal, "ALTER TABLE event DROP CONSTRAINT t")
    assert wait_for(lambda: maria.browser.state(upload) == "available")


def ask(portal, statement, *arguments):
    """Returns the first value of a statement's first row, as the cluster's superuser."""
    place = f"host={portal.data}/pg/socket dbname=kanzlei user=postgres"
    with psycopg.connect(place, autocommit=True) as db:
        return db.execute(statement, arguments).fetchone()[0]


@contextmanager
def at_each(portal, moment, body):
    """Makes a trigger that runs DOES at each such event, such as "BEFORE UPDATE ON upload"."""
    name = f"t_{secrets.token_hex(4)}"
    sql(portal, f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
                f" SET search_path = public AS $t$ BEGIN {body}; RETURN NEW; END $t$")  # fmt: skip
    try:
        sql(portal, f"CREATE TRIGGER {name} {moment} EXECUTE FUNCTION {name}()")
        yield
    finally:
        sql(portal, f"DROP FUNCTION {name}() CASCADE")


@pytest.mark.expect_log(r"INTERNAL|database: ")
def test_an_upload_that_can_not_be_noted_is_not_called_transmitted(portal, maria):
    """All bytes of a form's file came, but the database could not note it: the file must be sent
    again, the page does not say that it is being checked, and nothing of it is left."""
    name = f"{secrets.token_hex(4)}.txt"
    moment = "BEFORE UPDATE ON upload FOR EACH ROW WHEN (NEW.lease IS NOT NULL)"
    with at_each(portal, moment, "RAISE 'no lease'"):
        answer = maria.browser.send_form(maria.matter, (name, b"x"))
    assert answer.status_code == 500
    assert [row["state"] for row in answer.json()["results"]] == ["failed"]
    assert ask(portal, "SELECT count(*) FROM upload WHERE name = %s", name) == 0


@pytest.mark.parametrize("how", ["tus", "form"])
def test_the_last_byte_is_noted_at_once(portal, maria, how):
    """The row notes it before the portal waits for anything else, and so that it survives a crash
    of PostgreSQL."""
    name = f"{secrets.token_hex(4)}.txt"
    with at_each(
        portal,
        "AFTER UPDATE ON upload FOR EACH ROW WHEN (OLD.state = 'receiving')",
        "INSERT INTO noted VALUES (NEW.name, NEW.state, current_setting('synchronous_commit'))",
    ):
        sql(portal, "CREATE TABLE noted (name text, state text, lasting text)")
        try:
            if how == "tus":
                maria.browser.upload(maria.matter, b"x", name)
            else:
                assert maria.browser.send_form(maria.matter, (name, b"x")).status_code == 303
            first = ask(portal, "SELECT state || ' ' || lasting FROM noted WHERE name = %s", name)
        finally:
            sql(portal, "DROP TABLE noted")
    assert first == "scanning on"


def forgotten(portal, maria):
    """Makes an upload whose last byte the row does not know."""
    upload = maria.browser.created(maria.matter, 2)
    assert maria.browser.patch(upload, 0, b"x").status_code == 204
    sql(portal, "UPDATE upload SET size = 1 WHERE id = %s", upload)
    return upload


def ends_well(portal, maria, upload):
    """Checks that the upload has ended and that its document exists, once and whole."""
    wait_for(lambda: maria.browser.state(upload) not in ("receiving", "scanning", "storing"))
    assert maria.browser.state(upload) == "available"
    answer = maria.browser.get(f"/documents/{upload}/content", headers={"Accept": "*/*"})
    assert (answer.status_code, answer.content) == (200, b"x")
    provided = "SELECT count(*) FROM event WHERE document = %s AND kind = 'provided'"
    assert ask(portal, provided, upload) == 1


def test_forgotten_end(portal, maria):
    """All bytes are there, but the row doesn't know that the last one came: a client that asks for
    the offset sees it, sends nothing again, and gets the document."""
    upload = forgotten(portal, maria)
    assert maria.browser.offset(upload) == 1
    ends_well(portal, maria, upload)


@pytest.mark.expect_log(r"INTERNAL|database: ")
@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_asking_does_not_finish_an_upload(portal, maria, method):
    """HEAD and GET report the offset though the upload can't be finished yet; a job finishes it
    later."""
    upload = forgotten(portal, maria)
    with at_each(portal, "BEFORE INSERT ON document FOR EACH ROW", "RAISE 'not yet'"):
        answer = maria.browser.request(method, f"/uploads/{upload}", headers=TUS)
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (200, "1")
        assert "Upload-State" not in answer.headers
        assert maria.browser.state(upload) in ("scanning", "storing")
    ends_well(portal, maria, upload)


def test_a_reader_at_the_last_byte_is_no_error(portal, maria):
    """Somebody has the file open, as a HEAD does, in the moment when the last byte is noted: that
    is no error, and a job finishes the upload."""
    upload = maria.browser.created(maria.matter, 1)
    noted = "AFTER UPDATE ON upload FOR EACH ROW WHEN (OLD.state = 'receiving')"
    with (
        (portal.data / "spool" / upload).open("rb") as spool,
        at_each(portal, noted, "PERFORM pg_sleep(1)"),
        ThreadPoolExecutor(1) as pool,
    ):
        inode = f":{os.fstat(spool.fileno()).st_ino} "

        def content():
            yield b""
            assert wait_for(lambda: inode in Path("/proc/locks").read_text())  # the portal's
            pool.submit(fcntl.flock, spool, fcntl.LOCK_EX)  # waits until the portal closes its file
            yield b"x"

        answer = maria.browser.patch(upload, 0, content())
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "1")
        assert "Upload-State" not in answer.headers
    ends_well(portal, maria, upload)


def test_two_at_once_in_one_process(portal, maria):
    """One connection, so one process: one request gives the upload to a job, and the others don't
    disturb that."""
    upload = forgotten(portal, maria)
    begins = "BEFORE UPDATE ON upload FOR EACH ROW WHEN (OLD.state = 'receiving')"
    with (
        at_each(portal, begins, "PERFORM pg_sleep(0.5)"),
        at_each(portal, "AFTER INSERT ON document FOR EACH ROW", "PERFORM pg_sleep(0.5)"),
        ThreadPoolExecutor(4) as pool,
    ):
        answers = list(pool.map(maria.browser.get, [f"/uploads/{upload}"] * 4))
    for answer in answers:  # 423: another request had the file open
        assert answer.status_code in (200, 423), answer.text
    ends_well(portal, maria, upload)


@contextmanager
def held_first_look(portal):
    """Whoever reads an upload's row first waits, with what it said, until released(); looked() says
    whether somebody does."""
    make = ask(portal, "SELECT pg_get_functiondef('kz_upload_key'::regproc)")
    head, quote, _ = make.partition("$function$")
    wait = (
        " BEGIN IF pg_try_advisory_xact_lock(7741) THEN PERFORM pg_advisory_xact_lock(7742);"
        " END IF; RETURN (SELECT u.key FROM upload u WHERE u.id = p_upload); END "
    )
    place = f"host={portal.data}/pg/socket dbname=kanzlei user=postgres"
    with psycopg.connect(place, autocommit=True) as db:
        db.execute(head + quote + wait + quote)
        db.execute("SELECT pg_advisory_lock(7742)")
        try:
            yield (
                lambda: ask(portal, "SELECT count(*) FROM pg_locks WHERE objid = 7742"
                                    " AND NOT granted"),
                lambda: db.execute("SELECT pg_advisory_unlock(7742)"),
            )  # fmt: skip
        finally:
            db.execute(make)


@pytest.mark.expect_log(r"infected: Eicar")
@pytest.mark.parametrize("method", ["HEAD", "GET"])
@pytest.mark.parametrize("content", [b"x", EICAR], ids=["document", "infected"])
def test_asking_while_the_last_byte_is_finished(portal, maria, method, content):
    """The upload's row was read while bytes came, and its file is looked at when they are done with
    and it is gone: the answer says where the upload stands, not that there is none."""
    upload = maria.browser.created(maria.matter, len(content))
    other = portal.browser()
    other.http.cookies = maria.browser.http.cookies
    with held_first_look(portal) as (looked, release), ThreadPoolExecutor(1) as pool:
        asked = pool.submit(other.request, method, f"/uploads/{upload}", headers=TUS)
        assert wait_for(looked)
        sent = maria.browser.patch(upload, 0, content)
        release()
        answer = asked.result()
    assert sent.status_code == (204 if content == b"x" else 422)
    size = str(len(content))
    assert (answer.status_code, answer.headers.get("Upload-Offset")) == (200, size), answer.text


@pytest.mark.expect_log(r"LOCKED: .*KZ423")
@pytest.mark.parametrize(
    "change", ["worker = NULL, lease = NULL", "lease = lease + interval '1 ms'"]
)
def test_upload_lost_to_another_worker(portal, maria, change):
    """A worker that has lost the upload, even to another turn of its own, commits nothing."""
    name = f"{secrets.token_hex(4)}.txt"
    upload = maria.browser.created(maria.matter, 1, name)
    taken = f"UPDATE upload SET {change} WHERE firm = NEW.firm AND id = NEW.id"
    with at_each(portal, "AFTER INSERT ON document FOR EACH ROW", taken):
        answer = maria.browser.patch(upload, 0, b"x")
        assert "Upload-State" not in answer.headers
        assert ask(portal, "SELECT count(*) FROM document WHERE id = %s", upload) == 0
    ends_well(portal, maria, upload)


@pytest.mark.expect_log(r"worker \d: infected: Eicar|database: ")
def test_infected_though_it_was_clean_once(portal, maria):
    """A crash of PostgreSQL lost the verdict "clean" of older signatures, and the stores
    have the object already: they keep nothing of it."""
    noted = "BEFORE INSERT ON event FOR EACH ROW WHEN (NEW.kind = 'infected')"
    with at_each(portal, noted, "RAISE 'not yet'"):
        upload = maria.browser.created(maria.matter, len(EICAR))
        assert maria.browser.patch(upload, 0, EICAR).status_code >= 400
        firm = ask(portal, "SELECT firm FROM upload WHERE id = %s", upload)
        objects = [
            portal.data / store / f"{firm}/{upload[-2:]}/{upload}/1"
            for store in ("store-1", "store-2")
        ]
        for path in objects:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"sealed")
            for made in (path, *path.parents[:3]):
                shutil.chown(made, (portal.data / "store-1").stat().st_uid)
    assert wait_for(lambda: maria.browser.state(upload) == "infected")
    assert not [path for path in objects if path.parent.exists()]


def test_an_existing_document_is_no_failed_upload(portal, maria):
    """The upload's row is older than the document: the document counts."""
    upload = maria.browser.upload(maria.matter, b"x")
    sql(portal, "UPDATE upload SET state = 'storing' WHERE id = %s", upload)
    ends_well(portal, maria, upload)


@contextmanager
def aside(*folders):
    """They are away, as if they were not mounted."""
    for folder in folders:
        folder.rename(f"{folder}.aside")
    try:
        yield
    finally:
        for folder in folders:
            Path(f"{folder}.aside").rename(folder)


@contextmanager
def another(folder, shown):
    """The folder is away; if SHOWN an empty one is there instead. It has no upload afterwards."""
    with aside(folder):
        if shown:
            folder.mkdir()
            shutil.chown(folder, Path(f"{folder}.aside").stat().st_uid)
        try:
            yield
        finally:
            left = [path.name for path in folder.iterdir()] if shown else []
            shutil.rmtree(folder, ignore_errors=True)
    assert not [name for name in left if not name.startswith("worker-")]


@pytest.mark.expect_log(r"STORE_DOWN")
@pytest.mark.parametrize("shown", [False, True], ids=["gone", "empty"])
def test_spool_away(portal, maria, shown):
    """A spool that is not mounted for a while loses no upload: what is complete is finished later,
    what is being received goes on, and what is new is refused meanwhile."""
    browser = maria.browser
    stores = [portal.data / "store-1", portal.data / "store-2"]
    complete, begun = browser.created(maria.matter, 1), browser.created(maria.matter, 2)
    assert browser.patch(begun, 0, b"x").status_code == 204
    tries = "SELECT tries FROM upload WHERE id = %s"
    with aside(*stores):
        assert browser.patch(complete, 0, b"x").status_code == 503
        wait_for(lambda: ask(portal, tries, complete) > 0)
        with another(portal.data / "spool", shown):
            assert browser.request("HEAD", f"/uploads/{begun}", headers=TUS).status_code == 503
            assert browser.patch(begun, 1, b"y").status_code == 503
            assert browser.create(maria.matter, 1).status_code == 503
            time.sleep(3)  # the jobs come by
            assert browser.state(complete) in ("scanning", "storing")
    ends_well(portal, maria, complete)
    assert browser.offset(begun) == 1
    assert browser.patch(begun, 1, b"y").status_code == 204


@pytest.mark.expect_log(r"STORE_DOWN", r"SEAL: upload: upload \S+ has failed")
def test_missing_since_before_the_process_began(portal, maria):
    """Then the process may have begun with another folder instead of the spool: nothing is given up
    before the time for which an upload may wait is over."""
    upload = maria.browser.created(maria.matter, 1)
    created = "UPDATE upload SET created = now() - %s::interval, tries = 0 WHERE id = %s"
    with aside(portal.data / "store-1", portal.data / "store-2"):
        assert maria.browser.patch(upload, 0, b"x").status_code == 503
        sql(portal, created, "1 day", upload)
        (portal.data / "spool" / upload).unlink()
    tries = "SELECT tries FROM upload WHERE id = %s"
    wait_for(lambda: ask(portal, tries, upload) > 1)
    assert maria.browser.state(upload) in ("scanning", "storing")
    sql(portal, created, "4 days", upload)  # KanzleiUploadLife is 3
    wait_for(lambda: maria.browser.state(upload) == "failed")


@pytest.mark.expect_log(r"what came of an upload can't be read any more")
@pytest.mark.parametrize("method", ["HEAD", "PATCH"])
def test_ends_early_while_it_is_under_way(portal, maria, method):
    """Bytes that were acknowledged are lost, so the upload is no more: 404, upon which a tus client
    sends all of the file again. 500 would stay for ever, a smaller offset take back what was
    said."""
    browser, content = maria.browser, random_content(200_000)
    upload = browser.created(maria.matter, len(content))
    assert browser.patch(upload, 0, content[:150_000]).status_code == 204
    tail = portal.data / "spool" / f"{upload}.tail"  # the last bytes that came are there
    os.truncate(tail, tail.stat().st_size - 5)
    if method == "HEAD":
        answer = browser.request("HEAD", f"/uploads/{upload}", headers=TUS)
    else:
        answer = browser.patch(upload, 150_000, content[150_000:])
    assert answer.status_code == 404, (answer.status_code, answer.text)
    assert "Upload-Offset" not in answer.headers
    again = browser.upload(maria.matter, content)
    assert browser.get(f"/documents/{again}/content").content == content


@pytest.mark.expect_log(r"SEAL: upload \S+ has failed")
def test_damaged_in_the_middle(portal, maria):
    """Only the reading of all bytes finds that: the upload has failed then, and says so."""
    browser, content = maria.browser, random_content(200_000)
    upload = browser.created(maria.matter, len(content))
    assert browser.patch(upload, 0, content[:150_000]).status_code == 204
    with (portal.data / "spool" / upload).open("r+b") as spool:
        spool.seek(70_000)
        byte = spool.read(1)
        spool.seek(70_000)
        spool.write(bytes([byte[0] ^ 1]))
    assert browser.patch(upload, 150_000, content[150_000:]).status_code == 500
    assert browser.state(upload) == "failed"
    assert browser.get_json(f"/uploads/{upload}")["message"]
    assert browser.request("HEAD", f"/uploads/{upload}", headers=TUS).status_code < 500


def removed_on_the_way(portal, start, column, value):
    """Yields a body, and gives the upload up before the last byte."""
    yield start
    wait_for(lambda: ask(portal, f"SELECT count(*) FROM upload WHERE {column} = %s", value) == 1)
    time.sleep(0.3)  # the portal has read the row already, and waits for bytes
    sql(portal, f"DELETE FROM upload WHERE {column} = %s", value)
    yield b"x"


def test_upload_deleted_before_its_last_byte(portal, maria):
    """The answer does not say that the upload has arrived."""
    upload = maria.browser.created(maria.matter, 2)
    answer = maria.browser.patch(upload, 0, removed_on_the_way(portal, b"x", "id", upload))
    assert answer.status_code == 404
    assert "Upload-Offset" not in answer.headers


def test_upload_deleted_before_the_end_of_its_form(portal, maria):
    name = f"{secrets.token_hex(4)}.txt"
    body = b'--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n'
    body += maria.browser.csrf.encode()
    body += b'\r\n--b\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\n\r\n'
    body = body.replace(b"%s", name.encode()) + b"x" * 1000

    def sent():
        yield from removed_on_the_way(portal, body, "name", name)
        yield b"\r\n--b--\r\n"

    answer = maria.browser.request(
        "POST",
        f"/matters/{maria.matter}/documents",
        token=False,
        content=sent(),
        headers={"Content-Type": "multipart/form-data; boundary=b", "Origin": maria.browser.url},
    )
    assert answer.status_code == 404
    assert [row["state"] for row in answer.json()["results"]] == ["failed"]


@pytest.mark.parametrize("state, code", [("available", 204), ("infected", 422), ("storing", 204)])
def test_upload_ended_before_the_answer_to_its_last_byte(portal, maria, state, code):
    """Another process was faster: the answer says how the upload ended, if it has ended."""
    upload = maria.browser.created(maria.matter, 1)
    ended = (
        f"UPDATE upload SET state = '{state}', sha256 = sha256('x'), worker = gen_random_uuid(),"
        " lease = now() + interval '1 minute' WHERE id = %s"
    )

    def content():
        yield b""
        time.sleep(0.3)
        sql(portal, ended, upload)
        yield b"x"

    answer = maria.browser.patch(upload, 0, content())
    assert answer.status_code == code
    assert answer.headers.get("Upload-State") == (None if state == "storing" else state)
    sql(portal, "DELETE FROM upload WHERE id = %s", upload)
