"""Faults around httpd: a child is killed, a graceful restart comes in the middle of an upload, the
mail server is down."""

import hashlib
import os
import re
import secrets
import signal
import subprocess
import threading
import time

import httpx
import pytest
from breakable import RESTART, entered, kill
from contents import random_content
from person import wait_for
from portal import BYTES, TUS, coded
from running import PASSWORD

# The line that httpd's parent logs about a killed child.
CHILD = r"AH00051|AH00052|AH10244"


def slowly(content, pieces, pause):
    """Yields CONTENT in pieces, with pauses between them."""
    size = len(content) // pieces + 1
    for at in range(0, len(content), size):
        yield content[at : at + size]
        time.sleep(pause)


def in_background(call):
    """Runs CALL in a thread; returns the thread, and a list that will get the answer or error."""
    got = []

    def run():
        try:
            got.append(call())
        except httpx.HTTPError as error:
            got.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, got


def spooled(site, upload):
    return (site.data / "spool" / upload).stat().st_size


@pytest.mark.expect_log(CHILD, r"this process is not ready")
def test_a_sick_child_leaves_and_the_healthy_one_works_on(site, admin):
    """A sick child tries again, then ends and is replaced: it keeps no job and gets no request."""
    site.restart_httpd(preload=True)
    site.reconnect(admin)
    wait_for(lambda: len(site.children()) == 2)
    time.sleep(7)  # longer than httpd's parent needs to see that the children are well
    before, (first, second) = site.log.stat().st_size, site.children()
    site.sick.write_text(f"{site.httpd_pid()} {first}\n")
    kill([second], signal.SIGKILL)
    wait_for(lambda: "this process is not ready" in site.said_since(before))
    sick = {pid for pid in site.children() if pid != first}
    wait_for(lambda: not sick & set(site.children()))
    assert first in site.children()
    for _ in range(20):
        assert admin.get("/").status_code == 200
    user, taken = site.fresh_staff(), len(site.mails.taken)
    assert admin.post_json("/forgotten", {"user": user}).status_code == 200
    wait_for(lambda: len(site.mails.taken) > taken)
    site.sick.unlink()
    site.restart_httpd()
    site.reconnect(admin)


@pytest.mark.expect_log(CHILD, RESTART, r"this process is not ready")
def test_a_child_that_is_sick_from_the_start_leaves(site):
    """When the sick child gives up, the healthy one is still too young; it looks again and does all
    jobs."""
    site.restart_httpd(preload=True)
    wait_for(lambda: len(site.children()) == 2)
    old = set(site.children())
    site.sick.write_text(f"{site.httpd_pid()}\n")
    kill([site.httpd_pid()], signal.SIGUSR1)  # a graceful restart
    wait_for(lambda: len(set(site.children()) - old) == 2)
    time.sleep(1.5)
    well, sick = sorted(set(site.children()) - old)
    site.sick.write_text(f"{site.httpd_pid()} {well}\n")
    wait_for(lambda: sick not in site.children())
    assert well in site.children()
    site.sick.unlink()
    site.restart_httpd()


@pytest.mark.expect_log(CHILD, RESTART, r"this process is not ready")
def test_no_child_is_ready_at_first(site, admin):
    """httpd, which may serve other sites, goes on; the portal says that it is not there, and is as
    soon as one of the same children can be made ready. Its jobs are done then, too."""
    site.restart_httpd(preload=True)
    site.reconnect(admin)
    page = admin.get("/", json_view=False).text
    style = re.search(r"/-/assets/[^\"]+[.]css", page)[0]
    wait_for(lambda: len(site.children()) == 2)
    old, parent, before = set(site.children()), site.httpd_pid(), site.log.stat().st_size
    site.sick.write_text(f"{parent}\n")
    kill([parent], signal.SIGUSR1)
    wait_for(lambda: not old & set(site.children()) and len(site.children()) == 2)
    sick = set(site.children())
    taken = len(site.mails.taken)
    site.kanzleictl("staff", "create", "--firm", site.firm, "--user", f"neu-{secrets.token_hex(4)}",
                    "--name", "Frau Neu", "--email", "neu@kanzlei.example", "--invite")  # fmt: skip
    until = time.monotonic() + 13
    while time.monotonic() < until:
        site.reconnect(admin)
        site.said("no child is ready", lambda: admin.get("/", json_view=False), 503)
        assert admin.get(style).status_code == 200
        time.sleep(1)
    assert site.httpd_pid() == parent
    assert set(site.children()) == sick
    assert len(site.mails.taken) == taken
    assert 1 <= site.said_since(before).count("this process is not ready") <= 2
    site.sick.unlink()
    site.back("a child that was not ready", lambda: admin.get("/").status_code == 200)
    assert set(site.children()) == sick
    wait_for(lambda: len(site.mails.taken) > taken)
    site.restart_httpd()
    site.reconnect(admin)


