"""Faults of storage: a store is full, gone, empty, read-only or slow; the spool is full."""

import contextlib
import json
import os
import signal
import subprocess
import time
from functools import partial

import pytest
from breakable import RESTART, descendants, kill
from breakable import privileged as root
from contents import random_content
from person import wait_for

DOWN = r"STORE_DOWN|upload: .*store|copy: .*store"


@pytest.fixture
def known(maria):
    """A document from before the fault, which must be readable all the time."""
    content = random_content(200_000)
    return maria.browser.upload(maria.matter, content), content


def readable(site, what, browser, known, **more):
    document, content = known
    answer = site.said(what, lambda: browser.get(f"/documents/{document}/content"), 200, **more)
    assert answer.content == content


def refused(site, what, maria, size=1000):
    """Checks that an upload and a form are answered in time, with what is kept until the store is
    back; returns the upload's id."""
    browser = maria.browser
    upload = browser.created(maria.matter, size)
    site.said(f"{what}: upload", lambda: browser.patch(upload, 0, random_content(size)), 503)
    site.said(f"{what}: form", lambda: browser.send_form(
        maria.matter, ("form.bin", random_content(size)), json_view=False), 200)  # fmt: skip
    assert browser.get(f"/documents/{upload}").status_code == 404
    assert browser.state(upload) == "storing"
    return upload


def finishes(site, what, browser, upload):
    site.back(what, lambda: browser.state(upload) == "available")
    assert browser.get(f"/documents/{upload}/content").status_code == 200


@pytest.mark.expect_log(DOWN)
def test_gone(site, maria, known):
    folder = site.data / "store-2"
    aside = folder.with_name("store-2.gone")
    folder.rename(aside)
    try:
        upload = refused(site, "store gone", maria)
        readable(site, "store gone: download", maria.browser, known)
    finally:
        aside.rename(folder)
    finishes(site, "store back", maria.browser, upload)


@pytest.mark.expect_log(DOWN)
def test_not_mounted(site, maria, known):
    """An empty folder lies where the store should be: the portal writes nothing to it."""
    folder = site.data / "store-2"
    aside = folder.with_name("store-2.gone")
    owner = folder.stat()
    folder.rename(aside)
    try:
        folder.mkdir()
        root("chown", f"{owner.st_uid}:{owner.st_gid}", folder)
        upload = refused(site, "store not mounted", maria)
        readable(site, "store not mounted: download", maria.browser, known)
        assert list(folder.iterdir()) == []
    finally:
        folder.rmdir()
        aside.rename(folder)
    finishes(site, "store mounted", maria.browser, upload)


@pytest.mark.expect_log(DOWN)
def test_read_only(site, maria, known):
    root("mount", "-o", "remount,ro", site.data / "store-1")
    try:
        upload = refused(site, "store read-only", maria)
        readable(site, "store read-only: download", maria.browser, known)
    finally:
        root("mount", "-o", "remount,rw", site.data / "store-1")
    finishes(site, "store writable", maria.browser, upload)


@pytest.mark.expect_log(DOWN, r"NO_SPACE")
def test_full(site, maria, known):
    filler = site.fill("store-1", leave=64 * 1024)
    try:
        upload = refused(site, "store full", maria, size=1_000_000)
        readable(site, "store full: download", maria.browser, known)
    finally:
        filler.unlink()
    finishes(site, "store has room", maria.browser, upload)


@pytest.mark.expect_log(r"NO_SPACE")
def test_the_last_bytes_of_a_form_find_no_room(site, maria):
    """They are written when the file ends: the process lives, and the file is gone."""
    before, pids = site.spooled(), set(descendants(site.httpd_pid()))
    fillers = []

    def form():
        yield b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'
        yield b"x" * 1000
        fillers.append(site.fill("spool", leave=100_000))
        with fillers[0].open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(512))
        yield b"y" * 1000 + b"\r\n--b--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    path = f"/matters/{maria.matter}/documents"
    try:
        site.said("spool full: a form's last bytes", lambda: maria.browser.request(
            "POST", path, content=form(), headers=headers), 507)  # fmt: skip
    finally:
        fillers[0].unlink()
    assert pids <= set(descendants(site.httpd_pid()))
    assert site.spooled() == before


