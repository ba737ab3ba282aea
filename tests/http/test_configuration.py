"""Settings that can't work: "apache2 -t" refuses each one with a sentence that says what is right,
and so does a reload, which leaves the running portal as it is."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from running import ROOT, running_portal

TEXT = r'(NULL|"[^"]*")'
LINE = re.compile(rf"^KZ_DIRECTIVE\((\w+), (\w+), \w+, {TEXT}, {TEXT}, {TEXT}, ", re.M)
TABLE = (ROOT / "mod_kanzlei/conf/directives.def").read_text(encoding="utf-8")
DIRECTIVES = {name: rest for name, *rest in LINE.findall(TABLE)}

NEEDED = [name for name, (_, preset, *_) in DIRECTIVES.items() if preset == "NULL"]

# What is wrong for each kind wherever it stands.
WRONG = {
    "ORIGIN": ["http://portal.example", "portal.example", "https://", "https://portal.example/",
               "https://portal.example/post", "https://a@portal.example", "https://:443",
               "https://portal.example:", "https://portal.example:70000", "https://portal example",
               "HTTPS://portal.example"],
    "UUID": ["no-uuid", "00000000-0000-0000-0000-00000000000"],
    "FOLDER": ["relative", "/nowhere", "/etc/hostname"],
    "FILE": ["relative", "/nowhere", "/etc"],
    "PROGRAM": ["relative", "/nowhere", "/etc/passwd", "/etc"],
    "SOCKET": ["relative", "/" + "s" * 107],
    "MAIL_SERVER": ["mail.example", "http://mail.example", "smtp://", "smtp://mail.example/path",
                    "smtp://user:word@mail.example", "smtps://mail.example:0", "dir:/nowhere",
                    "dir:relative"],
    "TIME_ZONE": ["Nowhere/Town", "/etc/localtime", "../zoneinfo/UTC", "Europe"],
    "SWITCH": ["yes", "1"],
    "TEXT": [],
    "NUMBER": ["many", "-1", "1.5", "1x", "99999999999999999999"],
    "BYTES": ["much", "-1", "1.5M", "1T", "900G0", "9999999G"],
    "TIME": ["long", "-1s", "30", "1.5s", "1w", "99999d"],
    "STORES": ["one", "one dir:relative", "one tape:/srv", "one /srv/store", "Eins dir:/srv/store",
               "one dir:/nowhere two"],
}  # fmt: skip

# What only this directive refuses: the value, and words of the sentence.
OWN = [
    ("KanzleiDatabase", "password=Tannen Wald7geheim", "the connection string can't be read"),
    ("KanzleiDatabase", "postgers://x", "the connection string can't be read"),
    ("KanzleiMailFrom", "portal", "KanzleiMailFrom is a mail address"),
    ("KanzleiMailFrom", "a b@kanzlei.example", "KanzleiMailFrom is a mail address"),
    ("KanzleiMailUser", "portal", "KanzleiMailUser needs KanzleiMailPasswordFile"),
    ("KanzleiMailPasswordFile", "/etc/hostname", "its owner alone"),
    ("KanzleiMasterKeys", "/etc", "no file master-<version>"),
    ("KanzleiHtml", "/etc", "/etc"),
    ("KanzleiStoreQuorum", "3", "KanzleiStoreQuorum is larger than the number of stores"),
    ("KanzleiScanMemory", "1M", "KanzleiScanMaximum is larger than KanzleiScanMemory"),
    ("KanzleiPasswordMemory", "900G", "KanzleiPasswordMemory is"),
    ("KanzleiPasswordPasses", "0", "KanzleiPasswordPasses is"),
    ("KanzleiPasswordScore", "9", "KanzleiPasswordScore is"),
    ("KanzleiScannerWorkers", "0", "KanzleiScannerWorkers is"),
    ("KanzleiScannerUser", "nobody", "KanzleiScannerUser"),
    ("KanzleiScannerWithoutLandlock", "on", "KanzleiScannerWithoutLandlock"),
    ("KanzleiSessionIdle", "0s", "KanzleiSessionIdle is"),
    ("KanzleiSessionIdle", "1d", "KanzleiSessionIdle is longer than KanzleiSessionMaximum"),
    ("KanzleiStore", "store-1 dir:/srv/other", "KanzleiStore store-1 is given twice"),
]  # fmt: skip


def beyond(kind, least, most):
    """Returns a value below LEAST and one above MOST, in their units."""
    found = []
    for text, step in ((least, -1), (most, 1)):
        number, unit = re.fullmatch(r'"(\d+)(\w*)"', text).groups()
        if int(number) + step >= 0:
            found.append(f"{int(number) + step}{unit}")
    return found


def cases():
    for name, (kind, _, least, most) in DIRECTIVES.items():
        values = list(WRONG[kind])
        if least != "NULL":
            values += beyond(kind, least, most)
        for value in values:
            yield pytest.param(name, value, name, id=f"{name}-{value[:40]}")
    for name, value, words in OWN:
        yield pytest.param(name, value, words, id=f"{name}-{value[:40]}-alone")


@pytest.fixture(scope="module")
def settled():
    build = os.environ.get("KZ_BUILD")
    with running_portal(build=build and Path(build).parent) as portal:
        portal.kanzleictl("firm", "create", portal.firm, "--name", "Linde")
        yield portal


def httpd(portal, *options):
    owner = (portal.data / "conf").stat()
    user = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
    return subprocess.run(
        ["/usr/sbin/apache2", "-f", portal.data / "conf/httpd.conf", *options],
        env=os.environ | {"TMPDIR": str(portal.data / "tmp")}, capture_output=True, text=True,
        timeout=60, check=False, **(user if os.geteuid() == 0 else {}),
    )


@pytest.fixture
def with_setting(settled):
    """Returns a function that puts a setting into the configuration for this test: in place of the
    one that stands there; a store is added."""
    path = settled.data / "conf/kanzlei.conf"
    before = path.read_text()

    def put(name, value):
        value = value if name == "KanzleiStore" else f'"{value}"'
        text = before
        if name != "KanzleiStore":
            text = re.sub(rf"(?m)^{name} .*\n", "", before)
        path.write_text(f"{text}\n{name} {value}\n")

    yield put
    path.write_text(before)


def test_the_configuration_as_it_is(settled):
    done = httpd(settled, "-t")
    assert done.returncode == 0, done.stderr
    assert "Syntax OK" in done.stderr


@pytest.mark.parametrize(("name", "value", "words"), list(cases()))
def test_a_value_that_cannot_work_is_refused(settled, with_setting, name, value, words):
    with_setting(name, value)
    done = httpd(settled, "-t")
    assert done.returncode != 0
    assert words in done.stderr
    assert "geheim" not in done.stderr


@pytest.mark.parametrize("name", NEEDED)
def test_a_setting_that_is_missing_is_named(settled, name):
    path = settled.data / "conf/kanzlei.conf"
    before = path.read_text()
    path.write_text(re.sub(rf"(?m)^{name} .*\n", "", before))
    done = httpd(settled, "-t")
    path.write_text(before)
    assert done.returncode != 0
    assert f"{name} is missing" in done.stderr


def test_another_master_key_is_refused(settled):
    (path,) = (settled.data / "keys").glob("**/master-1")
    before = path.read_bytes()
    path.write_bytes(os.urandom(32))
    done = httpd(settled, "-t")
    path.write_bytes(before)
    assert done.returncode != 0
    assert "is another key" in done.stderr


def test_the_store_of_another_installation_is_refused(settled):
    path = settled.data / "store-2/kanzleipost-installation"
    before = path.read_text()
    path.write_text("00000000-0000-4000-8000-000000000000\n")
    done = httpd(settled, "-t")
    path.write_text(before)
    assert done.returncode != 0
    assert "KanzleiStore: store store-2: belongs to another installation" in done.stderr


def test_two_stores_in_one_folder_are_refused(settled, with_setting):
    """By its other name, too: two copies there would be one."""
    other = settled.data / "other-name"
    other.symlink_to(settled.data / "store-2")
    for path in (settled.data / "store-2", other):
        with_setting("KanzleiStore", f"third dir:{path}")
        done = httpd(settled, "-t")
        assert done.returncode != 0
        assert "KanzleiStore: the stores store-2 and third are one place" in done.stderr
    other.unlink()


def test_a_reload_that_is_refused_ends_nothing(settled, with_setting):
    """The page is served by the same httpd as before."""
    parent = (settled.data / "run/httpd.pid").read_text()
    for name, value in (("KanzleiPasswordScore", "9"), ("KanzleiHtml", "/etc")):
        with_setting(name, value)
        done = httpd(settled, "-k", "graceful")
        assert done.returncode != 0
        assert name in done.stderr or value in done.stderr
    assert (settled.data / "run/httpd.pid").read_text() == parent
    assert settled.browser().get("/sign-in").status_code == 200
