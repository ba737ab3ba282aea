"""A running portal and its people, for these tests and for tests/bench."""

import json
import os
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import psycopg
from portal import Browser

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "Lindenbaum-7-Sonnenblume"

# Lines that every start and stop writes, and those of a start about killed scanners of any
# portal on this machine. Each other line fails the test that caused it.
ORDINARY = re.compile(
    r"AH00489|AH00094|AH00491|AH00492|keeper: ready: \d+ (TEST )?signatures"
    r"|kanzlei:warn.*TEST SIGNATURES ONLY|keeper: ended|AH01882|^\s*$"
    r"|removed \S+, which a killed scanner left"
    r"|worker \d+ ended with status 0, again in 0 ms"
)

# LeakSanitizer's report at the end of each process: httpd and its libraries have some leaks. The
# lines that name a place in our code stay; so do those of all other reports.
LEAKS_OF_OTHERS = re.compile(
    r"^=+$|^==\d+==ERROR: LeakSanitizer|^(Ind|D)irect leak of|^SUMMARY: .* leaked in"
    r"|^ +#\d+ 0x(?!.*(mod_kanzlei|kanzlei-scand))"
)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def build_of_the_run():
    """Returns the build of this run, so that nothing is compiled twice, or None. Prefers the build
    with sanitizers, which finds more."""
    for name in ("KZ_BUILD_ASAN", "KZ_BUILD"):
        build = Path(os.environ.get(name, "nowhere"))
        if (build / "mod_kanzlei.so").exists():
            return build
    return None


def sanitizer(build):
    """Returns the environment that lets httpd load a module built with AddressSanitizer."""
    said = subprocess.run(
        ["ldd", build / "mod_kanzlei.so"], capture_output=True, text=True, check=True
    ).stdout
    found = re.search(r"=> (\S*libasan\S*)", said)
    if not found:
        return ""
    return (
        f"LD_PRELOAD={found[1]} UBSAN_OPTIONS=print_stacktrace=1 LSAN_OPTIONS=exitcode=0 "
        "ASAN_OPTIONS=detect_stack_use_after_return=1:fast_unwind_on_malloc=0"
    )


def environment(folder=None):
    """Returns the environment for appliance/start, which names FOLDER/build or this run's build."""
    build = folder / "build" if folder else build_of_the_run()
    if not build:
        return dict(os.environ)
    return os.environ | {
        "KANZLEI_BUILD": str(build.parent), "KANZLEI_HTTPD_ENVIRONMENT": sanitizer(build)
    }


class Portal:
    """A running portal, with what its operator and its data folder know."""

    firm, other = "linde", "eiche"

    def __init__(self, folder, source=ROOT, build=None):
        """Prepares a new data folder below FOLDER, for SOURCE as it was built in BUILD."""
        self.data, self.browsers = folder / "data", []
        self.appliance, self.environment = source / "appliance", environment(build)
        self.start("--port", str(free_port()))
        self.authority = str(self.data / "tls/ca.crt")
        self.log = self.data / "log/error.log"

    def start(self, *options):
        """Starts the portal; a second start applies a changed configuration."""
        command = [self.appliance / "start", "--empty", "--json", "--data", self.data, *options]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=900, check=False, env=self.environment
        )
        assert done.returncode == 0, done.stderr
        self.url = json.loads(done.stdout)["url"]

    def stop(self):
        for browser in self.browsers:
            browser.close()
        command = [self.appliance / "stop", "--data", self.data]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr

    def said_since(self, size):
        """Returns the error log after its first SIZE bytes."""
        with self.log.open("rb") as file:
            file.seek(size)
            return file.read().decode(errors="replace")

    def marks(self):
        """Returns how long the logs are: httpd's, and the scanner's where it has a user of its
        own."""
        logs = [self.log, self.data / "scan/log"]
        return {log: log.stat().st_size if log.exists() else 0 for log in logs}

    def said_after(self, marks):
        """Returns what the logs say after MARKS."""
        said = ""
        for log, size in marks.items():
            if log.exists():
                with log.open("rb") as file:
                    file.seek(size)
                    said += file.read().decode(errors="replace")
        return said

    def kanzleictl(self, *words, stdin="", fails=False):
        """Returns the output of kanzleictl --json; FAILS: it may find problems."""
        done = subprocess.run(
            [self.appliance / "kanzleictl", "--data", self.data, *words, "--json"],
            input=stdin, capture_output=True, text=True, timeout=60, check=False,
        )
        assert done.returncode == 0 or fails, (words, done.stderr)
        return json.loads(done.stdout)

    def database(self):
        """Returns a connection string for psycopg, as a role that row-level security doesn't
        bind."""
        return f"host={self.data / 'pg/socket'} dbname=kanzlei user=postgres connect_timeout=10"

    def sql(self, statement, *arguments):
        """Returns the rows of a statement, past row-level security."""
        with psycopg.connect(self.database(), autocommit=True) as db:
            cursor = db.execute(statement, arguments)
            return cursor.fetchall() if cursor.description else None

    def make_staff(self, user, *options, firm=None):
        self.kanzleictl(
            "staff", "create", "--firm", firm or self.firm, "--user", user,
            "--name", f"Frau {user}",
            "--email", f"{user}@kanzlei.example", *options, "--password-stdin",
            stdin=PASSWORD + "\n",
        )
        return user

    def fresh_staff(self, *options):
        """Makes a member of staff whom no other test uses."""
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
        """Makes a client with a matter and an access by the pages; returns the ids and her
        browser."""
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


