"""How transactions end: no uncommitted change is kept, and the next borrower of a connection
finds nothing of the one before."""

import re
import subprocess
import threading
from collections import Counter

import pytest
from ctl_site import site_with_firm, unit_program


@pytest.fixture(scope="module")
def program():
    """The program that ends transactions in all ways, on one connection."""
    return unit_program("transaction_steps")


@pytest.fixture
def site(cluster, tmp_path):
    return site_with_firm(cluster, tmp_path)


@pytest.fixture
def steps(site, program):
    """Runs the steps, one transaction each; returns what each of them said."""

    def through(*names):
        command = [program, site.folder / "kanzlei.conf", "1", *names]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return [line.partition(": ")[2] for line in done.stdout.splitlines()]

    return through


def jobs(site):
    [(count,)] = site.sql("SELECT count(*) FROM job")
    return count


def test_a_failing_change_does_not_affect_the_next_borrower(steps, site):
    assert steps("failing_later", "read_something") == ["fine", "fine"]
    assert jobs(site) == 0


def test_many_changes_without_reading_answers(steps, site):
    assert steps("many_later", "read_something") == ["fine", "fine"]
    assert jobs(site) == 500


def test_one_of_many_changes_fails(steps, site):
    said, after = steps("failing_many", "read_something")
    assert "23505" in said
    assert after == "fine"
    assert jobs(site) == 0


def test_an_uncommitted_change_is_rolled_back(steps, site):
    assert steps("rest_uncommitted", "read_something") == ["fine", "fine"]
    assert jobs(site) == 0


def test_a_second_commit_is_logged_with_its_place(steps, site):
    said, after = steps("commit_twice", "read_something")
    assert "assertion" in said
    assert after == "fine"
    assert jobs(site) == 1


def test_an_uncommitted_change_is_an_error(steps, site):
    said, after = steps("end_uncommitted", "read_something")
    assert "assertion" in said
    assert after == "fine"
    assert jobs(site) == 0


def test_a_query_after_the_end_is_logged(steps):
    said, after = steps("ask_after_commit", "read_something")
    assert "assertion" in said
    assert after == "fine"


@pytest.mark.expect_log(r"kanzlei:error.*STORE_DOWN: making \S+/spool/", r"kanzlei:warn.*worker-")
def test_an_upload_that_finds_no_spool_leaves_no_row(portal, maria):
    """The row is sent before the file is made; an error after that undoes the row."""
    spool = portal.data / "spool"
    count = "SELECT count(*) FROM upload"
    [(before,)] = portal.sql(count)
    mode = spool.stat().st_mode & 0o7777
    spool.chmod(0o500)
    try:
        answers = [maria.browser.create(maria.matter, 10) for _ in range(3)]
    finally:
        spool.chmod(mode)
    assert [answer.status_code for answer in answers] == [503] * 3
    assert portal.sql(count) == [(before,)]
    said = portal.log.read_text()
    for answer in answers:  # the log has the request, the message's number and the error's place
        (line,) = re.findall(f".*{answer.json()['instance']}.*", said)
        assert re.search(r"KZ\d{4}: STORE_DOWN: making .* \(io/seal/\w+\.c:\d+\) \[request ", line)


def test_a_session_stays_awake_by_reading(portal, maria):
    """Even a request that returns its connection before the answer is sent keeps the session
    awake."""
    document = maria.browser.upload(maria.matter, b"content")
    age = "UPDATE session SET seen = now() - interval '5 minutes' WHERE account = %s"
    fresh = "SELECT max(seen) > now() - interval '1 minute' FROM session WHERE account = %s"
    for path in ("/matters", f"/matters/{maria.matter}", f"/documents/{document}/content?view"):
        portal.sql(age, maria.account)
        answer = maria.browser.get(path, headers={"Accept": "*/*"})
        assert answer.status_code == 200
        assert portal.sql(fresh, maria.account) == [(True,)], path


@pytest.mark.expect_log(r"kanzlei:.*DB_BUSY: ")
def test_migrations_beside_readers_and_writers(portal, admin, maria):
    """A request waits or is answered with 503: no statement loses its function or view while it
    runs, and the migration gives way before PostgreSQL finds a deadlock."""
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    client, pages = f"/clients/{maria.client}", ["/", "/documents", "/clients", "/staff"]
    readers = [portal.signed_in("admin") for _ in range(3)]
    writer = portal.signed_in("admin")
    told, failed, stop = Counter(), [], threading.Event()
    before, [(dead,)] = portal.log.stat().st_size, portal.sql(deadlocks)

    def read(browser):
        while not stop.is_set():
            for page in [*pages, client]:
                told["read", browser.get(page).status_code] += 1

    def write():
        while not stop.is_set():
            answer = writer.create(maria.matter, 5)
            told["write", answer.status_code] += 1
            if answer.status_code == 201:
                upload = answer.headers["Location"].rsplit("/", 1)[-1]
                told["write", writer.patch(upload, 0, b"12345").status_code] += 1

    threads = [threading.Thread(target=read, args=(browser,)) for browser in readers]
    threads.append(threading.Thread(target=write))
    for thread in threads:
        thread.start()
    try:
        for _ in range(4):
            answer = portal.kanzleictl("migrate", "--anew", fails=True)
            if "version" not in answer:
                failed.append(answer)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failed
    assert set(told) <= {(who, code) for who in ("read", "write") for code in (200, 201, 204, 503)}
    assert told["read", 200]
    assert told["write", 204]
    assert "40P01" not in portal.said_since(before)
    assert portal.sql(deadlocks) == [(dead,)]


@pytest.mark.expect_log(r"kanzlei:.*DB_BUSY: database: sessions: 0A000 ")
def test_a_column_of_another_type(portal, maria):
    """A prepared statement that has other columns now fails once: its connection is not used
    again."""
    try:
        for kind in ("varchar", "text"):
            assert maria.browser.get("/account").status_code == 200
            portal.sql(f"ALTER TABLE session ALTER agent TYPE {kind}")
            told = [maria.browser.get("/account").status_code for _ in range(20)]
            assert set(told) == {200, 503}
            assert told[-5:] == [200] * 5
    finally:
        portal.sql("ALTER TABLE session ALTER agent TYPE text")
