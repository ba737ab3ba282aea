"""Every page, for everybody: no violation of axe-core's rules, no error on the console, nothing
wider than a phone. The pages are those of routes.def: a new one is looked at without a line
here."""

import re

import pytest
from stage import ROOT

ROUTE = re.compile(r'^KZ_ROUTE\(GET, "([^"]+)", (\w+), ("\w+"|NONE), \w+, (\w+)\)', re.M)
ROUTES = ROUTE.findall((ROOT / "mod_kanzlei/routes.def").read_text())
NO_PAGE = {"page_upload", "page_document_content", "page_receipts_csv"}
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


def rows(one, path, name):
    """The rows of a page's view, as JSON."""
    answer = one.context.request.get(
        one.portal.base + path, headers={"Accept": "application/json"}
    )
    assert answer.ok, (path, answer.status, answer.text()[:200])
    return answer.json()[name]


def ids(one, role):
    """One id of each kind that this person may see, by the names in the routes."""
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
    """Name and path of every page that this role may open."""
    for path, who, right, handler in ROUTES:
        if handler in NO_PAGE or who not in ("HOST", "PUBLIC", "MEMBER", MEMBERS.get(role)):
            continue
        if role == "nobody" and who == "MEMBER":
            continue
        if role == "staff" and right == '"admin"':
            continue
        yield (
            handler.removeprefix("page_").replace("_", "-"),
            re.sub(r"\{(\w+)\}", lambda found: known[found[1]], path.replace("{firm}", "muster")),
        )


def documents_of_each_kind(one):
    """A PDF, a picture, a text: their pages differ."""
    seen = {}
    for document in rows(one, "/documents", "documents"):
        seen.setdefault(document["kind"], document["id"])
    return [(f"document-{kind}", f"/k/muster/documents/{id_}") for kind, id_ in seen.items()]


def look(one, axe, folder, name):
    """What is wrong with the page at hand, wide and light, then narrow and dark."""
    findings = []
    for size, scheme, width in (("desktop", "light", 1280), ("phone", "dark", 360)):
        one.page.set_viewport_size({"width": width, "height": 900 if width > 400 else 780})
        one.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        one.page.screenshot(path=folder / f"{name}-{size}.png")
        found = one.page.evaluate(AXE) + one.page.evaluate(WIDE)
        findings += [f"{name}, {size}: {finding}" for finding in found]
    return findings


def test_the_look_can_fail(person, axe, tmp_path):
    """A page with a wide table and a picture without words is found out."""
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
    """All pages that somebody of this role can open by an address."""
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
    assert not findings, "\n".join(findings)


def test_forms_that_come_back(person, axe, screenshots):
    """Pages that only a form leads to: what was wrong, what isn't there, the letter."""
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
    assert not findings, "\n".join(findings)
