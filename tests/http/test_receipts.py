"""Receipts are under the proof: kanzleictl check finds what somebody changed behind the portal's
back. A portal of its own, since the tables are changed as only a superuser can."""

import psycopg
import pytest
from person import wait_for
from running import running_portal, unexpected


class Proof:
    """A portal with one client and documents of every kind, and its database."""

    def __init__(self, portal):
        self.portal, self.sql = portal, portal.sql
        portal.kanzleictl("firm", "create", portal.firm, "--name", "Kanzlei Linde")
        portal.make_staff("admin", "--admin")
        self.admin = portal.signed_in("admin")
        self.maria = portal.make_client(self.admin, "Sommer", "maria")
        second = self.admin.made(f"/clients/{self.maria.client}/accounts", {
            "user": "karl", "name": "Karl Sommer", "email": "karl@mandant.example",
            "language": "de",
        })  # fmt: skip
        self.karl = second
        self.untouched = self.provide()
        self.read = self.provide()
        page = self.maria.browser.get_json(f"/documents/{self.read}")
        assert page["document"]["name"] == "brief.txt"
        wait_for(self.is_received)
        answer = self.maria.browser.post_json(f"/documents/{self.read}/confirm")
        assert answer.status_code == 303, answer.text
        self.sent = self.maria.browser.upload(self.maria.matter, b"sent", "steuer.txt")
        wait_for(lambda: self.maria.browser.state(self.sent) == "available")
        self.admin.get_json(f"/documents/{self.sent}")
        wait_for(lambda: not self.sql("SELECT 1 FROM job WHERE kind = 'provided' AND state ="
                                      " 'waiting'"))  # fmt: skip

    def is_received(self):
        """Downloads it; that is noted after the answer, or by the next one."""
        path = f"/documents/{self.read}/content"
        answer = self.maria.browser.get(path, headers={"Accept": "*/*"})
        assert answer.content == b"brief"
        return self.sql("SELECT 1 FROM delivery_step WHERE step = 'received'")

    def provide(self):
        ident = self.admin.upload(self.maria.matter, b"brief")
        wait_for(lambda: self.admin.state(ident) == "available")
        return ident

    def check(self, *words, fails=False):
        return self.portal.kanzleictl("check", *words, fails=fails)


@pytest.fixture(scope="module")
def proof():
    with running_portal() as portal:
        made = Proof(portal)
        yield made
        assert unexpected(made.portal.said_since(0), ()) == []


@pytest.fixture
def behind(proof):
    """Changes rows without triggers and foreign keys; puts the tables back afterwards."""
    tables = ("document", "delivery", "delivery_step", "event", "event_unsealed")
    with psycopg.connect(proof.portal.database(), autocommit=True) as db:
        db.execute("SET session_replication_role = replica")
        for table in tables:
            db.execute(f"CREATE TEMP TABLE was_{table} AS TABLE {table}")

        def change(statement, count=1):
            cursor = db.execute(statement, proof.__dict__ | proof.maria.__dict__)
            assert cursor.rowcount == count, statement

        yield change
        for table in tables:
            names = ", ".join(
                f'"{name}"' for (name,) in db.execute(
                    "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
                    " AND NOT attisdropped AND attgenerated = ''", (table,),
                )
            )  # fmt: skip
            db.execute(f"DELETE FROM {table}")
            db.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM was_{table}")


def test_all_is_well(proof):
    answer = proof.check()
    assert answer["problems"] == []
    assert answer["receipts"] == 3
    steps = proof.sql("SELECT step, count(*) FROM delivery_step GROUP BY step ORDER BY step")
    assert dict(steps).keys() >= {"opened", "received", "confirmed"}


