"""Rows: pages of documents, and signing in."""

import ctypes
import ctypes.util

import documents
from measure import Line, median, rounds, timed, wrk
from result import Result
from scene import PASSWORD

SMALL = 10_000


def page(bench):
    """A page of 50 documents against the same bytes as a file."""
    site = bench.measured(documents=SMALL)
    paths = documents.matters(site, SMALL)
    body = site.admin.get(paths[0], json_view=False).content
    static = [site.file("page.html", body)]
    seconds = bench.size(5, 2)

    def one(which):
        return wrk(site, which, connections=16, seconds=seconds)["rate"]

    one(paths), one(static)
    pairs = rounds(bench.rounds, lambda: one(paths), lambda: one(static))
    return Result(
        pairs, "pages/s", goal=0.5, note=f"{len(body)} bytes of HTML, c=16, {SMALL} documents"
    )


def pages_of(bench, total):
    """p99 of pages by chance in a database of TOTAL documents, against one of 10,000."""
    small = bench.measured(documents=SMALL)
    big, loaded = bench.large(total)
    near, far = documents.matters(small, SMALL), documents.matters(big, total)
    seconds = bench.size(8, 2)
    seeds = iter(range(1, 1000))

    def one(site, paths):
        return wrk(site, paths, connections=16, seconds=seconds, seed=next(seeds))["p99"]

    wrk(big, far, connections=16, seconds=bench.size(20, 2))
    one(small, near)
    pairs = rounds(bench.rounds, lambda: one(big, far), lambda: one(small, near))
    return Result(
        pairs, "ms p99", goal=1.2, less=True,
        note=f"c=16, {len(far)} matters by chance, loaded in {loaded:.0f} s",
    )


def page_1m(bench):
    return pages_of(bench, bench.size(1_000_000, 100_000))


def page_10m(bench):
    return pages_of(bench, bench.size(10_000_000, 200_000))


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
    """The answer to the form, on an open connection, against argon2id alone."""
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
