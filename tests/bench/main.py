"""Measures Kanzleipost against its yardsticks: see README.md, and run --help."""

import argparse
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path

ROOT = Path(os.environ["KZ_SRC"])
sys.path[:0] = [str(ROOT / "tests/http"), str(ROOT / "tests/lib")]

import documents  # noqa: E402
import memory  # noqa: E402
import pages  # noqa: E402
import slow  # noqa: E402
import transfers  # noqa: E402
from result import table  # noqa: E402
from scene import BUILD, Site  # noqa: E402

ROWS = {
    "memory-idle": memory.idle,
    "memory-idle-all": memory.idle_all,
    "memory-upload-4g": memory.upload,
    "memory-download-4g": memory.download,
    **pages.ROWS,
    "sign-in": pages.sign_in,
    "download-100m": transfers.download_100m,
    "download-1m": transfers.download_1m,
    "upload-scanned": transfers.scanned,
    "slow-uploads": slow.slow,
    "ending-uploads": slow.ending,
    "silent-200-one-address": partial(slow.silent, own=False),
    "silent-200-addresses": partial(slow.silent, own=True),
    "upload-1m": transfers.upload_1m,
    "upload-1m-once": transfers.upload_1m_once,
    "upload-100m": transfers.upload_100m,
    "upload-100m-once": transfers.upload_100m_once,
    **pages.ROWS_1M,
    **pages.ROWS_10M,
}
BENCH_SCAND = BUILD / "kanzlei-scand-bench"


class Bench:
    """The portals of this run; each is made when the first row needs it."""

    def __init__(self, options, folder):
        self.quick, self.folder = options.quick, folder
        self.rounds = options.rounds or (3 if options.quick else 5)
        self.most = options.max_documents
        self.site = self.big = None
        self.state, self.loaded, self.have = "plain", 0, (0, 0)
        self.released = None

    def size(self, usual, quick):
        return quick if self.quick else usual

    def base(self):
        if not self.site:
            self.site = Site(self.folder / "a")
        return self.site

    def plain(self):
        """Returns the portal as it is installed, without yardsticks."""
        site = self.base()
        if self.state != "plain" or not (site.data / "conf/kanzlei.local.conf").exists():
            site.configure("")
            self.state = "plain"
        return site

    def measured(self, documents_wanted=0, *, scanner="real", **more):
        """Returns the portal with the yardsticks; documents=N: with that many documents."""
        site, wanted = self.base(), more.get("documents", documents_wanted)
        if self.state != scanner:
            program = {"scanner": BENCH_SCAND} if scanner == "bench" else {}
            site.configure(yardsticks=True, **program)
            self.state = scanner
        if wanted > self.loaded:
            documents.load(site, wanted, self.loaded)
            self.loaded = wanted
        site.admin = site.signed_in("admin")
        return site

    def large(self, total, clients):
        """Returns a second portal with TOTAL documents, and the seconds that loading them took. It
        never loses documents: a row that needs fewer must run earlier."""
        if total > self.most:
            raise documents.TooMany(f"--max-documents {self.most}")
        if not self.big:
            self.big = Site(self.folder / "b")
        seconds = 0
        if self.have != (total, clients):
            seconds = documents.load(self.big, total, *self.have, clients=clients)
            self.have = (total, clients)
        self.big.admin = self.big.signed_in("admin")
        return self.big, seconds

    def stop(self):
        for site in (self.site, self.big):
            if site:
                site.stop()


def arguments():
    parser = argparse.ArgumentParser(prog="tests/bench/run")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--sizes", action="store_true")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--max-documents", type=int, default=10_000_000)
    parser.add_argument("--json", type=Path, default=BUILD.parent / "results.json")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"))
    options = parser.parse_args()
    for name in options.only:
        if not any(row == name or row.startswith(name + "-") for row in ROWS):
            parser.error(f"no row {name}; --list names them")
    return options


def chosen(only):
    return [
        row for row in ROWS
        if not only or any(row == name or row.startswith(name + "-") for name in only)
    ]  # fmt: skip


@contextmanager
def benches(options):
    """Gives the portals of a run and stops them at its end."""
    folder = Path(tempfile.mkdtemp(prefix="kzbench-", dir=options.folder))
    folder.chmod(0o755)
    bench = Bench(options, folder)
    try:
        yield bench
    finally:
        bench.stop()
        shutil.rmtree(folder, ignore_errors=True)


def sizes(options):
    with benches(options) as bench:
        pages.sizes(bench)


def run(options):
    rows = {}
    with benches(options) as bench:
        for name in chosen(options.only):
            start = time.monotonic()
            print(f"== {name}", file=sys.stderr, flush=True)
            try:
                rows[name] = ROWS[name](bench).row()
            except Exception as wrong:  # the other rows are measured even if this one fails
                rows[name] = f"{type(wrong).__name__}: {wrong}"[:300]
            seconds = time.monotonic() - start
            print(f"   {seconds:.0f} s: {brief(rows[name])}", file=sys.stderr, flush=True)
    return rows


def brief(row):
    if isinstance(row, str):
        return row
    return f"{row['ours']:.4g} {row['unit']}, ratio {row['ratio']}, rounds {row['rounds']}"


def main():
    # SIGTERM runs the clean-up too, which stops all that this run has started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = arguments()
    if options.list:
        print("\n".join(ROWS))
        return
    if options.sizes:
        sizes(options)
        return
    rows = run(options)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    machine = {"cores": os.cpu_count(), "kernel": platform.release(), "load": os.getloadavg()}
    options.json.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")
    print(table(rows))


main()
