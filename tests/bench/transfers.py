"""Rows: downloads and uploads, one at a time and several at once."""

import os
import time

from measure import Line, Wrong, at_once, curl, median, rounds, timed, wrk
from result import Result
from scand_client import MAGIC, REQUEST, Ask, memfd, now_ms
from scene import PLACE


def content(site, upload):
    return f"/k/{site.firm}/documents/{upload}/content"


def stored(site, data):
    """A document of DATA; its path."""
    line = Line(site)
    upload = line.upload(site.matter, data)
    line.close()
    return content(site, upload)


def download_100m(bench):
    """One download after the other of a large document, against a file."""
    site = bench.measured()
    data = os.urandom(bench.size(100, 16) * 10**6)
    ours, static = stored(site, data), site.file("large.bin", data)

    def one(path):
        seconds, size = curl(site, path)
        if size != len(data):
            raise Wrong(f"{size} bytes came of {path}")
        return size / seconds / 1e6

    def some(path):
        return median([one(path) for _ in range(3)])

    one(ours), one(static)
    pairs = rounds(bench.rounds, lambda: some(ours), lambda: some(static))
    return Result(pairs, "MB/s", goal=0.9, note=f"{len(data)} bytes by curl; medians of 3")


def download_1m(bench):
    """Downloads of 1 MB by eight at once, against a file."""
    site = bench.measured()
    data = os.urandom(10**6)
    ours, static = [stored(site, data)], [site.file("small.bin", data)]

    def some(paths):
        return wrk(site, paths, connections=8, seconds=bench.size(5, 2))["rate"]

    some(ours), some(static)
    pairs = rounds(bench.rounds, lambda: some(ours), lambda: some(static))
    return Result(pairs, "1 MB/s", goal=0.7, note="by wrk, c=8")


def put_both(line, name, data):
    """The same bytes to both folders."""
    for folder in ("dav-1", "dav-2"):
        line.put(f"{PLACE}/{folder}/{name}", data)


def put_once(line, name, data):
    """The bytes once over the line; the second folder gets them from httpd."""
    line.put(f"{PLACE}/dav-twice/{name}", data)


def upload_1m(bench, put=put_both, note="PUT to each of two folders"):
    """Uploads of 1 MB by eight at once, without scanning, against PUT."""
    site = bench.measured(scanner="bench")
    data, each, names = os.urandom(10**6), bench.size(12, 3), iter(range(10**9))

    def some(work):
        rate = 8 * each / at_once(site, 8, each, work)
        site.empty()
        return rate

    def ours():
        return some(lambda line, _: line.upload(site.matter, data))

    def yardstick():
        return some(lambda line, _: put(line, next(names), data))

    ours(), yardstick()
    pairs = rounds(bench.rounds, ours, yardstick)
    return Result(pairs, "1 MB/s", goal=0.8, note=f"c=8, against {note}")


def upload_1m_once(bench):
    return upload_1m(bench, put_once, "one PUT, written to two folders")


def upload_100m(bench, put=put_both, note="PUT to each of two folders"):
    """One upload after the other of a large document, without scanning, against PUT."""
    site = bench.measured(scanner="bench")
    data, names = os.urandom(bench.size(100, 16) * 10**6), iter(range(10**9))
    line = Line(site)

    def ours():
        site.empty()
        return len(data) / timed(lambda: line.upload(site.matter, data)) / 1e6

    def yardstick():
        seconds = timed(lambda: put(line, next(names), data))
        return len(data) / seconds / 1e6

    ours(), yardstick()
    pairs = rounds(bench.rounds, ours, yardstick)
    line.close()
    return Result(pairs, "MB/s", goal=0.8, note=f"{len(data)} bytes, against {note}")


def upload_100m_once(bench):
    return upload_100m(bench, put_once, "one PUT, written to two folders")


def scanned(bench):
    """An upload of random bytes, scanned, against the scanner alone on the same bytes."""
    site = bench.measured()
    data = os.urandom(bench.size(100, 16) * 10**6)
    socket = str(site.data / "scan/scand.sock")

    def ours():
        line = Line(site)  # the last one has waited too long, maybe
        seconds = timed(lambda: line.upload(site.matter, data))
        line.close()
        return seconds

    def alone():
        with memfd(data) as fd:
            start = time.monotonic()
            answer = Ask(socket, REQUEST.pack(MAGIC, 0, now_ms() + 60_000), [fd]).answer()
            if answer != ("clean", ""):
                raise Wrong(f"the scanner says {answer}")
            return time.monotonic() - start

    pairs = rounds(bench.rounds, ours, alone)
    return Result(pairs, "s", goal=0.9, turned=True, note=f"{len(data)} random bytes")


