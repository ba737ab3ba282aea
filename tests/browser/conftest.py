"""One portal and one Chromium for all tests of a run; a person is a context of its own."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from line import Line
from playwright.sync_api import expect, sync_playwright
from stage import ROOT, Person, Portal, stop

# ms to wait for something on a page: only a portal that hangs needs so long.
expect.set_options(timeout=60_000)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def portal():
    """The running demonstration; KZ_KEEP=1 keeps its folder for inspection."""
    folder = Path(tempfile.mkdtemp(prefix="kanzleipost-browser-"))
    folder.chmod(0o755)
    try:
        yield Portal(folder)
    finally:
        stop(folder)
    if "KZ_KEEP" not in os.environ:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def launch():
    """Starts Debian's Chromium with these arguments more."""
    with sync_playwright() as playwright:
        yield lambda *more: playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=[*ARGUMENTS, *more], headless=True
        )


@pytest.fixture(scope="session")
def browser(launch):
    """The Chromium of all persons with a good line."""
    chromium = launch()
    yield chromium
    chromium.close()


@pytest.fixture
def person(browser, portal):
    """Makes persons. A test fails if the console of one of them showed an error."""
    made = []

    def make(**how):
        made.append(Person(how.pop("browser", browser), portal, **how))
        return made[-1]

    yield make
    errors = [error for one in made for error in one.errors]
    for one in made:
        one.context.close()
    assert not errors, errors


@pytest.fixture
def admin(person):
    """Makes an administrator who has signed in."""
    def make(**how):
        one = person(**how)
        account = one.portal.accounts["admin"]
        one.sign_in(account["user"], account["password"])
        return one

    return make


@pytest.fixture
def line(portal):
    """A line to the portal, which a Chromium uses that is launched with its .rule."""
    made = Line(int(portal.root.rsplit(":", 1)[1]))
    yield made
    made.close()


@pytest.fixture(scope="session")
def axe():
    """The source of axe-core in the version of the lock file; tests/run has installed it
    already."""
    script = '. "$1/lib/install.sh" && install_node "$1/.npm" "$1/browser"'
    command = ["bash", "-c", script, "bash", ROOT / "tests"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return (ROOT / "tests/.npm/node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def screenshots():
    """The folder for the pictures of pages; README.md shows some of them."""
    folder = ROOT / "tests/out/screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
