"""Each person gets a mail of their own about new documents: a refused address holds
nobody up, and nobody gets a second mail."""

import secrets

import pytest
from mail_server import mail_server
from person import wait_for
from running import PASSWORD, running_portal, unexpected


class Mails:
    """A mail server that refuses the addresses in .refused."""

    def __init__(self):
        self.refused, self.tried, self.taken = set(), [], []

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        self.tried.append(address)
        if address in self.refused:
            return "450 4.2.1 come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.taken += envelope.rcpt_tos
        return "250 OK"


@pytest.fixture(scope="module")
def mails():
    with mail_server(Mails()) as made:
        yield made


@pytest.fixture(scope="module")
def told(mails):
    with running_portal() as portal:
        portal.stop()
        portal.environment |= {"KANZLEI_MAIL": f"smtp://127.0.0.1:{mails.port}"}
        portal.start()
        portal.kanzleictl("firm", "create", portal.firm, "--name", "Kanzlei Linde")
        portal.make_staff("admin", "--admin")
        yield portal


def second_access(portal, admin, client):
    """Makes another person of the same client, with a password; returns the mail address."""
    user = "zweite-" + secrets.token_hex(3)
    account = admin.made(f"/clients/{client}/accounts", {
        "user": user, "name": "Zweite Person", "email": f"{user}@mandant.example",
        "language": "de",
    })
    browser = portal.browser()
    browser.get_json("/redeem")
    code = admin.post_json(f"/accounts/{account}/letter").json()["code"]
    fields = {"code": code, "password": PASSWORD, "password_again": PASSWORD}
    assert browser.post_json("/redeem/password", fields).status_code == 303
    return f"{user}@mandant.example"


def due_now(portal):
    """Makes waiting retries due now."""
    portal.sql("UPDATE job SET due = now() WHERE state = 'waiting'")


def test_each_person_gets_one_mail(told, mails):
    admin, before = told.signed_in("admin"), told.log.stat().st_size
    person = told.make_client(admin, "Sommer", "erste-" + secrets.token_hex(3))
    first = told.sql("SELECT email FROM account WHERE id = %s", person.account)[0][0]
    others = [second_access(told, admin, person.client) for _ in range(2)]
    everybody = {first, *others}
    for refused in (first, others[0]):
        mails.refused, mails.tried, mails.taken = {refused}, [], []
        admin.upload(person.matter, b"Bescheid", "bescheid.txt")
        due_now(told)
        wait_for(lambda: set(mails.tried) == everybody)
        wait_for(lambda who=refused: due_now(told) or mails.tried.count(who) > 2)  # in vain
        assert sorted(mails.taken) == sorted(everybody - {refused})
        mails.refused = set()
        waiting = "SELECT id FROM job WHERE state = 'waiting'"
        wait_for(lambda sql=waiting: due_now(told) or not told.sql(sql))
        assert sorted(mails.taken) == sorted(everybody)
    documents = len(told.sql("SELECT id FROM document"))
    notified = told.sql("SELECT document, subject FROM event WHERE kind = 'notified'")
    assert len(notified) == len(set(notified)) == documents * len(everybody)
    lines = unexpected(told.said_since(before), (r"MAIL: job: provided, try \d",))
    assert not lines, lines


def test_a_new_person_gets_no_mail_about_earlier_documents(told, mails):
    admin = told.signed_in("admin")
    person = told.make_client(admin, "Winter", "erste-" + secrets.token_hex(3))
    mails.taken = []
    admin.upload(person.matter, b"Bescheid", "bescheid.txt")
    wait_for(lambda: due_now(told) or len(mails.taken) == 1)
    later = second_access(told, admin, person.client)
    admin.upload(person.matter, b"Zweiter", "zweiter.txt")
    wait_for(lambda: due_now(told) or len(mails.taken) == 3)

    def told_later():  # the portal notes it after the mail server has accepted the mail
        return told.sql(
            "SELECT d.name FROM event e JOIN document d ON d.id = e.document"
            " JOIN account a ON a.id = e.subject WHERE e.kind = 'notified' AND a.email = %s", later
        )

    wait_for(told_later)
    assert told_later() == [("zweiter.txt",)]
