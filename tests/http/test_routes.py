"""Every line of routes.def: who has access, and that nobody finds other people's ids.

Generated from routes.def: a route with an unknown placeholder, side or kind of body fails here
until this file knows it.
"""

import os
import re
import uuid
from pathlib import Path
from urllib.parse import unquote

import pytest
from person import wait_for
from portal import BYTES, TUS

SOURCE = Path(os.environ.get("KZ_SRC", Path(__file__).resolve().parents[2]))
TEXT = (SOURCE / "mod_kanzlei/routes.def").read_text()
LINE = re.compile(
    r'^KZ_ROUTE\((?P<method>\w+), "(?P<path>[^"]+)", (?P<who>\w+), (?P<right>\w+), '
    r"(?P<credential>\w+), (?P<token>\w+), (?P<body>\w+), (?P<effect>\w+), (?P<answer>\w+), "
    r"(?P<handler>\w+)\)$",
    re.MULTILINE,
)
ROUTES = [match.groupdict() for match in LINE.finditer(TEXT)]
KINDS = ("client", "matter", "document", "account", "upload", "session", "staff")


def ids_of(route):
    """Returns the kinds of ids in the route's path, in order."""
    return [kind for kind in re.findall(r"{(\w+)}", route["path"]) if kind != "firm"]


def name_of(route):
    return f"{route['method']} {route['path']} {route['who']}".replace("/k/{firm}", "")


def path_of(route, ids):
    path = route["path"].removeprefix("/k/{firm}")
    for kind in ids_of(route):
        path = path.replace("{" + kind + "}", ids[kind], 1)
    return path


def call(browser, route, ids, *, token=True, headers=None):
    """Calls the route with a body of its kind, and by default with the right form token."""
    send, more = dict(headers or {}), {}
    if route["body"] == "NONE":
        send |= TUS if "upload" in route["path"] else {}
    elif route["body"] == "FORM":
        more = {"json": {}}
    elif route["body"] == "PARTS":
        more = {"files": [("files", ("fremd.txt", b"fremd"))]}
    else:
        assert route["body"] == "STREAM", "another kind of body: say here how it is sent"
        send |= TUS | {"Upload-Length": "5", "Upload-Offset": "0", "Content-Type": BYTES}
        more = {"content": b"fremd"}
    path = path_of(route, ids)
    return browser.request(route["method"], path, token=token, headers=send, **more)


WITH_IDS = [route for route in ROUTES if ids_of(route)]


def with_ids(function):
    return pytest.mark.parametrize("route", WITH_IDS, ids=map(name_of, WITH_IDS))(function)


def all_of_them(function):
    return pytest.mark.parametrize("route", ROUTES, ids=map(name_of, ROUTES))(function)


def things(portal, admin, person, firm):
    """Returns one id of each kind: a client, her matter, documents and uploads, a member of
    staff."""
    user = portal.make_staff("route-" + uuid.uuid4().hex[:8], firm=firm)
    staff = next(row["id"] for row in admin.get_json("/staff")["staff"] if row["user"] == user)
    assert admin.post_json(
        f"/clients/{person.client}/assignments", {"staff": staff}
    ).status_code == 303
    document = person.browser.upload(person.matter, b"Guten Tag")
    admin.get_json(f"/documents/{document}")  # opened now, so that looking again changes nothing
    opened = "SELECT 1 FROM document WHERE id = %s AND opened_at IS NOT NULL"
    wait_for(lambda: portal.sql(opened, document))
    return {
        "client": person.client,
        "matter": person.matter,
        "document": document,
        "account": person.account,
        "upload": person.browser.created(person.matter, 5),
        "session": person.browser.get_json("/account")["sessions"][0]["id"],
        "staff": staff,
    }


@pytest.fixture(scope="module")
def own(portal, admin, maria):
    return things(portal, admin, maria, portal.firm)


@pytest.fixture(scope="module")
def next_door(portal, admin, neighbour):
    return things(portal, admin, neighbour, portal.firm)


@pytest.fixture(scope="module")
def others(portal, stranger, foreign):
    return things(portal, stranger, foreign, portal.other)


@pytest.fixture(scope="module")
def assigned(portal, admin, maria):
    """A member of staff with every right but "all" and "admin", who works for Maria alone."""
    rights = ("--right", "clients", "--right", "release", "--right", "unlock")
    user = portal.fresh_staff(*rights)
    staff = next(row["id"] for row in admin.get_json("/staff")["staff"] if row["user"] == user)
    answer = admin.post_json(f"/clients/{maria.client}/assignments", {"staff": staff})
    assert answer.status_code == 303
    return portal.signed_in(user)


