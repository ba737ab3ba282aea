"""Each person gets a mail of their own about new documents: a refused address holds
nobody up, and nobody gets a second mail. A code lasts as long as the tries of its mail."""

import email
import email.policy
import secrets

import pytest
from mail_server import mail_server
from person import CODE, wait_for
from running import PASSWORD, running_portal, unexpected


class Mails:
    """A mail server that refuses the addresses in .refused, at RCPT or, when .late, after it has
    got the mail."""

    def __init__(self):
        self.refused, self.tried, self.taken, self.got = set(), [], [], []
        self.late, self.answer = False, "450 4.2.1 come again"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        self.tried.append(address)
        if address in self.refused and not self.late:
            return self.answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.got.append((envelope.rcpt_tos[0], message.get_body(("plain",)).get_content()))
        if self.refused.intersection(envelope.rcpt_tos):
            return self.answer
        self.taken += envelope.rcpt_tos
        return "250 OK"

    def forget(self):
        self.__init__()

    def to(self, address):
        """Returns the texts of all tries to send to an address."""
        return [text for to, text in self.got if to == address]


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


def test_a_code_lasts_as_long_as_the_tries_of_its_mail(told, mails):
    """Each try sends the code that was made when somebody asked for it, so that one that has
    arrived although the server's answer has not is of use. Until the mail has gone the code is in
    the job, sealed; nobody reads it in the database."""
    admin = told.signed_in("admin")
    mails.forget()
    user = "code-" + secrets.token_hex(3)
    mails.refused, mails.late = {f"{user}@mandant.example"}, True
    client = admin.made("/clients", {"number": user, "kind": "company", "name": "Code GmbH"})
    account = admin.made(f"/clients/{client}/accounts", {
        "user": user, "name": "Carla Code", "email": f"{user}@mandant.example", "language": "de",
    })
    invite = admin.post_json(f"/accounts/{account}/invite")
    assert invite.status_code == 303
    wait_for(lambda: due_now(told) or len(mails.to(f"{user}@mandant.example")) >= 3)
    codes = [CODE.search(text)[0] for text in mails.to(f"{user}@mandant.example")]
    assert len(set(codes)) == 1
    assert len(told.sql("SELECT id FROM code WHERE account = %s", account)) == 1
    stored = told.sql("SELECT j::text, sealed FROM job j WHERE about = %s", account)
    assert len(stored) == 1 and stored[0][1]
    assert codes[0].replace("-", "") not in stored[0][0].replace("-", "")
    assert admin.get_json(f"/accounts/{account}")["account"]["state"] == "new"
    invited = "SELECT account FROM event WHERE kind = 'invited' AND subject = %s"
    assert not told.sql(invited, account)
    mails.refused = set()
    wait_for(lambda: due_now(told) or told.sql(invited, account))
    me = told.sql("SELECT id FROM account WHERE user_name = 'admin'")
    assert told.sql(invited, account) == me
    assert admin.get_json(f"/accounts/{account}")["account"]["state"] == "invited"
    wait_for(lambda: told.sql("SELECT id FROM job WHERE about = %s AND state = 'done'", account))
    assert told.sql("SELECT sealed FROM job WHERE about = %s", account) == [(None,)]
    browser = told.browser()
    browser.get_json("/redeem")
    fields = {"code": codes[0], "password": PASSWORD, "password_again": PASSWORD}
    assert browser.post_json("/redeem/password", fields).status_code == 303


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
