"""What staff did in a client's name can be told from what the client did: steps behind a code that
staff have seen are marked until the client sets a password by a code from her own mail."""

import csv
import io
import secrets
import shutil

import psycopg
import pytest
from person import CODE, mails, wait_for
from running import running_portal, unexpected

PASSWORD = "Lindenbaum-7-Sonnenblume"


class Codes:
    def __init__(self, portal):
        self.portal, self.sql = portal, portal.sql
        portal.kanzleictl("firm", "create", portal.firm, "--name", "Kanzlei Linde")
        portal.make_staff("admin", "--admin")
        self.admin = portal.signed_in("admin")

    def client(self):
        user = "maria-" + secrets.token_hex(3)
        made = self.portal.make_client(self.admin, "Sommer", user)
        made.user, made.email = user, f"{user}@mandant.example"
        return made

    def provide(self, client):
        ident = self.admin.upload(client.matter, b"brief")
        wait_for(lambda: self.admin.state(ident) == "available")
        return ident

    def redeem(self, code):
        browser = self.portal.browser()
        browser.get_json("/redeem")
        fields = {"code": code, "password": PASSWORD, "password_again": PASSWORD}
        answer = browser.post_json("/redeem/password", fields)
        assert answer.status_code == 303, answer.text
        return browser

    def letter(self, client):
        """Staff print a letter and use its code themselves."""
        code = self.admin.post_json(f"/accounts/{client.account}/letter").json()["code"]
        return self.redeem(code)

    def mailed(self, client):
        return mails(self.portal.data / "mail", client.email)

    def forgotten(self, client):
        """The client sets a password by a code from her mail."""
        self.sql("UPDATE code SET created = created - interval '1 hour'")
        before = len(self.codes(client))
        browser = self.portal.browser()
        browser.get_json("/forgotten")
        assert browser.post_json("/forgotten", {"user": client.user}).status_code < 400
        wait_for(lambda: len(self.codes(client)) > before)
        return self.redeem(self.codes(client)[-1])

    def codes(self, client):
        return [CODE.search(text)[0] for text in self.mailed(client) if CODE.search(text)]

    def confirm(self, browser, document):
        browser.get_json(f"/documents/{document}")
        assert browser.post_json(f"/documents/{document}/confirm").status_code == 303

    def marks(self, document):
        (steps,) = self.admin.get_json(f"/documents/{document}")["steps"]
        return steps["opened_code"], steps["confirmed_code"]


@pytest.fixture(scope="module")
def codes():
    with running_portal() as portal:
        yield Codes(portal)
        assert unexpected(portal.said_since(0), ()) == []


def test_the_first_password_is_no_mark(codes):
    """Every client begins by a code of the firm's."""
    maria = codes.client()
    document = codes.provide(maria)
    codes.confirm(maria.browser, document)
    assert codes.marks(document) == (False, False)
    assert not [text for text in codes.mailed(maria) if "Code erstellt" in text]


def test_what_staff_did_is_marked_until_she_sets_a_password(codes):
    maria = codes.client()
    early, forged, late = (codes.provide(maria) for _ in range(3))
    maria.browser.get_json(f"/documents/{early}")
    staff = codes.letter(maria)
    codes.confirm(staff, forged)
    codes.confirm(staff, early)
    assert codes.marks(early) == (False, True)
    assert codes.marks(forged) == (True, True)
    page = codes.admin.get(f"/documents/{forged}", json_view=False).text
    assert page.count("nach einem Zugangscode der Kanzlei") == 4  # two steps and their events
    access = codes.admin.get(f"/accounts/{maria.account}", json_view=False).text
    assert "mit einem Code der Kanzlei" in access
    answer = codes.admin.get(f"/receipts.csv?client={maria.client}")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
    assert sorted(row["bestätigt nach Zugangscode der Kanzlei"] for row in rows) == ["", "x", "x"]
    codes.confirm(codes.forgotten(maria), late)
    assert codes.marks(late) == (False, False)
    assert codes.marks(forged) == (True, True)  # what was done stays marked
    assert codes.portal.kanzleictl("check", "--events")["problems"] == []


def test_the_client_is_told(codes):
    """Of a code for an access in use, whether it is used or not."""
    maria = codes.client()
    codes.admin.post_json(f"/accounts/{maria.account}/letter")
    wait_for(lambda: [text for text in codes.mailed(maria) if "Code erstellt" in text])
    (text,) = [text for text in codes.mailed(maria) if "Code erstellt" in text]
    assert not CODE.search(text)
    assert "/forgotten" in text and maria.user in text
    document = codes.provide(maria)
    maria.browser.get_json(f"/documents/{document}")
    assert codes.marks(document) == (False, False)  # the code was not used


def test_a_changed_password_is_no_proof(codes):
    """Whoever has entered by the code changes it, and is no other person for that."""
    maria = codes.client()
    staff = codes.letter(maria)
    fields = {"old": PASSWORD, "password": PASSWORD + "-2", "password_again": PASSWORD + "-2"}
    staff.get_json("/account")
    assert staff.post_json("/account/password", fields).status_code == 303
    document = codes.provide(maria)
    codes.confirm(staff, document)
    assert codes.marks(document) == (True, True)


def test_an_address_that_staff_have_changed_is_no_proof(codes):
    """A code that is mailed there sets a password, and the mark stays."""
    maria = codes.client()
    staff = codes.letter(maria)
    maria.email = f"kanzlei-{maria.user}@mandant.example"
    codes.sql("UPDATE account SET email = %s WHERE id = %s", maria.email, maria.account)
    browser = codes.forgotten(maria)
    assert browser is not staff
    document = codes.provide(maria)
    codes.confirm(browser, document)
    assert codes.marks(document) == (True, True)


def test_a_removed_mark_is_found(codes):
    maria = codes.client()
    document = codes.provide(maria)
    codes.confirm(codes.letter(maria), document)
    with psycopg.connect(codes.portal.database(), autocommit=True) as db:
        db.execute("SET session_replication_role = replica")
        change = "UPDATE delivery_step SET firm_code = %s WHERE document = %s AND step = 'opened'"
        db.execute(change, (False, document))
        found = codes.portal.kanzleictl("check", "--events", fails=True)["problems"]
        assert [(row["problem"], row["document"]) for row in found] == [("receipt", document)]
        db.execute(change, (True, document))
    assert codes.portal.kanzleictl("check", "--events")["problems"] == []


def test_a_new_master_key_ends_no_code_and_no_form(codes):
    """The operator puts a new key beside the old one and starts anew: a letter that was printed
    before is still good, and so is a form that was open."""
    maria, portal = codes.client(), codes.portal
    code = codes.admin.post_json(f"/accounts/{maria.account}/letter").json()["code"]
    codes.admin.get_json("/clients/new")  # its token
    old = portal.data / "keys/master-1"
    new = old.with_name("master-2")
    shutil.copy2(old, new)
    shutil.chown(new, old.stat().st_uid, old.stat().st_gid)
    new.write_bytes(secrets.token_bytes(32))
    portal.start()
    codes.admin.http._transport.close()  # its connection ended with the old process
    fields = {"number": secrets.token_hex(4), "kind": "company", "name": "Offen GmbH"}
    assert codes.admin.post_json("/clients", fields).status_code == 303
    assert codes.redeem(code).get("/").status_code == 200
    later = codes.admin.post_json(f"/accounts/{maria.account}/letter").json()["code"]
    assert codes.redeem(later).get("/").status_code == 200
