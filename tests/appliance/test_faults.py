"""Tests that a failing start says one clear sentence, exits with 1 and leaves nothing half done;
and starts after a crash."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time

import pytest
from capable import need_mounting
from conftest import APPLIANCE, ROOT, free_port

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount or to change the user")


def refused(done, *words):
    """Checks for exit code 1, no standard output, and one sentence with all WORDS on standard
    error."""
    assert done.returncode == 1, done
    assert done.stdout == ""
    said = done.stderr.strip().splitlines()
    assert len(said) == 1, said
    for word in words:
        assert str(word) in said[0], said
    return said[0]


def test_help_and_wrong_options(appliance):
    done = appliance.start("--help")
    assert done.returncode == 0
    for option in ("--port", "--data", "--empty", "--json", "--listen", "--help"):
        assert option in done.stdout
    for wrong in (["--prot", "1"], ["--port", "0"], ["--port", "70000"], ["--port", "x"],
                  ["--port"], ["--listen", "a b"]):
        done = appliance.start(*wrong)
        assert done.returncode == 1 and done.stdout == "", wrong
    assert not appliance.data.exists()


def test_port_in_use_names_who_uses_it(appliance):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused(appliance.start("--empty", port=port), f"Port {port} is in use", f"({os.getpid()})")
    assert not appliance.data.exists()


def test_port_in_use_leaves_a_running_portal_alone(running):
    before = running.pid("httpd")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused(running.start("--empty", port=taken.getsockname()[1]), "is in use")
    assert running.pid("httpd") == before
    assert running.status() < 500


def test_data_of_a_newer_version(appliance):
    appliance.data.mkdir()
    (appliance.data / "version").write_text("999\n")
    refused(appliance.start(), "newer version", "999")
    assert [path.name for path in appliance.data.iterdir()] == ["version"]


@pytest.mark.parametrize("content", ["", "two\n"])
def test_data_with_a_damaged_version(appliance, content):
    appliance.data.mkdir()
    (appliance.data / "version").write_text(content)
    refused(appliance.start(), "damaged")


@pytest.mark.parametrize("name", ["thesis.tex", "version.txt"])
def test_folder_of_somebody_else(appliance, name):
    appliance.data.mkdir()
    (appliance.data / name).write_text("x")
    refused(appliance.start(), "not empty", "--data")
    assert [path.name for path in appliance.data.iterdir()] == [name]


def test_paths_that_can_not_be_used(scratch):
    (scratch / "file").write_text("x")
    for data, word in ((scratch / "file", "not a folder"), (scratch / 'a"b', "letters"),
                       (scratch / ("x" * 100), "too long")):
        done = subprocess.run([APPLIANCE / "start", "--data", data, "--port", str(free_port())],
                              capture_output=True, text=True, timeout=60, check=False)
        refused(done, word)


@contextlib.contextmanager
def mounted(folder, options):
    """Mounts a small file system in memory."""
    need_mounting()
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@AS_ROOT
def test_too_little_disk(appliance, scratch):
    with mounted(scratch / "small", "size=64m"):
        appliance.data = scratch / "small/data"
        refused(appliance.start(), "Too little disk", "64 MiB")
        assert not appliance.data.exists()


@AS_ROOT
def test_read_only_disk(appliance, scratch):
    with mounted(scratch / "closed", "ro"):
        appliance.data = scratch / "closed/data"
        refused(appliance.start(), "may not write")


@AS_ROOT
def test_folder_that_the_system_user_can_not_reach(appliance, scratch):
    scratch.chmod(0o700)
    refused(appliance.start("--empty"), "can't reach")
    assert not appliance.data.exists()
    scratch.chmod(0o755)


def as_nobody(*command, **more):
    """Runs a command as a user without any privileges."""
    return subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command],
                          capture_output=True, text=True, timeout=600, check=False, cwd="/", **more)


@AS_ROOT
def test_user_without_the_right(appliance, scratch):
    refused(as_nobody(*appliance.command()), "may not write", scratch)
    assert not appliance.data.exists()
    home = scratch / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)
    appliance.data = home / "data"
    refused(as_nobody(*appliance.command(port=80)), "Only root", "80")
    assert not appliance.data.exists()


@AS_ROOT
def test_user_who_is_not_root_runs_it_as_herself(appliance, scratch):
    build = os.environ.get("KANZLEI_BUILD", ROOT / "build/appliance")
    home = scratch / "home"
    home.mkdir()
    if os.path.isdir(build):
        subprocess.run(["cp", "-a", build, home / "build"], check=True)
    subprocess.run(["chown", "-R", "65534:65534", home], check=True)
    appliance.data = home / "data"
    environment = {**os.environ, "HOME": str(home), "KANZLEI_BUILD": str(home / "build")}
    done = as_nobody(*appliance.command("--empty", "--json"), env=environment)
    assert done.returncode == 0, done.stderr
    assert appliance.owner() == "nobody"
    assert appliance.status() < 500
    for pid, command in appliance.processes().items():
        assert os.stat(f"/proc/{pid}").st_uid == 65534, command
    refused(appliance.start(), "belongs to nobody")
    done = as_nobody(APPLIANCE / "stop", "--data", appliance.data)
    assert done.returncode == 0, done.stderr
    assert appliance.processes() == {}


@AS_ROOT
def test_stop_by_a_stranger(running):
    refused(as_nobody(APPLIANCE / "stop", "--data", running.data), "belongs to")
    assert running.status() < 500


@AS_ROOT
def test_root_may_use_a_low_port(appliance):
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 981)) == 0:
            pytest.fail("port 981 is in use here")
    appliance.must_start(port=981)
    assert appliance.status(981) < 500


def test_kill_9_of_everything(appliance):
    appliance.must_start()
    appliance.sql("CREATE SCHEMA probe")
    appliance.sql("CREATE TABLE probe.kept (word text)")
    appliance.sql("INSERT INTO probe.kept VALUES ('still here')")
    key = (appliance.data / "keys/master-1").read_bytes()
    appliance.kill_all()
    appliance.must_start()
    assert appliance.status() < 500
    assert appliance.sql("SELECT word FROM probe.kept") == "still here"
    assert (appliance.data / "keys/master-1").read_bytes() == key


@pytest.mark.parametrize("kind", ["httpd", "postgres"])
def test_kill_9_of_one_parent(appliance, kind):
    appliance.must_start()
    before = set(appliance.processes())
    os.kill(appliance.pid(kind), signal.SIGKILL)
    appliance.must_start()
    assert appliance.status() < 500
    parent = appliance.pid(kind)
    assert parent not in before
    if kind == "httpd":
        orphans = [pid for pid, command in appliance.processes().items()
                   if pid in before and "apache2" in command]
        assert not orphans


def test_first_start_killed_at_any_moment(appliance):
    for delay in (0.05, 0.15, 0.3, 0.5, 0.8, 1.2):
        run = subprocess.Popen(appliance.command("--empty"), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, start_new_session=True)
        time.sleep(delay)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        appliance.kill_all()
    appliance.must_start()
    assert appliance.status() < 500


@pytest.mark.parametrize("step", ["mkdir", "mv"])
def test_first_start_killed_after_a_step_on_the_data_folder(appliance, scratch, step):
    """Kills the start at fixed moments: after the first mkdir, then after the first mv in it."""
    fake = scratch / "bin" / step
    fake.parent.mkdir()
    fake.write_text(f"""#!/bin/sh