@pytest.mark.expect_log(CHILD, RESTART, r"is another key", r"the database is (away|back)")
def test_a_wrong_key_that_was_put_while_the_database_was_away(site, admin):
    """The start could not prove it; a child does, and no page is shown."""
    (path,) = (site.data / "keys").glob("**/master-1")
    key = path.read_bytes()
    site.stop_httpd()
    site.postgres("stop", "-m", "fast")
    path.write_bytes(os.urandom(32))
    site.httpd("start")
    site.postgres("start")
    wait_for(lambda: "is another key" in site.log.read_text(errors="replace"))
    site.reconnect(admin)
    site.said("a wrong key", lambda: admin.get("/", json_view=False), 503)
    site.stop_httpd()
    path.write_bytes(key)
    site.httpd("start")
    wait_for(site.answers)
    site.reconnect(admin)


@pytest.mark.expect_log(CHILD)
def test_child_killed(site, maria):
    """A child dies in the middle of an upload: the upload resumes, other people are served at
    once."""
    browser = maria.browser
    content = random_content(1_000_000)
    upload = browser.created(maria.matter, len(content))
    assert browser.patch(upload, 0, content[:100_000]).status_code == 204
    thread, got = in_background(
        lambda: browser.patch(upload, 100_000, slowly(content[100_000:], 30, 0.1))
    )
    wait_for(lambda: spooled(site, upload) > 300_000)
    other = site.browser()
    kill(site.children(), signal.SIGKILL)
    site.back("httpd's children killed", lambda: entered(other))
    thread.join()
    assert isinstance(got[0], httpx.HTTPError), got
    site.reconnect(browser)
    kept = browser.offset(upload)
    assert 100_000 <= kept < len(content)
    assert browser.patch(upload, kept, content[kept:]).status_code == 204
    assert browser.get(f"/documents/{upload}/content").content == content


@pytest.mark.expect_log(CHILD)
def test_child_killed_before_the_checksum(site, maria):
    """Of a PATCH with a checksum all or nothing is kept, if the child dies before it is
    verified."""
    browser = maria.browser
    content = random_content(1_000_000)
    upload = browser.created(maria.matter, len(content))
    assert browser.patch(upload, 0, content[:100_000]).status_code == 204
    headers = {"Upload-Checksum": "sha256 " + coded(hashlib.sha256(content[100_000:]).digest())}
    thread, got = in_background(
        lambda: browser.patch(upload, 100_000, slowly(content[100_000:], 30, 0.1), headers)
    )
    wait_for(lambda: spooled(site, upload) > 400_000)
    kill(site.children(), signal.SIGKILL)
    thread.join()
    assert isinstance(got[0], httpx.HTTPError), got
    site.reconnect(browser)
    site.back("httpd's children killed", lambda: entered(browser))
    assert browser.offset(upload) == 100_000
    assert browser.patch(upload, 100_000, content[100_000:], headers).status_code == 204
    assert browser.get(f"/documents/{upload}/content").content == content


@pytest.mark.expect_log(CHILD, r"SCANNER_DOWN")
def test_child_killed_while_it_finishes(site, maria):
    """The child dies while the scanner scans a complete upload: another child finishes it."""
    browser = maria.browser
    content = random_content(1000)
    upload = browser.created(maria.matter, len(content))
    hanging = site.scanners()
    kill(hanging, signal.SIGSTOP)
    thread, got = in_background(lambda: browser.patch(upload, 0, content))
    wait_for(lambda: site.sql("SELECT 1 FROM upload WHERE id = %s AND worker IS NOT NULL", upload))
    kill(site.children(), signal.SIGKILL)
    kill(hanging, signal.SIGCONT)
    thread.join()
    assert isinstance(got[0], httpx.HTTPError), got
    site.reconnect(browser)
    site.back("child killed while it scanned", lambda: is_there(browser, upload))
    assert browser.get(f"/documents/{upload}/content").content == content


def is_there(browser, upload):
    try:
        return browser.state(upload) == "available"
    except httpx.HTTPError:
        return False


