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
        self.begin = request(plan, "PATCH", place, {
            "Upload-Offset": 0, "Content-Length": plan["size"],
            "Content-Type": "application/offset+octet-stream",
        })  # fmt: skip

    def head(self):
        text = b""
        while b"\r\n\r\n" not in text:
            got = self.line.recv(16384)
            if not got:
                raise OSError(f"hung up after {text[:100]!r}")
            text += got
        return text

    def piece(self, content):
        """Sends the next piece; whether more are to come."""
        if self.begin:
            self.line.sendall(self.begin)
            self.begin = b""
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


def main(plan):
    context = ssl.create_default_context(cafile=plan["authority"])
    content = os.urandom(int(plan["rate"] * STEP))
    uploads = [Upload(plan, context) for _ in range(plan["count"])]
    print("begun", flush=True)
    start, waiting = time.monotonic(), selectors.DefaultSelector()
    turns = [(start + random.random() * STEP, i) for i in range(len(uploads))]
    heapq.heapify(turns)
    late, open_ones, errors = 0.0, len(uploads), []
    while open_ones:
        now = time.monotonic()
        while turns and turns[0][0] <= now:
            due, i = heapq.heappop(turns)
            late = max(late, now - due)
            try:
                if uploads[i].piece(content):
                    heapq.heappush(turns, (due + STEP, i))
                else:
                    waiting.register(uploads[i].line, selectors.EVENT_READ, uploads[i])
            except OSError as wrong:
                open_ones -= 1
                errors.append(repr(wrong))
        pause = max(turns[0][0] - time.monotonic(), 0) if turns else 60
        for key, _ in waiting.select(min(pause, 0.05) if turns else pause):
            waiting.unregister(key.fileobj)
            open_ones -= 1
            try:
                key.data.finish()
            except OSError as wrong:
                key.data.failed = repr(wrong)
            if key.data.failed:
                errors.append(key.data.failed)
    print(json.dumps({
        "seconds": time.monotonic() - start, "late": late, "failed": len(errors),
        "first": errors[:1],
    }), flush=True)  # fmt: skip


main(json.loads(sys.argv[1]))
