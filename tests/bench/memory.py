"""The rows that measure memory, of a portal as it is installed."""

import threading
import time

from measure import Line, Wrong, curl
from result import Amount

BLOCK = bytes(range(256)) * 4096  # 1 MiB


def idle(bench, kinds=("httpd", "scand")):
    """Measures a portal that has answered a few requests and is now idle."""
    site = bench.plain()
    site.admin.get("/")
    time.sleep(bench.size(10, 2))
    parts = site.pss()
    words = ", ".join(f"{kind} {parts[kind]:.1f}" for kind in kinds)
    return Amount(
        [sum(parts[kind] for kind in kinds)], "MiB", limit=60,
        note=f"{words}; test signatures only",
    )


def idle_all(bench):
    """Measures the same with the embedded PostgreSQL, whose share grows with its shared buffers."""
    return idle(bench, ("httpd", "scand", "postgres"))


class Watch:
    """Watches the memory of httpd and scanner while it is entered; .most counts from .before on."""

    def __init__(self, site):
        self.site, self.end = site, threading.Event()

    def now(self):
        parts = self.site.pss()
        return parts["httpd"] + parts["scand"]

    def __enter__(self):
        self.before = self.most = self.now()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        return self

    def run(self):
        while not self.end.wait(0.2):
            self.most = max(self.most, self.now())

    def __exit__(self, *_):
        self.end.set()
        self.thread.join()
        self.growth = self.most - self.before


def blocks(size):
    for _ in range(size // len(BLOCK)):
        yield BLOCK


def upload(bench):
    """Uploads 4 GB, more than the scanner takes: the document is kept back, then released."""
    site = bench.plain()
    size = bench.size(4096, 640) * len(BLOCK)
    line = Line(site)
    line.upload(site.matter, BLOCK)
    with Watch(site) as watch:
        start = time.monotonic()
        bench.released = line.upload(site.matter, blocks(size), size)
        seconds = time.monotonic() - start
    line.close()
    if site.admin.state(bench.released) != "unscannable":
        raise Wrong("so large a document was not kept back")
    answer = site.admin.post_json(f"/documents/{bench.released}/release", {"reason": "Messung"})
    if answer.status_code != 303:
        raise Wrong(f"it can't be released: {answer.status_code}")
    return Amount(
        [watch.growth], "MiB", limit=8,
        note=f"{size} bytes in {seconds:.0f} s, httpd and scanner, above {watch.before:.1f} MiB"
        " after a small one; larger than the scanner's bound, so not in a memfd",
    )


def download(bench):
    """Downloads the same document."""
    if not bench.released:
        upload(bench)
    site = bench.plain()
    small = Line(site)
    path = f"/k/{site.firm}/documents/{small.upload(site.matter, BLOCK)}/content"
    curl(site, path)
    with Watch(site) as watch:
        seconds, size = curl(site, f"/k/{site.firm}/documents/{bench.released}/content")
    small.close()
    return Amount(
        [watch.growth], "MiB", limit=8,
        note=f"{size} bytes in {seconds:.0f} s, httpd and scanner, above {watch.before:.1f} MiB",
    )
