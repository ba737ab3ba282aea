"""Crowds at the door: bodies that never come, from one address and from many, and connections."""

import contextlib
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import h2.connection
import h2.events
import h2.settings
import pytest
from portal import Browser
from raw import Raw
from running import running_portal

PROXY = "127.0.0.9"
STREAMS = 6  # so many of a connection mod_http2 works on at first


class Line:
    """A connection of HTTP/2 from the address SOURCE."""

    def __init__(self, url, authority, source):
        self.place, self.url = urlsplit(url), url
        context = ssl.create_default_context(cafile=authority)
        context.set_alpn_protocols(["h2"])
        line = socket.create_connection(
            (self.place.hostname, self.place.port), timeout=30, source_address=(source, 0)
        )
        self.line = context.wrap_socket(line, server_hostname=self.place.hostname)
        self.h2 = h2.connection.H2Connection()
        self.h2.initiate_connection()
        self.statuses, self.next = [], 1
        self.flush()

    def flush(self):
        self.line.sendall(self.h2.data_to_send())

    def post(self, path, body=None, **headers):
        """Sends a form's head; without BODY, it is never sent."""
        fields = {
            ":method": "POST", ":authority": self.place.netloc, ":scheme": "https", ":path": path,
            "accept": "application/json", "content-type": "application/json", "origin": self.url,
            **headers,
        }  # fmt: skip
        self.h2.send_headers(self.next, list(fields.items()))
        if body is not None:
            self.h2.send_data(self.next, body)
        self.next += 2
        self.flush()

    def get(self, path, **headers):
        fields = {
            ":method": "GET", ":authority": self.place.netloc, ":scheme": "https", ":path": path,
            "accept": "*/*", **headers,
        }  # fmt: skip
        self.h2.send_headers(self.next, list(fields.items()), end_stream=True)
        self.next += 2
        self.flush()

    def answers(self, count):
        """Reads until COUNT answers have come in all."""
        while len(self.statuses) < count:
            data = self.line.recv(65536)
            assert data, "the connection ended"
            for event in self.h2.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    self.statuses.append(int(dict(event.headers)[b":status"]))
            self.flush()
        return self.statuses


@pytest.fixture(scope="module")
def crowded():
    """A portal that trusts a proxy at PROXY."""
    with running_portal() as made:
        made.kanzleictl("firm", "create", made.firm, "--name", "Kanzlei Linde")
        made.make_staff("admin", "--admin")
        (made.data / "conf/local.conf").write_text(
            "LoadModule remoteip_module /usr/lib/apache2/modules/mod_remoteip.so\n"
            f"RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy {PROXY}\n"
            "KeepAliveTimeout 300\n"  # connections stay while a slow machine makes the last
        )
        made.start()
        made.maria = made.make_client(made.signed_in("admin"), "Sommer", "maria")
        yield made


@pytest.fixture
def lines(crowded):
    """Makes connections that are ended with the test."""
    with contextlib.ExitStack() as stack:

        def make(source):
            made = Line(crowded.url, crowded.authority, source)
            stack.callback(made.line.close)
            return made

        yield make


SOURCES = {
    "one": lambda number: ("127.0.0.2", {}),
    "many": lambda number: (f"127.0.1.{number + 1}", {}),
    "proxy": lambda number: (PROXY, {"x-forwarded-for": "192.0.2.7"}),
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("body", [None, b"{"], ids=["nothing", "a byte"])
def test_bodies_that_never_come_hold_nobody_up(crowded, lines, source, body):
    """200 connections wait in six forms each; a page of somebody else is answered meanwhile."""
    held = []
    for number in range(200):
        address, headers = SOURCES[source](number)
        line = lines(address)
        for _ in range(STREAMS):
            line.post("/k/linde/language", body, **headers)
        held.append(line)
    start = time.monotonic()
    other = Browser(crowded.url, crowded.authority, crowded.firm)
    with contextlib.closing(other):
        for _ in range(30):
            assert other.get("/sign-in").status_code == 200
    took = time.monotonic() - start
    assert took < 15, "the pages waited for the bodies"  # which are waited for 20 s
    for line in held:
        assert set(line.answers(STREAMS)) == {408}


@pytest.mark.parametrize("source", SOURCES)
def test_readers_who_take_nothing_hold_nobody_up(crowded, lines, source):
    """200 connections ask for six documents each and let nothing through."""
    maria, admin = crowded.maria, crowded.signed_in("admin")
    document = admin.upload(maria.matter, bytes(300_000), "gross.bin")
    jar = "; ".join(f"{one.name}={one.value}" for one in maria.browser.http.cookies.jar)
    held = []
    for number in range(200):
        address, headers = SOURCES[source](number)
        line = lines(address)
        line.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 0})
        for _ in range(STREAMS):
            line.get(f"/k/linde/documents/{document}/content", cookie=jar, **headers)
        held.append(line)
    start = time.monotonic()
    other = Browser(crowded.url, crowded.authority, crowded.firm)
    with contextlib.closing(other):
        for _ in range(30):
            assert other.get("/sign-in").status_code == 200
    assert time.monotonic() - start < 60, "the pages waited for readers"  # who stay for 120 s


