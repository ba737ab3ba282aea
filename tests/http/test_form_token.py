"""A form, an upload and the script that sends it belong to the account that made them: when another
one signs in with the same browser they stop, and when the same one does they go on."""

import base64
import html
import re
import secrets

import pytest
from portal import TUS
from running import PASSWORD

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


def test_what_was_typed_survives_the_end_of_the_session(portal):
    """The answer has what was typed; after signing in it is sent from there, and makes one."""
    user = portal.fresh_staff("--admin")
    browser = portal.signed_in(user)
    form = browser.get("/clients/new", json_view=False).text
    fields = {"number": secrets.token_hex(4), "kind": "company", "name": 'Geduld "& Co" GmbH',
              "csrf": re.findall(r'name="csrf" value="([^"]+)"', form)[-1]}  # fmt: skip
    name = f"__Host-kz-{portal.firm}"
    portal.sql("DELETE FROM session WHERE account = (SELECT id FROM account WHERE user_name = %s)",
               user)
    send = {"token": False, "json_view": False, "headers": {"Origin": portal.url}}
    answer = browser.request("POST", "/clients", data=fields, **send)
    assert answer.status_code == 401
    assert f'href="{browser.base}/sign-in"' in answer.text
    kept = answer.text.partition(f'action="{browser.base}/clients"')[2].partition("</form>")[0]
    typed = {name: html.unescape(value) for name, value in
             re.findall(r'name="([^"]+)" value="([^"]*)"', kept)}  # fmt: skip
    assert typed == fields
    assert browser.http.cookies.get(name)
    assert browser.sign_in(user, PASSWORD).status_code == 303
    answer = browser.request("POST", "/clients", data=typed, **send)
    assert answer.status_code == 303, answer.text
    answer = browser.post_json("/sign-out", headers={"X-CSRF-Token": fields["csrf"]})
    answer = browser.post_json("/clients", {}, headers={"X-CSRF-Token": fields["csrf"]})
    assert answer.json()["sign_in"] == f"{browser.base}/sign-in"


def test_a_password_is_not_kept(portal):
    browser = portal.signed_in(portal.fresh_staff())
    form = browser.get("/account", json_view=False).text
    fields = {"old": "geheim-1", "password": "geheim-2", "password_again": "geheim-2",
              "csrf": re.findall(r'name="csrf" value="([^"]+)"', form)[-1]}  # fmt: skip
    browser.post_json("/sign-out")
    answer = browser.request("POST", "/account/password", data=fields, token=False,
                             json_view=False, headers={"Origin": portal.url})
    assert answer.status_code == 401
    assert "geheim" not in answer.text
