"""Many uploads at once from one thread, each from an address of its own, started by slow.py: each
at its own slow pace, or all sent but for the last byte, which they send in the same seconds."""

import base64
import heapq
import json
import os
import random
import selectors
import socket
import ssl
import sys
import time
from collections import Counter
from urllib.parse import urlsplit

STEP = 0.5  # seconds between two pieces of one upload
SPREAD = 2  # seconds in which all last bytes come


def request(plan, person, method, path, headers):
    host = urlsplit(plan["url"]).netloc
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    own = {
        "Cookie": person["cookie"],
        "X-CSRF-Token": person["csrf"],
        "Origin": plan["url"],
        "Accept": "application/json",
        "Tus-Resumable": "1.0.0",
    }
    lines += [f"{name}: {value}" for name, value in (own | headers).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def own_address(number):
    """Returns an address of this machine that no other upload has."""
    return f"127.0.{1 + number // 200}.{1 + number % 200}"


class Upload:
    """The upload NUMBER of a crowd, created by one of its people."""

    def __init__(self, plan, context, number):
        self.plan, self.context, self.number = plan, context, number
        self.person = plan["people"][number % len(plan["people"])]
        self.connect()
        self.left = plan["size"]
        name = base64.b64encode(b"langsam.bin").decode()
        path = f"/k/{plan['firm']}/matters/{plan['matter']}/uploads"
        self.ask("POST", path, {
            "Upload-Length": plan["size"], "Upload-Metadata": f"filename {name}",
            "Content-Length": 0,
        })  # fmt: skip
        head = self.head()
        if b" 201 " not in head[:20]:
            raise OSError(f"not created: {head[:200]!r}")
        self.place = head.split(b"ocation: ", 1)[1].split(b"\r\n", 1)[0].decode()

    def connect(self):
        parts = urlsplit(self.plan["url"])
        plain = socket.create_connection(
            (parts.hostname, parts.port), timeout=60, source_address=(own_address(self.number), 0)
        )
        self.line = self.context.wrap_socket(plain, server_hostname=parts.hostname)

    def ask(self, method, path, headers):
        self.line.sendall(request(self.plan, self.person, method, path, headers))

    def patch(self, length):
        """Announces the next LENGTH bytes."""
        self.ask("PATCH", self.place, {
            "Upload-Offset": self.plan["size"] - self.left, "Content-Length": length,
            "Content-Type": "application/offset+octet-stream",
        })  # fmt: skip

    def send_but_last(self, content):
        """Sends all but the last byte, which is for a request of its own."""
        self.patch(self.left - 1)
        self.line.sendall(content[: self.left - 1])
        self.left = 1
        head = self.head()
        if b" 204 " not in head[:20]:
            raise OSError(f"not taken: {head[:200]!r}")

    def send_last(self):
        self.patch(1)
        self.line.sendall(b"x")

    def head(self):
        text = b""
        while b"\r\n\r\n" not in text:
            got = self.line.recv(16384)
            if not got:
                raise OSError(f"hung up after {text[:100]!r}")
            text += got
        return text

    def piece(self, content):
        """Sends the next piece; returns whether more follow."""
        part = content[: min(len(content), self.left)]
        self.line.sendall(part)
        self.left -= len(part)
        return self.left > 0

    def finish(self):
        """Reads the answer; returns "done", "left" (to a job), or "again"."""
        head = self.head()
        lines = head.lower()
        if b" 503 " in head[:20]:  # and httpd ends the connection
            self.line.close()
            return "again"
        if b" 200 " in head[:20]:  # of HEAD
            if f"upload-offset: {self.plan['size']}\r".encode() not in lines:
                self.send_last()
                return "waits"
            return "left"
        if b" 204 " not in head[:20]:
            raise OSError(head[:200].decode(errors="replace"))
        if b"upload-state:" not in lines:
            return "left"
        if b"upload-state: available" not in lines:
            raise OSError(head[:200].decode(errors="replace"))
        return "done"

    def look(self):
        """Asks how far the upload is, as whoever tries again does first."""
        self.connect()
        self.ask("HEAD", self.place, {})


class Crowd:
    """All uploads, and what has become of them."""

    def __init__(self, plan, content):
        self.plan, self.content = plan, content
        self.context = ssl.create_default_context(cafile=plan["authority"])
        self.waiting = selectors.DefaultSelector()
        self.begun, self.open, self.late, self.errors = 0, 0, 0.0, []
        self.later, self.ends = [], Counter()  # those who try again

    def begin(self, first):
        """Begins one more upload, and does FIRST with it."""
        self.begun += 1
        try:
            upload = Upload(self.plan, self.context, self.begun)
            first(upload)
        except OSError as wrong:
            self.errors.append(repr(wrong))
            return
        self.open += 1

    def expect(self, upload):
        """The upload has sent all of its bytes."""
        self.waiting.register(upload.line, selectors.EVENT_READ, upload)

    def lose(self, wrong):
        self.open -= 1
        self.errors.append(repr(wrong))

    def receive(self, pause):
        for key, _ in self.waiting.select(pause):
            self.waiting.unregister(key.fileobj)
            upload = key.data
            try:
                end = upload.finish()
            except OSError as wrong:
                self.lose(wrong)
                continue
            self.ends[end] += 1
            if end == "waits":
                self.expect(upload)
            elif end == "again":
                self.later.append((time.monotonic() + random.uniform(0.75, 1.25), upload))
            else:
                self.open -= 1
                upload.line.close()
        now = time.monotonic()
        for _, upload in [one for one in self.later if one[0] <= now]:
            try:
                upload.look()
                self.expect(upload)
            except OSError as wrong:
                self.lose(wrong)
        self.later = [one for one in self.later if one[0] > now]

    def told(self, start):
        print(json.dumps({
            "seconds": time.monotonic() - start, "late": self.late, "failed": len(self.errors),
            "first": self.errors[:1], "ends": self.ends,
        }), flush=True)  # fmt: skip


class Slow(Crowd):
    """Each upload begins as soon as it is connected, and sends a piece every STEP seconds."""

    def __init__(self, plan):
        super().__init__(plan, os.urandom(int(plan["rate"] * STEP)))
        self.turns = []

    def first(self, upload):
        upload.patch(self.plan["size"])
        heapq.heappush(self.turns, (time.monotonic() + random.random() * STEP, self.begun, upload))

    def send(self):
        now = time.monotonic()
        while self.turns and self.turns[0][0] <= now:
            due, number, upload = heapq.heappop(self.turns)
            self.late = max(self.late, now - due)
            try:
                if upload.piece(self.content):
                    heapq.heappush(self.turns, (due + STEP, number, upload))
                else:
                    self.expect(upload)
            except OSError as wrong:
                self.lose(wrong)

    def run(self):
        while self.begun < self.plan["count"]:
            self.begin(self.first)
            self.send()
            self.receive(0)
        print("begun", flush=True)
        start = time.monotonic()
        while self.open:
            self.send()
            self.receive(min(max(self.turns[0][0] - time.monotonic(), 0), 0.05)
                         if self.turns else 60)  # fmt: skip
        self.told(start)


class Ending(Crowd):
    """All is sent but for the last bytes; these come within SPREAD seconds, as soon as a line on
    standard input says so."""

    def run(self):
        ready = []

        def first(upload):
            upload.send_but_last(self.content)
            ready.append(upload)

        while self.begun < self.plan["count"]:
            self.begin(first)
        print("begun", flush=True)
        sys.stdin.readline()
        start = time.monotonic()
        for number, upload in enumerate(ready):
            due = start + SPREAD * number / len(ready)
            while (left := due - time.monotonic()) > 0:
                self.receive(left)
            self.late = max(self.late, -left)
            try:
                upload.send_last()
                self.expect(upload)
            except OSError as wrong:
                self.lose(wrong)
        while self.open:
            self.receive(0.05)
        self.told(start)


def main():
    plan = json.loads(sys.argv[1])
    if "rate" in plan:
        Slow(plan).run()
    else:
        Ending(plan, os.urandom(plan["size"])).run()


main()