@pytest.mark.parametrize("kind", ["form", "upload", "HTTP/1.1"])
def test_the_first_byte_is_waited_for_three_seconds(crowded, lines, kind):
    """Of a form and of an upload, by both versions of HTTP; not of a line that has begun."""
    maria = crowded.maria
    jar = "; ".join(f"{one.name}={one.value}" for one in maria.browser.http.cookies.jar)
    start = time.monotonic()
    if kind == "HTTP/1.1":
        with Raw(crowded, maria.browser) as raw:
            raw.head("POST /k/linde/language HTTP/1.1", "Content-Type: application/json",
                     "Content-Length: 14")  # fmt: skip
            assert raw.status() == 408
    else:
        line = lines("127.0.0.3")
        more = {"cookie": jar, "x-csrf-token": maria.browser.csrf}
        if kind == "form":
            line.post("/k/linde/language", **more)
        else:
            upload = maria.browser.created(maria.matter, 100)
            line.post(f"/k/linde/uploads/{upload}", **more | {
                ":method": "PATCH", "content-type": "application/offset+octet-stream",
                "upload-offset": "0", "tus-resumable": "1.0.0",
            })  # fmt: skip
        assert line.answers(1) == [408]
    assert time.monotonic() - start >= 2.9
    assert maria.browser.get("/matters").status_code == 200


def test_connections_of_one_address_are_bounded(crowded, lines):
    """Somebody else still gets one; those of a trusted proxy are not counted."""
    lines(PROXY).post("/k/linde/language", b"{", **{"x-forwarded-for": "192.0.2.8"})
    refused, opened = 0, []
    for _ in range(1200):
        try:
            opened.append(lines("127.0.0.4"))
            opened[-1].line.settimeout(30)
            opened[-1].post("/k/linde/language", b'{"lang": "de"}')
        except (OSError, ssl.SSLError):
            refused += 1
            if refused > 20:
                break
    assert refused > 20, len(opened)
    other = Browser(crowded.url, crowded.authority, crowded.firm)
    with contextlib.closing(other):
        assert other.get("/sign-in").status_code == 200
    for number in range(len(opened) + 30):
        reader = {"x-forwarded-for": f"192.0.3.{number % 250}"}
        lines(PROXY).post("/k/linde/language", None, **reader)
        if number > 600:
            break


@pytest.mark.parametrize("kind", ["form", "upload"])
def test_an_office_that_sends_over_a_slow_line_is_not_cut(crowded, kind):
    """24 people behind one address send at once, each with pauses: nobody's file is lost."""
    people = 24
    begun = threading.Barrier(people)

    def slow(head, end):
        yield head + b"a" * 200_000
        begun.wait(60)  # now all of them are silent
        time.sleep(0.8)
        yield b"z" + end

    def send(browser):
        maria = crowded.maria
        if kind == "upload":
            upload = browser.created(maria.matter, 200_001)
            return browser.patch(upload, 0, slow(b"", b"")).status_code
        field = "--b\r\nContent-Disposition: form-data; name="
        head = f'{field}"csrf"\r\n\r\n{browser.csrf}\r\n{field}"files"; filename="a.txt"\r\n\r\n'
        form = {"Content-Type": "multipart/form-data; boundary=b", "Origin": browser.url}
        path = f"/matters/{maria.matter}/documents"
        return browser.request("POST", path, token=False, headers=form,
                               content=slow(head.encode(), b"\r\n--b--\r\n")).status_code

    browsers = [crowded.signed_in(crowded.fresh_staff("--admin")) for _ in range(people)]
    with ThreadPoolExecutor(people) as pool:
        statuses = list(pool.map(send, browsers))
    assert set(statuses) == {204 if kind == "upload" else 303}


def test_a_byte_now_and_then_holds_no_worker(crowded, lines):
    """40 forms of one address come byte by byte: most of them are ended long before they could be
    whole; the first ones of each process are a few slow lines."""
    held = [lines("127.0.0.5") for _ in range(40)]
    for line in held:
        line.post("/k/linde/language", b"{")
        line.line.setblocking(False)
    for _ in range(75):  # 15 s; a form may take 20 s
        time.sleep(0.2)
        for line in held:
            if line.statuses:
                continue
            with contextlib.suppress(ssl.SSLWantReadError):
                for event in line.h2.receive_data(line.line.recv(65536)):
                    if isinstance(event, h2.events.ResponseReceived):
                        line.statuses.append(int(dict(event.headers)[b":status"]))
            if not line.statuses:
                line.h2.send_data(1, b" ")
                line.flush()
        if sum(bool(line.statuses) for line in held) >= 16:
            break
    assert sum(line.statuses == [408] for line in held) >= 16
