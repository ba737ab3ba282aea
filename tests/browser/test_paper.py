"""What is printed of the log of proof: what it is about and all of its times, and nothing that one
would click on."""

import re

from playwright.sync_api import expect

FULL = re.compile(r"\d{2}:\d{2}:\d{2}.*(\+\d{2}:\d{2}|UTC[+-]\d)")  # with seconds and offset
# Elements with text of their own that are seen: what somebody reads on paper.
SEEN = """() => [...document.querySelectorAll("body *")].filter(one =>
    one.checkVisibility({visibilityProperty: true}) && !one.closest(".kern-sr-only")
    && [...one.childNodes].some(child => child.nodeType === Node.TEXT_NODE && child.data.trim()))
    .map(one => one.closest("header, nav, footer, form, button, summary"))
    .filter(one => one).map(one => one.outerHTML.slice(0, 80))"""
# Each time as it is read: what stands in front of it in letters of no size doesn't count.
TIMES = """() => [...document.querySelectorAll(".receipts time")].map(one => [
    one.title, getComputedStyle(one, "::after").content, getComputedStyle(one).fontSize,
    getComputedStyle(one, "::after").fontSize])"""
COLOURS = """() => [getComputedStyle(document.body).backgroundColor,
    ...[...document.querySelectorAll(".receipt")].map(one => getComputedStyle(one).color)]"""


def printed(one, path):
    """Opens a page and puts it on paper, an A4 sheet with the style sheet's margins."""
    assert one.go(path).status == 200
    one.page.emulate_media(media="print", color_scheme="dark")
    one.page.set_viewport_size({"width": 670, "height": 980})


def test_the_log_of_proof_on_paper(admin):
    one = admin()
    one.go("/receipts")
    on_screen = one.page.locator(".receipt").count()
    assert on_screen > 0, "the demonstration has some"
    printed(one, "/receipts?state=unopened&from=2020-01-01")
    assert one.page.evaluate(SEEN) == [], "nothing to click"
    for gone in (".head", ".rooms", ".foot", ".filter form", "[data-print]", ".bar__act"):
        expect(one.page.locator(gone).first).to_be_hidden()
    line = one.page.locator(".print-only").first
    expect(line).to_be_visible()
    expect(line).to_have_text(FULL)
    expect(one.page.locator("h1")).to_be_visible()
    paper = one.page.locator("body").inner_text()
    assert "Kanzlei" in paper.partition("\n")[0] + line.inner_text(), "whose log it is"
    for said in (one.say("filter.receipts.unopened"), "2020", one.say("receipts.printed")):
        assert said in paper, f"{said!r} is not on paper"
    assert re.search(r"\b1 (bis|to) \d+", paper), "which rows these are"


def test_times_on_paper_are_full(admin, screenshots):
    one = admin()
    printed(one, "/receipts")
    times = one.page.evaluate(TIMES)
    assert times
    for title, content, hidden, shown in times:
        assert FULL.search(title), title
        assert content == f'"{title}"'
        assert (hidden, shown) != ("0px", "0px") and hidden == "0px", "the short one is not there"
    paper, *ink = one.page.evaluate(COLOURS)
    assert paper == "rgb(255, 255, 255)" and set(ink) == {"rgb(0, 0, 0)"}, "black on white"
    wide = one.page.evaluate("() => document.documentElement.scrollWidth")
    one.page.screenshot(path=screenshots / "paper-receipts.png")
    assert wide <= 670, "nothing is cut at the edge"
    assert one.page.pdf(format="A4").startswith(b"%PDF"), "and it can be printed"
