"""Connections of HTTP/2 on which a form's body is announced and never sent, again and again, until
standard input ends; started by slow.py. From one address, or each from its own."""

import json
import selectors
import ssl
import sys
import time
from socket import create_connection
from urllib.parse import urlsplit

import h2.connection
import h2.events
import h2.exceptions


class Silent:
    def __init__(self, plan, context, number):
        self.plan, self.place = plan, urlsplit(plan["url"])
        address = f"127.0.{1 + number // 200}.{1 + number % 200}" if plan["own"] else "127.0.0.2"
        plain = create_connection(
            (self.place.hostname, self.place.port), timeout=60, source_address=(address, 0)
        )
        self.line = context.wrap_socket(plain, server_hostname=self.place.hostname)
        self.h2 = h2.connection.H2Connection()
        self.h2.initiate_connection()
        self.announce()

    def announce(self):
        self.h2.send_headers(self.h2.get_next_available_stream_id(), [
            (":method", "POST"), (":authority", self.place.netloc), (":scheme", "https"),
            (":path", f"/k/{self.plan['firm']}/sign-in"), ("origin", self.plan["url"]),
            ("accept", "application/json"), ("content-type", "application/json"),
            ("content-length", "100"),
        ])  # fmt: skip
        self.line.sendall(self.h2.data_to_send())

    def read(self):
        """Reads what has come; announces the next body when this one is refused."""
        data = self.line.recv(65536)
        if not data:
            raise OSError("ended")
        ends = (h2.events.StreamEnded, h2.events.StreamReset)
        ended = 0
        for event in self.h2.receive_data(data):
            if isinstance(event, h2.events.ConnectionTerminated):
                raise OSError("sent away")
            ended += isinstance(event, ends)
        self.line.sendall(self.h2.data_to_send())
        for _ in range(ended and 1):
            self.announce()
        return ended


def main():
    plan = json.loads(sys.argv[1])
    context = ssl.create_default_context(cafile=plan["authority"])
    context.set_alpn_protocols(["h2"])
    waiting, again, counts = selectors.DefaultSelector(), [], {"refused": 0, "lost": 0}
    waiting.register(sys.stdin, selectors.EVENT_READ, None)

    def begin(number):
        try:
            one = Silent(plan, context, number)
        except OSError:
            again.append((time.monotonic() + 1, number))
            return
        waiting.register(one.line, selectors.EVENT_READ, (number, one))

    for number in range(plan["count"]):
        begin(number)
    print("begun", flush=True)
    while True:
        for key, _ in waiting.select(0.5):
            if key.data is None:
                print(json.dumps(counts), flush=True)
                return
            number, one = key.data
            try:
                counts["refused"] += bool(one.read())
            except (OSError, h2.exceptions.ProtocolError):
                counts["lost"] += 1
                waiting.unregister(one.line)
                one.line.close()
                again.append((time.monotonic() + 1, number))
        for due in [due for due in again if due[0] <= time.monotonic()]:
            again.remove(due)
            begin(due[1])


main()
