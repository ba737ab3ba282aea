"""Matters assigned without their client, accesses with an end, and steps of each person."""

import secrets

import pytest
from person import mails, wait_for
from running import PASSWORD


@pytest.fixture
def anna(portal, admin):
    """A client with two matters, .matter and .second, each with a document from either side."""
    user = "anna-" + secrets.token_hex(4)
    made = portal.make_client(admin, "Zwei", user)
    made.email = f"{user}@mandant.example"
    made.second = admin.made(f"/clients/{made.client}/matters", {"number": "2", "title": "Erbe"})
    both = (made.matter, made.second)
    made.sent = [made.browser.upload(matter, b"x", "von.txt") for matter in both]
    made.provided = [admin.upload(matter, b"x", "an.txt") for matter in both]
    return made


@pytest.fixture
def helper(portal, admin, anna):
    """A member of staff who works for the first matter alone."""
    user = portal.fresh_staff()
    portal.sql(
        "INSERT INTO assignment (firm, id, staff, matter)"
        " SELECT a.firm, gen_random_uuid(), a.id, %s FROM account a WHERE a.user_name = %s",
        anna.matter, user,
    )  # fmt: skip
    return portal.signed_in(user)


def ids(rows, key="id"):
    return {row[key] for row in rows}


def test_staff_of_one_matter_see_only_that(helper, anna):
    for path in (
        "/clients/" + anna.client,
        "/matters/" + anna.matter,
        "/documents/" + anna.sent[0],
    ):
        helper.get_json(path)
    for path in (
        "/matters/" + anna.second,
        "/documents/" + anna.sent[1],
        "/accounts/" + anna.account,
    ):
        assert helper.get(path).status_code == 404
    assert ids(helper.get_json("/clients")["clients"]) == {anna.client}
    assert ids(helper.get_json(f"/clients/{anna.client}")["matters"]) == {anna.matter}


def test_lists_show_only_the_assigned_matter(helper, anna):
    both = {anna.sent[0], anna.provided[0]}
    for query in ("", f"?client={anna.client}", f"?matter={anna.matter}", "?q=txt"):
        assert ids(helper.get_json(f"/documents{query}")["documents"]) == both, query
    assert ids(helper.get_json("/documents?state=new")["documents"]) == {anna.sent[0]}
    for query in ("", f"?client={anna.client}", "?state=unopened"):
        shown = helper.get_json(f"/receipts{query}")["receipts"]
        assert ids(shown, "document_id") == {anna.provided[0]}, query
    home = helper.get_json("/")
    assert ids(home["fresh"]) == {anna.sent[0]}
    assert ids(home["unopened"]) == {anna.provided[0]}
    helper.get_json(f"/documents/{anna.sent[0]}")
    wait_for(lambda: helper.get_json("/")["fresh"] == [])


def test_staff_of_one_matter_can_provide_documents(helper, anna):
    helper.upload(anna.matter, b"x", "neu.txt")
    assert helper.create(anna.second, 1).status_code == 404
    assert "neu.txt" in {row["name"] for row in anna.browser.get_json("/documents")["documents"]}


def second_person(portal, anna):
    """Returns the browser of another account that acts for the client."""
    user = "karl-" + secrets.token_hex(4)
    portal.sql(
        "WITH made AS (INSERT INTO account (firm, id, kind, user_name, name, password)"
        "  SELECT firm, gen_random_uuid(), kind, %s, 'Karl', password FROM account WHERE id = %s"
        "  RETURNING firm, id)"
        " INSERT INTO account_client (firm, account, client) SELECT firm, id, %s FROM made",
        user, anna.account, anna.client,
    )  # fmt: skip
    browser = portal.browser()
    assert browser.sign_in(user, PASSWORD).status_code == 303
    return browser


