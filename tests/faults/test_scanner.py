"""Faults of the scanner: it is killed, hangs, or has no signatures. Nothing passes unscanned."""

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from breakable import RESTART, entered, kill
from person import wait_for
from scand_samples import EICAR, nested

DOWN = r"SCANNER_DOWN"


def send(browser, matter, content):
    """Uploads CONTENT; returns the answer to its last byte."""
    upload = browser.created(matter, len(content))
    return upload, lambda: browser.patch(upload, 0, content)


def ends_as(site, what, browser, upload, wanted):
    site.back(what, lambda: browser.state(upload) not in ("scanning", "storing"))
    assert browser.state(upload) == wanted


@pytest.mark.expect_log(DOWN, r"the scanner ended", r"worker \d: infected")
def test_killed(site, maria):
    browser = maria.browser
    good, last = send(browser, maria.matter, b"good")
    bad, last_bad = send(browser, maria.matter, EICAR)
    kill(site.scanners(), signal.SIGKILL)
    site.said("scanner killed: upload", last, 204, 503)
    site.said("scanner killed: virus", last_bad, 422, 503)
    ends_as(site, "scanner killed: upload", browser, good, "available")
    ends_as(site, "scanner killed: virus", browser, bad, "infected")


@pytest.mark.expect_log(DOWN, r"worker \d: infected")
def test_hanging(site, maria):
    browser = maria.browser
    good, last = send(browser, maria.matter, b"good")
    bad, last_bad = send(browser, maria.matter, EICAR)
    hanging = site.scanners()
    kill(hanging, signal.SIGSTOP)
    site.said("scanner hangs: upload", last, 503)
    site.said("scanner hangs: virus", last_bad, 503)
    site.said("scanner hangs: form", lambda: browser.send_form(
        maria.matter, ("form.txt", b"form"), json_view=False), 200)  # fmt: skip
    site.said("scanner hangs: page", lambda: browser.get("/", json_view=False), 200)
    assert browser.get(f"/documents/{good}").status_code == 404
    kill(hanging, signal.SIGCONT)
    ends_as(site, "scanner goes on: upload", browser, good, "available")
    ends_as(site, "scanner goes on: virus", browser, bad, "infected")


@pytest.mark.expect_log(DOWN, r"worker \d: infected")
def test_nothing_has_its_name_before_the_verdict(site, maria):
    """Before the verdict the stores hold the object where nobody finds it; a refused one is
    removed."""
    bad, last = send(maria.browser, maria.matter, EICAR)
    hanging = site.scanners()
    kill(hanging, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(last)
        wait_for(lambda: len(list(site.data.glob("store-*/.tmp/*"))) == 2)
        assert not list(site.data.glob(f"store-*/*/*/{bad}"))
        kill(hanging, signal.SIGCONT)
        assert answer.result().status_code in (422, 503)
    ends_as(site, "scanner goes on: virus", maria.browser, bad, "infected")
    assert not list(site.data.glob("store-*/.tmp/*"))
    assert not list(site.data.glob(f"store-*/*/*/{bad}"))


@pytest.mark.expect_log(DOWN, r"the scanner ended", r"keeper: ", r"worker \d: infected")
def test_without_signatures(site, maria):
    browser = maria.browser
    good, last = send(browser, maria.matter, b"good")
    bad, last_bad = send(browser, maria.matter, EICAR)
    folder = (site.data / "program/current/usr/share/kanzleipost/testdb").resolve()
    aside = folder.with_name("testdb.aside")
    folder.rename(aside)
    try:
        kill(site.scanners(), signal.SIGKILL)
        site.said("no signatures: upload", last, 503)
        site.said("no signatures: virus", last_bad, 503)
        assert browser.state(bad) == browser.state(good) == "scanning"
    finally:
        aside.rename(folder)
    ends_as(site, "signatures are back: upload", browser, good, "available")
    ends_as(site, "signatures are back: virus", browser, bad, "infected")


@pytest.mark.expect_log(DOWN, r"the scanner ended", RESTART)
def test_restart_after_its_death(site, maria):
    """httpd has restarted a dead scanner, and a graceful restart still applies a changed
    configuration."""
    old = site.scanners()
    kill(old, signal.SIGKILL)
    wait_for(lambda: set(site.scanners()) - set(old))
    site.httpd("graceful")
    other = site.browser()
    site.back("restart after the scanner's death: page", lambda: entered(other))
    site.reconnect(maria.browser)
    upload, last = send(maria.browser, maria.matter, b"good")
    site.back("restart after the scanner's death: upload", lambda: last().status_code in (204, 409))
    ends_as(site, "restart after the scanner's death: upload", maria.browser, upload, "available")


@pytest.mark.expect_log(DOWN, r"worker \d: unscannable: limits")
def test_what_could_not_be_scanned_takes_no_time_again(site, maria):
    """The same bytes are kept back without the scanner, which is asked about others; and about
    what somebody else sends: nobody pays for another one's time, or sees what others have sent."""
    browser, content = maria.browser, nested(25)
    someone = site.make_client(site.signed_in("admin"), "Anders", "anders").browser
    (matter,) = [row["id"] for row in someone.get_json("/matters")["matters"]]
    first, last = send(browser, maria.matter, content)
    assert last().status_code == 204
    assert browser.state(first) == "unscannable"
    again, last_again = send(browser, maria.matter, content)
    other, last_other = send(browser, maria.matter, content[:-1] + b"x")  # of the same size
    elses, last_elses = send(someone, matter, content)
    hanging = site.scanners()
    kill(hanging, signal.SIGSTOP)
    try:
        site.said("scanner hangs: known bytes", last_again, 204)
        site.said("scanner hangs: another one's bytes", last_elses, 503)
        assert browser.state(again) == "unscannable"
        site.said("scanner hangs: other bytes", last_other, 503)
    finally:
        kill(hanging, signal.SIGCONT)
    ends_as(site, "scanner goes on: other bytes", browser, other, "unscannable")
    ends_as(site, "scanner goes on: another one's bytes", someone, elses, "unscannable")
