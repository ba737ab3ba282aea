"""The clock of httpd's host or of the database is a day ahead for some seconds, as a wrong time
server sets it, and then right again. Nothing waits for the day to be over."""

import time

import pytest
from breakable import RESTART
from contents import random_content
from person import wait_for

DAY = 86_400
AHEAD = 4  # seconds for which the clock is wrong


@pytest.fixture
def clock(site):
    """Starts httpd and the database with a clock that can be set, and seals that are due each
    second."""
    conf = site.data / "conf/kanzlei.conf"
    before = conf.read_text()
    conf.write_text(before + 'KanzleiSealInterval "1s"\n')

    def start(httpd, database):
        site.stop_httpd()
        site.postgres("stop", "-m", "fast")
        site.postgres("start", preload=database)
        site.httpd("start", preload=httpd)
        wait_for(site.answers)

    yield start
    conf.write_text(before)
    start(httpd=False, database=False)


def ahead(site, during):
    """Sets the clock a day ahead, does DURING, and sets it back."""
    start = time.monotonic()
    site.set_clock(DAY)
    during()
    time.sleep(max(0, start + AHEAD - time.monotonic()))
    site.set_clock(0)


def is_received(site, document):
    return site.sql("SELECT 1 FROM event WHERE kind = 'received' AND document = %s", document)


def goes_on(site, what, browser, matter):
    """Checks that an upload, a receipt, a mail and the seals come as fast as ever."""
    content = random_content(100_000)
    document = browser.upload(matter, content)
    site.settle()
    download(site, site.signed_in("admin"), document, content)
    site.back(f"{what}: received", lambda: is_received(site, document), bound=10)
    told(site, what)
    sealed(site, what)


def download(site, reader, document, content):
    assert reader.get(f"/documents/{document}/content").content == content


def told(site, what):
    user, taken = site.fresh_staff(), len(site.mails.taken)
    browser = site.browser()
    browser.get_json("/forgotten")
    assert browser.post_json("/forgotten", {"user": user}).status_code == 200
    site.back(f"{what}: mail", lambda: len(site.mails.taken) > taken)


def sealed(site, what):
    site.back(f"{what}: sealed", lambda: not site.sql("SELECT 1 FROM event_unsealed"), bound=10)


@pytest.mark.expect_log(RESTART)
def test_clock_of_httpd_is_ahead(site, admin, maria, clock):
    """Uploads, receipts, seals and mails go on while it is wrong, and when it is right again."""
    browser = maria.browser
    clock(httpd=True, database=False)
    for one in (browser, admin):
        site.reconnect(one)
    kept = {}

    def work():
        goes_on(site, "clock ahead", browser, maria.matter)
        kept["content"] = random_content(100_000)
        kept["document"] = browser.upload(maria.matter, kept["content"])
        site.settle()
        download(site, admin, kept["document"], kept["content"])  # noted when the clock is right

    ahead(site, work)
    site.back("clock right: received", lambda: is_received(site, kept["document"]), bound=10)
    goes_on(site, "clock right", browser, maria.matter)


@pytest.mark.expect_log(RESTART, r"job: .*mail|MAIL")
def test_clock_of_the_database_is_ahead(site, admin, maria, clock):
    """What was put off by that clock is done as soon as the next host tidies up; an idle session
    ends when it should."""
    browser = maria.browser
    clock(httpd=False, database=True)
    site.reconnect(browser)
    user, taken = site.fresh_staff(), len(site.mails.taken)
    site.stop_mail()

    def fail():
        stranger = site.browser()
        stranger.get_json("/forgotten")
        assert stranger.post_json("/forgotten", {"user": user}).status_code == 200
        wait_for(lambda: site.sql("SELECT 1 FROM job WHERE state = 'waiting' AND tries > 0"))
        site.signed_in("admin")

    ahead(site, fail)
    site.start_mail()
    late = "SELECT 1 FROM job WHERE state = 'waiting' AND due > now() + interval '20 hours'"
    wait_for(lambda: site.sql(late))
    assert site.sql("SELECT 1 FROM session WHERE seen > now() + interval '20 hours'")
    sealed(site, "clock of the database right")
    site.restart_httpd()
    site.reconnect(browser)
    site.back("clock of the database right: mail", lambda: len(site.mails.taken) > taken)
    assert not site.sql("SELECT 1 FROM session WHERE seen > now() + interval '1 hour'")
    goes_on(site, "clock of the database right", browser, maria.matter)
