"""Row: many slow uploads at once, while others read pages."""

import json
import subprocess
import sys
import time
from pathlib import Path

import documents
from measure import Wrong, wrk
from pages import SMALL
from result import Result

HERE = Path(__file__).resolve().parent
RATE = 50_000  # bytes a second, each
READERS = {"connections": 8, "delay": 160}


def crowd(site, count, size):
    """Starts COUNT uploads, each on a connection of its own; says a line when all are under way,
    and in the end what became of them."""
    plan = {
        "url": site.url, "authority": site.authority, "matter": site.matter, "firm": site.firm,
        "cookie": site.cookie(), "csrf": site.admin.csrf, "count": count, "size": size,
        "rate": RATE,
    }  # fmt: skip
    return subprocess.Popen(
        ["nice", "-n", "5", sys.executable, HERE / "crowd.py", json.dumps(plan)],
        stdout=subprocess.PIPE, text=True,
    )


def slow(bench):
    """p99 of pages while 1,000 uploads are under way and finish, against the same without them."""
    site = bench.measured(documents=SMALL)
    paths = documents.matters(site, SMALL)
    count, size = bench.size(1000, 100), bench.size(1_500_000, 250_000)
    seconds, took, failed = size // RATE, [], 0

    def quiet():
        return wrk(site, paths, seconds=seconds, **READERS)["p99"]

    def busy():
        nonlocal failed
        process = crowd(site, count, size)
        if not process.stdout.readline():
            raise Wrong("the uploads could not begin")
        start = time.monotonic()
        result = wrk(site, paths, seconds=seconds, **READERS)["p99"]
        end = json.loads(process.stdout.readline())
        process.wait()
        took.append(time.monotonic() - start)
        failed += end["failed"]
        if end["failed"]:
            print(f"  {end}", file=sys.stderr)
        site.empty()
        return result

    quiet()
    pairs = [(busy(), quiet()) for _ in range(bench.rounds)]
    return Result(
        pairs, "ms p99", goal=2.0, less=True,
        note=f"{count} uploads of {size} bytes at {RATE} bytes/s each, {failed} failed, the last"
        f" answered after {max(took):.0f} s; pages by 8 readers who wait up to 160 ms",
    )
