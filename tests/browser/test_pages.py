"""Every page, for everybody: no violation of axe-core's rules, no error on the console, nothing
wider than a phone. The pages are those of routes.def: a new one is looked at without a line
here."""

import re

import pytest
from case import Case, file, opens_matter
from playwright.sync_api import expect
from scand_samples import EICAR, RAR5
from stage import ROOT, TEXTS

ROUTE = re.compile(  # the routes that answer with a page
    r'^KZ_ROUTE\(GET, "([^"]+)", (\w+), (\w+), \w+, \w+, \w+, \w+, PAGE, (\w+)\)', re.M
)
ROUTES = ROUTE.findall((ROOT / "mod_kanzlei/routes.def").read_text())
MEMBERS = {"admin": "STAFF", "staff": "STAFF", "client": "CLIENT"}

AXE = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations.map(
    one => `${one.id}: ` + one.nodes.map(node => node.target.join(" ")).slice(0, 3).join(", "))"""
WIDE = """() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    return [...document.querySelectorAll("body *")]
        .filter(one => one.getBoundingClientRect().right > width + 1)
        .map(one => `too wide: ${one.tagName} ${one.className}`).slice(0, 5);
}"""


# Elements that a finger must hit: buttons, menu, fields; not links within a text.
SMALL = """() => [...document.querySelectorAll(
        "button, summary, select, textarea, nav.rooms a, .kern-btn, input:not([type=hidden], "
        + "[type=checkbox], [type=radio], [type=file])")]
    .filter(one => one.checkVisibility() && !one.closest(".kern-sr-only")
        && one.getBoundingClientRect().height < 43.5)
    .map(one => `less than 44 px: ${one.tagName} ${one.className} ${one.textContent.trim()}`)"""
SEEN = set()  # titles of the pages looked at
DONE = set()  # names of the tests that have looked at all their pages


def rows(one, path, name):
    """Returns the rows of a page's view, from JSON."""
    answer = one.context.request.get(
        one.portal.base + path, headers={"Accept": "application/json"}
    )
    assert answer.ok, (path, answer.status, answer.text()[:200])
    return answer.json()[name]


def ids(one, role):
    """Returns one id of each kind that this person may see, by the names in the routes."""
    if role == "nobody":
        return {}
    documents = rows(one, "/documents", "documents")
    found = {"document": documents[0]["id"], "matter": documents[0]["matter_id"]}
    if role == "client":
        return found
    found["client"] = rows(one, "/clients", "clients")[0]["id"]
    for client in rows(one, "/clients", "clients"):
        accounts = rows(one, f"/clients/{client['id']}", "accounts")
        if accounts:
            found["account"] = accounts[0]["id"]
            break
    if role == "admin":
        found["staff"] = rows(one, "/staff", "staff")[0]["id"]
    return found


def addresses(role, known):
    """Yields name and path of every page that this role may open."""
    for path, who, right, handler in ROUTES:
        if who not in ("HOST", "PUBLIC", "MEMBER", MEMBERS.get(role)):
            continue
        if role == "nobody" and who == "MEMBER":
            continue
        if role == "staff" and right == "ADMIN":
            continue
        yield (
            handler.removeprefix("page_").replace("_", "-"),
            re.sub(r"\{(\w+)\}", lambda found: known[found[1]], path.replace("{firm}", "muster")),
        )


def documents_of_each_kind(one):
    """Returns a PDF, a picture, a text and a document that is kept back: their pages differ."""
    seen = {}
    for document in rows(one, "/documents", "documents"):
        seen.setdefault(f"{document['kind']}-{document['state']}", document["id"])
    return [(f"document-{kind}", f"/k/muster/documents/{id_}") for kind, id_ in seen.items()]


def look(one, axe, folder, name):
    """Returns the faults of this page, looked at wide and light, then narrow and dark."""
    findings = []
    SEEN.add(one.page.title())
    for size, scheme, width in (("desktop", "light", 1280), ("phone", "dark", 360)):
        one.page.set_viewport_size({"width": width, "height": 900 if width > 400 else 780})
        one.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        one.page.screenshot(path=folder / f"{name}-{size}.png")
        found = one.page.evaluate(AXE) + one.page.evaluate(WIDE)
        found += one.page.evaluate(SMALL) if size == "phone" else []
        findings += [f"{name}, {size}: {finding}" for finding in found]
    return findings


def test_the_look_can_fail(person, axe, tmp_path):
    """look() reports a page with a wide table and a picture without an alternative text."""
    one = person()
    one.context.add_init_script(axe)
    one.go("/help")
    one.page.locator("main").evaluate(
        "main => { const img = document.createElement('img'); img.style.minWidth = '2000px';"
        " img.style.height = '9px'; img.src = '/-/nothing.png'; main.append(img); }"
    )
    findings = "\n".join(look(one, axe, tmp_path, "broken"))
    assert "image-alt" in findings and "too wide: IMG" in findings


