"""One portal for all tests of a run, which is healthy again after each; the run lists times."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from breakable import Site
from capable import need_mounting
from running import ROOT, unexpected


def pytest_addoption(parser):
    parser.addoption("--rounds", type=int, default=50, help="kills in test_kill.py")
    parser.addoption("--seed", type=int, help="of the moments of these kills, to repeat them")


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "expect_log(*patterns): lines of the error log that this test causes"
    )
    config.book = []


def pytest_terminal_summary(terminalreporter, config):
    if config.book:
        terminalreporter.section("how long it took")
    slowest = {}
    for what, kind, seconds, bound in config.book:
        slowest[what, kind, bound] = max(seconds, slowest.get((what, kind, bound), 0))
    for (what, kind, bound), seconds in slowest.items():
        over = "  over" if seconds > bound else ""
        terminalreporter.line(f"{what:<60} {kind:<5} {seconds:6.2f} s of {bound}{over}")


@contextlib.contextmanager
def running(book, postgres="", **small):
    """Starts a portal with a firm. SMALL: {folder: size of its own file system}. POSTGRES: more
    configuration for it."""
    if small:
        need_mounting()
    folder = Path(tempfile.mkdtemp(prefix="kanzleipost-faults-"))
    folder.chmod(0o755)
    made = None
    try:
        made = Site(folder, book)
        made.kanzleictl("firm", "create", made.firm, "--name", "Kanzlei Linde")
        made.make_staff("admin", "--admin")
        made.stop()
        for name, size in small.items():
            made.mount(name.replace("_", "-"), size)
        with (made.data / "pg/cluster/postgresql.conf").open("a") as conf:
            conf.write(postgres)
        made.start()
        yield made
    finally:
        if made:
            made.remove()
        else:  # the run was stopped while the portal started
            subprocess.run([ROOT / "appliance/stop", "--data", folder / "data"], check=False)
        if "KZ_KEEP" not in os.environ:
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def site(request):
    """The portal, with store-1 and the spool on small file systems of their own and a mail
    server."""
    with running(request.config.book, store_1="48m", spool="128m") as made:
        yield made


@pytest.fixture(scope="module")
def large_site(request):
    """A portal on the disk, for tests that write much; such a test uses no other portal."""
    # The kernel has what a killed PostgreSQL wrote: without fsync it survives kills just as well,
    # and starts again at once even on a busy disk.
    with running(request.config.book, "fsync = off\n") as made:
        yield made


@pytest.fixture(scope="session")
def admin(site):
    return site.signed_in("admin")


@pytest.fixture(scope="session")
def maria(site, admin):
    """A client with a matter; .browser is hers."""
    return site.make_client(admin, "Sommer", "maria")


@pytest.fixture(autouse=True)
def whole(request):
    """Checks after each test that the portal is healthy, and that the error log has no unexpected
    line."""
    large = "large_site" in request.fixturenames
    site = request.getfixturevalue("large_site" if large else "site")
    before = site.log.stat().st_size
    yield
    site.heal()
    site.check()
    with site.log.open("rb") as file:
        file.seek(before)
        text = file.read().decode(errors="replace")
    marker = request.node.get_closest_marker("expect_log")
    lines = unexpected(text, marker.args if marker else ())
    assert not lines, "the error log says:\n" + "\n".join(lines[:40])
