"""Rows: crowds, while others read pages: many slow uploads, many that end in the same seconds,
connections on which nothing comes."""

import json
import subprocess
import sys
import time
from pathlib import Path

import documents
from measure import Wrong, h2load, wrk
from pages import SMALL
from result import Result

HERE = Path(__file__).resolve().parent
RATE = 50_000  # bytes a second, each
PEOPLE = 20
READERS = {"connections": 8, "delay": 160}


def staff(site):
    """Returns the sessions of some people, who all see the matter: one may not have a thousand
    uploads under way."""
    if not hasattr(site, "crowd"):
        users = [site.make_staff(f"crowd-{number}", "--admin") for number in range(PEOPLE)]
        site.crowd = [site.signed_in(user) for user in users]
    return [{"cookie": site.cookie(one), "csrf": one.csrf} for one in site.crowd]


def begun(script, plan):
    """Starts a crowd, at a lower priority, because it would be on other machines; returns when all
    of it is there."""
    process = subprocess.Popen(
        ["nice", "-n", "5", sys.executable, HERE / script, json.dumps(plan)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    if not process.stdout.readline():
        raise Wrong("the crowd could not begin")
    return process


def crowd(site, count, size, **more):
    """Starts COUNT uploads, each on a connection of its own; says a line when all are under way,
    and in the end what became of them."""
    plan = {
        "url": site.url, "authority": site.authority, "matter": site.matter, "firm": site.firm,
        "people": staff(site), "count": count, "size": size,
    } | more  # fmt: skip
    return begun("crowd.py", plan)


def ended(process):
    """Waits for the crowd; returns the seconds that it took and how many failed."""
    end = json.loads(process.stdout.readline())
    process.wait()
    if end["failed"]:
        print(f"  {end}", file=sys.stderr)
    return end["seconds"], end["failed"]


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
        process = crowd(site, count, size, rate=RATE)
        start = time.monotonic()
        result = wrk(site, paths, seconds=seconds, **READERS)["p99"]
        failed += ended(process)[1]
        took.append(time.monotonic() - start)
        site.empty()
        return result

    quiet()
    pairs = [(busy(), quiet()) for _ in range(bench.rounds)]
    return Result(
        pairs,
        "ms p99",
        goal=2.0,
        less=True,
        note=f"{count} uploads of {size} bytes at {RATE} bytes/s each, {failed} failed, the last"
        f" answered after {max(took):.0f} s; pages by 8 readers who wait up to 160 ms",
    )


def settle(site):
    """Waits until jobs have finished what was left to them."""
    for _ in range(600):
        if not site.under_way():
            return
        time.sleep(1)
    raise Wrong("uploads that nobody finishes")


def ending(bench):
    """p99 of pages while 1,000 uploads send their last byte in the same seconds and are scanned and
    stored, against the same right before."""
    site = bench.measured(documents=SMALL)
    paths = documents.matters(site, SMALL)
    count, size = bench.size(1000, 100), 100_000
    took, failed = [], 0

    def quiet():
        return wrk(site, paths, seconds=bench.size(10, 3), **READERS)["p99"]

    def busy(process):
        def during():
            nonlocal failed
            process.stdin.write("\n")
            process.stdin.flush()
            seconds, wrong = ended(process)
            took.append(seconds)
            failed += wrong

        result = wrk(site, paths, seconds=600, during=during, **READERS)["p99"]
        settle(site)
        site.empty()
        return result

    quiet()
    pairs = []
    for _ in range(bench.rounds):
        process = crowd(site, count, size)
        before = quiet()
        pairs.append((busy(process), before))
    return Result(
        pairs,
        "ms p99",
        goal=2.0,
        less=True,
        note=f"{count} uploads of {size} bytes, of which {failed} failed, all answered after"
        f" {min(took):.0f} to {max(took):.0f} s; pages by 8 readers who wait up to 160 ms",
    )


def silent(bench, *, own):
    """p99 of pages over HTTP/2 while 200 connections announce bodies that never come, against the
    same right before. OWN: each of them has an address of its own."""
    site = bench.measured(documents=SMALL)
    paths = documents.matters(site, SMALL)[:100]
    plan = {
        "url": site.url, "authority": site.authority, "firm": site.firm, "count": 200, "own": own,
    }  # fmt: skip
    refused = 0

    def pages():
        return h2load(site, paths, connections=8, seconds=bench.size(12, 4), rate=12)["p99"]

    pages()
    pairs = []
    for _ in range(bench.rounds):
        before = pages()
        process = begun("silent.py", plan)
        pairs.append((pages(), before))
        refused += json.loads(process.communicate()[0])["refused"]
    return Result(
        pairs,
        "ms p99",
        goal=2.0,
        less=True,
        note=f"200 connections, {refused} bodies refused and announced again",
    )