@pytest.mark.expect_log(r"NO_SPACE")
def test_spool_full(site, maria, known):
    """An upload is refused before its first byte if its size is known, else when the disk is full;
    later it resumes."""
    browser = maria.browser
    content = random_content(3_000_000)
    upload = browser.created(maria.matter, len(content))
    assert browser.patch(upload, 0, content[:1_000_000]).status_code == 204
    filler = site.fill("spool", leave=300_000)
    try:
        site.said("spool full: next upload", lambda: browser.create(maria.matter, 10), 507)
        site.said("spool full: form", lambda: browser.send_form(
            maria.matter, ("form.bin", b"x" * 1000), json_view=False), 507)  # fmt: skip
        for version in (2, 1):  # of more, httpx would wait for HTTP/2's window
            site.reconnect(browser, version=version)
            kept = browser.offset(upload)
            end = kept + 900_000 if version == 2 else len(content)
            send = partial(browser.patch, upload, kept, content[kept:end])
            site.said(f"spool full: upload, HTTP/{version}", send, 507)
            assert 1_000_000 <= browser.offset(upload) < len(content)
        readable(site, "spool full: download", browser, known)
    finally:
        filler.unlink()
    site.reconnect(browser)
    kept = browser.offset(upload)
    answer = browser.patch(upload, kept, content[kept:])
    assert answer.status_code == 204, answer.text
    assert browser.get(f"/documents/{upload}/content").content == content


@pytest.mark.expect_log(DOWN, "CONFLICT|stored anew")
def test_other_bytes_of_an_earlier_try(site, maria):
    """A store holds other bytes of an unfinished upload, which is stored anew, not tried for ever.
    What is tried for half an hour is said to the operator."""
    content = random_content(100_000)
    folder, aside = site.data / "store-2", site.data / "store-2.gone"
    folder.rename(aside)
    try:
        upload = maria.browser.created(maria.matter, len(content))
        assert maria.browser.patch(upload, 0, content).status_code == 503
        (copy,) = (site.data / "store-1").rglob(f"*/{upload}/1")
        sealed = bytearray(copy.read_bytes())
        sealed[-1] ^= 1
        owner = copy.stat()
        copy.unlink()  # it may be the spool's own file
        copy.write_bytes(sealed)
        os.chown(copy, owner.st_uid, owner.st_gid)
        site.sql("UPDATE upload SET tries = 60 WHERE id = %s", upload)
        said = "\n".join(site.kanzleictl("status", fails=True)["problems"])
        assert "uploads (1) can't be scanned or stored" in said
        site.sql("UPDATE upload SET tries = 0 WHERE id = %s", upload)
    finally:
        aside.rename(folder)
    finishes(site, "other bytes in a store", maria.browser, upload)
    assert maria.browser.get(f"/documents/{upload}/content").content == content


@pytest.mark.expect_log(DOWN)
def test_slow(site, maria, known):
    """Each flush and each open takes two seconds: documents arrive late but whole, and readers
    don't wait."""
    browser = maria.browser
    site.restart_httpd(preload=True)
    site.reconnect(browser)
    site.slow.write_text(f"2000 {site.data / 'store-1'}")
    content = random_content(100_000)
    upload = browser.created(maria.matter, len(content))
    site.said("store slow: upload", lambda: browser.patch(upload, 0, content), 204, bound=15)
    readable(site, "store slow: first download", browser, known, bound=5)
    readable(site, "store slow: download", browser, known)
    site.said("store slow: page", lambda: browser.get("/", json_view=False), 200)
    site.slow.unlink()
    finishes(site, "store fast again", browser, upload)
    assert browser.get(f"/documents/{upload}/content").content == content


@pytest.mark.expect_log(DOWN)
def test_hanging(site, maria, known):
    """A store never answers: an upload fails when the time for stores is over, later ones at
    once."""
    browser = maria.browser
    conf = site.data / "conf/kanzlei.conf"
    before = conf.read_text()
    conf.write_text(before + 'KanzleiStoreTimeout "3s"\n')
    site.restart_httpd(preload=True)
    site.reconnect(browser)
    site.slow.write_text(f"600000 {site.data / 'store-1'}")
    upload = browser.created(maria.matter, 1000)
    site.said("store hangs: first upload (store time-out 3 s)", lambda: browser.patch(
        upload, 0, b"x" * 1000), 503, bound=5)  # fmt: skip
    again = browser.created(maria.matter, 1000)
    site.said("store hangs: next upload", lambda: browser.patch(again, 0, b"y" * 1000), 503)
    site.said("store hangs: page", lambda: browser.get("/", json_view=False), 200)
    readable(site, "store hangs: download", browser, known)
    site.slow.unlink()
    for one in (upload, again):
        finishes(site, "store answers again", browser, one)
    conf.write_text(before)
    site.restart_httpd()
    site.reconnect(browser)