/bin/{step} "$@"
case "$*" in *{appliance.data}*) kill -9 0 ;; esac
""")
    fake.chmod(0o755)
    path = f"{fake.parent}:{os.environ['PATH']}"
    run = subprocess.Popen(appliance.command("--empty"), stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, start_new_session=True,
                           env={**os.environ, "PATH": path})
    assert run.wait(timeout=120) == -signal.SIGKILL
    assert appliance.data.is_dir() and not (appliance.data / "conf").exists()
    appliance.must_start()
    assert sorted(path.name for path in appliance.data.glob("version*")) == ["version"]
    assert appliance.status() < 500


def test_first_start_killed_while_it_writes_the_version(appliance):
    appliance.data.mkdir(mode=0o755)
    (appliance.data / "version.new").touch()
    appliance.must_start()
    assert sorted(path.name for path in appliance.data.glob("version*")) == ["version"]


def test_stale_pid_files_harm_nobody(appliance):
    appliance.must_start()
    appliance.stop()
    with subprocess.Popen(["sleep", "600"]) as stranger:
        try:
            for name in ("run/httpd.pid", "pg/cluster/postmaster.pid"):
                (appliance.data / name).write_text(f"{stranger.pid}\n")
            assert appliance.stop().returncode == 0
            assert stranger.poll() is None
            for name in ("run/httpd.pid", "pg/cluster/postmaster.pid"):
                (appliance.data / name).write_text(f"{stranger.pid}\n")
            appliance.must_start()
            assert stranger.poll() is None
        finally:
            stranger.kill()
    assert appliance.status() < 500


def test_a_lost_master_key_is_not_made_anew(appliance):
    appliance.must_start()
    appliance.stop()
    key = appliance.data / "keys/master-1"
    shutil.move(key, appliance.data / "keys/away")
    done = appliance.start("--empty")
    assert done.returncode == 1 and "master key" in done.stderr
    assert not key.exists()
    shutil.move(appliance.data / "keys/away", key)
    appliance.must_start()
