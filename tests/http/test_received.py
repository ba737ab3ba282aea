"""Received: only what the reader's side has acknowledged to the last byte, whatever the
version of HTTP."""

import contextlib
import secrets
import socket
import ssl
import struct
import time
from urllib.parse import urlsplit

import h2.connection
import h2.events
import h2.settings
import httpx
import pytest
from contents import random_content
from person import wait_for
from raw import Raw

SIZES = [5000, 300_000, 1_000_000]


def steps(portal, document):
    """Returns the steps of the receiving side that are noted of a document."""
    return {
        step
        for (step,) in portal.sql(
            "SELECT step FROM delivery_step WHERE document = %s AND step <> 'notified'", document
        )
    }


def is_received(portal, document):
    return "received" in steps(portal, document)


def provided(admin, maria, size):
    """Provides a document of SIZE bytes; returns its id and its bytes."""
    content = random_content(size)
    return admin.upload(maria.matter, content, f"{secrets.token_hex(4)}.bin"), content


@pytest.fixture
def stays(portal):
    """Returns a check that documents are not noted as received. What is noted comes at most some
    seconds after its cause; one that is received later than the others shows that it would have
    come."""

    def check(documents, marker):
        wait_for(lambda: is_received(portal, marker))
        for document in documents:
            assert not is_received(portal, document), document

    return check


