"""HTML and JSON of a page show the same, to everybody: what is not shown is not in the JSON either.
The pages are those of routes.def."""

import html
import re
import secrets

import pytest
from person import wait_for
from running import ROOT
from scand_samples import sevenzip

ROUTE = re.compile(
    r'^KZ_ROUTE\(GET, "/k/\{firm\}([^"]*)", (\w+), \w+, \w+, \w+, \w+, \w+, PAGE,', re.M
)
ROUTES = ROUTE.findall((ROOT / "mod_kanzlei/routes.def").read_text(encoding="utf-8"))
REASON = "fuer-niemand-sonst"
# Ids and codes of choices, which HTML has in links or as words; and the sign of which form it is.
NO_WORDS = re.compile(
    r"(^|_|\.)(id|csrf|letter|state|kind|language|lang|access|rights|side|direction|page|slug|reason|what|by|here|base|"
    r"firm_name|me_\w+|name_of_form|agent|media_type|strength_js)(\.|$)"
)
# Numbers and addresses that staff see on another page of the same client or colleague.
ELSEWHERE = ("receipts.client_number", "client.number", "client.email", "accounts.email",
             "staff.email")  # fmt: skip


@pytest.fixture(scope="module")
def scene(portal, admin, tmp_path_factory):
    """A client with everything that pages show: a document released with a reason, one provided
    and read by two people, one that she sent and staff has read."""
    maria = portal.make_client(admin, "Gleich", "gleich")
    karl = admin.made(f"/clients/{maria.client}/accounts", {
        "user": "karl-gleich", "name": "Karl Gleich", "email": "karl@gleich.example",
        "language": "de",
    })  # fmt: skip
    other = portal.fresh_staff()
    folder = tmp_path_factory.mktemp("kept")
    kept = sevenzip(folder, "kept.zip", "-psecret", content=secrets.token_bytes(2000))
    maria.held = maria.browser.upload(maria.matter, kept, "kept.zip")
    wait_for(lambda: maria.browser.state(maria.held) == "unscannable")
    answer = admin.post_json(f"/documents/{maria.held}/release", {"reason": REASON})
    assert answer.status_code == 303, answer.text
    maria.provided = admin.upload(maria.matter, b"brief", "bescheid.txt")
    maria.sent = maria.browser.upload(maria.matter, b"brief", "beleg.txt")
    for browser, document in ((admin, maria.provided), (maria.browser, maria.sent)):
        wait_for(lambda one=browser, which=document: one.state(which) == "available")
    admin.get_json(f"/documents/{maria.sent}")
    letter = admin.post_json(f"/accounts/{karl}/letter").json()
    maria.karl = portal.browser()
    maria.karl.get_json("/redeem")
    word = "Lindenbaum-7-Sonnenblume"
    fields = {"code": letter["code"], "password": word, "password_again": word}
    assert maria.karl.post_json("/redeem/password", fields).status_code == 303
    maria.karl.get_json(f"/documents/{maria.provided}")
    maria.browser.get_json(f"/documents/{maria.provided}")
    staff = next(row["id"] for row in admin.get_json("/staff")["staff"] if row["user"] == other)
    admin.post_json(f"/clients/{maria.client}/assignments", {"staff": staff})
    maria.staff, maria.colleague = staff, f"Frau {other}"
    return maria


def leaves(value, path=""):
    """Yields each text and number of a view, with the names that lead to it."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, path)
    elif isinstance(value, str | int) and not isinstance(value, bool):
        yield path, str(value)


def hidden(view, text):
    """Returns what the JSON has and the HTML doesn't. Of a time or size one notation is enough."""
    said = html.unescape(text)
    found = []
    names = {path for path, _ in leaves(view)}
    for path, value in leaves(view):
        if NO_WORDS.search(path) or value in said or path in ELSEWHERE:
            continue
        if f"{path}_text" in names or re.search(r"_(text|exact)$", path):
            continue
        found.append(f"{path}: {value}")
    return found


