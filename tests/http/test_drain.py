"""Restarts and stops in peace: what has begun is answered, who is kept is answered once more, and
all of it ends."""

import contextlib
import os
import signal
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h2.events
import pytest
from contents import random_content
from portal import BYTES, TUS, coded
from raw import Raw
from running import running_portal
from scand_client import until
from steady import NotBegun, OneLine, Streams
from test_received import Reader, content_of
from test_scanner_lives import reconnect

RESTARTS = 8
ASKED = 60  # requests between two restarts

# SIGTERM ends a process while threads of it are at work, and LeakSanitizer sees what these hold.
ABRUPT = (r"LeakSanitizer|LSAN_OPTIONS", r"Tracer caught signal", r"^ +#\d+ 0x")

pytestmark = pytest.mark.expect_log(r"AH00493")


@pytest.fixture(scope="module")
def portal():
    with running_portal() as made:
        made.kanzleictl("firm", "create", made.firm, "--name", "Kanzlei Linde")
        made.make_staff("admin", "--admin")
        made.admin = made.signed_in("admin")
        made.maria = made.make_client(made.admin, "Sommer", "maria")
        for browser in (made.admin, made.maria.browser):
            reconnect(made, browser)
        yield made


@pytest.fixture(scope="module")
def maria(portal):
    return portal.maria


def httpd(portal):
    return int((portal.data / "run/httpd.pid").read_text())


def workers(portal):
    """The processes of httpd that answer, by what each leaves in the spool."""
    return set((portal.data / "spool").glob("worker-*"))


def children(portal):
    """The processes of httpd, the ones that end too."""
    pid = httpd(portal)
    return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def restart(portal):
    before = workers(portal)
    os.kill(httpd(portal), signal.SIGUSR1)
    until(lambda: workers(portal) - before, "new processes")


def until_gone(pids):
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), f"the end of {pids}")


class Visitor:
    """Asks for pages, views, a form, a document and uploads, again and again, like a browser."""

    def __init__(self, kind, portal, document):
        self.line, self.maria = kind(portal.url, portal.authority), portal.maria
        browser = self.maria.browser
        jar = "; ".join(f"{one.name}={one.value}" for one in browser.http.cookies.jar)
        self.base, self.document, self.count = browser.base, document, 0
        self.reader = {"Cookie": jar, "Accept": "application/json"}
        self.writer = self.reader | {"X-CSRF-Token": browser.csrf, "Origin": portal.url}
        self.not_begun = 0

    def ask(self, status, method, path, headers, body=None):
        """One request that must be answered with STATUS; what was not begun is sent again."""
        while True:
            try:
                answer = self.line.send(method, self.base + path, headers, body)
            except NotBegun:
                self.not_begun += 1
                continue
            assert answer.status == status, (method, path, answer.status, answer.body)
            self.count += 1
            return answer

    def round(self):
        matter, (document, content) = self.maria.matter, self.document
        self.ask(200, "GET", "/matters", self.reader | {"Accept": "text/html"})
        self.ask(200, "GET", "/matters", self.reader)
        form = self.writer | {"Content-Type": "application/json"}
        self.ask(303, "POST", "/language", form, b'{"lang": "de"}')
        got = self.ask(
            200, "GET", f"/documents/{document}/content", self.reader | {"Accept": "*/*"}
        )
        assert got.body == content
        announced = {"Upload-Length": "300", "Upload-Metadata": f"filename {coded('a.txt')}"}
        made = self.ask(201, "POST", f"/matters/{matter}/uploads",
                        self.writer | TUS | announced, b"")  # fmt: skip
        upload = made.headers["location"].rsplit("/", 1)[-1]
        for offset in (0, 150):
            piece = TUS | {"Upload-Offset": str(offset), "Content-Type": BYTES}
            self.ask(204, "PATCH", f"/uploads/{upload}", self.writer | piece, b"x" * 150)


@pytest.mark.parametrize("kind", [OneLine, Streams], ids=["HTTP/1.1", "HTTP/2"])
def test_no_request_is_cut(portal, maria, kind):
    """By HTTP/1.1 nothing has to be sent again; by HTTP/2 what a GOAWAY says is not begun."""
    content = random_content(60_000)
    document = portal.admin.upload(maria.matter, content, "a.bin")
    visitors = [Visitor(kind, portal, (document, content)) for _ in range(4)]
    done = threading.Event()

    def visit(visitor):
        while not done.is_set():
            visitor.round()

    with ThreadPoolExecutor(len(visitors)) as pool:
        runs = [pool.submit(visit, one) for one in visitors]
        try:
            for number in range(1, RESTARTS + 1):
                until(
                    lambda number=number: (
                        any(run.done() for run in runs)
                        or sum(one.count for one in visitors) >= number * ASKED
                    ),
                    "requests",
                )
                restart(portal)
        finally:
            done.set()
        for run in runs:
            run.result()  # or what was Cut
    if kind is OneLine:
        assert not sum(one.not_begun for one in visitors)


def test_a_kept_connection_is_answered_once_more(portal, maria):
    """After a restart its next request is answered, with the end of the connection."""
    visitor = Visitor(OneLine, portal, None)
    visitor.ask(200, "GET", "/matters", visitor.reader)
    assert visitor.line.line, "it is kept"
    restart(portal)
    kept = visitor.line.line
    answer = visitor.ask(200, "GET", "/matters", visitor.reader)
    assert answer.headers["connection"] == "close" and not visitor.not_begun
    assert visitor.line.line is None and kept