def started(site, *command):
    """Runs a command while the store hangs; returns what it printed."""
    env = {"LD_PRELOAD": str(site.shim), "KZ_SLOW": str(site.slow)}
    done = subprocess.run(
        [str(word) for word in command], env=os.environ | env, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.stdout


@pytest.mark.expect_log(DOWN, RESTART)
def test_hanging_from_the_start(site, maria, known):
    """A store's folder hangs while the portal starts, is reloaded and is looked at: it is away,
    and is used again when it answers."""
    browser = maria.browser
    site.stop_httpd()
    site.slow.write_text(f"600000 {site.data / 'store-1'}")
    begin = time.monotonic()
    site.httpd("start", preload=True)
    wait_for(site.answers)
    site.note("store hangs: start", "back", time.monotonic() - begin, 20)
    begin = time.monotonic()
    site.httpd("graceful", preload=True)
    site.note("store hangs: reload", "back", time.monotonic() - begin, 15)
    wait_for(site.answers)
    site.reconnect(browser)
    site.said("store hangs: page", lambda: browser.get("/", json_view=False), 200)
    readable(site, "store hangs: download", browser, known, bound=10)
    program = [site.appliance / "kanzleictl", "--data", site.data]
    begin = time.monotonic()
    said = json.loads(started(site, *program, "status", "--json"))
    site.note("store hangs: status", "back", time.monotonic() - begin, 15)
    assert [store["good"] for store in said["stores"]] == [False, True], said["stores"]
    begin = time.monotonic()
    said = json.loads(started(site, *program, "check", "--json"))
    site.note("store hangs: check", "back", time.monotonic() - begin, 30)
    assert "down" in {problem["problem"] for problem in said["problems"]}, said
    site.slow.unlink()
    upload = browser.created(maria.matter, 1000)
    site.back("store hangs no more: upload", lambda: browser.patch(
        upload, browser.offset(upload), b"x" * 1000).status_code == 204)  # fmt: skip
    site.restart_httpd()
    site.reconnect(browser)


@pytest.mark.expect_log(RESTART)
def test_a_slow_copy_holds_up_no_mail(site, maria, admin):
    """One copy takes for ever, as one of 10 GB would: mails go out and events are sealed
    meanwhile, and so they do after a graceful restart, while the old process still copies."""
    browser = maria.browser
    site.restart_httpd(preload=True)
    site.reconnect(browser)
    site.reconnect(admin)
    upload = browser.upload(maria.matter, random_content(100_000))
    site.settle()
    for path in (site.data / "store-2").rglob(f"*{upload}*"):
        for file in path.rglob("*") if path.is_dir() else (path,):
            file.unlink(missing_ok=True)
    site.slow.write_text(f"600000 {site.data}/store-2/1/")
    site.sql("UPDATE object_copy SET state = 'missing', at = now() WHERE document = %s"
             " AND store = (SELECT max(store) FROM object_copy)", upload)  # fmt: skip
    wait_for(lambda: site.sql("SELECT 1 FROM object_copy WHERE state <> 'held' AND at > now()"))
    for when in ("before", "after"):
        user, taken = site.fresh_staff(), len(site.mails.taken)
        assert browser.post_json("/forgotten", {"user": user}).status_code == 200
        site.back(f"a copy hangs: mail {when} a restart", lambda n=taken: len(site.mails.taken) > n)
        if when == "before":
            site.httpd("graceful", preload=True)
            site.reconnect(browser)
    assert site.sql("SELECT 1 FROM object_copy WHERE state <> 'held'")
    site.slow.unlink()


@pytest.mark.expect_log(DOWN)
def test_large_documents_have_longer(large_site):
    """Three seconds for the flushes of a store: too slow for a small document where one second is
    configured, in time for 40 MB, which have ten more."""
    site = large_site
    browser = site.make_client(site.signed_in("admin"), "Winter", "winter").browser
    matter = browser.get_json("/matters")["matters"][0]["id"]
    conf = site.data / "conf/kanzlei.conf"
    before = conf.read_text()
    conf.write_text(before + 'KanzleiStoreTimeout "1s"\n')
    site.restart_httpd(preload=True)
    site.reconnect(browser)
    # Slow are the firm's folders, not files: one store takes over the spool file and flushes none.
    site.slow.write_text(f"1500 {site.data}/store-2/1/")
    large = browser.created(matter, 40_000_000)
    assert browser.patch(large, 0, random_content(40_000_000)).status_code == 204
    small = browser.created(matter, 1000)
    assert browser.patch(small, 0, b"x" * 1000).status_code == 503
    site.slow.unlink()
    finishes(site, "small document after a slow store", browser, small)
    conf.write_text(before)
    site.restart_httpd()


@pytest.mark.expect_log(r"NO_SPACE")
def test_spool_keeps_its_reserve(site, maria):
    """A form doesn't announce how large its files are: it is refused before the disk is full."""
    before = site.spooled()
    site.reconnect(maria.browser, version=1)  # over HTTP/2, httpx reads no early answer
    filler = site.fill("spool", leave=80 << 20)
    try:
        site.said("spool's reserve: form", lambda: maria.browser.send_form(
            maria.matter, ("form.bin", b"x" * (40 << 20)), json_view=False), 507)  # fmt: skip
        assert site.spooled() == before
    finally:
        filler.unlink()


@pytest.mark.expect_log(r"INTERRUPTED|BAD_REQUEST")
def test_a_form_that_breaks_off_leaves_nothing(site, maria):
    before = site.spooled()
    waiting = "SELECT count(*) FROM upload WHERE state = 'receiving'"
    rows = site.sql(waiting)
    boundary = "grenze"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n'
        f"{maria.browser.csrf}\r\n"
        f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="a.bin"\r\n\r\n'
    )
    body = head.encode() + b"x" * 2_000_000  # and the end of the form is missing
    answer = maria.browser.request(
        "POST", f"/matters/{maria.matter}/documents", token=False, content=body,
        headers={"Origin": maria.browser.url,
                 "Content-Type": f"multipart/form-data; boundary={boundary}"},
    )  # fmt: skip
    assert answer.status_code == 400
    assert site.spooled() == before
    assert site.sql(waiting) == rows


