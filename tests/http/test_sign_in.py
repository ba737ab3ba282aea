"""Signing in: who can sign in, what locks an access, and who unlocks it."""

from concurrent.futures import ThreadPoolExecutor
from html import escape
from urllib.parse import parse_qs

import psycopg
import pytest
from person import wait_for
from running import PASSWORD

UNKNOWN = "01920000-0000-7000-8000-000000000000"
WRONG = "Benutzername oder Passwort stimmt nicht."


def try_in(portal, user, password, firm=None):
    """Tries once to sign in with a new browser; returns the answer."""
    browser = portal.browser(firm)
    try:
        return browser.sign_in(user, password)
    finally:
        browser.close()


def gets_in(portal, user):
    return try_in(portal, user, PASSWORD).status_code == 303


def lock(portal, user):
    for word in ("falsch-1", "falsch-2", "falsch-3"):
        assert try_in(portal, user, word).status_code == 422


def unlock(admin, user):
    """Unlocks an access by one click on the firm's home page."""
    found = [row for row in admin.get_json("/")["locked"] if row["user"] == user]
    assert len(found) == 1
    answer = admin.post_json(f"/accounts/{found[0]['account_id']}/unlock")
    assert answer.status_code == 303


def refusal(answer):
    """Returns the visible text, without the name that the person typed."""
    problem = answer.json()
    errors = tuple((error["name"], error["text"]) for error in problem["errors"])
    return answer.status_code, problem["title"], problem.get("detail"), errors


def test_right_password(portal):
    browser = portal.browser()
    answer = browser.sign_in(portal.fresh_staff(), PASSWORD)
    assert answer.status_code == 303
    assert answer.headers["Location"] == browser.base + "/"
    assert browser.get_json("/")["signed_in"] is True
    cookies = [line for line in answer.headers.get_list("set-cookie") if "_language" not in line]
    names = [line.partition("=")[0] for line in cookies]
    assert names == [f"__Host-kz-{portal.firm}", "__Host-kz_known"]
    for cookie in cookies:
        for word in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/"):
            assert word in cookie


def test_sign_out_ends_the_session(portal):
    browser = portal.signed_in(portal.fresh_staff())
    name = f"__Host-kz-{portal.firm}"
    kept = browser.http.cookies.get(name)
    assert browser.post_json("/sign-out").status_code == 303
    assert browser.get("/").status_code == 401
    thief = portal.browser()
    answer = thief.get("/", headers={"Cookie": f"{name}={kept}"})
    assert answer.status_code == 401


def session_of(browser):
    """Returns the session's cookie as a header."""
    name = f"__Host-kz-{browser.base.removeprefix('/k/')}"
    return {"Cookie": f"{name}={browser.http.cookies.get(name)}"}


def is_good(portal, cookie):
    return portal.browser().get("/", headers=cookie).status_code == 200


def test_signing_in_again_ends_the_session_before(portal):
    user, other = portal.fresh_staff(), portal.fresh_staff()
    elsewhere = portal.signed_in(user)
    browser = portal.signed_in(user)
    before = session_of(browser)
    assert browser.sign_in(user, "falsch").status_code == 422
    assert is_good(portal, before)
    assert browser.sign_in(user, PASSWORD).status_code == 303
    assert not is_good(portal, before)
    assert len(browser.get_json("/account")["sessions"]) == 2
    before = session_of(browser)
    assert browser.sign_in(other, PASSWORD).status_code == 303
    assert not is_good(portal, before)
    assert elsewhere.get("/").status_code == 200


def test_redeeming_a_code_ends_the_session_before(portal, admin):
    browser = portal.signed_in(portal.fresh_staff())
    before = session_of(browser)
    account = portal.make_client(admin, "Herbst", "herbst").account
    code = admin.post_json(f"/accounts/{account}/letter").json()["code"]
    fields = {"code": code, "password": PASSWORD, "password_again": PASSWORD}
    assert browser.post_json("/redeem/password", fields).status_code == 303
    assert browser.get_json("/")["is_client"]
    assert not is_good(portal, before)


def test_signing_in_ends_no_session_of_the_other_firm(portal):
    before = session_of(portal.signed_in(portal.fresh_staff()))
    name, _, token = before["Cookie"].partition("=")
    browser = portal.browser(portal.other)
    for cookie in (name, f"__Host-kz-{portal.other}"):
        browser.http.cookies.set(cookie, token, domain="localhost.local")
    assert browser.sign_in("admin", PASSWORD).status_code == 303
    assert is_good(portal, before)


def test_all_refusals_read_the_same(portal):
    known, locked = portal.fresh_staff(), portal.fresh_staff()
    lock(portal, locked)
    answers = {
        refusal(try_in(portal, known, "falsch")),
        refusal(try_in(portal, "gibt-es-nicht", "falsch")),
        refusal(try_in(portal, locked, PASSWORD)),
        refusal(try_in(portal, known, PASSWORD, portal.other)),
    }
    assert len(answers) == 1, answers
    status, _, _, errors = answers.pop()
    assert status == 422
    assert [name for name, _ in errors] == ["password"]
    assert errors[0][1].startswith(WRONG)