def state_of(browser, person, ids):
    """Returns what the pages say about these things, without the parts that looking changes."""
    views = []
    for page in ("clients/{client}", "matters/{matter}", "documents/{document}",
                 "accounts/{account}", "staff/{staff}", "uploads/{upload}"):
        looks = person.browser if "upload" in page else browser  # only she sees it
        view = looks.get_json("/" + page.format(**ids))
        for name in ("csrf", "letter", "here", "notice"):
            view.pop(name, None)
        views.append(view)
    return views


def test_every_line_is_understood():
    lines = [line for line in TEXT.splitlines() if line.startswith("KZ_ROUTE(")]
    assert len(ROUTES) == len(lines) > 40
    for route in ROUTES:
        assert set(ids_of(route)) <= set(KINDS), "an id of another kind: add it to things()"
        assert route["who"] in ("HOST", "PUBLIC", "MEMBER", "STAFF", "CLIENT")
        assert route["body"] in ("NONE", "FORM", "PARTS", "STREAM")
        assert route["answer"] in ("PAGE", "FILE", "PROBLEM")


@pytest.fixture(scope="module")
def made_up():
    return {kind: str(uuid.uuid4()) for kind in KINDS}


@all_of_them
def test_without_a_session(portal, own, others, made_up, route):
    """Pages redirect to the sign-in, and everything else is refused, whether the ids exist or not;
    only the public pages answer."""
    browser = portal.browser()
    browser.get_json("/sign-in")
    for ids in (own, others, made_up) if ids_of(route) else (own,):
        answer = call(browser, route, ids)
        if route["who"] == "HOST":
            assert browser.get("").status_code == 200
        elif route["who"] == "PUBLIC":
            assert answer.status_code in (200, 303, 422)
        else:
            assert answer.status_code == 401
        if (route["who"] not in ("HOST", "PUBLIC") and route["method"] == "GET"
                and route["answer"] != "PROBLEM"):
            answer = browser.get(path_of(route, ids), json_view=False)
            assert answer.status_code == 303
            place, _, back = answer.headers["Location"].partition("?back=")
            assert place == browser.base + "/sign-in"
            assert (browser.base + path_of(route, ids)).startswith(unquote(back))
    browser.close()


def borrowed(portal, browser, token):
    """Gives BROWSER a foreign session cookie, and the form token that belongs to it."""
    browser.http.cookies.set(f"__Host-kz-{portal.firm}", token)
    browser.csrf = browser.get("/sign-in").json()["csrf"]


@all_of_them
def test_a_session_of_nobody_or_of_the_other_firm(portal, stranger, foreign, own, route):
    if route["who"] in ("HOST", "PUBLIC"):
        return
    cookie = f"__Host-kz-{portal.other}"
    tokens = ["s" + "A" * 43, "c" + "A" * 43]
    tokens += [one.http.cookies[cookie] for one in (stranger, foreign.browser)]
    for token in tokens:
        browser = portal.browser()
        borrowed(portal, browser, token)
        answer = call(browser, route, own)
        # A path that exists only for the other side is not found by this one.
        other_side = {"s": "CLIENT", "c": "STAFF"}[token[0]]
        assert answer.status_code == 401 or (
            answer.status_code == 404 and route["who"] == other_side), answer.text
        browser.close()


@with_ids
def test_ids_of_the_other_firm_and_made_up_ones(
    admin, assigned, clerk, maria, stranger, foreign, own, others, made_up, route
):
    sides = (
        (own, (others, made_up), (admin, assigned, clerk, maria.browser), (stranger, foreign)),
        (others, (own, made_up), (stranger, foreign.browser), (admin, maria)),
    )
    for right, wrongs, browsers, (looks, person) in sides:
        victims = wrongs[0]
        before = state_of(looks, person, victims)
        for kind in ids_of(route):  # one wrong id is enough
            for ids in (right | {kind: wrong[kind]} for wrong in wrongs):
                for browser in browsers:
                    answer = call(browser, route, ids)
                    assert answer.status_code == 404, (browser.base, kind, answer.text)
        assert state_of(looks, person, victims) == before


