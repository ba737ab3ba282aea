"""A form, an upload and the script that sends it belong to the account that made them: when another
one signs in with the same browser they stop, and when the same one does they go on."""

import base64
import html
import re
import secrets
import urllib.parse

import pytest
from portal import TUS
from running import PASSWORD

FORM = "application/x-www-form-urlencoded"
OTHER = "In diesem Browser hat sich inzwischen jemand anders angemeldet."


@pytest.fixture
def shared(portal, admin):
    """A client's browser, in which staff can sign in too: a second tab has the same cookies."""
    user = "paar-" + secrets.token_hex(3)
    person = portal.make_client(admin, "Doppel", user)
    person.user = user
    return person


def switch(portal, browser, user):
    """Signs USER in, in a second tab of BROWSER: the first tab's form token stays as it is."""
    tab = portal.browser()
    tab.http.cookies = browser.http.cookies
    assert tab.sign_in(user, PASSWORD).status_code == 303
    browser.http.cookies = tab.http.cookies
    return tab


def stopped(answer):
    assert answer.status_code == 403, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"].startswith(OTHER), answer.text


def documents(browser, matter):
    return browser.get_json(f"/matters/{matter}")["documents"] or []


def test_an_upload_does_not_go_on_in_another_name(portal, shared):
    browser = shared.browser
    upload = browser.created(shared.matter, 6, "brief.txt")
    browser.patch(upload, 0, b"abc")
    tab = switch(portal, browser, portal.fresh_staff("--admin"))
    stopped(browser.create(shared.matter, 3, "zweiter.txt"))
    stopped(browser.patch(upload, 3, b"def"))
    stopped(browser.request("DELETE", f"/uploads/{upload}", headers=TUS))
    status = browser.get(f"/uploads/{upload}", headers={"X-CSRF-Token": browser.csrf})
    stopped(status)
    stopped(browser.send_form(shared.matter, ("dritter.txt", b"x")))
    assert documents(tab, shared.matter) == []


def test_nor_where_the_other_one_sees_nothing_of_it(portal, shared):
    """The matter is not there for the other account, but the answer is the reason, no 404."""
    browser = shared.browser
    switch(portal, browser, portal.fresh_staff())
    stopped(browser.create(shared.matter, 3))


def test_forms_stop_as_well(portal):
    first, second = portal.fresh_staff("--admin"), portal.fresh_staff("--admin")
    browser = portal.signed_in(first)
    switch(portal, browser, second)
    fields = {"number": secrets.token_hex(4), "kind": "company", "name": "Irrtum GmbH"}
    stopped(browser.post_json("/clients", fields))
    stopped(browser.request("POST", "/clients", token=False, headers={"Origin": portal.url},
                            data=fields | {"csrf": browser.csrf}))  # fmt: skip
    assert browser.get("/clients?q=Irrtum").json()["clients"] in (None, [])


def test_the_same_account_goes_on_in_a_new_session(portal, shared):
    """After a pause one signs in again in a second tab, and the first goes on where it was."""
    browser = shared.browser
    upload = browser.created(shared.matter, 6, "brief.txt")
    browser.patch(upload, 0, b"abc")
    browser.request("POST", "/sign-out")
    assert browser.patch(upload, 3, b"def").status_code == 401
    switch(portal, browser, shared.user)
    answer = browser.patch(upload, 3, b"def")
    assert answer.status_code == 204, answer.text
    assert browser.send_form(shared.matter, ("zweiter.txt", b"x")).status_code == 303


def test_a_sign_in_form_is_of_its_browser(portal):
    """A token made for somebody else's sign-in page signs nobody in here."""
    foreign = portal.browser()
    foreign.get_json("/sign-in")
    browser = portal.browser()
    browser.get_json("/sign-in")
    fields = {"user": portal.fresh_staff(), "password": PASSWORD}
    answer = browser.post_json("/sign-in", fields, headers={"X-CSRF-Token": foreign.csrf})
    assert answer.status_code == 403
    assert browser.post_json("/sign-in", fields).status_code == 303