class OneUserPortal(Portal):
    """A portal as a container runs it, under one user who is not root and owns all: httpd starts
    the scanner."""

    user = pwd.getpwnam("nobody")

    def __init__(self, folder, source=ROOT, build=None):
        build = build or build_of_the_run() or ROOT / "build"
        program = folder / "program"
        subprocess.run(
            ["make", "-s", "-C", build.parent, "install", f"DESTDIR={program}"], check=True,
            capture_output=True,
        )  # fmt: skip
        shutil.copytree(source / "appliance", program / "usr/share/kanzleipost/appliance")
        (folder / "data/program").mkdir(parents=True)
        (folder / "data/program/current").symlink_to(program)
        if os.geteuid() == 0:
            os.chown(folder / "data", self.user.pw_uid, self.user.pw_gid)
        self.build = build
        super().__init__(folder, source)
        self.stores = [self.data / f"store-{n}" for n in (1, 2)]

    def start(self, *options):
        run = self.data / "program/current/usr/share/kanzleipost/appliance/run"
        command = [run.resolve(), "--empty", "--json", "--data", self.data, *options]
        if os.geteuid() == 0:
            ids = [f"--reuid={self.user.pw_uid}", f"--regid={self.user.pw_gid}"]
            command = ["setpriv", *ids, "--clear-groups", *command]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=900, check=False, cwd="/",
            env=self.environment | {"KANZLEI_HTTPD_ENVIRONMENT": sanitizer(self.build)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        self.url = json.loads(done.stdout)["url"]


@contextmanager
def running_portal(source=ROOT, build=None, kind=Portal):
    """A portal in a scratch folder of its own, arguments as those of Portal. It is stopped at the
    end, and must log nothing unexpected then, such as leaks."""
    folder = Path(tempfile.mkdtemp(prefix="kanzleipost-http-"))
    folder.chmod(0o755)
    try:
        made = kind(folder, source, build)
        yield made
        before = made.marks()
        made.stop()
        lines = unexpected(made.said_after(before), (r"keeper: ended",))
        assert not lines, "at the end the error log says:\n" + "\n".join(lines)
    finally:
        if (folder / "data").exists():
            command = [source / "appliance/stop", "--data", folder / "data"]
            subprocess.run(command, timeout=120, check=False)
        shutil.rmtree(folder, ignore_errors=True)


class Scene:
    """Named things of one firm."""

    def __init__(self, **things):
        self.__dict__.update(things)


def unexpected(text, patterns):
    """Returns the lines of a log that no test expects."""
    known = (ORDINARY, LEAKS_OF_OTHERS, *patterns)
    return [line for line in text.splitlines() if not any(re.search(one, line) for one in known)]
