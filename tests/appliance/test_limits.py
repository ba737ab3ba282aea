"""httpd's sizes follow the number of processes and threads that the host allows."""

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from conftest import APPLIANCE

LIMIT = 1024  # processes and threads: what many Kubernetes nodes allow a pod
CROWD = 400  # connections: more than the portal has threads


def shell(script, **environment):
    done = subprocess.run(
        ["bash", "-euc", f". {APPLIANCE}/lib/limits.sh; {script}"],
        env=os.environ | environment, capture_output=True, text=True, check=True,
    )
    return done.stdout.split()


def groups(folder, own, files):
    """Makes a tree of control groups below FOLDER; returns the environment that names it."""
    for name, value in files.items():
        path = folder / "top" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value + "\n")
    (folder / "own").write_text(own)
    return {"CONTROL_GROUPS": str(folder / "top"), "OWN_GROUPS": str(folder / "own")}


@pytest.mark.parametrize(
    ("own", "files", "limit"),
    [
        ("0::/a/b\n", {"a/b/pids.max": "max", "a/pids.max": "700"}, ["700"]),
        ("0::/a/b\n", {"a/b/pids.max": "500", "a/pids.max": "700"}, ["500"]),
        ("0::/\n", {"pids.max": "1024"}, ["1024"]),
        ("3:cpu:/x\n2:pids:/x\n", {"pids/x/pids.max": "900", "cpu/x/pids.max": "1"}, ["900"]),
        ("2:cpu,pids:/of/the/host\n", {"pids/pids.max": "2048"}, ["2048"]),
        ("0::/a\n", {"a/pids.max": "max"}, []),
        ("0::/a\n", {"a/other": "1"}, []),
    ],
)
def test_the_lowest_control_group_limit_is_found(tmp_path, own, files, limit):
    assert shell("cgroup_pids_max", **groups(tmp_path, own, files)) == limit


def test_the_operators_limit_takes_precedence(tmp_path):
    environment = groups(tmp_path, "0::/\n", {"pids.max": "700"})
    assert shell("process_limit", KANZLEI_PROCESSES="1500", **environment) == ["1500"]
    assert shell("process_limit", **environment) == ["700"]


@pytest.mark.parametrize("limit", [400, 700, 1024, 1500, 2048, 4096, 6000, 20000])
def test_old_and_new_children_fit_into_the_limit(limit):
    threads, workers = map(int, shell(f"size_httpd {limit}; echo $threads_per_child $h2_workers"))
    assert threads >= 32 and workers >= 8
    assert 4 * (threads + workers + 10) + 120 <= limit * 9 / 10


def test_two_portals_fit_beside_each_other():
    threads, workers = map(int, shell("size_httpd 2048; echo $threads_per_child $h2_workers"))
    assert 2 * (4 * (threads + workers + 10) + 120) < 2048


def test_a_limit_that_is_too_low_is_refused(appliance):
    done = appliance.start("--empty", env=os.environ | {"KANZLEI_PROCESSES": "200"})
    assert done.returncode != 0 and "Too few processes: 200" in done.stderr
    assert not appliance.data.exists()


@contextlib.contextmanager
def bounded():
    """Returns a function that limits its process to LIMIT processes and threads; None where no
    control group can be made: then the test tells the portal the limit, and counts threads."""
    group = Path("/sys/fs/cgroup/pids/kanzleipost-test") / str(os.getpid())
    try:
        group.mkdir(parents=True)
        (group / "pids.max").write_text(str(LIMIT))
    except OSError:
        yield None
        return
    yield lambda: (group / "cgroup.procs").write_text(str(os.getpid()))
    for _ in range(100):
        with contextlib.suppress(OSError):
            group.rmdir()
            group.parent.rmdir()
        if not group.exists():
            return
        time.sleep(0.1)


def threads_of(appliance):
    """Returns how many processes and threads the portal has."""
    count = 0
    for pid in appliance.processes():
        with contextlib.suppress(OSError):
            count += len(list(Path(f"/proc/{pid}/task").iterdir()))
    return count


@contextlib.contextmanager
def crowd(appliance):
    """Opens COUNT connections that begin to send a form and then stop, as far as the portal
    accepts them."""
    context, lines = appliance.tls(), []

    def come():
        with contextlib.suppress(OSError):
            plain = socket.create_connection(("localhost", appliance.port), timeout=10)
            lines.append(context.wrap_socket(plain, server_hostname="localhost"))
            lines[-1].sendall(
                b"POST /k/nobody/sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
                b"Content-Type: application/x-www-form-urlencoded\r\n\r\nuser"
            )

    comers = [threading.Thread(target=come) for _ in range(CROWD)]
    for comer in comers:
        comer.start()
    for comer in comers:
        comer.join()
    try:
        yield lines
    finally:
        for line in lines:
            line.close()


def restarted(appliance, most, log):
    """Restarts gracefully; returns the most threads seen until the new children are ready."""
    before = log.read_text().count("resuming normal operations")
    os.kill(appliance.pid("httpd"), signal.SIGUSR1)
    for _ in range(100):
        most = max(most, threads_of(appliance))
        if log.read_text().count("resuming normal operations") > before:
            break
        time.sleep(0.1)
    return most


def test_crowd_and_graceful_restart_stay_below_the_limit(appliance):
    log = appliance.data / "log/error.log"
    conf = appliance.data / "conf/local.conf"
    with bounded() as enter:
        environment = os.environ | ({} if enter else {"KANZLEI_PROCESSES": str(LIMIT)})
        appliance.must_start(env=environment, preexec_fn=enter)
        conf.write_text("LogLevel mpm_event:notice core:notice\n")
        appliance.must_start(env=environment, preexec_fn=enter)
        with crowd(appliance) as first:
            assert len(first) > 100
            most = restarted(appliance, threads_of(appliance), log)
            with crowd(appliance):
                most = max(most, threads_of(appliance))
            most = restarted(appliance, most, log)
        assert appliance.status() == 200
        said = log.read_text()
        appliance.stop()
    assert 200 < most < LIMIT
    for trouble in ("AH02324", "unable to fork", "Resource temporarily unavailable", "AH00159"):
        assert trouble not in said, said
