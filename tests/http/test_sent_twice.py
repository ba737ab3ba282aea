"""A form that is sent twice, by a double click, a reload or because its answer was lost, makes one
thing; the second answer leads where the first one led."""

import re
import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
from scand_samples import EICAR

CSRF = re.compile(r'name="csrf" value="([^"]+)"')


@pytest.fixture
def client(admin):
    return admin.made("/clients", {"number": secrets.token_hex(4), "kind": "company",
                                   "name": "Doppel GmbH", "language": "de"})  # fmt: skip


def token(browser, path):
    """Opens a page with a form; returns the form's token."""
    return CSRF.findall(browser.get(path, json_view=False).text)[-1]


def send(browser, path, token, **fields):
    return browser.request("POST", path, token=False, json_view=False,
                           data=fields | {"csrf": token}, headers={"Origin": browser.url})


def matters(portal, client):
    return portal.sql("SELECT count(*) FROM matter WHERE client = %s", client)[0][0]


def test_one_after_the_other(portal, admin, client):
    path = f"/clients/{client}/matters"
    form = token(admin, path + "/new")
    answers = [send(admin, path, form, title="Steuer", number="1") for _ in range(3)]
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert matters(portal, client) == 1
    other = send(admin, path, token(admin, path + "/new"), title="Steuer", number="1")
    assert other.headers["Location"] != answers[0].headers["Location"], "another form, another one"
    assert matters(portal, client) == 2


@pytest.mark.parametrize("number", [True, False], ids=["unique number", "nothing unique"])
def test_at_the_same_time(portal, admin, client, number):
    """Ten at once: nobody is told that the number is taken, which the first one has taken."""
    if number:
        path, form = "/clients", token(admin, "/clients/new")
        fields = {"number": secrets.token_hex(4), "kind": "company", "name": "Klick AG"}
    else:
        path = f"/clients/{client}/matters"
        form, fields = token(admin, path + "/new"), {"title": "Steuer"}
    browsers = [portal.browser() for _ in range(10)]  # with connections of their own
    for browser in browsers:
        browser.http.cookies = admin.http.cookies
    with ThreadPoolExecutor(10) as pool:
        sent = [pool.submit(send, one, path, form, **fields) for one in browsers]
        answers = [each.result() for each in sent]
    assert {answer.status_code for answer in answers} == {303}, [each.text for each in answers]
    assert len({answer.headers["Location"] for answer in answers}) == 1
    if number:
        found = "SELECT count(*) FROM client WHERE number = %s"
        assert portal.sql(found, fields["number"]) == [(1,)]
    else:
        assert matters(portal, client) == 1


def test_a_form_that_came_back_is_not_done(portal, admin, client):
    path = f"/clients/{client}/matters"
    form = token(admin, path + "/new")
    assert send(admin, path, form, title="").status_code == 422
    assert send(admin, path, form, title="Steuer").status_code == 303
    assert matters(portal, client) == 1


def test_other_fields_are_not_dropped_in_silence(portal, admin, client):
    path = f"/clients/{client}/matters"
    form = token(admin, path + "/new")
    assert send(admin, path, form, title="Steuer").status_code == 303
    answer = send(admin, path, form, title="Erbe")
    assert answer.status_code == 409
    assert "schon einmal abgesendet" in answer.text
    assert matters(portal, client) == 1


def test_one_mail_for_two_clicks(portal, admin, client):
    user = "klick-" + secrets.token_hex(3)
    account = admin.made(f"/clients/{client}/accounts", {
        "user": user, "name": "Klick", "email": f"{user}@example.org", "language": "de"})
    form = token(admin, f"/accounts/{account}")
    events = "SELECT count(*) FROM event WHERE kind = 'invited' AND subject = %s"
    before = portal.sql(events, account)
    for _ in range(2):
        assert send(admin, f"/accounts/{account}/invite", form).status_code == 303
    assert portal.sql(events, account)[0][0] <= before[0][0] + 1
    jobs = "SELECT count(*) FROM job WHERE kind = 'mail' AND data ->> 'account' = %s"
    assert portal.sql(jobs, account) == [(1,)]