def test_every_byte_of_a_token_counts(portal, admin):
    token = base64.urlsafe_b64decode(admin.csrf)
    for place in range(len(token)):
        wrong = bytearray(token)
        wrong[place] ^= 1
        sent = base64.urlsafe_b64encode(wrong).decode().rstrip("=")
        answer = admin.post_json("/clients", {}, headers={"X-CSRF-Token": sent})
        assert answer.status_code == 403, place
    for sent in ("", "A", admin.csrf[:-1], admin.csrf + "AAAA", admin.csrf + "="):
        assert admin.post_json("/clients", {}, headers={"X-CSRF-Token": sent}).status_code == 403
    assert admin.post_json("/clients", {}).status_code == 422


def test_a_second_token_behind_a_file_counts_for_nothing(maria):
    """It was refused with "nothing has been changed", though the file before it was kept."""
    mark = secrets.token_hex(4)
    parts = [("csrf", (None, maria.browser.csrf)), ("files", (f"{mark}.txt", b"x")),
             ("csrf", (None, "A" * 32)), ("files", (f"{mark}b.txt", b"y"))]  # fmt: skip
    answer = maria.browser.request("POST", f"/matters/{maria.matter}/documents", token=False,
                                   files=parts, headers={"Origin": maria.browser.url})
    assert answer.status_code == 303, answer.text
    names = {row["name"] for row in documents(maria.browser, maria.matter)}
    assert {f"{mark}.txt", f"{mark}b.txt"} <= names


def fields_of(answer, form):
    """The hidden fields of the form that goes to FORM."""
    text = answer.text.partition(f'action="{form}"')[2].partition("</form>")[0]
    tags = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', text)
    return [(name, html.unescape(value)) for name, value in tags]


def post(browser, path, fields, **headers):
    """Sends a form as a browser does, fields in their order."""
    headers |= {"Origin": browser.url, "Content-Type": FORM}
    return browser.request("POST", path, token=False, json_view=False, headers=headers,
                           content=urllib.parse.urlencode(fields))  # fmt: skip


def way_back(answer):
    """Where the answer's way to sign in leads to afterwards."""
    (way,) = set(re.findall(r'href="[^"]*/sign-in\?back=([^"]*)"', answer.text))
    return urllib.parse.unquote(html.unescape(way))


def end_sessions(portal, user):
    portal.sql("DELETE FROM session WHERE account = (SELECT id FROM account WHERE user_name = %s)",
               user)  # fmt: skip


@pytest.fixture
def typed(portal):
    """One of the staff who has filled in a form while the session came to its end: user, browser
    and the form's fields."""
    user = portal.fresh_staff("--admin")
    browser = portal.signed_in(user)
    form = browser.get("/clients/new", json_view=False).text
    fields = {"number": secrets.token_hex(4), "kind": "company", "name": 'Geduld "& Co" GmbH',
              "csrf": re.findall(r'name="csrf" value="([^"]+)"', form)[-1]}  # fmt: skip
    end_sessions(portal, user)
    return user, browser, fields


def named(portal, fields):
    return portal.sql("SELECT name FROM client WHERE number = %s", fields["number"])


def test_a_form_goes_on_when_its_account_signs_in(portal, typed):
    """The answer to a form whose session has ended is the page to sign in, which keeps what was
    typed, also after a wrong password; signing in sends it, in one step."""
    user, browser, fields = typed
    sign_in = f"{browser.base}/sign-in"
    answer = post(browser, "/clients", fields)
    assert answer.status_code == 401
    assert "Sobald Sie sich mit demselben Zugang anmelden, wird es abgesendet" in answer.text
    kept = fields_of(answer, sign_in)
    assert ("again", f"{browser.base}/clients") in kept
    assert {name[6:]: value for name, value in kept if name.startswith("typed_")} == fields
    answer = post(browser, sign_in, [*kept, ("user", user), ("password", "falsch")])
    assert answer.status_code == 422
    again = fields_of(answer, sign_in)
    assert [one for one in again if one[0] != "csrf"] == [one for one in kept if one[0] != "csrf"]
    sent = [*again, ("user", user), ("password", PASSWORD)]
    answer = post(browser, sign_in, sent)
    assert answer.status_code == 307
    assert answer.headers["Location"] == f"{browser.base}/clients"
    assert not named(portal, fields)
    done = [post(browser, answer.headers["Location"], sent) for _ in range(2)]
    assert [one.status_code for one in done] == [303, 303], "sent twice, it makes one thing"
    assert done[0].headers["Location"] == done[1].headers["Location"]
    assert named(portal, fields) == [(fields["name"],)]
    csrf = {"X-CSRF-Token": fields["csrf"]}
    browser.post_json("/sign-out", headers=csrf)
    answer = browser.post_json("/clients", {}, headers=csrf)
    assert answer.json()["sign_in"] == sign_in