@pytest.mark.parametrize("restarts", [1, 3])
def test_who_keeps_a_connection_keeps_no_process(portal, maria, restarts):
    before = children(portal)
    with Raw(portal, maria.browser) as raw:
        raw.head("GET /k/linde/matters HTTP/1.1")
        assert raw.status() == 200
        for _ in range(restarts):
            restart(portal)
        until_gone(before)
        raw.rest()  # ends


def begun_upload(portal, maria, size, sent):
    """A PATCH of SIZE bytes of which SENT have been sent and kept; returns line, id and bytes."""
    content = random_content(size)
    upload = maria.browser.created(maria.matter, size, "gross.bin")
    raw = Raw(portal, maria.browser)
    raw.head(f"PATCH /k/linde/uploads/{upload} HTTP/1.1", "Tus-Resumable: 1.0.0",
             "Upload-Offset: 0", f"Content-Type: {BYTES}", f"Content-Length: {size}")  # fmt: skip
    raw.send(content[:sent])
    return raw, upload, content


def test_an_upload_outlives_a_restart(portal, maria):
    raw, upload, content = begun_upload(portal, maria, 400_000, 200_000)
    with raw:
        restart(portal)
        raw.send(content[200_000:])
        assert raw.status() == 204
    assert maria.browser.state(upload) == "available"


def test_an_upload_that_is_ended_goes_on_where_it_was(portal, maria):
    """Its process is told to end: what had come is kept."""
    before = children(portal)
    raw, upload, content = begun_upload(portal, maria, 400_000, 200_000)
    with raw:
        restart(portal)
        for pid in before & children(portal):
            os.kill(int(pid), signal.SIGTERM)
        raw.rest()
    until_gone(before)
    offset = maria.browser.offset(upload)
    assert 0 < offset <= 200_000
    assert maria.browser.patch(upload, offset, content[offset:]).status_code == 204
    assert maria.browser.state(upload) == "available"
    got = portal.admin.get(f"/documents/{upload}/content", headers={"Accept": "*/*"})
    assert got.content == content


def test_downloads_leave_room_for_the_next_processes(portal, maria):
    """Readers who take their time keep processes of earlier restarts; the portal answers, and a
    download that is ended goes on by a Range."""
    content = random_content(4_000_000)
    document = portal.admin.upload(maria.matter, content, "gross.bin")
    first, readers = children(portal), []
    for _ in range(7):  # more processes than ServerLimit has places for
        for _ in range(12):
            reader = Reader(portal, maria.browser, "http/1.1", room=4096)
            reader.ask(content_of(maria, document))
            readers.append(reader)
        restart(portal)
        with Raw(portal, maria.browser) as raw:
            raw.head("GET /k/linde/matters HTTP/1.1")
            assert raw.status() == 200
    until_gone(first)
    with contextlib.closing(readers[0].line) as line:
        head, _, body = everything(line).partition(b"\r\n\r\n")
    assert b" 200 " in head and len(body) < len(content) and content.startswith(body)
    rest = maria.browser.get(
        f"/documents/{document}/content",
        headers={"Accept": "*/*", "Range": f"bytes={len(body)}-"},
    )
    assert rest.status_code == 206 and body + rest.content == content
    for reader in readers[1:]:
        reader.line.close()


def everything(line):
    """Returns what comes until the other side ends the connection, in whatever way."""
    found = b""
    with contextlib.suppress(OSError):
        while piece := line.recv(65536):
            found += piece
    return found


def who_take_little(portal, maria, count=3):
    """Connections of HTTP/2 that ask for six documents each, take the first bytes, and then open no
    window any more."""
    document = portal.admin.upload(maria.matter, bytes(300_000), "gross.bin")
    readers = [Reader(portal, maria.browser, "h2", window=1000) for _ in range(count)]
    for reader in readers:
        for number in range(6):
            reader.ask(content_of(maria, document), stream=2 * number + 1)
    for reader in readers:
        served = set()
        while len(served) < 6:
            for event in reader.h2.receive_data(reader.line.recv(65536)):
                if isinstance(event, h2.events.DataReceived):
                    served.add(event.stream_id)
    return readers


def said_by_a_stop(portal, maria, restarts, stop):
    """Returns what the error log says of a STOP while readers keep their windows shut."""
    size, parent = portal.log.stat().st_size, httpd(portal)
    readers = who_take_little(portal, maria)
    for _ in range(restarts):
        restart(portal)
    stop(portal)
    until_gone([parent])
    said = portal.said_since(size)
    for reader in readers:
        reader.line.close()
    portal.start()
    return said


@pytest.mark.parametrize("restarts", [0, 1], ids=["", "after a restart"])
def test_a_stop_ends_by_itself(portal, maria, restarts):
    """No process has to be told again."""

    def stop(portal):
        command = [portal.appliance / "stop", "--data", portal.data]
        subprocess.run(command, check=True, capture_output=True, timeout=120)

    assert "did not exit" not in said_by_a_stop(portal, maria, restarts, stop)


@pytest.mark.expect_log(r"AH00493", r"AH00045", *ABRUPT)
def test_who_finishes_after_a_restart_hears_sigterm(portal, maria):

    def stop(portal):
        os.kill(httpd(portal), signal.SIGTERM)

    assert "SIGKILL" not in said_by_a_stop(portal, maria, 1, stop)