CONFIRM = (
    "INSERT INTO delivery_step (firm, document, client, account, step) SELECT firm, document,"
    " client, %(account)s, 'confirmed' FROM delivery WHERE document = %(untouched)s"
)
CHANGES = {
    "confirmed, forged in the delivery": [
        "UPDATE delivery SET confirmed_at = now(), confirmed_by = %(account)s WHERE document ="
        " %(untouched)s"
    ],
    "confirmed, forged as a step": [CONFIRM],
    "confirmed, forged everywhere": [
        CONFIRM,
        "UPDATE delivery SET confirmed_at = now(), confirmed_by = %(account)s WHERE document ="
        " %(untouched)s",
        "UPDATE document SET confirmed_at = now() WHERE id = %(untouched)s",
    ],
    "erased": [
        "DELETE FROM delivery_step WHERE document = %(read)s AND step = 'confirmed'",
        "UPDATE delivery SET confirmed_at = NULL, confirmed_by = NULL WHERE document = %(read)s",
        "UPDATE document SET confirmed_at = NULL WHERE id = %(read)s",
    ],
    "back-dated": [
        "UPDATE delivery_step SET at = at - interval '1 day' WHERE document = %(read)s AND step ="
        " 'opened'",
        "UPDATE delivery SET opened_at = opened_at - interval '1 day' WHERE document = %(read)s",
        "UPDATE document SET opened_at = opened_at - interval '1 day' WHERE id = %(read)s",
    ],
    "somebody else's": [
        "UPDATE delivery_step SET account = %(karl)s WHERE document = %(read)s AND step = 'opened'",
        "UPDATE delivery SET opened_by = %(karl)s WHERE document = %(read)s",
    ],
    "provided earlier": [
        "UPDATE delivery SET provided_at = provided_at - interval '1 day' WHERE document ="
        " %(untouched)s",
        "UPDATE document SET at = at - interval '1 day' WHERE id = %(untouched)s",
    ],
    "the document's time alone": [
        "UPDATE document SET at = at - interval '1 day' WHERE id = %(untouched)s"
    ],
    "provided by another": [
        "UPDATE delivery SET provided_by = %(karl)s WHERE document = %(untouched)s"
    ],
    "never provided": ["DELETE FROM delivery WHERE document = %(untouched)s"],
    "the document shows more": ["UPDATE document SET opened_at = now() WHERE id = %(untouched)s"],
    "the other way": ["UPDATE delivery SET direction = 'from_firm' WHERE document = %(sent)s"],
}


@pytest.mark.parametrize("statements", CHANGES.values(), ids=CHANGES.keys())
def test_changed_receipts_are_found(proof, behind, statements):
    for statement in statements:
        behind(statement)
    answer = proof.check("--events", fails=True)
    assert {row["problem"] for row in answer["problems"]} == {"receipt"}


HEADER = {
    "renamed": "UPDATE document SET name = 'kuendigung.txt' WHERE id = %(read)s",
    "in another matter": "UPDATE document SET matter = gen_random_uuid() WHERE id = %(read)s",
    "of another client": "UPDATE document SET client = gen_random_uuid() WHERE id = %(read)s",
    "by somebody else": "UPDATE document SET by = %(karl)s WHERE id = %(read)s",
    "of another type": "UPDATE document SET type = 'application/pdf' WHERE id = %(read)s",
}


@pytest.mark.parametrize("statement", HEADER.values(), ids=HEADER.keys())
def test_rows_are_what_the_sealed_headers_say(proof, behind, statement):
    behind(statement)
    answer = proof.check(fails=True)
    found = [row for row in answer["problems"] if row["problem"] == "row"]
    assert [row["document"] for row in found] == [proof.read], answer["problems"]


def test_a_rename_by_its_event_is_followed(proof, behind):
    """As a page for it will: event and name in one transaction, twice."""
    for name in ("zweiter.txt", "dritter.txt"):
        with psycopg.connect(proof.portal.database()) as db:
            db.execute(
                "INSERT INTO event (firm, id, kind, account, client, document, detail)"
                " SELECT firm, gen_random_uuid(), 'renamed', by, client, id, %s FROM document"
                " WHERE id = %s", (name, proof.read),
            )  # fmt: skip
            db.execute("UPDATE document SET name = %s WHERE id = %s", (name, proof.read))
    assert proof.check()["problems"] == []
    behind("UPDATE document SET name = 'zweiter.txt' WHERE id = %(read)s")
    assert [row["problem"] for row in proof.check(fails=True)["problems"]] == ["row"]


@pytest.mark.parametrize("statement", [
    "UPDATE delivery SET opened_at = now() - interval '1 day' WHERE document = %(read)s",
    "UPDATE delivery_step SET at = now() WHERE document = %(read)s",
    "DELETE FROM delivery_step WHERE document = %(read)s",
    "UPDATE document SET name = 'x' WHERE id = %(read)s",
])  # fmt: skip
def test_written_once(proof, statement):
    """Refused to everybody who doesn't turn triggers off."""
    with psycopg.connect(proof.portal.database(), autocommit=True) as db:
        with pytest.raises(psycopg.errors.CheckViolation):
            db.execute(statement, proof.__dict__)


def test_every_person_s_step_has_its_event(proof):
    """Of a second person, too, who comes after the first."""
    letter = proof.admin.post_json(f"/accounts/{proof.karl}/letter").json()
    karl = proof.portal.browser()
    karl.get_json("/redeem")
    word = "Lindenbaum-7-Sonnenblume"
    fields = {"code": letter["code"], "password": word, "password_again": word}
    assert karl.post_json("/redeem/password", fields).status_code == 303
    karl.get_json(f"/documents/{proof.read}")
    told = "SELECT count(*) FROM event WHERE kind = 'opened' AND document = %s"
    wait_for(lambda: proof.sql(told, proof.read) == [(2,)])  # noted after the answer
    assert proof.check("--events")["problems"] == []
