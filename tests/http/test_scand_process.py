"""kanzlei-scand as a set of processes: sandbox, changing signatures, processes that die."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from capable import need_tracing
from scand_client import (
    BUILD,
    PATIENCE,
    PROGRAM,
    READY,
    REFUSING,
    TESTDB,
    Scanner,
    is_alive,
    link,
    until,
)
from scand_samples import EICAR, bomb, noise, zipped

INFECTED = ("infected", "Eicar-Test-Signature.UNOFFICIAL")
CLEAN = ("clean", "")
NEWS = b"a document that a new signature finds\n"
SLOW = ("--max-unpacked", 2147483645)  # so that the scan of a bomb lasts until its time limit


def signature(name, content):
    return f"{name}:0:*:{content.hex()}\n"


@pytest.fixture
def signatures(tmp_path):
    """A folder of signatures for one test, which may change it."""
    folder = tmp_path / "signatures"
    shutil.copytree(TESTDB, folder)
    return folder


def publish(folder, name, content):
    """Writes a file beside its place and renames it, as freshclam does."""
    (folder / "new.tmp").write_text(content)
    (folder / "new.tmp").rename(folder / name)


def alive(pids):
    return [pid for pid in pids if is_alive(pid)]


def gone(pids):
    until(lambda: not alive(pids), f"the end of {pids}")


# --- status --------------------------------------------------------------------------------------


def test_status(tmp_path):
    before = int(time.time())
    with Scanner(tmp_path, "--workers", 3) as scanner:
        status = scanner.status()
        assert status["state"] == READY and status["reason"] == ""
        assert status["workers"] == 3
        until(lambda: len(scanner.workers()) == 3, "three workers")
        assert status["signatures"] == 3 and status["test_only"] == 0
        assert before <= status["loaded"] <= time.time()
        assert status["version"].split(".")[0].isdigit()


def test_status_while_all_workers_are_busy(tmp_path):
    with Scanner(tmp_path, *SLOW, "--workers", 1) as scanner:
        ask = scanner.ask(bomb(), ms=1500).begun()
        assert scanner.status()["state"] == READY
        assert ask.answer() == ("unscannable", "timeout")


@pytest.mark.parametrize("make", [lambda path: None, Path.mkdir], ids=["missing", "empty"])
def test_falls_back_to_test_signatures(tmp_path, make):
    make(tmp_path / "none")
    with Scanner(tmp_path, "--fallback", TESTDB, signatures=tmp_path / "none") as scanner:
        assert scanner.status()["test_only"] == 1
        assert "3 TEST signatures" in scanner.log
        assert scanner.scan(EICAR) == INFECTED


def test_without_any_signature_all_is_refused_until_there_are_some(tmp_path):
    folder = tmp_path / "none"
    folder.mkdir()
    with Scanner(tmp_path, "--poll", 1, signatures=folder) as scanner:
        status = scanner.status()
        assert status["state"] == REFUSING and status["signatures"] == 0
        reason = f"there is no database in {folder}"[: len("there is no database in ") + 80]
        assert status["reason"] == reason and f"every scan is refused: {reason}" in scanner.log
        assert scanner.scan(b"Guten Tag") == ("refused", reason)
        assert scanner.scan(EICAR)[0] == "refused"
        old = scanner.processes()[1:]
        shutil.copy(TESTDB / "kanzlei-test.hdb", folder)
        until(lambda: scanner.state() == READY, "the new database")
        gone(old)
        assert scanner.scan(EICAR) == INFECTED and scanner.scan(b"Guten Tag") == CLEAN


UNFIT = {
    "canary missed": (signature("Other", NEWS), "the canary was missed"),
    "empty": ("", "can't be loaded"),
    "broken": ("this is : not a signature\n", "can't be loaded"),
}


@pytest.mark.parametrize("content, reason", UNFIT.values(), ids=UNFIT.keys())
def test_bad_signatures_are_refused(tmp_path, content, reason):
    folder = tmp_path / "unfit"
    folder.mkdir()
    (folder / "unfit.ndb").write_text(content)
    # With a bad database the scanner does not fall back to the test signatures.
    with Scanner(tmp_path, "--fallback", TESTDB, signatures=folder) as scanner:
        assert scanner.status()["state"] == REFUSING
        assert scanner.status()["test_only"] == 0
        assert reason in scanner.status()["reason"] and reason in scanner.log
        kind, what = scanner.scan(b"Guten Tag")
        assert kind == "refused" and reason in what
        assert scanner.scan(EICAR)[0] == "refused"


# --- new signatures ------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["signal", "poll"])
def test_new_signatures(tmp_path, signatures, how):
    options = ("--poll", 1 if how == "poll" else 3600)
    with Scanner(tmp_path, *options, signatures=signatures) as scanner:
        assert scanner.scan(NEWS) == CLEAN
        pid, old = scanner.process.pid, scanner.processes()[1:]
        publish(signatures, "new.ndb", signature("News", NEWS))
        if how == "signal":
            scanner.process.send_signal(signal.SIGHUP)
        until(lambda: scanner.status()["signatures"] == 4, "the new signature")
        gone(old)
        assert scanner.scan(NEWS) == ("infected", "News.UNOFFICIAL")
        assert scanner.scan(EICAR) == INFECTED
        assert scanner.process.pid == pid and scanner.process.poll() is None
        # The file is rewritten within the same second with the same size, then removed.
        (signatures / "new.ndb").write_text(signature("Nova", NEWS))
        if how == "signal":
            scanner.process.send_signal(signal.SIGHUP)
        until(lambda: scanner.scan(NEWS) == ("infected", "Nova.UNOFFICIAL"), "the rewritten one")
        (signatures / "new.ndb").unlink()
        if how == "signal":
            scanner.process.send_signal(signal.SIGHUP)
        until(lambda: scanner.scan(NEWS) == CLEAN, "the removal")


@pytest.mark.parametrize("content, reason", UNFIT.values(), ids=UNFIT.keys())
def test_bad_new_signatures_leave_the_old_ones(tmp_path, signatures, content, reason):
    with Scanner(tmp_path, "--poll", 3600, signatures=signatures) as scanner:
        masters = scanner.children()
        for file in signatures.iterdir():
            file.unlink()
        publish(signatures, "bad.ndb", content)
        scanner.process.send_signal(signal.SIGHUP)
        scanner.logged("new signatures refused, the old ones stay")
        assert reason in scanner.log
        until(lambda: scanner.children() == masters, "the end of the one that failed")
        assert scanner.status()["state"] == READY
        assert scanner.scan(EICAR) == INFECTED and scanner.scan(b"Guten Tag") == CLEAN


def test_new_signatures_while_scanning(tmp_path, signatures):
    with Scanner(tmp_path, *SLOW, "--workers", 1, signatures=signatures) as scanner:
        old = scanner.processes()[1:]
        ask = scanner.ask(bomb(), ms=4000).begun()
        publish(signatures, "new.ndb", signature("News", NEWS))
        scanner.process.send_signal(signal.SIGHUP)
        # New workers scan while the old worker still scans; its answer comes.
        until(lambda: scanner.status()["signatures"] == 4, "the new signature")
        assert scanner.scan(NEWS) == ("infected", "News.UNOFFICIAL")
        assert ask.answer() == ("unscannable", "timeout")
        gone(old)
        assert "ended with status" not in scanner.log and "died" not in scanner.log


def test_no_document_is_lost_while_signatures_change(tmp_path, signatures):
    with Scanner(tmp_path, "--poll", 3600, signatures=signatures) as scanner:
        for round in range(6):
            publish(signatures, "new.ndb", signature(f"News{round}", NEWS + b"%d" % round))
            scanner.process.send_signal(signal.SIGHUP)
            for _ in range(30):
                assert scanner.scan(EICAR) == INFECTED


# --- processes that die --------------------------------------------------------------------------


def busy_worker(scanner):
    def scanning():
        fds = {pid: os.listdir(f"/proc/{pid}/fd") for pid in scanner.workers()}
        for pid, names in fds.items():
            links = [link(pid, name) for name in names]
            if any("memfd:document" in target for target in links):
                return pid
        return None

    return until(scanning, "a worker at work")


def test_worker_killed_while_scanning(tmp_path):
    with Scanner(tmp_path, *SLOW, "--workers", 1) as scanner:
        ask = scanner.ask(bomb()).begun()
        worker = busy_worker(scanner)
        (folder,) = scanner.private_folders()
        until(lambda: [path for path in folder.rglob("*") if path.is_file()], "unpacked members")
        os.kill(worker, signal.SIGKILL)
        assert ask.answer() is None
        assert scanner.scan(EICAR) == INFECTED
        until(lambda: not [path for path in folder.rglob("*") if path.is_file()], "nothing left")
        scanner.logged("worker 0 died of signal 9")


def test_worker_that_keeps_dying_is_restarted_more_slowly(tmp_path):
    with Scanner(tmp_path, "--workers", 1) as scanner:
        for _ in range(4):
            (worker,) = until(scanner.workers, "a worker")
            os.kill(worker, signal.SIGKILL)
            gone([worker])
        waits = ["again in 0 ms", "again in 100 ms", "again in 200 ms", "again in 400 ms"]
        for wait in waits:
            scanner.logged(wait)
        assert scanner.scan(EICAR) == INFECTED


def test_a_disconnected_client_frees_the_worker(tmp_path):
    with Scanner(tmp_path, *SLOW, "--workers", 1, "--max-time", 3_600_000) as scanner:
        ask = scanner.ask(bomb(), ms=3_600_000).begun()
        ask.socket.close()
        assert scanner.scan(EICAR) == INFECTED
        assert "worker" not in scanner.log.replace("1 workers", "").replace("worker 0: inf", "")


def test_master_killed(tmp_path):
    with Scanner(tmp_path, *SLOW) as scanner:
        ask = scanner.ask(bomb()).begun()
        (master,) = scanner.children()
        old = [master, *scanner.workers()]
        os.kill(master, signal.SIGKILL)
        assert ask.answer() is None
        gone(old)
        assert scanner.scan(EICAR) == INFECTED
        scanner.logged("the serving master ended")


def test_terminated_nothing_is_left(tmp_path):
    with Scanner(tmp_path, *SLOW) as scanner:
        ask = scanner.ask(bomb()).begun()
        processes = until(lambda: len(scanner.processes()) == 4 and scanner.processes(), "all four")
        (folder,) = scanner.private_folders()
        scanner.stop()
        assert ask.answer() is None
        gone(processes)
        assert not folder.exists()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["log"]


@pytest.fixture
def own_tmpfs():
    """Gives a folder in a tmpfs that no other scanner on this machine sweeps."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield folder


