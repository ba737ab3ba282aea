"""Bodies and headers that are wrong, huge, slow or sent twice are refused, and change nothing."""

import json
import secrets
import socket
import ssl
import time
from pathlib import Path
from urllib.parse import urlsplit

import h2.connection
import h2.events
import pytest
from person import wait_for
from portal import BYTES
from raw import Raw, statuses
from running import running_portal

INNER = "GET /k/linde/help HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n"
JSON = "Content-Type: application/json"


def patch_head(raw, upload, offset, *more):
    raw.head(
        f"PATCH /k/linde/uploads/{upload} HTTP/1.1", "Tus-Resumable: 1.0.0",
        f"Upload-Offset: {offset}", f"Content-Type: {BYTES}", *more,
    )


# --- lengths ----------------------------------------------------------------------------------

LENGTHS = {
    "two": ["Content-Length: 2", "Content-Length: 3"],
    "negative": ["Content-Length: -2"],
    "signed": ["Content-Length: +2"],
    "hexadecimal": ["Content-Length: 0x2"],
    "a list": ["Content-Length: 2, 2"],
    "beyond 64 bits": ["Content-Length: 99999999999999999999"],
    "an unknown coding": ["Transfer-Encoding: xchunked"],
    "chunked, and then something": ["Transfer-Encoding: chunked, identity"],
}


@pytest.mark.parametrize("lines", LENGTHS.values(), ids=LENGTHS)
def test_an_invalid_length_ends_the_connection(portal, maria, lines):
    """The portal does not take bytes after the body for a request."""
    with Raw(portal, maria.browser) as raw:
        raw.head("POST /k/linde/language HTTP/1.1", JSON, *lines)
        raw.send(b"{}" + INNER.format(raw.host).encode())
        found = statuses(raw.rest())
        assert len(found) == 1 and found[0] in (400, 413, 501), found


@pytest.mark.parametrize("size", [b"fffffffffffffffff", b"-2", b"0x2", b"2\x00", b"", b"2 2"])
def test_chunks_of_a_wrong_size(portal, maria, size):
    with Raw(portal, maria.browser) as raw:
        raw.head("POST /k/linde/language HTTP/1.1", JSON, "Transfer-Encoding: chunked")
        raw.send(size + b"\r\n{}\r\n0\r\n\r\n" + INNER.format(raw.host).encode())
        found = statuses(raw.rest())
        assert len(found) == 1 and found[0] in (400, 413), found


def test_both_lengths_at_once(portal, maria):
    """The chunks count, and the connection then ends (RFC 9112, 6.3)."""
    with Raw(portal, maria.browser) as raw:
        both = ("Content-Length: 4", "Transfer-Encoding: chunked")
        raw.head("POST /k/linde/language HTTP/1.1", JSON, *both)
        raw.send(b"2\r\n{}\r\n0\r\n\r\n" + INNER.format(raw.host).encode())
        assert statuses(raw.rest()) in ([303], [400])


def test_the_body_of_a_refused_request_is_not_taken_for_a_request(portal, maria):
    with Raw(portal, maria.browser) as raw:
        inner = INNER.format(raw.host).encode()
        length = f"Content-Length: {len(inner)}"
        raw.head("POST /k/linde/language HTTP/1.1", "Content-Type: text/xml", length)
        raw.send(inner + inner)
        assert statuses(raw.rest()) == [415, 200]


def test_a_patch_without_bytes_changes_nothing(portal, maria):
    upload = maria.browser.created(maria.matter, 10)
    with Raw(portal, maria.browser) as raw:
        patch_head(raw, upload, 0, "Content-Length: 0")
        assert raw.status() == 204
    assert maria.browser.offset(upload) == 0


def test_fewer_bytes_than_the_length_says_are_kept(portal, maria):
    upload = maria.browser.created(maria.matter, 10)
    with Raw(portal, maria.browser) as raw:
        patch_head(raw, upload, 0, "Content-Length: 10")
        raw.send(b"abcd")
        raw.cut()
    assert maria.browser.offset(upload) == 4
    assert maria.browser.patch(upload, 4, b"efghij").status_code == 204
    answer = maria.browser.get(f"/documents/{upload}/content", headers={"Accept": "*/*"})
    assert answer.content == b"abcdefghij"


def test_fewer_bytes_of_a_form_than_the_length_says(portal, maria):
    before = maria.browser.get_json(f"/matters/{maria.matter}")["documents"]
    with Raw(portal, maria.browser) as raw:
        raw.head(
            f"POST /k/linde/matters/{maria.matter}/documents HTTP/1.1", "Content-Length: 9999",
            "Content-Type: multipart/form-data; boundary=b",
        )
        raw.send(b'--b\r\nContent-Disposition: form-data; name="files"; filename="halb"\r\n\r\nx')
        raw.cut()
    assert maria.browser.get_json(f"/matters/{maria.matter}")["documents"] == before


