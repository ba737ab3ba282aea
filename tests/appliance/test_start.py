"""Tests what a start makes, that it can be repeated, and that a stop leaves no process."""

import http.client
import json
import os
import pwd
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import time
from pathlib import Path

import pytest
from capable import need_tracing
from conftest import APPLIANCE, Appliance, free_port, read


def test_json_alone_on_standard_output(appliance):
    done = appliance.start("--empty", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    assert json.loads(done.stdout) == {
        "url": f"https://localhost:{appliance.port}",
        "firm": None,
        "accounts": [],
        "data": str(appliance.data),
    }
    assert "httpd" in done.stderr
    assert appliance.status() < 500


def test_secrets_are_closed_and_the_authority_is_open(running):
    def mode(name):
        return stat.S_IMODE((running.data / name).stat().st_mode)

    assert (running.data / "keys/master-1").stat().st_size == 32
    for name in ("keys/master-1", "tls/ca.key", "tls/server.key"):
        assert mode(name) == 0o600, name
    for name in ("pg/cluster", "run", "keys", "mail", "spool", "store-1", "store-2", "log"):
        assert mode(name) == 0o700, name
    for name in ("pg", "pg/socket"):  # the service's user gets through, by its group
        assert mode(name) == (0o710 if os.geteuid() == 0 else 0o700), name
    assert mode("tls/ca.crt") == 0o644
    assert mode("tls") == 0o711


@pytest.mark.skipif(os.geteuid() != 0, reason="what root's start gives away")
def test_root_runs_nothing_as_root(running):
    assert running.owner() == "kanzlei"
    for pid, command in running.processes().items():
        assert os.stat(f"/proc/{pid}").st_uid != 0, command
    for name in ("", "version", "program", "program/current/installed"):
        assert (running.data / name).stat().st_uid == 0, name


USERS = {"scand": "kanzlei-scand", "postgres": "kanzlei-db", "apache2": "kanzlei"}


@pytest.mark.skipif(os.geteuid() != 0, reason="it is about root")
def test_scanner_and_database_have_users_of_their_own(running):
    found = set()
    for pid, command in running.processes().items():
        kind = next(each for each in USERS if each in command)
        ids = next(line for line in read(f"/proc/{pid}/status").decode().splitlines()
                   if line.startswith("Uid:"))
        assert set(ids.split()[1:]) == {str(pwd.getpwnam(USERS[kind]).pw_uid)}, command
        found.add(kind)
    assert found == set(USERS)


def as_user(name, *command):
    """Runs a command as a system user alone; returns the finished process."""
    user = pwd.getpwnam(name)
    return subprocess.run(["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}",
                           "--clear-groups", *command], capture_output=True, text=True, cwd="/",
                          timeout=60, check=False)


@pytest.mark.skipif(os.geteuid() != 0, reason="it is about root")
@pytest.mark.parametrize("user, roles", [
    ("kanzlei", ["kanzlei_portal"]),
    ("kanzlei-scand", []),
    ("nobody", []),
])
def test_owner_and_superuser_are_the_operators(running, user, roles):
    """Whoever takes httpd over is the role of httpd; whoever takes the scanner over is none."""
    server = max(Path("/usr/lib/postgresql").iterdir(), key=lambda path: float(path.name))
    for role in ("postgres", "kanzlei_owner", "kanzlei_portal"):
        done = as_user(user, server / "bin/psql", "-X", "-h", running.data / "pg/socket",
                       "-U", role, "-d", "kanzlei", "-c", "SELECT 1")
        assert (done.returncode == 0) == (role in roles), (role, done.stderr)


@pytest.mark.skipif(os.geteuid() != 0, reason="it is about root")
def test_the_scanners_user_reads_nothing(running):
    for name in ("keys/master-1", "store-1", "conf/kanzlei.conf", "spool", "pg/cluster/PG_VERSION",
                 "log/error.log", "tls/server.key", "run/httpd.pid"):
        path = running.data / name
        tool = "ls" if path.is_dir() else "cat"
        assert subprocess.run([tool, path], capture_output=True, check=False).returncode == 0, name
        assert as_user("kanzlei-scand", tool, path).returncode != 0, name


def test_status_says_whose_the_scanner_is(running):
    done = subprocess.run([APPLIANCE / "kanzleictl", "--data", running.data, "status", "--json"],
                          capture_output=True, text=True, timeout=60, check=False)
    said = json.loads(done.stdout)["scanner"]
    assert said["own_user"] is (os.geteuid() == 0) and said["landlock"] > 0


OWNER = "KANZLEI_OWNER_DATABASE"


@pytest.mark.skipif(os.geteuid() != 0, reason="it is about root")
def test_the_owners_login_is_in_no_process(appliance, scratch):
    """An outside database whose owner has a password: the operator's start has it, nobody else."""
    outside = Appliance(scratch)
    outside.data = scratch / "outside"
    outside.must_start(env=os.environ | {"KANZLEI_INFRASTRUCTURE_ONLY": "1"})
    socket_of = outside.data / "pg/socket"
    try:
        word = "geheim-7-Tanne"
        place = f"host={socket_of} dbname=kanzlei"
        env = os.environ | {OWNER: f"{place} user=kanzlei_owner password={word}",
                            "KANZLEI_DATABASE": f"{place} user=kanzlei_portal"}
        appliance.must_start(env=env)
        seen = appliance.processes()
        assert {kind for kind in USERS for words in seen.values() if kind in words} >= {
            "scand", "apache2"}
        for pid, command in seen.items():
            said = read(f"/proc/{pid}/environ")
            assert word.encode() not in said and OWNER.encode() not in said, command
    finally:
        appliance.stop()
        outside.stop()


def test_postgres_listens_on_its_socket_alone(running):
    assert running.sql("SHOW listen_addresses") == ""
    assert running.sql("SHOW data_checksums") == "on"
    roles = running.sql("SELECT rolname, rolsuper, rolcreaterole, rolbypassrls FROM pg_roles"
                        " WHERE rolname LIKE 'kanzlei%' AND rolcanlogin ORDER BY 1")
    assert roles.splitlines()[:2] == ["kanzlei_owner|f|f|f", "kanzlei_portal|f|f|f"]
    assert running.sql("SELECT count(*) FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba"
                       " WHERE datname = 'kanzlei' AND rolname = 'kanzlei_owner'") == "1"


def test_second_start_changes_nothing(appliance):
    appliance.must_start()
    before = appliance.pid("httpd"), appliance.pid("postgres")
    kept = {name: (appliance.data / name).read_bytes()
            for name in ("keys/master-1", "tls/ca.crt", "tls/server.crt", "conf/installation")}
    first = appliance.must_start()
    assert (appliance.pid("httpd"), appliance.pid("postgres")) == before
    for name, content in kept.items():
        assert (appliance.data / name).read_bytes() == content, name
    appliance.stop()
    assert appliance.must_start() == first
    for name, content in kept.items():
        assert (appliance.data / name).read_bytes() == content, name


def test_settings_are_remembered(appliance):
    appliance.must_start()
    done = subprocess.run([APPLIANCE / "start", "--data", appliance.data, "--json"],
                          capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["url"] == f"https://localhost:{appliance.port}"
    assert said["firm"] is None, "the first start said --empty"


def test_another_port_moves_the_portal(appliance):
    appliance.must_start()
    other = free_port()
    assert appliance.must_start(port=other)["url"].endswith(f":{other}")
    assert appliance.status(other) < 500
    with pytest.raises(OSError):
        appliance.status(appliance.port)


def test_stop_leaves_nothing_and_may_be_repeated(appliance):
    assert appliance.stop().returncode == 0
    appliance.must_start()
    kinds = " ".join(appliance.processes().values())
    assert "apache2" in kinds and "postgres" in kinds
    done = appliance.stop()
    assert done.returncode == 0 and done.stdout == ""
    assert appliance.processes() == {}
    assert appliance.stop().returncode == 0


@pytest.mark.skipif(os.getuid() != 0, reason="it is about root")
@pytest.mark.parametrize("port", [None, 982])
def test_root_as_in_a_container(appliance, port):
    """Root without CAP_SYS_PTRACE can not look into other accounts' processes."""
    less = ["setpriv", "--bounding-set", "-sys_ptrace"]
    appliance.port = port or appliance.port
    appliance.must_start()
    done = subprocess.run([*less, *appliance.command("--empty")], capture_output=True, text=True,
                          timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    done = subprocess.run([*less, APPLIANCE / "stop", "--data", appliance.data],
                          capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert not appliance.processes()


def test_two_starts_at_once(appliance):
    runs = [subprocess.Popen(appliance.command("--empty", "--json"), stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for run in runs:
        out, err = run.communicate(timeout=600)
        assert run.returncode == 0, err
        assert json.loads(out)["data"] == str(appliance.data)
    assert appliance.status() < 500


def test_two_folders_live_side_by_side(appliance, scratch):
    other = Appliance(scratch)
    other.data = scratch / "other"
    appliance.must_start()
    try:
        other.must_start()
        assert other.stop().returncode == 0
        assert other.processes() == {}
        assert appliance.status() < 500
    finally:
        other.stop()


def test_certificate_about_to_expire_is_renewed(appliance):
    appliance.must_start()
    tls = appliance.data / "tls"
    authority = (tls / "ca.crt").read_bytes()
    subprocess.run(["openssl", "req", "-x509", "-key", tls / "server.key", "-CA", tls / "ca.crt",
                    "-CAkey", tls / "ca.key", "-days", "5", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost", "-out", tls / "short"],
                   check=True, capture_output=True)
    shutil.copyfile(tls / "short", tls / "server.crt")
    (tls / "short").unlink()
    appliance.must_start()
    left = subprocess.run(["openssl", "x509", "-in", tls / "server.crt", "-noout", "-checkend",
                           str(300 * 86400)], check=False, capture_output=True)
    assert left.returncode == 0
    assert (tls / "ca.crt").read_bytes() == authority
    assert appliance.status() < 500


def test_certificate_names_what_is_listened_on(appliance):
    appliance.must_start("--listen", "127.0.0.2")
    with socket.create_connection(("127.0.0.2", appliance.port), timeout=20) as raw:
        with appliance.tls().wrap_socket(raw, server_hostname="127.0.0.2") as line:
            assert line.version() == "TLSv1.3"
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", appliance.port), timeout=20).close()


@pytest.mark.parametrize("weak", [
    {"maximum": ssl.TLSVersion.TLSv1_1, "ciphers": "ALL:@SECLEVEL=0"},
    {"maximum": ssl.TLSVersion.TLSv1_2, "ciphers": "ECDHE-ECDSA-AES128-SHA256:@SECLEVEL=0"},
])
def test_old_tls_is_refused(running, weak):
    context = ssl._create_unverified_context()  # pylint: disable=protected-access
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = weak["maximum"]
    context.set_ciphers(weak["ciphers"])
    with socket.create_connection(("localhost", running.port), timeout=20) as raw:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(raw, server_hostname="localhost")


def test_plain_http_is_told_where_to_go(appliance):
    http_port = free_port()
    appliance.must_start("--http-port", str(http_port))
    line = http.client.HTTPConnection("localhost", appliance.port, timeout=20)
    line.request("GET", "/")
    answer = line.getresponse()
    assert answer.status == 400
    assert f"https://localhost:{appliance.port}/" in answer.read().decode()
    line = http.client.HTTPConnection("localhost", http_port, timeout=20)
    line.request("GET", "/k/muster/?secret=1")
    answer = line.getresponse()
    assert answer.status == 301
    assert answer.headers["Location"].startswith(
        f"https://localhost:{appliance.port}/k/muster/")


def test_no_cgi_no_lua(running):
    need_tracing()
    maps = open(f"/proc/{running.pid('httpd')}/maps", encoding="utf-8").read()
    assert "mod_ssl.so" in maps
    for unwanted in ("mod_lua", "mod_cgi", "mod_proxy", "liblua"):
        assert unwanted not in maps


def test_no_query_strings_in_the_log(appliance):
    appliance.must_start()
    with socket.create_connection(("localhost", appliance.port), timeout=20) as raw:
        with appliance.tls().wrap_socket(raw, server_hostname="localhost") as line:
            line.sendall(b"GET /nowhere?word=geheim HTTP/1.0\r\nHost: localhost\r\n\r\n")
            assert line.recv(100).startswith(b"HTTP/1.1 ")
    appliance.stop()
    log = (appliance.data / "log/access.log").read_text()
    assert "/nowhere" in log and "geheim" not in log


def scanners(appliance):
    return sorted(pid for pid, said in appliance.processes().items() if "kanzlei-scand" in said)


@pytest.mark.skipif(os.geteuid() != 0, reason="the scanner's own log needs root")
def test_large_logs_are_put_aside(appliance):
    """Those of httpd, and the scanner's, which lives on and goes on to write there."""
    appliance.must_start()
    large = 64 * 1024 * 1024 + 1
    logs = [appliance.data / name for name in ("log/error.log", "log/access.log", "scan/log")]
    for log in logs:
        os.truncate(log, large)
    with (appliance.data / "conf/local.conf").open("a") as conf:
        conf.write("LogLevel info\n")  # httpd starts anew, the scanner doesn't
    before = scanners(appliance)
    appliance.must_start()
    assert scanners(appliance) == before
    for log in logs:
        old = log.with_name(log.name + ".1")
        assert old.stat().st_size >= large and log.stat().st_size < large
        assert old.stat().st_uid == log.stat().st_uid and old.stat().st_mode & 0o077 == 0
    emptied = logs[-1].stat().st_size
    os.kill(before[-1], signal.SIGKILL)
    for _ in range(100):
        if logs[-1].stat().st_size > emptied:
            break
        time.sleep(0.1)
    assert emptied < logs[-1].stat().st_size < large


def test_in_the_foreground_it_ends_on_sigterm(appliance):
    appliance.must_start()
    appliance.stop()
    with subprocess.Popen(appliance.command("--foreground", "--json"), stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True) as run:
        assert json.loads(run.stdout.readline())["data"] == str(appliance.data)
        assert appliance.status() < 500
        run.terminate()
        assert run.wait(timeout=120) == 0
    assert appliance.processes() == {}