def test_empty_fields(portal):
    answer = try_in(portal, "", "")
    assert answer.status_code == 422
    assert {error["name"] for error in answer.json()["errors"]} == {"user", "password"}


def test_three_different_wrong_ones_lock_and_kanzleictl_unlocks(portal):
    user = portal.fresh_staff()
    lock(portal, user)
    assert not gets_in(portal, user)
    portal.kanzleictl("account", "unlock", "--firm", portal.firm, "--user", user)
    assert gets_in(portal, user)


def test_a_password_that_changes_meanwhile_lets_nobody_in(portal):
    """The old password was found right, but meanwhile its owner has set another one to stop a
    thief."""
    user = portal.fresh_staff()
    browser = portal.browser()
    browser.get_json("/sign-in")
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with psycopg.connect(portal.database()) as db, ThreadPoolExecutor(1) as pool:
        db.execute("UPDATE account SET password = password || 'x' WHERE user_name = %s", (user,))
        entering = pool.submit(browser.sign_in, user, PASSWORD)
        wait_for(lambda: portal.sql(waits) == [(1,)])
        db.commit()
        assert entering.result().status_code == 422
    assert portal.sql(
        "SELECT count(*) FROM session s JOIN account a ON a.firm = s.firm AND a.id = s.account"
        " WHERE a.user_name = %s", user,
    ) == [(0,)]  # fmt: skip


def test_the_same_wrong_password_counts_once(portal):
    user = portal.fresh_staff()
    for word in ("falsch-1", "falsch-2", "falsch-2", "falsch-1", "falsch-2", "falsch-1"):
        assert try_in(portal, user, word).status_code == 422
    assert gets_in(portal, user)


def test_a_right_password_resets_the_count_of_wrong_ones(portal):
    user = portal.fresh_staff()
    for words in (("falsch-1", "falsch-2"), ("falsch-3", "falsch-4")):
        for word in words:
            try_in(portal, user, word)
        assert gets_in(portal, user)


def test_the_firm_sees_the_lock_and_unlocks(portal, admin):
    user = portal.fresh_staff()
    lock(portal, user)
    unlock(admin, user)
    assert user not in [row["user"] for row in admin.get_json("/")["locked"] or []]
    assert gets_in(portal, user)


def test_a_client_locked_by_guessing_keeps_the_session_but_gets_no_new_one(portal, admin):
    person = portal.make_client(admin, "Winter", "winter")
    lock(portal, "winter")
    assert not gets_in(portal, "winter")
    assert person.browser.get("/").status_code == 200
    assert admin.post_json(f"/accounts/{person.account}/unlock").status_code == 303
    assert gets_in(portal, "winter")

WAITS = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    " AND datname = current_database()"
)
NEW = "Quitte-Leiter-54-Dachs"


def tab(portal, browser):
    """Returns the same session in a connection of its own."""
    other = portal.browser()
    other.http.cookies, other.csrf = browser.http.cookies, browser.csrf
    return other


def test_many_tries_at_once_at_change_password_get_three_answers(portal, admin):
    """A thief with a session asks with many passwords at once. All find the access open; after the
    third wrong one the others learn nothing but the lock."""
    person = portal.make_client(admin, "Sturm", "sturm")
    tabs = [tab(portal, person.browser) for _ in range(12)]
    fields = {"password": NEW, "password_again": NEW}

    def change(number):
        old = {"old": f"falsch-{number}"}
        return tabs[number].post_json("/account/password", fields | old)

    with ThreadPoolExecutor(len(tabs)) as pool:
        answers = list(pool.map(change, range(len(tabs))))
    assert {answer.status_code for answer in answers} == {422}
    texts = [answer.json()["errors"][0]["text"] for answer in answers]
    assert len([text for text in texts if "gesperrt" not in text]) == 2, texts
    assert not gets_in(portal, "sturm")
    assert admin.post_json(f"/accounts/{person.account}/unlock").status_code == 303
    assert gets_in(portal, "sturm")


def test_a_lock_between_question_and_change_keeps_the_password(portal, admin):
    """The old password was right, then a guesser at the door locks the access while the new one is
    being hashed: the old one stays."""
    person = portal.make_client(admin, "Hagel", "hagel")
    person.browser.get_json("/account")
    fields = {"old": PASSWORD, "password": NEW, "password_again": NEW}
    with psycopg.connect(portal.database()) as db, psycopg.connect(portal.database()) as guesser, \
            ThreadPoolExecutor(2) as pool:
        db.execute("SELECT FROM account WHERE user_name = 'hagel' FOR NO KEY UPDATE")
        changing = pool.submit(person.browser.post_json, "/account/password", fields)
        wait_for(lambda: portal.sql(WAITS) == [(1,)])
        lock = "UPDATE account SET locked_at = now(), wrong_at = now() WHERE user_name = 'hagel'"
        locking = pool.submit(guesser.execute, lock)
        wait_for(lambda: portal.sql(WAITS) == [(2,)])
        db.commit()
        locking.result()
        guesser.commit()
        answer = changing.result()
    assert answer.status_code == 422
    assert "gesperrt" in answer.json()["errors"][0]["text"]
    assert admin.post_json(f"/accounts/{person.account}/unlock").status_code == 303
    assert gets_in(portal, "hagel")