def test_killed_outright_nothing_runs_on_and_the_next_start_sweeps(tmp_path, own_tmpfs):
    with Scanner(tmp_path, *SLOW, "--tmp", own_tmpfs) as scanner:
        ask = scanner.ask(bomb()).begun()
        processes = until(lambda: len(scanner.processes()) == 4 and scanner.processes(), "all four")
        (folder,) = scanner.private_folders()
        assert str(folder.parent) == own_tmpfs
        scanner.process.kill()
        assert ask.answer() is None
        scanner.process.wait()
        gone(processes)
        assert folder.exists() and Path(scanner.path).exists()
        scanner.start()
        assert scanner.scan(EICAR) == INFECTED
        assert not folder.exists()
        assert f"removed {folder}" in scanner.log


def test_a_second_scanner_takes_over_the_path(tmp_path):
    """This happens at a graceful restart: httpd starts a new scanner while the old one ends."""
    with Scanner(tmp_path) as old, Scanner(tmp_path) as new:
        (folder,) = until(new.private_folders, "the new one")
        until(lambda: new.status()["loaded"] and new.workers(), "its workers")
        old.stop()
        assert Path(new.path).exists() and folder.exists()
        assert new.scan(EICAR) == INFECTED


def test_a_scanner_whose_path_was_taken_over_ends_with_its_last_scan(tmp_path):
    with Scanner(tmp_path, *SLOW, "--workers", 1) as old:
        running = old.ask(bomb(), ms=4000).begun()
        waiting = old.ask(EICAR)
        with Scanner(tmp_path) as new:
            until(lambda: new.status()["workers"] == 2, "the new one at the path")
            old.process.send_signal(signal.SIGUSR1)
            # Who waits is told to ask again: nothing has been scanned for him.
            assert waiting.answer() is None
            assert new.scan(EICAR) == INFECTED
            assert running.answer() == ("unscannable", "timeout")
            assert old.process.wait(PATIENCE) == 0
            assert new.scan(EICAR) == INFECTED


