"""Clients that ask one thing after another, each over one connection as long as that lasts, and say
what became of each request. They repeat what was never begun, as browsers do, and count it."""

import http.client
import socket
import ssl
from urllib.parse import urlsplit

import h2.connection
import h2.errors
import h2.events
import h2.exceptions

TIMEOUT = 60


class Cut(Exception):
    """A request got no answer, or a part of one; says how."""


class NotBegun(Exception):
    """A request that the portal says, or shows, that it has not begun; says how."""


def connect(url, authority, protocol):
    place = urlsplit(url)
    context = ssl.create_default_context(cafile=authority)
    context.set_alpn_protocols([protocol])
    line = socket.create_connection((place.hostname, place.port), timeout=TIMEOUT)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(line, server_hostname=place.hostname)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


class OneLine:
    """HTTP/1.1."""

    protocol = "http/1.1"

    def __init__(self, url, authority):
        self.url, self.authority, self.host = url, authority, urlsplit(url).netloc
        self.line, self.used = None, 0

    def close(self):
        if self.line:
            self.line.close()
        self.line = None

    def send(self, method, path, headers, body):
        """Returns the answer, or raises Cut or NotBegun: the connection had been kept for another
        request, and ended without a byte of the answer (RFC 9112, 9.3.1)."""
        if not self.line:
            self.line, self.used = connect(self.url, self.authority, self.protocol), 0
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        answer = http.client.HTTPResponse(self.line, method=method)
        try:
            self.line.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b""))
            answer.begin()
        except (http.client.RemoteDisconnected, ConnectionError, ssl.SSLEOFError) as fault:
            answer.close()
            self.close()
            raise (NotBegun if self.used else Cut)(f"{type(fault).__name__}: no byte") from fault
        try:
            found = answer.read()
        except (http.client.HTTPException, OSError) as fault:
            self.close()
            raise Cut(f"{type(fault).__name__}: after the head") from fault
        self.used += 1
        closes = answer.will_close
        answer.close()
        if closes:
            self.close()
        fields = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, fields, found)


class Streams:
    """HTTP/2, one stream after the other."""

    protocol = "h2"

    def __init__(self, url, authority):
        self.url, self.authority, self.host = url, authority, urlsplit(url).netloc
        self.line, self.used = None, 0

    def close(self):
        if self.line:
            self.line.close()
        self.line = None

    def open(self):
        self.line, self.used = connect(self.url, self.authority, self.protocol), 0
        self.h2 = h2.connection.H2Connection()
        self.h2.initiate_connection()
        self.leaving, self.rest = False, b""
        self.line.sendall(self.h2.data_to_send())

    def send(self, method, path, headers, body):
        if self.line and self.leaving:
            self.close()
        if not self.line:
            self.open()
        fields = {":method": method, ":authority": self.host, ":scheme": "https", ":path": path}
        fields |= {name.lower(): value for name, value in headers.items()}
        if body is not None:
            fields["content-length"] = str(len(body))
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, list(fields.items()), end_stream=not body)
        rest = memoryview(body or b"")
        state = Answer(0, {}, b"")
        self.last = None
        try:
            while True:
                while rest:
                    size = min(
                        len(rest),
                        self.h2.local_flow_control_window(stream),
                        self.h2.max_outbound_frame_size,
                    )
                    if size == 0:
                        break
                    self.h2.send_data(stream, bytes(rest[:size]), end_stream=size == len(rest))
                    rest = rest[size:]
                self.flush()
                if self.take(stream, state):
                    self.used += 1
                    return state
        except OSError as fault:
            self.close()
            raise Cut(f"{type(fault).__name__}, last stream {self.last}, of {stream}") from fault
        except (Cut, NotBegun):
            self.close()
            raise

    def flush(self):
        try:
            self.line.sendall(self.h2.data_to_send())
        except OSError:
            pass  # what has come already says more

    def take(self, stream, state):
        """Reads; returns whether the answer is whole."""
        data = self.line.recv(65536)
        if not data:
            raise Cut(f"ended, last stream {self.last}, of {stream}, {state.status}")
        # h2 takes a GOAWAY for the end of all; RFC 9113, 6.8: streams up to the last one go on.
        whole = False
        for event in self.receive(data):
            if isinstance(event, Leaving):
                self.leaving, self.last = True, event.last
                if event.last < stream:
                    raise NotBegun(f"GOAWAY {event.last} < {stream}")
            if getattr(event, "stream_id", None) != stream:
                continue
            if isinstance(event, h2.events.ResponseReceived):
                state.headers = {n.decode(): v.decode() for n, v in event.headers}
                state.status = int(state.headers[":status"])
            elif isinstance(event, h2.events.DataReceived):
                state.body += event.data
                if event.flow_controlled_length:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
            elif isinstance(event, h2.events.StreamReset):
                if state.status:
                    whole = True  # the answer is whole, the rest of the request is not wanted
                    continue
                if event.error_code == h2.errors.ErrorCodes.REFUSED_STREAM:
                    raise NotBegun("REFUSED_STREAM")
                raise Cut(f"reset {event.error_code}")
            elif isinstance(event, h2.events.StreamEnded):
                whole = True
        return whole

    def receive(self, data):
        """The events of DATA, whose frames of the type GOAWAY are kept from h2."""
        self.rest += data
        events = []
        while len(self.rest) >= 9:
            size = 9 + int.from_bytes(self.rest[:3], "big")
            if len(self.rest) < size:
                break
            frame, self.rest = self.rest[:size], self.rest[size:]
            if frame[3] == 7:
                events.append(Leaving(int.from_bytes(frame[9:13], "big") & 0x7FFFFFFF))
            else:
                events += self.h2.receive_data(frame)
        return events


class Leaving:
    """A GOAWAY: streams up to LAST are answered."""

    def __init__(self, last):
        self.last = last