def reset(line):
    """Ends a connection by a reset."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.close()


class Reader:
    """A connection whose TCP a test controls: it can take little, and be reset."""

    def __init__(self, portal, browser, protocol, window=65535, room=None):
        place = urlsplit(portal.url)
        context = ssl.create_default_context(cafile=portal.authority)
        context.set_alpn_protocols([protocol])
        line = socket.socket()
        if room:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        line.settimeout(30)
        line.connect((place.hostname, place.port))
        self.line = context.wrap_socket(line, server_hostname=place.hostname)
        self.place, self.protocol, self.got, self.ended = place, protocol, {}, set()
        self.cookie = "; ".join(f"{one.name}={one.value}" for one in browser.http.cookies.jar)
        if protocol == "h2":
            self.h2 = h2.connection.H2Connection()
            self.h2.initiate_connection()
            self.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window})
            self.line.sendall(self.h2.data_to_send())

    def ask(self, path, stream=1, **headers):
        fields = {"cookie": self.cookie, "accept": "*/*", **headers}
        if self.protocol == "h2":
            head = {":method": "GET", ":authority": self.place.netloc, ":scheme": "https",
                    ":path": path, **fields}  # fmt: skip
            self.h2.send_headers(stream, list(head.items()), end_stream=True)
            self.line.sendall(self.h2.data_to_send())
            return
        lines = [f"GET {path} HTTP/1.1", f"Host: {self.place.netloc}"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        self.line.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

    def take(self, wanted, opens=True):
        """Reads until all WANTED streams have ended; OPENS: and opens their windows again."""
        while not wanted <= self.ended:
            data = self.line.recv(65536)
            assert data, "the connection ended"
            for event in self.h2.receive_data(data):
                if isinstance(event, h2.events.DataReceived):
                    self.got[event.stream_id] = self.got.get(event.stream_id, b"") + event.data
                    if opens and event.flow_controlled_length:
                        self.h2.acknowledge_received_data(
                            event.flow_controlled_length, event.stream_id
                        )
                if isinstance(event, h2.events.StreamEnded):
                    self.ended.add(event.stream_id)
            self.line.sendall(self.h2.data_to_send())

    def reset(self):
        reset(self.line)


def content_of(maria, document):
    return f"{maria.browser.base}/documents/{document}/content"


@pytest.fixture(params=[True, False], ids=["HTTP/2", "HTTP/1.1"])
def client(request, portal, maria):
    context = ssl.create_default_context(cafile=portal.authority)
    with httpx.Client(
        base_url=portal.url, cookies=maria.browser.http.cookies, timeout=60, trust_env=False,
        verify=context, http2=request.param, headers={"Accept": "*/*"},
    ) as made:  # fmt: skip
        yield made


# --- what has arrived ----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, *SIZES, 20_000_000])
def test_a_whole_download_is_received(portal, admin, maria, client, size):
    document, content = provided(admin, maria, size)
    assert client.get(content_of(maria, document)).content == content
    wait_for(lambda: is_received(portal, document))
    assert "delivered" not in steps(portal, document)
    events = "SELECT kind FROM event WHERE document = %s AND account = %s AND kind = 'received'"
    assert portal.sql(events, document, maria.account) == [("received",)]


@pytest.mark.parametrize("more", [{}, {"Connection": "close"}], ids=["", "close"])
def test_who_leaves_after_it_has_received_it(portal, admin, maria, more):
    """The connection is ended in order, by either side, at once."""
    document, content = provided(admin, maria, 300_000)
    reader = Reader(portal, maria.browser, "http/1.1")
    reader.ask(content_of(maria, document), **more)
    found = b""
    while not found.endswith(content):
        found += reader.line.recv(65536)
    reader.line.close()
    wait_for(lambda: is_received(portal, document))


def test_who_signs_out_after_it_has_received_it(portal, admin):
    anna = portal.make_client(admin, "Abend", "anna-" + secrets.token_hex(4))
    document, content = provided(admin, anna, 5000)
    answer = anna.browser.get(f"/documents/{document}/content", headers={"Accept": "*/*"})
    assert answer.content == content
    assert anna.browser.post_json("/sign-out").status_code == 303
    wait_for(lambda: is_received(portal, document))


@pytest.mark.parametrize("ranges", [
    ["0-"], ["0-149999", "150000-"], ["150000-", "0-149999"],
    ["100000-250000", "250001-", "0-99999"],
    ["0-100000,200000-299999", "90000-210000"], ["-150000", "0-199999"],
])  # fmt: skip
def test_ranges_that_make_the_whole(portal, admin, maria, client, ranges):
    document, content = provided(admin, maria, 300_000)
    for one in ranges:
        answer = client.get(content_of(maria, document), headers={"Range": f"bytes={one}"})
        assert answer.status_code == 206, (one, answer.status_code)
    wait_for(lambda: is_received(portal, document))
    parts = "SELECT 1 FROM delivery_part WHERE document = %s"
    assert portal.sql(parts, document) == []


def test_ranges_that_lack_a_byte_or_are_two_readers(portal, admin, maria, client, stays):
    """A byte in the middle is missing; the halves are of two persons."""
    lacking, content = provided(admin, maria, 300_000)
    for one in ("0-149998", "150000-"):
        client.get(content_of(maria, lacking), headers={"Range": f"bytes={one}"})
    marker, _ = provided(admin, maria, 10)
    client.get(content_of(maria, marker))
    stays([lacking], marker)
    wait_for(lambda: portal.sql(
        "SELECT parts::text FROM delivery_part WHERE document = %s", lacking
    ) == [("{[0,149999),[150000,300000)}",)])  # fmt: skip
    client.get(content_of(maria, lacking), headers={"Range": "bytes=149999-149999"})
    wait_for(lambda: is_received(portal, lacking))


# --- what has not --------------------------------------------------------------------------------


def test_nothing_is_received_by_who_resets(portal, admin, maria, stays):
    """Reads nothing and resets: at once, or when the kernel has acknowledged what fits."""
    documents = []
    for size in SIZES:
        for wait in (0, 1):
            for room in (None, 2048):
                for protocol in ("http/1.1", "h2"):
                    document, _ = provided(admin, maria, size)
                    documents.append(document)
                    reader = Reader(portal, maria.browser, protocol, room=room)
                    reader.ask(content_of(maria, document))
                    time.sleep(wait)
                    reader.reset()
    marker, _ = provided(admin, maria, 10)
    maria.browser.get(f"/documents/{marker}/content", headers={"Accept": "*/*"})
    stays(documents, marker)


def test_a_window_of_nothing(portal, admin, maria, stays):
    """HTTP/2: the reader takes no byte, or all but the last ones, and stays."""
    readers, documents = [], []
    for size, window in ((5000, 0), (60_000, 0), (60_000, 59_000), (300_000, 60_000)):
        document, _ = provided(admin, maria, size)
        documents.append(document)
        reader = Reader(portal, maria.browser, "h2", window)
        reader.ask(content_of(maria, document))
        readers.append(reader)
    marker, _ = provided(admin, maria, 10)
    maria.browser.get(f"/documents/{marker}/content", headers={"Accept": "*/*"})
    stays(documents, marker)
    readers[2].take(set())
    readers[2].h2.increment_flow_control_window(5000, 1)
    readers[2].line.sendall(readers[2].h2.data_to_send())
    readers[2].take({1}, opens=False)
    wait_for(lambda: is_received(portal, documents[2]))
    for reader in readers:
        reader.line.close()


def test_several_streams_are_told_apart(portal, admin, maria, stays):
    """Of four downloads over one connection the second is never taken."""
    made = [provided(admin, maria, 100_000) for _ in range(4)]
    reader = Reader(portal, maria.browser, "h2", window=0)
    for number, (document, _) in enumerate(made):
        reader.ask(content_of(maria, document), stream=2 * number + 1)
    for stream in (1, 5, 7):
        reader.h2.increment_flow_control_window(200_000, stream)
    reader.h2.increment_flow_control_window(1_000_000)
    reader.line.sendall(reader.h2.data_to_send())
    reader.take({1, 5, 7}, opens=False)
    for number in (0, 2, 3):
        assert reader.got[2 * number + 1] == made[number][1]
        wait_for(lambda number=number: is_received(portal, made[number][0]))
    assert not is_received(portal, made[1][0])
    reader.line.close()


@pytest.mark.parametrize("name", ["Via", "Forwarded", "X-Forwarded-For", "X-Real-IP"])
def test_behind_a_proxy_it_is_delivered(portal, admin, maria, client, stays, name):
    """The proxy acknowledges, whoever reads: that all was sent is known, and no more."""
    document, content = provided(admin, maria, 300_000)
    halves, _ = provided(admin, maria, 300_000)
    proxied = {name: "for=192.0.2.7" if name == "Forwarded" else "192.0.2.7"}
    assert client.get(content_of(maria, document), headers=proxied).content == content
    for one in ("0-149999", "150000-"):
        client.get(content_of(maria, halves), headers=proxied | {"Range": f"bytes={one}"})
    for one in (document, halves):
        wait_for(lambda one=one: "delivered" in steps(portal, one))
    marker, _ = provided(admin, maria, 10)
    client.get(content_of(maria, marker))
    stays([document, halves], marker)
    shown = admin.get_json(f"/documents/{document}")["steps"][0]
    assert shown["delivered"] and not shown["received"]


def test_no_worker_waits_for_a_reader(portal, admin, maria):
    """Many answers wait to be acknowledged; pages come meanwhile."""
    document, _ = provided(admin, maria, 60_000)
    with contextlib.ExitStack() as stack:
        for _ in range(150):
            reader = Reader(portal, maria.browser, "http/1.1", room=2048)
            stack.callback(reader.line.close)
            reader.ask(content_of(maria, document))
        with Raw(portal, maria.browser) as raw:
            raw.head("GET /k/linde/matters HTTP/1.1")
            assert raw.status() == 200
