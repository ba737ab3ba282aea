"""Real starts and stops of the appliance, each in a scratch data folder on a free port."""

import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPLIANCE = ROOT / "appliance"


def free_port():
    """Returns a TCP port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def read(path):
    """Returns the text of a file below /proc, or "" if the process has ended."""
    with contextlib.suppress(OSError):
        return Path(path).read_bytes()
    return b""


class Appliance:
    """One data folder and the processes of its portal."""

    def __init__(self, folder):
        self.data = folder / "data"
        self.port = free_port()

    def command(self, *options, port=None):
        """Returns the command line of a start."""
        port = str(port or self.port)
        return [APPLIANCE / "start", "--data", self.data, "--port", port, *options]

    def start(self, *options, port=None, **more):
        """Starts; returns the finished process with stdout and stderr as text."""
        return subprocess.run(self.command(*options, port=port), capture_output=True, text=True,
                              timeout=600, check=False, **more)

    def must_start(self, *options, **more):
        """Starts and returns what --json says."""
        done = self.start("--empty", "--json", *options, **more)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def stop(self):
        """Stops; returns the finished process."""
        return subprocess.run([APPLIANCE / "stop", "--data", self.data], capture_output=True,
                              text=True, timeout=120, check=False)

    def processes(self):
        """Returns pid and command line of every process that names the data folder or works in
        it."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            command = read(entry / "cmdline").replace(b"\0", b" ").decode(errors="replace")
            place = ""
            with contextlib.suppress(OSError):
                place = os.readlink(entry / "cwd")
            if command and (str(self.data) in command or place.startswith(str(self.data))):
                found[int(entry.name)] = command
        return found

    def pid(self, kind):
        """Returns the pid of httpd or of the postmaster, read from its pid file."""
        path = {"httpd": "run/httpd.pid", "postgres": "pg/cluster/postmaster.pid"}[kind]
        return int((self.data / path).read_text().split()[0])

    def kill_all(self):
        """Sends SIGKILL to all processes at once."""
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.wait_for_none()

    def wait_for_none(self):
        """Waits until no process of the folder is left."""
        for _ in range(300):
            if not self.processes():
                return
            time.sleep(0.05)
        raise AssertionError(f"still there: {self.processes()}")

    def tls(self):
        """Returns a TLS context that trusts the folder's own authority and nobody else."""
        return ssl.create_default_context(cafile=self.data / "tls/ca.crt")

    def status(self, port=None):
        """Returns the status of an answer over verified TLS; fails if the portal does not
        answer."""
        address = f"https://localhost:{port or self.port}/"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                             urllib.request.HTTPSHandler(context=self.tls()))
        try:
            with opener.open(address, timeout=20) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def owner(self):
        """Returns the name of the account that owns the processes and files."""
        return pwd.getpwuid((self.data / "conf").stat().st_uid).pw_name

    def sql(self, statement):
        """Runs a statement as the cluster's superuser; returns what psql prints."""
        server = max(Path("/usr/lib/postgresql").iterdir(), key=lambda path: float(path.name))
        command = [server / "bin/psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "postgres",
                   "-h", self.data / "pg/socket", "-d", "kanzlei", "-c", statement]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd="/",
                              check=True)
        return done.stdout.strip()


@contextlib.contextmanager
def scratch_folder():
    """Makes a folder that every user may enter, because the system user must."""
    folder = Path(tempfile.mkdtemp(prefix="kanzleipost-test-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def appliance_in(folder):
    """Gives a data folder that does not exist yet, and stops at the end whatever runs in it."""
    made = Appliance(folder)
    yield made
    made.stop()
    left = made.processes()
    if left:
        made.kill_all()
    assert not left, f"the stop left {left}"


@pytest.fixture
def scratch():
    """Gives one test a folder of its own."""
    with scratch_folder() as folder:
        yield folder


@pytest.fixture
def appliance(scratch):
    """Gives one test a data folder of its own."""
    with appliance_in(scratch) as made:
        yield made


@pytest.fixture(scope="session")
def running():
    """A running portal without a firm, for tests that only look or are refused. .said: its
    --json."""
    with scratch_folder() as folder, appliance_in(folder) as made:
        made.said = made.must_start()
        yield made