def is_locked(path):
    """Returns whether the spool file is locked. Asking the portal would lock the upload itself."""
    return path.exists() and f":{path.stat().st_ino} " in Path("/proc/locks").read_text()


def test_the_same_offset_twice_at_once(portal, maria):
    """One of the two writes; the other learns that the upload is locked."""
    upload = maria.browser.created(maria.matter, 10)
    with Raw(portal, maria.browser) as first:
        patch_head(first, upload, 0, "Content-Length: 10")
        first.send(b"first")
        wait_for(lambda: is_locked(portal.data / "spool" / upload))
        assert maria.browser.patch(upload, 0, b"second two").status_code == 423
        first.send(b" one!")
        assert first.status() == 204
    answer = maria.browser.get(f"/documents/{upload}/content", headers={"Accept": "*/*"})
    assert answer.content == b"first one!"


# --- too much ---------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [10, 2000, 2047, 2048, 100_000])
def test_json_in_json(admin, depth):
    body = b'{"name":' + b"[" * depth + b"]" * depth + b"}"
    send = {"Content-Type": "application/json"}
    assert admin.request("POST", "/clients", content=body, headers=send).status_code == 400


ODD_JSON = {
    "a NUL": '{"lang": "de\\u0000"}',
    "a name twice": '{"lang": "de", "lang": "en"}',
    "a number beyond all bounds": '{"lang": 1e999999}',
    "a fraction": '{"lang": 1.5}',
    "half a surrogate": '{"lang": "\\ud800"}',
    "two values": '{"lang": "de"} {}',
    "nothing": "",
}


@pytest.mark.parametrize("body", ODD_JSON.values(), ids=ODD_JSON)
def test_odd_json(admin, body):
    send = {"Content-Type": "application/json"}
    assert admin.request("POST", "/language", content=body, headers=send).status_code == 400


def test_ten_thousand_fields(admin):
    send = {"Content-Type": "application/x-www-form-urlencoded"}
    body = b"lang=de&" * 10_000
    assert admin.request("POST", "/language", content=body, headers=send).status_code == 413
    assert admin.get("/clients?" + "a=b&" * 600).status_code == 413
    many = json.dumps({f"f{number}": "x" for number in range(10_000)})
    send = {"Content-Type": "application/json"}
    assert admin.request("POST", "/language", content=many, headers=send).status_code == 413


QUERIES = [
    "q=%ff", "q=%00", "q=%", "q=%e4%b8", "state=%ff", "state=nichts", "client=x", "client=%27",
    "client=" + "a" * 5000, "matter=%ed%a0%80", "from=gestern", "from=9999-99-99", "to=0000-00-00",
    "from=99999-01-01", "from=2026-02-30", "after=x", "after=_", "after=9999999999999999999999_x",
    "after=1_00000000-0000-0000-0000-000000000000", "after=%00", "from=2026-01-02&to=2026-01-01",
]


@pytest.mark.parametrize("query", QUERIES, ids=[query[:40] for query in QUERIES])
def test_odd_queries(admin, maria, query):
    """The portal answers or refuses, but never with an internal error."""
    pages = ("/documents", "/clients", "/receipts", "/receipts.csv", f"/matters/{maria.matter}")
    for path in pages:
        for json_view in (True, False):
            answer = admin.get(f"{path}?{query}", json_view=json_view)
            assert answer.status_code in (200, 400, 404, 422), (path, answer.text)


def test_headers_of_any_size(portal):
    for lines in (["X: " + "a" * 9000], [f"X{number}: a" for number in range(200)]):
        with Raw(portal) as raw:
            raw.head("GET /k/linde/help HTTP/1.1", *lines, "Connection: close")
            assert statuses(raw.rest()) == [400]
    with Raw(portal) as raw:
        raw.head(f"GET /k/linde/{'a' * 9000} HTTP/1.1", "Connection: close")
        assert statuses(raw.rest()) == [414]


# --- slow -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def impatient():
    """A portal that waits two seconds for a body, not two minutes."""
    with running_portal() as made:
        made.kanzleictl("firm", "create", made.firm, "--name", "Kanzlei Linde")
        made.make_staff("admin", "--admin")
        (made.data / "conf/local-portal.conf").write_text("RequestReadTimeout body=2\n")
        made.start()
        made.maria = made.make_client(made.signed_in("admin"), "Sommer", "maria")
        yield made


def test_a_slow_body_is_waited_for(portal, maria):
    """A line that pauses and then continues is slow, not dead."""
    content = secrets.token_bytes(20)
    upload = maria.browser.created(maria.matter, len(content))
    with Raw(portal, maria.browser) as raw:
        patch_head(raw, upload, 0, f"Content-Length: {len(content)}")
        for at in range(len(content)):
            raw.send(content[at : at + 1])
            time.sleep(0.05)
        assert raw.status() == 204
    assert maria.browser.state(upload) == "available"


