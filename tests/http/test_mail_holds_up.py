"""A mail server that hangs or fails does not stop the portal's other work."""

import asyncio
import threading

import pytest
from mail_server import mail_server
from person import wait_for
from running import running_portal, unexpected


class Mails:
    """A mail server that holds each mail until a test releases it with an answer."""

    def __init__(self):
        self.came, self.go = threading.Semaphore(0), threading.Semaphore(0)
        self.holding, self.answer = True, ""

    async def handle_DATA(self, server, session, envelope):  # noqa: N802  (aiosmtpd's name)
        self.came.release()
        while self.holding and not self.go.acquire(blocking=False):
            await asyncio.sleep(0.01)
        return self.answer if self.holding else "250 OK"


@pytest.fixture(scope="module")
def mails():
    with mail_server(Mails()) as made:
        yield made


@pytest.fixture(scope="module")
def held(mails):
    """A portal that seals events at each run of its jobs."""
    with running_portal() as portal:
        (portal.data / "conf/kanzlei.local.conf").write_text(
            "KanzleiSealInterval 1ms\nKanzleiMailTimeout 10min\n"
        )
        portal.environment |= {"KANZLEI_MAIL": f"smtp://127.0.0.1:{mails.port}"}
        portal.start()
        portal.kanzleictl("firm", "create", portal.firm, "--name", "Kanzlei Linde")
        yield portal


def rows(portal, statement):
    """Returns the first value of each row, past row-level security."""
    return {row[0] for row in portal.sql(statement)}


def unsealed(portal):
    return rows(portal, "SELECT event FROM event_unsealed")


@pytest.fixture
def quiet(held, mails):
    """Holds mails during a test; then lets all go, and checks the error log for unexpected
    lines."""
    before, mails.holding = held.log.stat().st_size, True
    yield
    mails.holding = False
    wait_for(lambda: not rows(held, "SELECT id FROM job WHERE state = 'waiting'"))
    while mails.came.acquire(blocking=False):
        pass
    lines = unexpected(held.said_since(before), (r"MAIL: job: mail, try \d",))
    assert not lines, lines


def wish(browser, user):
    assert browser.post_json("/forgotten", {"user": user}).status_code == 200


@pytest.mark.parametrize("answer", ["451 4.3.0 come again", "250 OK"])
@pytest.mark.usefixtures("quiet")
def test_while_a_mail_hangs(held, mails, answer):
    """Other lanes work meanwhile, and the next mail follows however this one ends."""
    users = [held.fresh_staff(), held.fresh_staff()]
    browser = held.browser()
    browser.get_json("/forgotten")
    for user in users:
        wish(browser, user)
        if user == users[0]:
            assert mails.came.acquire(timeout=60)
    held.signed_in(users[0])
    while_it_hangs = unsealed(held)
    wait_for(lambda: not while_it_hangs & unsealed(held))
    mails.answer = answer
    mails.go.release()
    assert mails.came.acquire(timeout=60)  # the other mail


@pytest.mark.parametrize("answer", ["451 4.3.0 come again", "250 OK"])
@pytest.mark.usefixtures("quiet")
def test_the_result_of_a_lost_lease_does_not_count(held, mails, answer):
    """A try that took longer than its lease changes nothing of the job, which another process has
    taken meanwhile."""
    browser = held.browser()
    browser.get_json("/forgotten")
    wish(browser, held.fresh_staff())
    assert mails.came.acquire(timeout=60)
    other = "11111111-1111-4111-8111-111111111111"
    held.sql("UPDATE job SET worker = %s, lease = now() + interval '1 hour'"
             " WHERE state = 'waiting' AND worker IS NOT NULL", other)
    before = held.sql("SELECT * FROM job WHERE worker = %s", other)
    assert len(before) == 1
    mails.answer = answer
    mails.go.release()
    wish(browser, held.fresh_staff())  # its mail follows when the lane is free again
    assert mails.came.acquire(timeout=60)
    assert held.sql("SELECT * FROM job WHERE worker = %s", other) == before
    held.sql("UPDATE job SET lease = now() WHERE worker = %s", other)
