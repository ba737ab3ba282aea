"""The rows that measure pages, against files and against a larger database, and signing in."""

import ctypes
import ctypes.util
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import documents
from measure import Line, median, rounds, timed, wrk
from result import Result
from scene import PASSWORD

SMALL = 10_000
SEEN = 1000  # random things whose pages are requested; 20,000 of them in a large database


class Kind(NamedTuple):
    """A page: where it is, and how large it was at commit 8f22799, on average over twenty of its
    paths in the scene of this folder (main.py --sizes), which is how large the yardstick is."""

    paths: Callable  # of a site and its number of documents
    size: int
    goal: float = 0.35
    client: bool = False  # a client's page, not the staff's


def one_path(path):
    return lambda site, total: [f"/k/{site.firm}{path}"]


def of_each(thing, path):
    """Returns PATH for random things: "{}" is replaced by the id of each."""

    def paths(site, total):
        most = SEEN if total <= SMALL else 20 * SEEN
        ids = documents.some(site, thing, total, most)
        return [f"/k/{site.firm}{path.format(one)}" for one in ids]

    return paths


KINDS = {
    "matter": Kind(of_each("matter", "/matters/{}"), 50_000, goal=0.45),
    "documents": Kind(one_path("/documents"), 67_304),
    "documents-filter": Kind(of_each("client", "/documents?client={}&state=available"), 67_594),
    "receipts": Kind(one_path("/receipts"), 95_784),
    "receipts-filter": Kind(of_each("client", "/receipts?client={}&state=opened"), 89_857),
    "clients": Kind(one_path("/clients"), 42_342),
    "client": Kind(of_each("client", "/clients/{}"), 7_834),
    "home-staff": Kind(one_path("/"), 11_574),
    "home-client": Kind(one_path("/"), 10_097, client=True),
    "document": Kind(of_each("document", "/documents/{}"), 7_551),
}
LISTS = [name for name in KINDS if name.startswith(("matter", "documents", "receipts", "clients"))]


def reader(site, kind):
    return documents.adviser(site) if kind.client else site.admin


def page(kind, bench):
    """Measures a page against a file of the size that the page had."""
    site = bench.measured(documents=SMALL)
    who, paths = reader(site, kind), kind.paths(site, SMALL)
    static = [site.file("page.html", b"x" * kind.size)]
    seconds = bench.size(5, 2)

    def one(which):
        return wrk(site, which, connections=16, seconds=seconds, browser=who)["rate"]

    one(paths), one(static)
    pairs = rounds(bench.rounds, lambda: one(paths), lambda: one(static))
    body = who.get(paths[0], json_view=False).content
    return Result(
        pairs, "pages/s", goal=kind.goal,
        note=f"{len(body)} bytes, the file {kind.size}, c=16, {SMALL} documents",
    )


def large(kind, totals, bench):
    """Measures p99 in a database of that many documents and clients, against 10,000 documents."""
    total, clients = totals if not bench.quick else (100_000, 10_000)
    small = bench.measured(documents=SMALL)
    big, loaded = bench.large(total, clients)
    near, far = kind.paths(small, SMALL), kind.paths(big, total)
    seconds = bench.size(8, 2)
    seeds = iter(range(1, 1000))

    def one(site, paths):
        who = reader(site, kind)
        result = wrk(
            site, paths, connections=16, seconds=seconds, seed=next(seeds), browser=who
        )
        return result["p99"]

    wrk(big, far, connections=16, seconds=bench.size(20, 2), browser=reader(big, kind))
    one(small, near)
    pairs = rounds(bench.rounds, lambda: one(big, far), lambda: one(small, near))
    return Result(
        pairs, "ms p99", goal=1.2, less=True,
        note=f"c=16, {len(far)} paths by chance, loaded in {loaded:.0f} s",
    )


ROWS = {f"page-{name}": partial(page, kind) for name, kind in KINDS.items()}
ROWS_1M = {
    f"at-1m-{name}": partial(large, kind, (1_000_000, 100_000)) for name, kind in KINDS.items()
}
ROWS_10M = {
    f"at-10m-{name}": partial(large, KINDS[name], (10_000_000, 100_000)) for name in LISTS
}


def sizes(bench):
    """Returns the size of each page; Kind.size has those of commit 8f22799."""
    site = bench.measured(documents=SMALL)
    for name, kind in KINDS.items():
        who = reader(site, kind)
        bodies = [who.get(path, json_view=False).content for path in kind.paths(site, SMALL)[:20]]
        print(name, sum(map(len, bodies)) // len(bodies), flush=True)


def argon2():
    """Verifies PASSWORD against a hash with the portal's parameters, by the same library."""
    sodium = ctypes.CDLL(ctypes.util.find_library("sodium"))
    sodium.sodium_init()
    hashed = ctypes.create_string_buffer(128)
    password = PASSWORD.encode()
    size = ctypes.c_ulonglong(len(password))
    memory, passes = ctypes.c_size_t(64 << 20), ctypes.c_ulonglong(2)
    if sodium.crypto_pwhash_str(hashed, password, size, passes, memory):
        raise MemoryError("argon2id")
    return lambda: sodium.crypto_pwhash_str_verify(hashed, password, size)


def sign_in(bench):
    """Measures the answer to the form, on an open connection, against argon2id alone."""
    site = bench.measured()
    line, verify = Line(site, site.browser()), argon2()
    line.browser.get_json("/sign-in")
    cookie = next(c for c in line.browser.http.cookies.jar if c.name == "__Host-kz")
    line.headers |= {"Cookie": f"{cookie.name}={cookie.value}", "X-CSRF-Token": line.browser.csrf}
    form = f"user=admin&password={PASSWORD}"

    def enter():
        line.ask(
            "POST", f"{line.browser.base}/sign-in", form,
            Content_Type="application/x-www-form-urlencoded",
        )

    def some(work):
        return median([timed(work) for _ in range(10)]) * 1000

    pairs = rounds(bench.rounds, lambda: some(enter), lambda: some(verify))
    line.close()
    return Result(
        pairs, "ms", goal=1.2, less=True, note="64 MiB, 2 passes; medians of 10"
    )