def test_a_guard_starts_the_keeper_again(tmp_path):
    with Scanner(tmp_path, "--guard") as scanner:
        (keeper,) = scanner.children()
        old = [keeper, *scanner.workers()]
        os.kill(keeper, signal.SIGKILL)
        gone(old)
        waiting = scanner.ask(EICAR)  # the sockets are the guard's: nobody is sent away
        assert waiting.answer() == INFECTED
        scanner.logged("the keeper ended, status 0x9, and is started again")
        family = [scanner.process.pid, *scanner.children(), *scanner.workers()]
        scanner.stop()
        gone(family)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log"]


def test_a_guard_without_a_keeper_tidies_up(tmp_path, own_tmpfs):
    with Scanner(tmp_path, "--guard", "--tmp", own_tmpfs) as scanner:
        (keeper,) = scanner.children()
        os.kill(keeper, signal.SIGKILL)
        scanner.logged("the keeper ended, status 0x9, and is started again")
        scanner.stop()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log"]
    assert os.listdir(own_tmpfs) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="it takes two users")
@pytest.mark.parametrize("how", ["started as root", "a folder with the group's id"])
def test_the_portal_may_be_another_user(how):
    """As beside the portal in Kubernetes: two containers, a socket in a folder that they share."""
    portal, scanner_user, group = 61234, 61235, 61236
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.chown(folder, scanner_user, group)
        folder.chmod(0o2710)
        user = {"user": scanner_user, "group": scanner_user, "extra_groups": []}
        options = ["--foreground", "--group", group]
        if how == "started as root":
            os.chown(folder, 0, 0)
            folder.chmod(0o755)
            options, user = [*options, "--user", "nobody"], {}
            scanner_user = pwd.getpwnam("nobody").pw_uid
        with Scanner(folder, *options, **user) as scanner:
            for path in (scanner.path, scanner.path + ".status"):
                info = Path(path).stat()
                assert (info.st_uid, info.st_gid) == (scanner_user, group)
                assert info.st_mode & 0o777 == 0o660
            for pid in scanner.processes():
                assert Path(f"/proc/{pid}").stat().st_uid in (0, scanner_user)
                assert f"\nUid:\t{scanner_user}\t" in Path(f"/proc/{pid}/status").read_text()
            assert as_user(portal, group, scanner.path) == f"infected {INFECTED[1]} {scanner_user}"
            assert as_user(portal, portal, scanner.path) == "PermissionError"