def test_a_form_goes_on_for_no_other_account(portal, typed):
    """Who else signs in there sends nothing, and is told; what was typed still waits for its own
    account."""
    user, browser, fields = typed
    sign_in = f"{browser.base}/sign-in"
    other = portal.fresh_staff("--admin")
    kept = fields_of(post(browser, "/clients", fields), sign_in)
    sent = [*kept, ("user", other), ("password", PASSWORD)]
    answer = post(browser, sign_in, sent)
    assert answer.status_code == 307
    answer = post(browser, answer.headers["Location"], sent)
    assert answer.status_code == 403
    assert OTHER in answer.text
    assert not named(portal, fields)
    sent = [*fields_of(answer, sign_in), ("user", user), ("password", PASSWORD)]
    answer = post(browser, sign_in, sent)
    assert post(browser, answer.headers["Location"], sent).status_code == 303
    assert named(portal, fields) == [(fields["name"],)]


@pytest.mark.parametrize("place", [
    "https://anders.example/k/linde/clients", "//anders.example/clients", "/k/eiche/clients",
    "/k/../clients", "",
])  # fmt: skip
def test_a_form_goes_on_in_this_portal_alone(portal, place):
    browser, user = portal.browser(), portal.fresh_staff()
    page = browser.get("/sign-in", json_view=False)
    sent = [*fields_of(page, f"{browser.base}/sign-in"), ("again", place), ("typed_x", "y"),
            ("user", user), ("password", PASSWORD)]  # fmt: skip
    answer = post(browser, f"{browser.base}/sign-in", sent)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"{browser.base}/"


def test_a_password_is_not_kept(portal):
    """That form is filled in anew: the answer says so and leads there."""
    browser = portal.signed_in(portal.fresh_staff())
    form = browser.get("/account", json_view=False).text
    fields = {"old": "geheim-1", "password": "geheim-2", "password_again": "geheim-2",
              "csrf": re.findall(r'name="csrf" value="([^"]+)"', form)[-1]}  # fmt: skip
    browser.post_json("/sign-out")
    answer = post(browser, "/account/password", fields,
                  Referer=f"{browser.url}{browser.base}/account")  # fmt: skip
    assert answer.status_code == 401
    assert "geheim" not in answer.text
    assert "Es ist deshalb nichts geändert worden" in answer.text
    assert way_back(answer) == f"{browser.base}/account"


def test_files_are_not_kept(portal, shared):
    """Files of a form whose session has ended are chosen anew, on the page that they came from."""
    browser, page = shared.browser, f"/matters/{shared.matter}"
    csrf = re.findall(r'name="csrf" value="([^"]+)"', browser.get(page, json_view=False).text)[-1]
    end_sessions(portal, shared.user)
    answer = browser.request(
        "POST", f"{page}/documents", token=False, json_view=False,
        files=[("csrf", (None, csrf)), ("files", ("brief.txt", b"x"))],
        headers={"Origin": browser.url, "Referer": f"{browser.url}{browser.base}{page}?row=1#a"},
    )  # fmt: skip
    assert answer.status_code == 401
    assert "Die Dateien sind deshalb nicht angekommen" in answer.text
    assert way_back(answer) == f"{browser.base}{page}?row=1"
    assert portal.sql("SELECT count(*) FROM document WHERE matter = %s", shared.matter) == [(0,)]


def test_signing_out_needs_no_session(portal, typed):
    """Who wants to leave is not asked to sign in for that."""
    _, browser, fields = typed
    answer = post(browser, "/sign-out", {"csrf": fields["csrf"]})
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"{browser.base}/sign-in"
