"""One portal for all tests of a run: two firms, their people, and an eye on the error log."""

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
from portal import Browser

ROOT = Path(__file__).resolve().parents[2]
APPLIANCE = ROOT / "appliance"
PASSWORD = "Lindenbaum-7-Sonnenblume"

# Lines that every start and stop writes. All others fail the test that caused them.
ORDINARY = re.compile(
    r"AH00489|AH00094|AH00491|AH00492|keeper: ready: \d+ (TEST )?signatures"
    r"|kanzlei:warn.*TEST SIGNATURES ONLY|^\s*$"
)


def pytest_configure(config):
    # Whoever ends the run early ends what it has started, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config.addinivalue_line(
        "markers", "expect_log(*patterns): lines of the error log that this test causes"
    )


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment():
    """With the build of this run, if there is one, so that nothing is compiled twice."""
    build = os.environ.get("KZ_BUILD", "")
    if build and (Path(build) / "mod_kanzlei.so").exists():
        return os.environ | {"KANZLEI_BUILD": str(Path(build).parent)}
    return dict(os.environ)


class Portal:
    """A portal that runs, and what its operator and its data folder know."""

    firm, other = "linde", "eiche"

    def __init__(self, folder):
        self.data = folder / "data"
        command = [APPLIANCE / "start", "--empty", "--json", "--data", self.data]
        done = subprocess.run(
            [*command, "--port", str(free_port())], capture_output=True, text=True, timeout=900,
            env=environment(), check=False,
        )
        assert done.returncode == 0, done.stderr
        self.url = json.loads(done.stdout)["url"]
        self.authority = str(self.data / "tls/ca.crt")
        self.log = self.data / "log/error.log"
        self.browsers = []

    def stop(self):
        for browser in self.browsers:
            browser.close()
        command = [APPLIANCE / "stop", "--data", self.data]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr

    def kanzleictl(self, *words, stdin="", fails=False):
        """What kanzleictl --json says; FAILS: it may find problems."""
        done = subprocess.run(
            [APPLIANCE / "kanzleictl", "--data", self.data, *words, "--json"],
            input=stdin, capture_output=True, text=True, timeout=60, check=False,
        )
        assert done.returncode == 0 or fails, (words, done.stderr)
        return json.loads(done.stdout)

    def make_staff(self, user, *options, firm=None):
        self.kanzleictl(
            "staff", "create", "--firm", firm or self.firm, "--user", user,
            "--name", f"Frau {user}",
            "--email", f"{user}@kanzlei.example", *options, "--password-stdin",
            stdin=PASSWORD + "\n",
        )
        return user

    def fresh_staff(self, *options):
        """Somebody whom no other test knows."""
        return self.make_staff("neu-" + secrets.token_hex(4), *options)

    def browser(self, firm=None):
        made = Browser(self.url, self.authority, firm or self.firm)
        self.browsers.append(made)
        return made

    def signed_in(self, user, firm=None):
        made = self.browser(firm)
        answer = made.sign_in(user, PASSWORD)
        assert answer.status_code == 303, (user, answer.status_code, answer.text)
        return made

    def make_client(self, admin, name, user):
        """A client with a matter and an access, as the pages make them: ids, and her browser."""
        client = admin.made("/clients", {
            "number": secrets.token_hex(4), "kind": "person", "first_name": "Maria", "name": name,
            "email": f"{user}@mandant.example", "language": "de",
        })
        matter = admin.made(f"/clients/{client}/matters", {"number": "1", "title": "Steuer"})
        account = admin.made(f"/clients/{client}/accounts", {
            "user": user, "name": f"Maria {name}", "email": f"{user}@mandant.example",
            "language": "de",
        })
        letter = admin.post_json(f"/accounts/{account}/letter")
        assert letter.status_code == 200, letter.text
        browser = self.browser(admin.base.removeprefix("/k/"))
        browser.get_json("/redeem")
        fields = {"code": letter.json()["code"], "password": PASSWORD, "password_again": PASSWORD}
        answer = browser.post_json("/redeem/password", fields)
        assert answer.status_code == 303, answer.text
        browser.get_json("/")
        return Scene(client=client, matter=matter, account=account, browser=browser)


class Scene:
    """Named things of one firm."""

    def __init__(self, **things):
        self.__dict__.update(things)


@pytest.fixture(scope="session")
def portal():
    """The running portal with both firms and their administrators."""
    folder = Path(tempfile.mkdtemp(prefix="kanzleipost-http-"))
    folder.chmod(0o755)
    made = None
    try:
        made = Portal(folder)
        for slug, name in ((made.firm, "Kanzlei Linde"), (made.other, "Kanzlei Eiche")):
            made.kanzleictl("firm", "create", slug, "--name", name)
            made.make_staff("admin", "--admin", firm=slug)
        made.make_staff("buero")
        yield made
    finally:
        if made:
            made.stop()
        elif (folder / "data").exists():
            command = [APPLIANCE / "stop", "--data", folder / "data"]
            subprocess.run(command, timeout=120, check=False)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def admin(portal):
    return portal.signed_in("admin")


@pytest.fixture(scope="session")
def stranger(portal):
    """The administrator of the other firm."""
    return portal.signed_in("admin", portal.other)


@pytest.fixture(scope="session")
def clerk(portal):
    """Staff of the firm without any right and without clients."""
    return portal.signed_in("buero")


@pytest.fixture(scope="session")
def maria(portal, admin):
    """A client of the firm with a matter; .browser is hers."""
    return portal.make_client(admin, "Sommer", "maria")


@pytest.fixture(scope="session")
def neighbour(portal, admin):
    """Another client of the same firm."""
    return portal.make_client(admin, "Nachbar", "nachbar")


@pytest.fixture(scope="session")
def foreign(portal, stranger):
    """A client of the other firm."""
    return portal.make_client(stranger, "Fremd", "maria")


def unexpected(text, patterns):
    """The lines of a log that nobody expects."""
    return [
        line for line in text.splitlines()
        if not ORDINARY.search(line) and not any(re.search(one, line) for one in patterns)
    ]


@pytest.fixture(autouse=True)
def quiet_log(request):
    """The test that causes a line in the error log fails, unless it has announced it."""
    if "portal" not in request.fixturenames:
        yield
        return
    log = request.getfixturevalue("portal").log
    before = log.stat().st_size
    yield
    with log.open("rb") as file:
        file.seek(before)
        text = file.read().decode(errors="replace")
    marker = request.node.get_closest_marker("expect_log")
    lines = unexpected(text, marker.args if marker else ())
    assert not lines, "the error log says:\n" + "\n".join(lines)
