"""Pages go before what nobody looks at in this moment: scans, copies, transactions of uploads."""

import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import psycopg
import pytest
from person import wait_for

LANES = 4
SENDERS = 24  # more than the connections of all processes to the database


def processes(portal, program):
    """Returns the pids of the portal's own processes of a PROGRAM."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if program in words.split(b"\0")[0] and str(portal.data).encode() in words:
            found.append(int(entry.name))
    return found


def nice_values(pid):
    """Returns the nice value of each thread (proc(5))."""
    found = []
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        try:
            found.append(int(stat.read_text().rsplit(")", 1)[1].split()[16]))
        except OSError:
            continue
    return found


def test_jobs_have_a_lower_priority_than_pages(portal):
    """The threads of the lanes yield, those that answer requests don't."""
    own = os.getpriority(os.PRIO_PROCESS, 0)

    def lanes():
        values = [nice_values(pid) for pid in processes(portal, b"apache2")]
        return any(sum(value > own for value in one) >= LANES
                   and sum(value == own for value in one) > LANES for one in values)  # fmt: skip

    wait_for(lanes)


def test_the_scanner_has_a_lower_priority_than_pages(portal):
    own = os.getpriority(os.PRIO_PROCESS, 0)
    pids = processes(portal, b"kanzlei-scand")
    assert pids
    for pid in pids:
        assert all(value >= own + 10 for value in nice_values(pid))


@pytest.mark.expect_log(r"KZ0002|DB_BUSY|more want a slot|database")
def test_uploads_leave_connections_to_pages(portal, admin, maria):
    """However many uploads have a transaction that waits, a page doesn't wait for a connection to
    the database."""
    clerks = [portal.signed_in(portal.fresh_staff("--admin")) for _ in range(SENDERS)]
    uploads = [clerk.created(maria.matter, 10_000) for clerk in clerks]
    over, refused = Event(), []

    def send(number):
        offset = 0
        while not over.is_set():
            answer = clerks[number].patch(uploads[number], offset, b"x")
            offset = clerks[number].offset(uploads[number])
            refused.append(answer.status_code)

    with ThreadPoolExecutor(SENDERS) as pool, psycopg.connect(portal.database()) as db:
        db.execute("SELECT FROM upload WHERE id = ANY (%s::uuid[]) FOR UPDATE", (uploads,))
        sending = [pool.submit(send, number) for number in range(SENDERS)]
        try:
            wait_for(lambda: len(refused) >= 2)  # all connections that uploads get are taken
            pages = [admin.get("/help").status_code for _ in range(20)]
        finally:
            over.set()
            db.rollback()
        for one in sending:
            one.result()
    assert pages == [200] * 20
    assert set(refused) <= {204, 409, 423, 503}
    for clerk, upload in zip(clerks, uploads, strict=True):
        clerk.request("DELETE", f"/uploads/{upload}", headers={"Tus-Resumable": "1.0.0"})


def test_an_upload_is_answered_with_its_verdict(portal, maria):
    """Alone it waits for nobody, though it is finished by a thread that yields."""
    name = secrets.token_hex(4) + ".txt"
    upload = maria.browser.created(maria.matter, 3, name)
    answer = maria.browser.patch(upload, 0, b"abc")
    assert answer.status_code == 204
    assert answer.headers["Upload-State"] == "available"