def wanted(answer):
    """Returns where the page to sign in that ANSWER leads to will lead back to."""
    place, _, query = answer.headers["Location"].partition("?")
    assert (answer.status_code, place) == (303, "/k/linde/sign-in")
    return parse_qs(query).get("back", [None])[0]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/documents?q=M%C3%BCller+%26+S%C3%B6hne&client=", None),
        ("/documents/{document}", None),
        ("/documents/{document}/content", "/documents/{document}"),
        ("/receipts.csv", "/"),
        ("/", "/"),
    ],
)
def test_after_signing_in_one_lands_where_one_wanted_to_go(portal, path, place):
    user, browser = portal.fresh_staff(), portal.browser()
    path = path.format(document=UNKNOWN)
    place = browser.base + (place or path).format(document=UNKNOWN)
    back = wanted(browser.get(path, json_view=False))
    page = browser.get("/sign-in", json_view=False, params={"back": back} if back else {}).text
    assert (f'name="back" value="{escape(back)}"' if back else 'method="post"') in page
    browser.get_json("/sign-in")
    more = {"back": back} if back else {}
    fields = {"user": user, "password": "falsch", "csrf": browser.csrf} | more
    again = browser.request("POST", "/sign-in", json_view=False, data=fields)
    assert again.status_code == 422
    assert not back or f'value="{escape(back)}"' in again.text
    answer = browser.post_json("/sign-in", {"user": user, "password": PASSWORD} | more)
    assert (answer.status_code, answer.headers["Location"]) == (303, place)


@pytest.mark.parametrize(
    "back",
    [
        "https://boese.example/", "//boese.example/k/linde/", "/\\boese.example/", "/k/eiche/",
        "/k/linde/../eiche/", "/k/linde/%2e%2E/eiche/", "/k/linde", "", "/", "/k/linde/\r\nX: y",
    ],
)
def test_signing_in_leads_to_no_other_place(portal, back):
    user, browser = portal.fresh_staff(), portal.browser()
    page = browser.get("/sign-in", params={"back": back}).json()
    assert page["back"] is None
    browser.csrf = page["csrf"]
    answer = browser.post_json("/sign-in", {"user": user, "password": PASSWORD, "back": back})
    assert (answer.status_code, answer.headers["Location"]) == (303, browser.base + "/")


def test_a_firm_may_be_called_like_any_cookie(portal):
    """The portal's own cookies have names that no firm's session can have."""
    for slug in ("language", "browser", "form"):
        portal.kanzleictl("firm", "create", slug, "--name", "Kanzlei")
        portal.make_staff("admin", "--admin", firm=slug)
        browser = portal.signed_in("admin", slug)
        assert browser.post_json("/language", {"lang": "en"}).status_code == 303
        assert browser.get("/").status_code == 200
        assert 'lang="en"' in browser.get("/", json_view=False).text


FORGED = [
    ("no token", {"Origin": "same"}),
    ("wrong token", {"Origin": "same", "X-CSRF-Token": "A" * 32}),
    ("wrong origin", {"Origin": "https://boese.example", "X-CSRF-Token": "right"}),
    ("opaque origin", {"Origin": "null", "X-CSRF-Token": "right"}),
    ("another site", {"Sec-Fetch-Site": "cross-site", "X-CSRF-Token": "right"}),
    ("another host", {"Sec-Fetch-Site": "same-site", "X-CSRF-Token": "right"}),
]


@pytest.mark.parametrize("headers", [row[1] for row in FORGED], ids=[row[0] for row in FORGED])
def test_forged_forms_are_refused_and_change_nothing(portal, admin, headers):
    words = {"same": portal.url, "right": admin.csrf}
    send = {name: words.get(value, value) for name, value in headers.items()}
    before = admin.get_json("/clients")["clients"]
    fields = {"number": "F-1", "kind": "company", "name": "Gefälscht", "language": "de"}
    answer = admin.post_json("/clients", fields, token=False, headers=send)
    assert answer.status_code == 403
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert admin.get_json("/clients")["clients"] == before


def test_a_token_of_another_browser_is_refused(portal, admin):
    other = portal.signed_in(portal.fresh_staff("--admin"))
    fields = {"number": "F-2", "kind": "company", "name": "Gefälscht", "language": "de"}
    answer = other.post_json("/clients", fields, headers={"X-CSRF-Token": admin.csrf})
    assert answer.status_code == 403


def test_a_session_is_not_valid_at_another_firm(portal):
    browser = portal.signed_in(portal.fresh_staff("--admin"))
    token = browser.http.cookies.get(f"__Host-kz-{portal.firm}")
    thief = portal.browser(portal.other)
    answer = thief.get("/", headers={"Cookie": f"__Host-kz-{portal.other}={token}"})
    assert answer.status_code == 401
