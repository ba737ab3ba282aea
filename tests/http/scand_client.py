"""Starts kanzlei-scand and speaks its protocol (mod_kanzlei/scand/PROTOCOL.md), byte by byte."""

import fcntl
import os
import signal
import socket
import struct
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from capable import need_tracing

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("KZ_BUILD", ROOT / "build"))
PROGRAM = BUILD / "kanzlei-scand"
TESTDB = ROOT / "mod_kanzlei/scand/testdb"

MAGIC = 0x315A4B53
REQUEST = struct.Struct("=IIQ")
REPLY = struct.Struct("=II128s")
STATUS = struct.Struct("=IIIIIIq32s128s")
ALIVE, CLEAN, INFECTED, UNSCANNABLE, REFUSED = range(1, 6)
LOADING, READY, REFUSING = range(1, 4)
KINDS = {CLEAN: "clean", INFECTED: "infected", UNSCANNABLE: "unscannable", REFUSED: "refused"}

F_ADD_SEALS, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE = 1033, 2, 4, 8
SEALED = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE
PATIENCE = 60  # seconds: ends a test that would hang, measures nothing


def text(raw):
    return raw.split(b"\0", 1)[0].decode("ascii")


def until(condition, what):
    """Waits for CONDITION to hold and returns its value."""
    end = time.monotonic() + PATIENCE
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.01)


def link(pid, fd):
    """Returns the target of a process's descriptor, "" when it is closed."""
    need_tracing()
    try:
        return os.readlink(f"/proc/{pid}/fd/{fd}")
    except FileNotFoundError:
        return ""


def now_ms():
    return time.monotonic_ns() // 1_000_000


def is_alive(pid):
    """Returns whether a process has not ended; a zombie has."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rsplit(")", 1)[1].split()[0] not in "ZX"


@contextmanager
def memfd(content, seals=SEALED):
    fd = os.memfd_create("document", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with open(fd, "wb", closefd=False) as file:
            file.write(content)
        if seals:
            fcntl.fcntl(fd, F_ADD_SEALS, seals)
        yield fd
    finally:
        os.close(fd)


class Ask:
    """One request to the scanner. `begun` waits until a worker starts, `answer` for the verdict."""

    def __init__(self, path, message, fds):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)
        if fds:
            socket.send_fds(self.socket, [message], fds)
        else:
            self.socket.send(message)

    def _next(self):
        try:
            raw = self.socket.recv(4096)
        except ConnectionResetError:
            return None
        if not raw:
            return None
        magic, kind, what = REPLY.unpack(raw)
        assert magic == MAGIC
        return kind, text(what)

    def begun(self):
        assert self._next() == (ALIVE, "")
        return self

    def answer(self):
        """Returns ("clean", ""), ("infected", name) …, or None if the worker hung up."""
        while True:
            reply = self._next()
            if reply is None or reply[0] != ALIVE:
                self.socket.close()
                return reply and (KINDS[reply[0]], reply[1])


class Scanner:
    """A kanzlei-scand for one test. `log` has everything that it writes."""

    def __init__(self, folder, *options, signatures=TESTDB, program=PROGRAM, **popen):
        self.folder = Path(folder)
        self.path = str(self.folder / "scand.sock")
        self.log_path = self.folder / "log"
        self.command = [str(program), "--socket", self.path, "--signatures", str(signatures)]
        self.command += [str(option) for option in options]
        self.popen = popen
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self, wait=True):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, stderr=log, **self.popen)
        if wait:
            until(lambda: self.state() in (READY, REFUSING), "the scanner to be up")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) in (0, 1, -signal.SIGKILL)

    @property
    def log(self):
        return self.log_path.read_text()

    def logged(self, what):
        until(lambda: what in self.log, f"“{what}” in the log")

    def status(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
            connection.settimeout(PATIENCE)
            connection.connect(self.path + ".status")
            fields = STATUS.unpack(connection.recv(4096))
        names = ("magic", "state", "workers", "signatures", "test_only", "landlock", "loaded")
        status = dict(zip(names, fields, strict=False))
        assert status["magic"] == MAGIC
        return status | {"version": text(fields[7]), "reason": text(fields[8])}

    def state(self):
        assert self.process.poll() is None, self.log
        try:
            return self.status()["state"]
        except (ConnectionRefusedError, FileNotFoundError):
            return None

    def ask(self, content, ms=PATIENCE * 1000):
        with memfd(content) as fd:
            return self.ask_fds([fd], ms)

    def ask_fds(self, fds, ms=PATIENCE * 1000, magic=MAGIC, more=b""):
        return Ask(self.path, REQUEST.pack(magic, 0, now_ms() + ms) + more, fds)

    def scan(self, content, ms=PATIENCE * 1000):
        return self.ask(content, ms).answer()

    def children(self, pid=None):
        pid = pid or self.process.pid
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except (FileNotFoundError, ProcessLookupError):
            return []
        return [int(child) for child in children if is_alive(child)]

    def workers(self):
        return [worker for master in self.children() for worker in self.children(master)]

    def processes(self):
        return [self.process.pid, *self.children(), *self.workers()]

    def private_folders(self):
        """Returns the folders where archives are unpacked, found by the masters' open
        descriptors."""
        own = f"/proc/{self.process.pid}/fd"
        links = [os.readlink(f"{own}/{fd}") for fd in os.listdir(own)]
        return [Path(link) for link in links if "/kanzlei-scand." in link]
