"""The portal without a mouse: the focus is visible at each stop, and all work can be done."""

import pytest
from case import Case, file, opens_matter
from playwright.sync_api import expect

STOPS = 120  # the most presses of the Tab key on one page
# The focused element, and whether an outline marks it: its own or that of the element around it
# (the drop zone, whose file field is not seen).
STOP = """() => {
    const here = document.activeElement;
    if (here === document.body) return null;
    const marked = element => {
        const style = getComputedStyle(element);
        return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
    };
    let seen = false;
    for (let one = here, up = 0; one && up < 4 && !seen; one = one.parentElement, up += 1)
        seen = marked(one);
    const words = (here.getAttribute('aria-label') || here.textContent || here.id || here.name);
    return {name: `${here.tagName} ${words.trim().replace(/\\s+/g, ' ').slice(0, 40)}`, seen};
}"""


def stops(one):
    """Returns each stop of the Tab key on this page, from its start on."""
    found = []
    for _ in range(STOPS):
        one.page.keyboard.press("Tab")
        stop = one.page.evaluate(STOP)
        if stop is None or (found and stop == found[0]):
            break
        found.append(stop)
    return found


def tab_to(one, target):
    """Presses Tab until the element has the focus."""
    for _ in range(STOPS):
        if target.evaluate("element => element === document.activeElement"):
            return
        one.page.keyboard.press("Tab")
    raise AssertionError(f"the Tab key does not lead to {target}")


def press(one, target, key="Enter"):
    tab_to(one, target)
    one.page.keyboard.press(key)


def signs_in(one, role):
    """Types user name and password from the first field on."""
    account = one.portal.accounts[role]
    one.go("/sign-in")
    tab_to(one, one.page.locator("#user"))
    one.page.keyboard.type(account["user"])
    tab_to(one, one.page.locator("#password"))
    one.page.keyboard.type(account["password"])
    one.page.keyboard.press("Enter")
    one.at("/")


@pytest.mark.parametrize("role", ["admin", "client"])
def test_the_focus_is_seen(person, role):
    """Each stop of each page of the menu is marked, and the skip link is the first stop."""
    one = person()
    signs_in(one, role)
    hidden = []
    for path in one.page.locator("nav.rooms a").evaluate_all("all => all.map(a => a.href)"):
        one.page.goto(path)
        found = stops(one)
        assert len(found) > 5 and found[0]["name"].startswith(f"A {one.say('nav.skip')}"), found
        hidden += [f"{path}: {stop['name']}" for stop in found if not stop["seen"]]
    assert not hidden, "\n".join(hidden)


def test_a_working_day(person):
    """A member of staff uses skip link, search, arrows in lists and a document by keys alone."""
    one = person()
    signs_in(one, "staff")
    one.page.keyboard.press("Tab")
    one.page.keyboard.press("Enter")
    expect(one.page.locator("main")).to_be_focused()
    one.page.keyboard.press("/")
    expect(one.page.locator("#search")).to_be_focused()
    one.page.keyboard.type("Huber")
    one.page.keyboard.press("Enter")
    expect(one.page.locator("tbody tr")).to_have_count(1)
    one.go("/documents")
    links = one.page.locator("tbody tr th a")
    one.page.keyboard.press("ArrowDown")
    expect(links.nth(0)).to_be_focused()
    one.page.keyboard.press("ArrowDown")
    one.page.keyboard.press("ArrowDown")
    one.page.keyboard.press("ArrowUp")
    expect(links.nth(1)).to_be_focused()
    name = links.nth(1).inner_text()
    one.page.keyboard.press("Enter")
    expect(one.page.locator("h1")).to_have_text(name)
    press(one, one.page.locator("summary.tool"))
    press(one, one.page.locator("header form[action$=sign-out] button"))
    one.told("notice.signed_out")


def test_sending_and_unlocking(admin, person):
    """A client sends a file by keys; the firm unlocks her by keys."""
    staff, client = admin(), person()
    case = Case(staff)
    case.accept(client, case.invite(staff))
    client.page.on("filechooser", lambda _: None)  # early: Playwright tells Chromium later
    opens_matter(client, case)
    tab_to(client, client.page.locator("#files"))
    with client.page.expect_file_chooser() as chooser:
        client.page.keyboard.press("Enter")
    chooser.value.set_files([file("Brief.txt", "Guten Tag")])
    client.sees(client.say("upload.done_client", name="Brief.txt"), within="[data-list]")
    client.sign_out()
    for turn in range(3):
        client.try_sign_in(case.user, f"falsch-{turn}")
        expect(client.page.locator("[data-focus]")).to_be_focused()
    staff.go("/")
    row = staff.page.locator("section:has(#locked) li", has_text=case.name)
    press(staff, row.get_by_role("button"))
    staff.told("notice.unlocked")
    expect(row).to_have_count(0)
