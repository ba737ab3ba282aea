"""Many uploads at once from one thread, each at its own slow pace; started by slow.py."""

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
from urllib.parse import urlsplit

STEP = 0.5  # seconds between two pieces of one upload


def request(plan, method, path, headers):
    host = urlsplit(plan["url"]).netloc
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    own = {
        "Cookie": plan["cookie"], "X-CSRF-Token": plan["csrf"], "Origin": plan["url"],
        "Accept": "application/json", "Tus-Resumable": "1.0.0",
    }
    lines += [f"{name}: {value}" for name, value in (own | headers).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Upload:
    def __init__(self, plan, context):
        parts = urlsplit(plan["url"])
        plain = socket.create_connection((parts.hostname, parts.port), timeout=60)
        self.line = context.wrap_socket(plain, server_hostname=parts.hostname)
        self.left, self.sent, self.answer, self.failed = plan["size"], 0, b"", ""
        name = base64.b64encode(b"langsam.bin").decode()
        path = f"/k/{plan['firm']}/matters/{plan['matter']}/uploads"
        self.line.sendall(request(plan, "POST", path, {
            "Upload-Length": plan["size"], "Upload-Metadata": f"filename {name}",
            "Content-Length": 0,
        }))  # fmt: skip
        head = self.head()
        if b" 201 " not in head[:20]:
            raise OSError(f"not created: {head[:200]!r}")
        place = head.split(b"ocation: ", 1)[1].split(b"\r\n", 1)[0].decode()
        self.line.sendall(request(plan, "PATCH", place, {
            "Upload-Offset": 0, "Content-Length": plan["size"],
            "Content-Type": "application/offset+octet-stream",
        }))  # fmt: skip

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
        head = self.head()
        state = b"pload-state: available" in head.lower()
        if b" 204 " not in head[:20] or not state:
            self.failed = head[:200].decode(errors="replace")
        self.line.close()


class Crowd:
    """All uploads: each begins as soon as it is connected, and sends a piece every STEP seconds."""

    def __init__(self, plan):
        self.plan, self.content = plan, os.urandom(int(plan["rate"] * STEP))
        self.context = ssl.create_default_context(cafile=plan["authority"])
        self.turns, self.waiting = [], selectors.DefaultSelector()
        self.begun, self.open, self.late, self.errors = 0, 0, 0.0, []

    def begin(self):
        self.begun += 1
        try:
            upload = Upload(self.plan, self.context)
        except OSError as wrong:
            self.errors.append(repr(wrong))
            return
        self.open += 1
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
                    self.waiting.register(upload.line, selectors.EVENT_READ, upload)
            except OSError as wrong:
                self.open -= 1
                self.errors.append(repr(wrong))

    def receive(self, pause):
        for key, _ in self.waiting.select(pause):
            self.waiting.unregister(key.fileobj)
            self.open -= 1
            try:
                key.data.finish()
            except OSError as wrong:
                key.data.failed = repr(wrong)
            if key.data.failed:
                self.errors.append(key.data.failed)

    def run(self):
        while self.begun < self.plan["count"]:
            self.begin()
            self.send()
            self.receive(0)
        print("begun", flush=True)
        start = time.monotonic()
        while self.open:
            self.send()
            self.receive(min(max(self.turns[0][0] - time.monotonic(), 0), 0.05)
                         if self.turns else 60)  # fmt: skip
        print(json.dumps({
            "seconds": time.monotonic() - start, "late": self.late, "failed": len(self.errors),
            "first": self.errors[:1],
        }), flush=True)  # fmt: skip


Crowd(json.loads(sys.argv[1])).run()