AS_USER = """
import os, socket, struct, sys
uid, gid, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
os.setgroups([])
os.setresgid(gid, gid, gid)
os.setresuid(uid, uid, uid)
import scand_client
try:
    with scand_client.memfd(scand_client_eicar) as fd:
        request = scand_client.REQUEST.pack(scand_client.MAGIC, 0, scand_client.now_ms() + 60000)
        asked = scand_client.Ask(path, request, [fd])
        peer = asked.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        print(*asked.answer(), struct.unpack("=iII", peer)[1])
except PermissionError:
    print("PermissionError")
"""


def as_user(uid, gid, path):
    """Returns what a client of that user is told about EICAR, and whose socket it is."""
    code = AS_USER.replace("scand_client_eicar", repr(EICAR))
    done = subprocess.run(
        [sys.executable, "-c", code, str(uid), str(gid), path], capture_output=True, text=True,
        check=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    return done.stdout.strip()


PARENT = """
import subprocess, sys, time
child = subprocess.Popen(sys.argv[1:])
print(child.pid, flush=True)
time.sleep(3600)
"""


@pytest.mark.parametrize("options, ends", [((), True), (("--foreground",), False)])
def test_ends_with_its_parent(tmp_path, options, ends):
    scanner = Scanner(tmp_path, *options)
    command = [sys.executable, "-c", PARENT, *scanner.command]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        pid = int(parent.stdout.readline())
        scanner.process = parent
        until(lambda: scanner.state() == READY, "the scanner")
        family = [pid, *scanner.children(pid)]
        parent.kill()
    if ends:
        gone(family)
    else:
        until(lambda: os.getpgid(pid), "a process")
        assert alive(family) == family
        os.kill(pid, signal.SIGTERM)
        gone(family)


# --- the sandbox ---------------------------------------------------------------------------------


FORBIDDEN = {
    "read a file outside", "read /etc/passwd", "read the parent's environment", "list /",
    "write a file outside", "truncate", "create outside", "unlink outside", "rename to outside",
    "link", "symlink", "mkfifo", "chmod", "fchmodat", "fchmodat2", "fchmod", "chown", "utimensat",
    "setxattr", "F_SETOWN", "F_SETOWN_EX", "F_SETSIG", "O_ASYNC", "F_SETLEASE", "F_NOTIFY",
    "FIOASYNC", "kill", "tgkill", "sigqueue", "pidfd_open", "ptrace", "process_vm_readv",
    "prlimit of another", "execve", "fork", "socket inet", "socket unix", "socketpair", "connect",
    "shutdown", "mmap of code", "mmap of a file as code", "mprotect to code", "personality",
    "memfd_create", "unshare", "mount", "prctl", "io_uring", "bpf", "keyctl", "setrlimit",
}  # fmt: skip
NEEDED = {"write inside", "code pages", "thread"}

# Landlock as an older kernel has it: its version is LANDLOCK_ABI, and it refuses rules that came
# later, as such a kernel does. 0: no Landlock at all.
OLDER_LANDLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/landlock.h>
#include <stdarg.h>
#include <sys/syscall.h>

long syscall(long number, ...)
{
    long (*real)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    long a[6];
    va_list list;

    va_start(list, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_landlock_create_ruleset) {
        const unsigned long long *fs = (const unsigned long long *)a[0];
        if (LANDLOCK_ABI == 0) {
            errno = ENOSYS;
            return -1;
        }
        if (a[2] == LANDLOCK_CREATE_RULESET_VERSION)
            return LANDLOCK_ABI;
        if (a[1] != 8 || *fs >> (LANDLOCK_ABI < 2 ? 13 : 14)) {
            errno = a[1] != 8 ? E2BIG : EINVAL;
            return -1;
        }
    }
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
"""


def preloaded(folder, source):
    """Returns an environment that puts SOURCE's functions before the C library's."""
    (folder / "shim.c").write_text(source)
    shim = folder / "shim.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, folder / "shim.c"], check=True)
    return os.environ | {"LD_PRELOAD": str(shim), "ASAN_OPTIONS": "verify_asan_link_order=0"}


def older_landlock(folder, abi):
    return preloaded(folder, f"#define LANDLOCK_ABI {abi}\n{OLDER_LANDLOCK}")


@pytest.mark.parametrize("abi", [None, 2], ids=["this kernel", "Debian 12's kernel"])
def test_nothing_forbidden_works_inside_the_cage(tmp_path, abi):
    env = older_landlock(tmp_path, abi) if abi else None
    done = subprocess.run(
        [PROGRAM, "--self-test-sandbox"], capture_output=True, text=True, env=env
    )
    assert done.returncode == 0 and done.stderr == "", done.stdout + done.stderr
    said = dict(line.rsplit(": ", 1) for line in done.stdout.splitlines())
    assert {name for name, how in said.items() if how in ("refused", "killed")} == FORBIDDEN
    assert {name for name, how in said.items() if how == "works"} == NEEDED


def test_a_scan_works_with_the_landlock_of_debian_12(tmp_path):
    with Scanner(tmp_path, env=older_landlock(tmp_path, 2)) as scanner:
        assert scanner.scan(zipped(("a", EICAR))) == INFECTED
        assert scanner.scan(noise(1 << 20)) == CLEAN


def test_no_landlock_no_start(tmp_path):
    scanner = Scanner(tmp_path, env=older_landlock(tmp_path, 0))
    scanner.start(wait=False)
    assert scanner.process.wait(60) == 1
    assert "this kernel has no Landlock: not started" in scanner.log
    assert not Path(scanner.path).exists()


def test_no_landlock_is_allowed_to_a_user_of_its_own_alone(tmp_path):
    env, group = older_landlock(tmp_path, 0), str(os.getgid())
    with Scanner(tmp_path, "--without-landlock", "--group", group, env=env) as scanner:
        assert scanner.scan(EICAR) == INFECTED
        assert "only the rights of the scanner's own user keep a worker from files" in scanner.log
    command = [*scanner.command[:5], "--without-landlock"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "--without-landlock needs --group" in done.stderr


def test_nothing_of_the_environment_is_left(tmp_path):
    env = os.environ | {"KANZLEI_OWNER_DATABASE": "password=geheim"}
    with Scanner(tmp_path, env=env) as scanner:
        assert scanner.scan(EICAR) == INFECTED
        need_tracing()
        for pid in until(lambda: len(scanner.processes()) == 4 and scanner.processes(), "all"):
            assert Path(f"/proc/{pid}/environ").read_bytes().strip(b"\0") == b""


def test_the_log_is_the_keepers_alone(tmp_path):
    with Scanner(tmp_path) as scanner:
        assert scanner.scan(EICAR) == INFECTED
        scanner.logged("infected: Eicar")
        keeper, *others = until(
            lambda: len(scanner.processes()) == 4 and scanner.processes(), "all four"
        )
        assert link(keeper, 2) == str(scanner.log_path)
        for pid in others:
            links = [link(pid, fd) for fd in os.listdir(f"/proc/{pid}/fd")]
            assert str(scanner.log_path) not in links
            assert link(pid, 2).startswith("pipe:") and link(pid, 0) == "/dev/null"


def test_a_worker_can_not_fill_the_log(tmp_path):
    """The keeper takes what a worker says, in lines and so many a minute."""
    with Scanner(tmp_path) as scanner:
        (worker, *_) = until(scanner.workers, "workers")
        need_tracing()
        with open(f"/proc/{worker}/fd/2", "wb", buffering=0) as pipe:
            until(lambda: not pipe.write(b"x\n" * 20000) or scanner.log.count("x\n") >= 500, "x")
        assert scanner.scan(EICAR) == INFECTED
        assert scanner.log.count("\nx") <= 600


def test_workers_are_in_the_sandbox(tmp_path):
    with Scanner(tmp_path) as scanner:
        assert scanner.scan(EICAR) == INFECTED
        for worker in until(scanner.workers, "workers"):
            status = Path(f"/proc/{worker}/status").read_text()
            assert "\nSeccomp:\t2\n" in status and "\nNoNewPrivs:\t1\n" in status
            limits = Path(f"/proc/{worker}/limits").read_text()
            assert [line.split()[4] for line in limits.splitlines() if "core file" in line] == ["0"]
            # Standard streams and the listening socket: no other descriptor was inherited.
            own = f"/proc/{worker}/fd"
            until(lambda own=own: len(os.listdir(own)) == 4, "no more than these")


def test_inherited_descriptors_are_closed(tmp_path):
    reading, writing = os.pipe()
    with Scanner(tmp_path, pass_fds=[writing]) as scanner:
        os.close(writing)
        assert os.read(reading, 1) == b"" and scanner.state() == READY
    os.close(reading)


def test_sockets_are_private(tmp_path):
    with Scanner(tmp_path) as scanner:
        for path in (scanner.path, scanner.path + ".status"):
            assert Path(path).stat().st_mode & 0o777 == 0o600


STATFS = """
#define _GNU_SOURCE
#include <sys/vfs.h>
int statfs(const char *path, struct statfs *fs)
{
    (void)path;
    fs->f_type = 0xef53; /* ext4 */
    return 0;
}
"""


def test_no_tmpfs_no_start(tmp_path):
    scanner = Scanner(tmp_path, env=preloaded(tmp_path, STATFS))
    scanner.start(wait=False)
    assert scanner.process.wait(60) == 1
    assert "there is no tmpfs to unpack archives in" in scanner.log
    assert not Path(scanner.path).exists()


def test_a_folder_on_a_disk_is_not_taken(tmp_path):
    shim = Path("/dev/shm")
    with Scanner(tmp_path, "--tmp", "/proc") as scanner:
        assert "/proc is not a writable tmpfs" in scanner.log
        assert scanner.private_folders()[0].parent in (shim, Path("/tmp"), Path("/run"))


BAD = {
    "nothing": [],
    "no signatures": ["--socket", "s"],
    "unknown": ["--socket", "s", "--signatures", "d", "--what"],
    "no number": ["--socket", "s", "--signatures", "d", "--workers", "many"],
    "too many": ["--socket", "s", "--signatures", "d", "--workers", "65"],
    "negative": ["--socket", "s", "--signatures", "d", "--max-bytes", "-1"],
    "over libclamav's cap": ["--socket", "s", "--signatures", "d", "--max-bytes", "2147483646"],
    "too long a path": ["--socket", "s" * 100, "--signatures", "d"],
    "more": ["--socket", "s", "--signatures", "d", "more"],
}


@pytest.mark.parametrize("arguments", BAD.values(), ids=BAD.keys())
def test_bad_command_lines(tmp_path, arguments):
    done = subprocess.run([PROGRAM, *arguments], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr and not list(tmp_path.iterdir())


def test_help():
    done = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("Usage: ")


# --- as httpd starts it --------------------------------------------------------------------------


def name_of(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except FileNotFoundError:  # the process has just ended
        return ""


def words(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode()
    except FileNotFoundError:
        return ""


def test_pages_go_before_scans(portal):
    """In httpd's session a scanner would take CPU time from httpd, whatever its nice value."""
    httpd = int((portal.data / "run/httpd.pid").read_text())

    def scanners():
        every = [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]
        return [pid for pid in every if "scand" in name_of(pid) and str(portal.data) in words(pid)]

    # An earlier test may have killed one that is being restarted.
    scanner = min(until(scanners, "a scanner"))
    assert {os.getsid(pid) for pid in scanners()} == {scanner}
    nice = [os.getpriority(os.PRIO_PROCESS, pid) for pid in (httpd, scanner)]
    assert nice[1] == min(nice[0] + 10, 19)
    group = Path(f"/proc/{scanner}/autogroup")
    if group.exists() and (said := group.read_text()):
        assert said.rstrip().endswith("nice 10")


# --- memory, and the variant for measuring -------------------------------------------------------


def pss(pid):
    need_tracing()
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def test_idle_memory_is_small(tmp_path):
    with Scanner(tmp_path) as scanner:
        for content in (EICAR, zipped(("a", noise(8 << 20))), noise(8 << 20)):
            for _ in range(4):
                scanner.scan(content)
        processes = until(lambda: len(scanner.processes()) == 4 and scanner.processes(), "all four")
        assert sum(pss(pid) for pid in processes) < 32 << 10  # KiB


def test_bench_variant_answers_without_scanning(tmp_path):
    program = BUILD / "kanzlei-scand-bench"
    if not program.exists():
        subprocess.run(["make", "-C", BUILD.parent, "build/kanzlei-scand-bench"], check=True)
    with Scanner(tmp_path, program=program) as scanner:
        assert scanner.status()["version"].startswith("bench")
        assert "BENCH" in scanner.log
        assert scanner.scan(zipped(("e", EICAR))) == CLEAN