def test_a_body_that_stops_coming(impatient):
    """The answer is 408, and the received bytes of an upload are kept."""
    maria = impatient.maria
    upload = maria.browser.created(maria.matter, 100)
    with Raw(impatient, maria.browser) as raw:
        patch_head(raw, upload, 0, "Content-Length: 100")
        raw.send(b"x" * 40)
        assert raw.status() == 408
    assert maria.browser.offset(upload) == 40
    assert maria.browser.patch(upload, 40, b"y" * 60).status_code == 204


def test_a_form_that_stops_coming(impatient):
    maria = impatient.maria
    for path, kind, start in (
        ("language", "application/json", b'{"lang":'),
        (f"matters/{maria.matter}/documents", "multipart/form-data; boundary=b",
         b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\nhalf'),
    ):
        with Raw(impatient, maria.browser) as raw:
            raw.head(f"POST /k/linde/{path} HTTP/1.1", f"Content-Type: {kind}",
                     "Content-Length: 5000")
            raw.send(start)
            assert raw.status() == 408
    names = [one["name"] for one in maria.browser.get_json(f"/matters/{maria.matter}")["documents"]]
    assert "a.txt" not in names


class Stream:
    """One request over HTTP/2, whose body a test sends piece by piece."""

    def __init__(self, portal, browser, path, **more):
        place = urlsplit(portal.url)
        context = ssl.create_default_context(cafile=portal.authority)
        context.set_alpn_protocols(["h2"])
        line = socket.create_connection((place.hostname, place.port), timeout=30)
        self.line = context.wrap_socket(line, server_hostname=place.hostname)
        self.h2 = h2.connection.H2Connection()
        self.h2.initiate_connection()
        jar = browser.http.cookies.jar
        fields = {
            ":method": "POST", ":authority": place.netloc, ":scheme": "https", ":path": path,
            "accept": "application/json", "content-type": "application/json",
            "origin": portal.url, "x-csrf-token": browser.csrf,
            "cookie": "; ".join(f"{one.name}={one.value}" for one in jar), **more,
        }  # fmt: skip
        self.h2.send_headers(1, list(fields.items()))
        self.send(b"")

    def send(self, data, end=False):
        self.h2.send_data(1, data, end_stream=end)
        self.line.sendall(self.h2.data_to_send())

    def status(self):
        while True:
            data = self.line.recv(65536)
            assert data, "the connection ended"
            for event in self.h2.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    return int(dict(event.headers)[b":status"])
            self.line.sendall(self.h2.data_to_send())


FORM = b'{"lang": "de"}'


@pytest.mark.parametrize("length", [{}, {"content-length": str(len(FORM))}], ids=["", "announced"])
def test_a_slow_form_is_waited_for(portal, admin, length):
    """A slow form is accepted by HTTP/2, then by HTTP/1.1 in chunks, which announce no length."""
    stream = Stream(portal, admin, "/k/linde/language", **length)
    for at in range(len(FORM)):
        stream.send(FORM[at : at + 1], end=at + 1 == len(FORM))
        time.sleep(0.05)
    assert stream.status() == 303
    stream.line.close()
    with Raw(portal, admin) as raw:
        fields = [f"{name}: {value}" for name, value in length.items()]
        raw.head("POST /k/linde/language HTTP/1.1", JSON, *fields or ["Transfer-Encoding: chunked"])
        for at in range(len(FORM)):
            raw.send(FORM[at : at + 1] if length else b"1\r\n" + FORM[at : at + 1] + b"\r\n")
            time.sleep(0.05)
        raw.send(b"" if length else b"0\r\n\r\n")
        assert raw.status() == 303


def test_a_form_has_less_time_than_an_upload(portal):
    """Somebody who isn't signed in can't hold a thread for two minutes, or for ever by a byte now
    and then."""
    browser = portal.browser()
    browser.get_json("/sign-in")
    silent = Stream(portal, browser, "/k/linde/sign-in")
    with Raw(portal, browser) as raw, Raw(portal, browser) as chunked:
        raw.head("POST /k/linde/sign-in HTTP/1.1", JSON, "Content-Length: 1000")
        chunked.head("POST /k/linde/sign-in HTTP/1.1", JSON, "Transfer-Encoding: chunked")
        for line in (chunked.line, silent.line):
            line.settimeout(90)
        raw.line.settimeout(1)
        answer = b""
        for _ in range(90):
            try:
                answer = raw.line.recv(65536)
                break
            except TimeoutError:
                raw.send(b" ")
        assert statuses(answer) == [408]
        assert chunked.status() == 408
        assert silent.status() == 408
    silent.line.close()