@pytest.mark.parametrize("role", ["nobody", "client", "staff", "admin"])
def test_pages(person, axe, screenshots, role):
    """Looks at all pages that somebody of this role can open by an address."""
    one = person()
    one.context.add_init_script("delete window.axe;\n" + axe)
    if role != "nobody":
        account = one.portal.accounts[role]
        one.sign_in(account["user"], account["password"])
    pages = list(addresses(role, ids(one, role)))
    if role != "nobody":
        pages += documents_of_each_kind(one)
    findings = []
    for name, path in pages:
        answer = one.page.goto(one.portal.root + path)
        if answer.status != 200:
            findings.append(f"{name}: {answer.status} for {path}")
        findings += look(one, axe, screenshots, f"{role}-{name}")
    DONE.add(role)
    assert not findings, "\n".join(findings)


def test_forms_that_come_back(person, axe, screenshots):
    """Looks at pages that only a form leads to: forms with wrong fields, and "not found"."""
    one = person()
    one.context.add_init_script(axe)
    one.try_sign_in("niemand", "falsch")
    one.sees(one.say("form.problem"))
    findings = look(one, axe, screenshots, "wrong-sign-in")
    one.go("/forgotten")
    one.fill(user="niemand")
    one.press("forgotten.go")
    one.sees(one.say("forgotten_sent.title"))
    findings += look(one, axe, screenshots, "forgotten-sent")
    account = one.portal.accounts["admin"]
    one.sign_in(account["user"], account["password"])
    one.go("/clients/new")
    one.press("form.save")
    one.sees(one.say("form.problem"))
    findings += look(one, axe, screenshots, "wrong-client")
    assert one.go("/clients/01900000-0000-7000-8000-000000000000").status == 404
    findings += look(one, axe, screenshots, "not-there")
    one.go("/account")
    one.choose_password("Brombeere wandert leise 48")
    findings += look(one, axe, screenshots, "strength")
    DONE.add("forms")
    assert not findings, "\n".join(findings)


def test_on_the_way_in(admin, person, axe, screenshots):
    """Looks at the letter with the code, the page that the code opens, and a password that is too
    weak."""
    staff, client = admin(), person()
    for one in (staff, client):
        one.context.add_init_script(axe)
    case = Case(staff)
    staff.go(f"/accounts/{case.access}")
    with staff.context.expect_page() as opened:
        staff.press("access.letter_go")
    staff.page = opened.value
    findings = look(staff, axe, screenshots, "letter")
    client.go("/redeem")
    client.fill(code=staff.page.locator(".letter__code").inner_text().strip())
    client.press("redeem.go")
    findings += look(client, axe, screenshots, "redeem-password")
    client.fill(password="hallo", password_again="anders")
    client.press("redeem_password.go")
    client.sees(client.say("form.problem"))
    findings += look(client, axe, screenshots, "redeem-password-weak")
    DONE.add("way in")
    assert not findings, "\n".join(findings)


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_results_of_uploads(admin, person, axe, screenshots, script):
    """Looks at the queue of the upload script, and at the answer to the plain form, which it sends
    without that script because axe-core needs one."""
    staff, client = admin(), person(line="good" if script else "bad")
    client.context.add_init_script(axe)
    case = Case(staff)
    case.accept(client, case.invite(staff))
    if not script:
        client.page.route("**/upload-*.js", lambda route: route.abort())
    opens_matter(client, case)
    files = [file("Brief.txt", "Guten Tag"), file("Rechnung.com", EICAR), file("alt.rar", RAR5)]
    client.page.set_input_files("#files", files)
    if not script:
        client.page.locator("form[data-upload]").evaluate("form => form.submit()")
    expect(client.page.locator(".job--done, .job--bad, .job--kept")).to_have_count(3)
    findings = look(client, axe, screenshots, f"files-{'script' if script else 'plain'}")
    client.errors.clear()  # the error that the blocked script causes
    assert not findings, "\n".join(findings)


def test_no_page_is_left_out():
    """The titles show that the tests above have looked at each template."""
    if not {"nobody", "client", "staff", "admin", "forms", "way in"} <= DONE:
        return
    for path in (ROOT / "html/page").glob("*.html"):
        title = TEXTS["de"]["title." + path.stem.replace("-", "_")]
        pattern = ".+".join(re.escape(part) for part in re.split(r"\{\{.*?\}\}", title))
        assert any(re.match(f"({pattern}) · |.+ ({pattern}) · ", seen) for seen in SEEN), path