def pages(scene, who):
    """Yields the path of each page for WHO, with each document in its place."""
    known = {"client": [scene.client], "matter": [scene.matter], "account": [scene.account],
             "staff": [scene.staff],
             "document": [scene.held, scene.provided, scene.sent]}  # fmt: skip
    for path, side in ROUTES:
        if side not in (who, "MEMBER"):
            continue
        kinds = re.findall(r"\{(\w+)\}", path)
        if not set(kinds) <= known.keys():
            continue
        for ident in known[kinds[0]] if kinds else [""]:
            yield path.replace(f"{{{kinds[0]}}}", ident) if kinds else path


@pytest.mark.parametrize("who", ["STAFF", "CLIENT"])
def test_html_and_json_show_the_same(admin, scene, who):
    browser = admin if who == "STAFF" else scene.browser
    found = []
    looked_at = 0
    for path in pages(scene, who):
        answer = browser.get(path)
        if answer.status_code != 200 or "json" not in answer.headers["Content-Type"]:
            continue
        looked_at += 1
        text = browser.get(path, json_view=False).text
        found += [f"{path} has in JSON alone: {what}" for what in hidden(answer.json(), text)]
    assert looked_at > (12 if who == "STAFF" else 6)
    assert not found, "\n".join(found)


def test_the_comparison_can_fail():
    view = {"name": "a", "steps": [{"who": "b", "at": "2026", "at_text": "heute"}], "id": "x"}
    assert hidden(view, "<p>a heute</p>") == ["steps.who: b"]


def history(browser, document, json_view=True):
    answer = browser.get(f"/documents/{document}", json_view=json_view)
    assert answer.status_code == 200
    return answer.json()["events"] if json_view else answer.text


def test_a_client_sees_no_reason_and_no_steps_of_others(admin, scene):
    for document in (scene.held, scene.provided, scene.sent):
        answer = scene.browser.get(f"/documents/{document}")
        assert REASON not in answer.text and "Karl" not in answer.text
        assert answer.json()["steps"] == []
    kinds = [row["kind"] for row in history(scene.browser, scene.provided)]
    assert kinds.count("opened") == 1 and "provided" in kinds
    assert [row["who"] for row in history(scene.browser, scene.sent) if row["kind"] == "opened"]


def test_staff_see_the_reason(admin, scene):
    for path in (f"/documents/{scene.held}", f"/clients/{scene.client}"):
        assert REASON in admin.get(path, json_view=False).text
    opened = [row["who"] for row in history(admin, scene.provided) if row["kind"] == "opened"]
    assert opened == ["Karl Gleich", "Maria Gleich"]


def test_what_a_client_sends_is_sent(admin, scene):
    for browser in (admin, scene.browser):
        said = {row["kind"]: row["event_text"] for row in history(browser, scene.sent)}
        assert said["provided"] == "gesendet"
        said = {row["kind"]: row["event_text"] for row in history(browser, scene.provided)}
        assert said["provided"] == "bereitgestellt"


def test_an_assignment_says_who(admin, scene):
    view = admin.get_json(f"/clients/{scene.client}")
    (row,) = [row for row in view["events"] if row["kind"] == "assigned"]
    assert row["subject_name"] == scene.colleague
    text = admin.get(f"/clients/{scene.client}", json_view=False).text
    assert f"zugeordnet: <bdi>{scene.colleague}</bdi>" in text


def test_a_client_who_came_before_the_mail(portal, admin, scene):
    """No step is "open" between two that are done."""
    portal.sql("UPDATE account SET email = '' WHERE id = %s", scene.account)
    document = admin.upload(scene.matter, b"brief", "vorher.txt")
    wait_for(lambda: admin.state(document) == "available")
    portal.sql("DELETE FROM job WHERE kind = 'provided' AND state = 'waiting'")
    scene.browser.get_json(f"/documents/{document}")
    wait_for(lambda: admin.get_json(f"/documents/{document}")["steps"][0]["opened"])
    assert not admin.get_json(f"/documents/{document}")["steps"][0]["notified"]
    text = admin.get(f"/documents/{document}", json_view=False).text
    assert "<b>benachrichtigt</b><span>vor einer E-Mail geöffnet</span>" in text