@pytest.mark.expect_log("another installation", "AH00052", RESTART)
def test_spool_of_another_installation(site, maria):
    """No byte goes into a spool that appeared in the place of ours, and no start takes it."""
    browser = maria.browser
    marker = site.data / "spool/kanzleipost-installation"
    ours = marker.read_text()
    marker.write_text("01932c5e-0000-7abc-8def-0123456789ac\n")
    try:
        said = "\n".join(site.kanzleictl("status", fails=True)["problems"])
        assert "belongs to another installation" in said
        with pytest.raises(AssertionError, match="another installation"):
            site.httpd("graceful")
        before = site.children()
        kill(before, signal.SIGKILL)
        wait_for(lambda: site.children() and not set(before) & set(site.children()))
        wait_for(site.answers)
        site.reconnect(browser)
        assert browser.create(maria.matter, 10).status_code == 503
    finally:
        marker.write_text(ours)
    site.back("own spool: upload", lambda: browser.create(maria.matter, 0).status_code == 201)


@pytest.mark.expect_log(r"SCANNER_DOWN", r"SEAL: upload: upload \S+ has failed")
@pytest.mark.parametrize("damage", ["gone", "torn"])
def test_spool_lost(site, maria, damage):
    """An upload whose spool file is lost fails with a clear answer, and is not tried for ever."""
    browser = maria.browser
    hanging = site.scanners()
    kill(hanging, signal.SIGSTOP)
    upload = browser.created(maria.matter, 1000)
    assert browser.patch(upload, 0, b"x" * 1000).status_code == 503
    spool = site.data / "spool" / upload
    if damage == "gone":
        spool.unlink()
    else:
        tail = spool.with_name(f"{upload}.tail")  # the last bytes are there
        os.truncate(tail, tail.stat().st_size - 5)
    kill(hanging, signal.SIGCONT)
    site.back(f"spool file {damage}", lambda: browser.state(upload) == "failed")
    assert browser.get_json(f"/uploads/{upload}")["message"]
    assert browser.get(f"/documents/{upload}").status_code == 404
    assert browser.patch(upload, 1000, b"").status_code == 403  # the upload has ended
