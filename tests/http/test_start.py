"""httpd's parent loads templates, texts and keys once: it reports faults before there
is a child. Each child locks the keys in its own memory."""

import os
import re
import resource
import subprocess
from pathlib import Path

import pytest
from running import running_portal


@pytest.fixture(scope="module")
def begun():
    """A portal without AddressSanitizer, under which mlock() has no effect."""
    build = os.environ.get("KZ_BUILD")
    with running_portal(build=build and Path(build).parent) as portal:
        yield portal


def parent(portal):
    return int((portal.data / "run/httpd.pid").read_text())


def children(portal):
    """Returns httpd's own processes, without the scanner's."""
    found = Path(f"/proc/{parent(portal)}/task/{parent(portal)}/children").read_text().split()
    return [pid for pid in found if "apache2" in Path(f"/proc/{pid}/cmdline").read_text()]


def locked(pid):
    """Returns the KiB of memory that this process has locked."""
    return int(re.search(r"VmLck:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])


def test_each_process_has_locked_the_keys(begun):
    assert locked(parent(begun)) > 0
    assert children(begun)
    for pid in children(begun):
        assert locked(pid) >= locked(parent(begun))


def test_keys_that_cannot_be_locked_are_said(begun):
    """It serves nonetheless: a container may not be allowed to lock memory."""
    soft, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    begun.stop()
    before = begun.log.stat().st_size
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, hard))
    try:
        begun.start()
    finally:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (soft, hard))
    said = begun.said_since(before)
    assert said.count("keys may be swapped out") == len(children(begun))
    begun.stop()
    begun.start()


def in_foreground(portal):
    """Starts httpd as its service does; returns when it has ended with an error."""
    owner = (portal.data / "conf").stat()
    user = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
    return subprocess.run(
        ["/usr/sbin/apache2", "-D", "FOREGROUND", "-f", portal.data / "conf/httpd.conf"],
        env=os.environ | {"TMPDIR": str(portal.data / "tmp")}, capture_output=True, text=True,
        timeout=60, check=False, **(user if os.geteuid() == 0 else {}),
    )


def wrong_setting(portal):
    path = portal.data / "conf/kanzlei.conf"
    before = path.read_text()
    path.write_text(re.sub(r"(?m)^(\s*KanzleiInstallation) .*", r'\1 "no-uuid"', before))
    assert path.read_text() != before
    return lambda: path.write_text(before)


def wrong_database(portal):
    path = portal.data / "conf/kanzlei.conf"
    before = path.read_text()
    broken = re.sub(r"(?m)^(\s*KanzleiDatabase) .*", r'\1 "password=Tannen Wald7geheim"', before)
    assert broken != before
    path.write_text(broken)
    return lambda: path.write_text(before)


def open_key(portal):
    (path,) = (portal.data / "keys").glob("**/master-1")
    path.chmod(0o644)
    return lambda: path.chmod(0o600)


@pytest.mark.parametrize(
    ("break_it", "sentence"),
    [
        (wrong_setting, "KanzleiInstallation is a UUID"),
        (wrong_database, "KanzleiDatabase: the connection string can't be read"),
        (open_key, "its owner alone may read"),
    ],
)
def test_the_parent_reports_faults_before_any_child(begun, break_it, sentence):
    begun.stop()
    before = begun.log.stat().st_size
    restore = break_it(begun)
    done = in_foreground(begun)
    restore()
    said = begun.said_since(before) + done.stderr
    assert done.returncode != 0
    assert sentence in said
    assert "this process" not in said  # no child has started
    assert "geheim" not in said
    begun.start()