@pytest.mark.expect_log(CHILD, r"SCANNER_DOWN")
def test_child_killed_while_forms_wait(site, maria):
    """More forms come than are finished at once. Even the forms that waited are there in the end,
    although nobody can send them again."""
    names = [f"{secrets.token_hex(4)}.txt" for _ in range(5)]
    hanging = site.scanners()
    kill(hanging, signal.SIGSTOP)
    sent = [
        in_background(lambda name=name: maria.browser.send_form(maria.matter, (name, b"x")))
        for name in names
    ]
    wait_for(lambda: site.sql(
        "SELECT count(*) FROM upload WHERE name = ANY(%s) AND size = 1", names) == [(5,)]
    )  # fmt: skip
    kill(site.children(), signal.SIGKILL)
    kill(hanging, signal.SIGCONT)
    for thread, got in sent:
        thread.join()
        assert isinstance(got[0], httpx.HTTPError), got
    site.reconnect(maria.browser)
    site.back("child killed while forms waited", lambda: site.sql(
        "SELECT count(*) FROM document WHERE name = ANY(%s)", names) == [(5,)]
    )  # fmt: skip


@pytest.mark.expect_log(RESTART)
@pytest.mark.parametrize("times", [1, 3])
def test_graceful_restart(site, maria, times):
    """A graceful restart cuts no upload under way, and one that starts meanwhile is accepted."""
    browser = maria.browser
    content = random_content(1_000_000)
    upload = browser.created(maria.matter, len(content))
    site.reconnect(browser, version=1)  # over HTTP/2, httpx cuts the last streams
    thread, got = in_background(lambda: browser.patch(upload, 0, slowly(content, 40, 0.1)))
    wait_for(lambda: spooled(site, upload) > 100_000)
    for _ in range(times):
        site.httpd("graceful")
        time.sleep(0.3)
    other = site.browser()
    site.reconnect(other, version=1)  # as above: a child may learn late of it
    assert other.sign_in("maria", PASSWORD).status_code == 303
    site.said("graceful restart: page", lambda: other.get("/"), 200)
    second = other.created(maria.matter, 1000)
    site.back("graceful restart: upload",
              lambda: other.patch(second, 0, b"x" * 1000).status_code == 204)  # fmt: skip
    thread.join()
    assert not isinstance(got[0], Exception), got
    assert got[0].status_code == 204, got[0].text
    site.reconnect(browser)
    assert browser.get(f"/documents/{upload}/content").content == content


@pytest.mark.expect_log(RESTART)
def test_graceful_restart_over_http_2(site, maria, tmp_path):
    """The same with curl, which finishes its last stream as browsers do."""
    browser = maria.browser
    content = random_content(1_000_000)
    (tmp_path / "content").write_bytes(content)
    upload = browser.created(maria.matter, len(content))
    headers = TUS | {"Upload-Offset": "0", "Content-Type": BYTES, "X-CSRF-Token": browser.csrf,
                     "Origin": site.url,
                     "Cookie": "; ".join(f"{c.name}={c.value}" for c in browser.http.cookies.jar)}
    command = ["curl", "-sS", "--http2", "--cacert", site.authority, "--limit-rate", "250k",
               "-X", "PATCH", "--data-binary", f"@{tmp_path / 'content'}", "-o", "/dev/null",
               "-w", "%{http_version} %{http_code}", "--noproxy", "*"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    curl = subprocess.Popen(
        [*command, f"{site.url}{browser.base}/uploads/{upload}"], stdout=subprocess.PIPE, text=True
    )
    wait_for(lambda: spooled(site, upload) > 100_000)
    site.httpd("graceful")
    assert curl.communicate(timeout=60)[0] == "2 204"
    site.reconnect(browser)
    assert browser.get(f"/documents/{upload}/content").content == content


@pytest.mark.expect_log(r"mail, try \d|provided, try \d")
def test_mail_server_down(site, admin, maria):
    """No request waits for the mail server; the mail goes out when it is back."""
    taken = len(site.mails.taken)
    site.stop_mail()
    account = admin.made(f"/clients/{maria.client}/accounts", {
        "user": "neu-" + secrets.token_hex(3), "name": "Neu Sommer", "email": "neu@mandant.example",
        "language": "de",
    })  # fmt: skip
    site.said("mail server down: invite", lambda: admin.post_json(f"/accounts/{account}/invite"),
              303)  # fmt: skip
    job = wait_for(lambda: site.sql(
        "SELECT id FROM job WHERE state = 'waiting' AND tries > 0"))[0][0]  # fmt: skip
    site.said("mail server down: page", lambda: maria.browser.get("/", json_view=False), 200)
    site.start_mail()
    site.back("mail server is back (first pause 5 s)", lambda: len(site.mails.taken) > taken, 10)
    wait_for(lambda: site.sql("SELECT 1 FROM job WHERE id = %s AND state = 'done'", job))
    assert [mail.rcpt_tos for mail in site.mails.taken[taken:]] == [["neu@mandant.example"]]
