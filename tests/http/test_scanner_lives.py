"""The scanner of a portal that has one user: httpd starts it, and it outlives httpd's restarts."""

import os
import signal
import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from running import OneUserPortal, running_portal
from scand_client import until
from scand_samples import EICAR, bomb

RESTART = r"AH00493|AH00488|AH00489|AH00494"


@pytest.fixture(scope="module")
def portal():
    with running_portal(kind=OneUserPortal) as made:
        made.kanzleictl("firm", "create", made.firm, "--name", "Kanzlei Linde")
        made.make_staff("admin", "--admin")
        yield made


@pytest.fixture(scope="module")
def admin(portal):
    return portal.signed_in("admin")


@pytest.fixture(scope="module")
def maria(portal, admin):
    made = portal.make_client(admin, "Sommer", "maria")
    reconnect(portal, made.browser)
    return made


def reconnect(portal, browser):
    """Goes on over HTTP/1.1, on a new connection for each request: over HTTP/2 httpx takes a
    restart's GOAWAY, which says that all streams will be answered, for the end of them."""
    cookies = browser.http.cookies
    browser.http.close()
    browser.http = httpx.Client(
        base_url=portal.url, verify=ssl.create_default_context(cafile=portal.authority),
        timeout=60, trust_env=False, cookies=cookies, headers={"Connection": "close"},
    )  # fmt: skip


def name_of(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except FileNotFoundError:  # the process has just ended
        return ""


def httpd(portal):
    return int((portal.data / "run/httpd.pid").read_text())


def keepers(portal):
    pid = httpd(portal)
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if "scand" in name_of(child)]


def processes(portal):
    """The processes of httpd that answer."""
    return set((portal.data / "spool").glob("worker-*"))


def restart(portal, number=signal.SIGUSR1):
    before = processes(portal)
    os.kill(httpd(portal), number)
    until(lambda: processes(portal) - before, "new processes")


def set_directive(portal, line):
    with (portal.data / "conf/kanzlei.conf").open("a") as file:
        file.write(line + "\n")


def busy(portal):
    """Whether a scan is under way: something is unpacked."""
    (keeper,) = keepers(portal)
    links = [os.readlink(f"/proc/{keeper}/fd/{fd}") for fd in os.listdir(f"/proc/{keeper}/fd")]
    (folder,) = [Path(path) for path in links if "/kanzlei-scand." in path]
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.expect_log(RESTART)
@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGHUP], ids=["graceful", "restart"])
def test_an_upload_right_after_a_restart_is_answered(portal, maria, number):
    before = keepers(portal)
    for _ in range(3):
        restart(portal, number)
        ident = maria.browser.upload(maria.matter, b"Guten Tag")
        assert maria.browser.state(ident) == "available"
    assert keepers(portal) == before


@pytest.mark.expect_log(RESTART, r"worker \d: unscannable", r"worker \d ended with status 4")
def test_a_graceful_restart_ends_no_scan(portal, maria, admin):
    """The verdict is that of the one scan that began before."""
    set_directive(portal, "KanzleiScanTime 8s")
    restart(portal)
    until(lambda: len(keepers(portal)) == 1, "the end of the old one")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(maria.browser.upload, maria.matter, bomb(), "bombe.zip")
        until(lambda: busy(portal), "a scan")
        (keeper,) = keepers(portal)
        restart(portal)
        upload = answer.result()
    assert maria.browser.state(upload) == "unscannable"
    assert keepers(portal) == [keeper]


@pytest.mark.expect_log(RESTART, r"keeper: ", r"worker \d: ")
def test_changed_arguments_replace_it_without_a_gap(portal, maria):
    """The old one scans until the new one has loaded, and to the end what it has begun."""
    (before,) = keepers(portal)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(maria.browser.upload, maria.matter, bomb(), "bombe.zip")
        until(lambda: busy(portal), "a scan")
        set_directive(portal, "KanzleiScannerWorkers 3")
        restart(portal)
        clean = maria.browser.created(maria.matter, 1)
        assert maria.browser.patch(clean, 0, b"x").status_code == 204
        assert maria.browser.state(clean) == "available"
        assert maria.browser.state(answer.result()) == "unscannable"
    until(lambda: before not in keepers(portal), "the end of the old one")
    (after,) = keepers(portal)
    assert after != before
    assert portal.kanzleictl("status", fails=True)["scanner"]["workers"] == 3


@pytest.mark.expect_log(
    RESTART, r"the scanner ended", r"SCANNER_DOWN: scanner:", r"worker \d: infected"
)
def test_one_that_died_is_started_again_after_a_restart_too(portal, maria):
    restart(portal)
    for _ in range(2):
        (keeper,) = keepers(portal)
        os.kill(keeper, signal.SIGKILL)
        until(lambda old=keeper: keepers(portal) not in ([], [old]), "another")
        until(lambda: portal.kanzleictl("status", fails=True)["scanner"]["running"], "it to load")
    ident = maria.browser.created(maria.matter, len(EICAR))
    assert maria.browser.patch(ident, 0, EICAR).status_code == 422


def test_status_says_that_one_user_is_weaker(portal):
    said = portal.kanzleictl("status", fails=True)["scanner"]
    assert said["own_user"] is False and said["landlock"] > 0