@with_ids
def test_ids_of_other_clients(
    admin, assigned, clerk, maria, neighbour, next_door, own, route
):
    """A client sees only her own things; staff see only the clients that they work for."""
    before = state_of(admin, neighbour, next_door)
    for kind in ids_of(route):
        if kind == "staff" and route["who"] == "STAFF":
            continue  # staff of one firm see each other
        ids = own | {kind: next_door[kind]}
        for browser in (assigned, clerk, maria.browser):
            answer = call(browser, route, ids)
            assert answer.status_code == 404, (kind, answer.text)
    assert state_of(admin, neighbour, next_door) == before


@all_of_them
def test_the_wrong_side_and_a_missing_right(clerk, maria, own, route):
    """A person for whom a page is not meant gets 404."""
    if route["who"] == "STAFF" and route["path"] != "/k/{firm}/":
        assert call(maria.browser, route, own).status_code == 404
    if route["who"] == "CLIENT" and route["path"] != "/k/{firm}/":
        assert call(clerk, route, own).status_code == 404
    if route["right"] != "NONE":
        assert call(clerk, route, own).status_code == 404


READS = [route for route in ROUTES if route["method"] == "GET"]


def let_in(route, *, admin, assigned, clerk, maria):
    """Returns, by name, the browsers of persons whom the line lets in and who own its ids."""
    if {"upload", "session"} & set(ids_of(route)):
        return {"client": maria.browser}  # only she owns these
    found = {}
    if route["who"] in ("STAFF", "MEMBER"):
        found["admin"] = admin
        if route["right"] != "ADMIN":
            found["assigned"] = assigned
        if route["right"] == "NONE" and not ids_of(route):
            found["clerk"] = clerk
    if route["who"] in ("CLIENT", "MEMBER"):
        found["client"] = maria.browser
    return found


@pytest.mark.parametrize("route", READS, ids=map(name_of, READS))
def test_who_is_let_in(portal, admin, assigned, clerk, maria, own, route):
    """The counterpart: with one's own ids the same paths answer, as JSON and as a page."""
    browsers = let_in(route, admin=admin, assigned=assigned, clerk=clerk, maria=maria)
    assert browsers or route["who"] in ("HOST", "PUBLIC")
    for name, browser in browsers.items():
        for json_view in (True, False):
            answer = browser.get(path_of(route, own), json_view=json_view, headers=TUS)
            assert answer.status_code == 200, (name, json_view, answer.text)
    if route["path"].endswith("/content"):  # it is noted later that they have received it
        took = "SELECT count(*) FROM delivery_step WHERE document = %s AND step = 'received'"
        readers = len({"admin", "assigned"} & set(browsers))
        wait_for(lambda: portal.sql(took, own["document"])[0][0] >= readers)


WRITES = [route for route in ROUTES if route["method"] != "GET"]


@pytest.mark.parametrize("route", WRITES, ids=map(name_of, WRITES))
def test_writing_needs_the_form_token_and_the_own_origin(portal, admin, maria, own, route):
    browser = admin if route["who"] == "STAFF" else maria.browser
    # When a mail has gone, pages tell of it: so none is on its way.
    waits = "SELECT id FROM job WHERE state = 'waiting' AND kind IN ('mail', 'provided')"
    wait_for(lambda: not portal.sql(waits))
    before = state_of(admin, maria, own)
    assert call(browser, route, own, token=False).status_code == 403
    for forged in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"},
                   {"X-CSRF-Token": "A" * 32}):  # fmt: skip
        assert call(browser, route, own, headers=forged).status_code == 403, forged
    assert state_of(admin, maria, own) == before
    assert browser.get("/").status_code == 200  # still signed in


@pytest.mark.parametrize("route", WRITES, ids=map(name_of, WRITES))
def test_writing_with_ones_own_ids_is_not_404(admin, assigned, clerk, maria, own, route):
    """This shows that the 404 of the tests above comes from the ids."""
    if route["path"].endswith(("/sign-out", "/sessions/end", "/sessions/{session}/end")):
        return  # would end the session that all of these tests use
    browsers = let_in(route, admin=admin, assigned=assigned, clerk=clerk, maria=maria)
    for name, browser in browsers.items():
        answer = call(browser, route, own)
        # A completed upload takes nothing more; one's own answers so.
        completed = "{upload}" in route["path"] and "schon abgeschlossen" in answer.text
        assert completed or answer.status_code not in (401, 403, 404, 405, 500), (name, answer.text)
        browser.get_json("/")
