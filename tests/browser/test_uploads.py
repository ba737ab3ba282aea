"""The upload script shows bar, speed and remaining time of a transfer, cancels it, and resumes it
after a cut line. The line is as slow as a test needs it, so no test depends on speed."""

import hashlib
import re

import pytest
from case import Case, file, opens_matter, row, send, under_way
from contents import random_content
from playwright.sync_api import expect

SLOW = 400_000  # bytes a second


@pytest.fixture
def sender(admin, person, launch, line, request):
    """A client in a matter of her own, whose browser uses that line."""
    language = getattr(request, "param", "de")
    far = launch(line.rule)
    staff = admin(language=language)
    client = person(language=language, browser=far, line="bad")
    client.case = Case(staff)
    client.case.accept(client, client.case.invite(staff))
    opens_matter(client, client.case)
    yield client
    far.close()


@pytest.fixture
def large(tmp_path):
    """Returns a file that takes some minutes over the slow line."""
    path = tmp_path / "Bauplan.bin"
    path.write_bytes(random_content(40_000_000))
    return path


def arrived(one, path):
    """Checks that the document has all bytes that were sent, and that the page's list has it."""
    name = path.name
    text = row(one, name).locator(".job__text")
    expect(text).to_have_text(one.say("upload.done_client", name=name), timeout=240_000)
    link = one.page.locator("#documents").get_by_role("link", name=name)
    expect(link).to_have_count(1)
    answer = one.context.request.get(
        one.portal.root + link.get_attribute("href"), headers={"Accept": "application/json"}
    )
    sent = hashlib.sha256(path.read_bytes()).hexdigest()
    assert answer.json()["document"]["sha256"] == sent


@pytest.mark.parametrize("sender", ["de", "en"], indirect=True)
def test_progress_and_cancel(sender, line, large):
    """A transfer shows its progress; after cancelling, the server keeps nothing of it."""
    line.speed = SLOW
    with sender.page.expect_response(lambda answer: answer.status == 201) as created:
        sender.page.set_input_files("#files", large)
    under_way(sender, large.name)
    upload = sender.portal.root + created.value.headers["location"]
    headers = {"Accept": "application/json"}
    cancel = row(sender, large.name).get_by_role("button")
    name = re.escape(sender.say("upload.cancel")) + r"\s*:\s*" + re.escape(large.name)
    expect(cancel).to_have_accessible_name(re.compile(name))
    cancel.focus()
    sender.page.keyboard.press("Enter")
    words = sender.say("upload.cancelled", name=large.name)
    expect(row(sender, large.name).locator(".job__text")).to_have_text(words)
    expect(sender.page.locator("[data-total]")).to_have_text(sender.say("upload.total_none"))
    for _ in range(300):
        if sender.context.request.get(upload, headers=headers).status in (404, 410):
            break
        sender.page.wait_for_timeout(200)
    else:
        raise AssertionError("the server still has it")
    sender.page.reload()
    expect(sender.page.get_by_role("link", name=large.name)).to_have_count(0)


def test_resumes_after_a_cut_line(sender, line, large):
    """The transfer resumes by itself where the line was cut, and says meanwhile that it waits."""
    offsets = []
    sender.page.on("request", lambda request: offsets.append(
        int(request.headers["upload-offset"])) if request.method == "PATCH" else None)  # fmt: skip
    line.speed = SLOW
    sender.page.set_input_files("#files", large)
    under_way(sender, large.name)
    line.cut()
    words = re.escape(sender.say("upload.cut", percent="COUNT")).replace("COUNT", r"\d+")
    expect(row(sender, large.name).locator(".job__text")).to_have_text(re.compile(words))
    assert offsets == [0]
    line.mend()
    arrived(sender, large)
    assert 0 < offsets[1] < 16 << 20, "neither from the start nor from the end of a request"


def test_resumes_after_signing_in_again(sender, line, large):
    """The session has ended during the cut: signing in again in another window is enough."""
    line.speed = SLOW
    sender.page.set_input_files("#files", large)
    under_way(sender, large.name)
    other = sender.context.new_page()
    other.goto(sender.portal.base + "/matters")
    other.locator("summary.tool").click()
    other.locator("header form[action$=sign-out] button").click()
    line.mend()
    text = row(sender, large.name).locator(".job__text")
    expect(text).to_have_text(sender.say("upload.signed_out"), timeout=120_000)
    other.goto(sender.portal.base + "/sign-in")
    other.fill("#user", sender.case.user)
    other.fill("#password", sender.case.password)
    other.locator("main form button[type=submit]").click()
    arrived(sender, large)


def test_stops_when_somebody_else_signs_in(sender, line, large):
    """Staff sign in in a second tab during a client's transfer: it stops with a sentence, and
    nothing of it arrives in their name."""
    line.speed = SLOW
    sender.page.set_input_files("#files", large)
    under_way(sender, large.name)
    clerk = sender.portal.accounts["admin"]
    other = sender.context.new_page()
    other.goto(sender.portal.base + "/sign-in")
    other.fill("#user", clerk["user"])
    other.fill("#password", clerk["password"])
    other.locator("main form button[type=submit]").click()
    other.wait_for_url(sender.portal.base + "/**")
    text = row(sender, large.name).locator(".job__text")
    expect(text).to_have_text(sender.say("err.other_account"), timeout=240_000)
    send(sender, file("kurz.txt", "kurz"))
    text = row(sender, "kurz.txt").locator(".job__text")
    expect(text).to_have_text(sender.say("err.other_account"))
    other.goto(sender.page.url)
    expect(other.locator("h1")).to_be_visible()
    for name in (large.name, "kurz.txt"):
        expect(other.locator("#documents").get_by_role("link", name=name)).to_have_count(0)


def test_what_is_not_sent_at_all(sender):
    """Files that are too large or empty are refused before a byte is sent; the others go on."""
    form = sender.page.locator("form[data-upload]")
    form.evaluate("form => { form.dataset.max = 1000; }")
    send(sender, file("gross.txt", "x" * 1001), file("leer.txt", ""), file("gut.txt", "gut"))
    size = form.locator("dd").evaluate_all("all => all.at(-1).textContent")
    for name, words in {
        "gross.txt": sender.say("upload.too_large", name="gross.txt", size=f"1{size}0 KB"),
        "leer.txt": sender.say("upload.empty", name="leer.txt"),
        "gut.txt": sender.say("upload.done_client", name="gut.txt"),
    }.items():
        expect(row(sender, name).locator(".job__text")).to_have_text(words)


def test_files_chosen_before_the_script_has_come(sender):
    """On a slow line the page arrives before its script, which then sends the files chosen
    before."""
    held = []
    sender.page.route(re.compile(r"/assets/upload"), lambda route: held.append(route))
    sender.page.reload(wait_until="commit")
    sender.page.set_input_files("#files", [file("Mahnung.txt", "Bitte bis Montag")])
    expect(sender.page.locator("[data-list] > li")).to_have_count(0)
    for _ in range(600):
        if held:
            break
        sender.page.wait_for_timeout(50)
    held[0].continue_()
    words = sender.say("upload.done_client", name="Mahnung.txt")
    expect(row(sender, "Mahnung.txt").locator(".job__text")).to_have_text(words)