def test_each_person_has_steps_and_events(portal, admin, anna):
    """The steps of both persons are kept, each with its event; the firm sees the first of each."""
    karl = second_person(portal, anna)
    document = anna.provided[0]
    steps = (
        "SELECT account = %s, step FROM delivery_step"
        " WHERE document = %s AND step IN ('opened', 'received') ORDER BY 1, 2"
    )

    def downloads(browser, hers):
        """Returns whether the document counts as received, which is noted after the answer or by
        the next request."""
        answer = browser.get(f"/documents/{document}/content", headers={"Accept": "*/*"})
        assert answer.content == b"x"
        return (hers, "received") in portal.sql(steps, anna.account, document)

    for browser, hers in ((anna.browser, True), (karl, False), (anna.browser, True)):
        browser.get_json(f"/documents/{document}")
        wait_for(lambda who=browser, hers=hers: downloads(who, hers))
    both = [(who, step) for who in (False, True) for step in ("opened", "received")]
    assert portal.sql(steps, anna.account, document) == both
    events = (
        "SELECT account = %s, kind FROM event"
        " WHERE document = %s AND kind IN ('opened', 'received') ORDER BY 1, 2"
    )
    assert portal.sql(events, anna.account, document) == both
    answer = karl.post_json(f"/documents/{document}/confirm")
    assert answer.status_code == 303
    shown = admin.get_json(f"/documents/{document}")["steps"][0]  # staff see all of it
    assert (shown["opened_by"], shown["confirmed_by"]) == ("Maria Zwei", "Karl")


def test_a_new_code_needs_all_clients_of_an_access(portal, admin, anna):
    """It lets its holder in to each of them; who is assigned to one gives none, until all are."""
    other = portal.make_client(admin, "Zweite", "zweite-" + secrets.token_hex(4))
    portal.sql(
        "INSERT INTO account_client (firm, account, client) SELECT firm, account, %s"
        "  FROM account_client WHERE account = %s", other.client, anna.account,
    )  # fmt: skip
    user = "hilfe-" + secrets.token_hex(4)
    staff = portal.make_staff(user, "--right", "clients", "--right", "unlock")
    clerk = portal.signed_in(staff)
    assign = (
        "INSERT INTO assignment (firm, id, staff, client) SELECT firm, gen_random_uuid(), id, %s"
        "  FROM account WHERE user_name = %s"
    )
    portal.sql(assign, anna.client, user)
    page = f"/accounts/{anna.account}"
    assert clerk.get(page).status_code == 200
    for way in ("letter", "invite", "unlock"):
        assert clerk.post_json(f"{page}/{way}").status_code == 404
    portal.sql(assign, other.client, user)
    assert clerk.post_json(f"{page}/letter").status_code == 200


def test_an_access_that_has_ended(portal, admin, anna):
    """Its holder can sign in but sees nothing of the client, and gets no mails about new
    documents."""
    other = portal.make_client(admin, "Andere", "andere-" + secrets.token_hex(4))
    portal.sql(
        "INSERT INTO account_client (firm, account, client) SELECT firm, account, %s"
        "  FROM account_client WHERE account = %s", other.client, anna.account,
    )  # fmt: skip
    assert len(anna.browser.get_json("/documents")["documents"]) == 4
    portal.sql(
        "UPDATE account_client SET ends_at = now() WHERE account = %s AND client = %s",
        anna.account, anna.client,
    )  # fmt: skip
    assert anna.browser.get_json("/documents")["documents"] == []
    for path in (f"/matters/{anna.matter}", f"/documents/{anna.provided[0]}"):
        assert anna.browser.get(path).status_code == 404
    assert ids(anna.browser.get_json("/matters")["matters"]) == {other.matter}
    new = admin.upload(anna.matter, b"x", "danach.txt")
    waits = "SELECT 1 FROM job WHERE state = 'waiting' AND data ->> 'client' = %s"
    wait_for(lambda: portal.sql(waits, anna.client) == [])
    assert portal.sql("SELECT 1 FROM delivery_step WHERE document = %s", new) == []
    told = mails(portal.data / "mail", anna.email)
    assert not [text for text in told if "danach.txt" in text]