def test_a_program_names_its_own_key(portal, admin, client):
    path, fields = f"/clients/{client}/matters", {"title": "Steuer"}
    key = {"Idempotency-Key": secrets.token_hex(8)}
    places = {admin.post_json(path, fields, headers=key).headers["Location"] for _ in range(2)}
    assert len(places) == 1
    assert matters(portal, client) == 1
    assert admin.post_json(path, {"title": "Erbe"}, headers=key).status_code == 409
    for wrong in ("", "x" * 65):
        answer = admin.post_json(path, fields, headers={"Idempotency-Key": wrong})
        assert answer.status_code == 400
    assert admin.post_json(path, fields).status_code == 303
    assert matters(portal, client) == 2, "without a key each one is meant"


def test_keys_are_of_one_account(portal, admin, client):
    other = portal.signed_in(portal.fresh_staff("--admin"))
    path, key = f"/clients/{client}/matters", {"Idempotency-Key": secrets.token_hex(8)}
    one = admin.post_json(path, {"title": "Steuer"}, headers=key)
    two = other.post_json(path, {"title": "Steuer"}, headers=key)
    assert one.headers["Location"] != two.headers["Location"]
    assert matters(portal, client) == 2


def send_files(browser, matter, token, *files):
    parts = [("csrf", (None, token)), *[("files", file) for file in files]]
    return browser.request("POST", f"/matters/{matter}/documents", token=False, json_view=False,
                           files=parts, headers={"Origin": browser.url})  # fmt: skip


def names(portal, matter):
    rows = portal.sql("SELECT name FROM document WHERE matter = %s ORDER BY name", matter)
    return [name for (name,) in rows]


@pytest.fixture
def sender(portal, admin):
    return portal.make_client(admin, "Doppel", "doppel-" + secrets.token_hex(3))


def test_files_one_after_the_other(portal, sender):
    form = token(sender.browser, f"/matters/{sender.matter}")
    one, two = ("eins.txt", b"eins"), ("zwei.txt", b"zwei")
    for _ in range(2):
        assert send_files(sender.browser, sender.matter, form, one, two).status_code == 303
    assert names(portal, sender.matter) == ["eins.txt", "zwei.txt"]
    other = ("eins.txt", b"Eins")  # somebody went back and chose another one
    assert send_files(sender.browser, sender.matter, form, other, two).status_code == 303
    assert names(portal, sender.matter) == ["eins.txt", "eins.txt", "zwei.txt"]
    left = "SELECT count(*) FROM upload WHERE account = %s AND state = 'receiving'"
    assert portal.sql(left, sender.account) == [(0,)]
    another = token(sender.browser, f"/matters/{sender.matter}")
    assert send_files(sender.browser, sender.matter, another, one).status_code == 303
    assert len(names(portal, sender.matter)) == 4, "another form means it"


def test_files_at_the_same_time(portal, sender):
    form = token(sender.browser, f"/matters/{sender.matter}")
    browsers = [portal.browser() for _ in range(6)]
    for browser in browsers:
        browser.http.cookies = sender.browser.http.cookies
    with ThreadPoolExecutor(6) as pool:
        sent = [pool.submit(send_files, one, sender.matter, form, ("a.txt", b"a"))
                for one in browsers]  # fmt: skip
        codes = {each.result().status_code for each in sent}
    assert codes <= {200, 303}, codes  # 200: the page says that it is being checked
    assert names(portal, sender.matter) == ["a.txt"]


def test_a_file_of_which_a_crash_left_nothing_is_taken(portal, sender):
    form = token(sender.browser, f"/matters/{sender.matter}")
    assert send_files(sender.browser, sender.matter, form, ("a.txt", b"a")).status_code == 303
    portal.sql("DELETE FROM upload WHERE account = %s", sender.account)  # its time is over
    assert send_files(sender.browser, sender.matter, form, ("a.txt", b"a")).status_code == 303
    assert names(portal, sender.matter) == ["a.txt"]
    portal.sql("UPDATE form_sent SET place = gen_random_uuid() WHERE account = %s", sender.account)
    assert send_files(sender.browser, sender.matter, form, ("a.txt", b"a")).status_code == 303
    assert names(portal, sender.matter) == ["a.txt", "a.txt"]


@pytest.mark.expect_log(r"worker \d: infected")
def test_an_infected_file_is_refused_twice(portal, sender):
    form = token(sender.browser, f"/matters/{sender.matter}")
    for _ in range(2):
        answer = send_files(sender.browser, sender.matter, form, ("v.com", EICAR))
        assert answer.status_code == 422
        assert "enthält den Virus" in answer.text
    found = "SELECT count(*) FROM event WHERE kind = 'infected' AND client = %s"
    assert portal.sql(found, sender.client) == [(1,)]
