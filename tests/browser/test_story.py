"""The story of a firm and its client, played with nothing but a browser."""

import re
import secrets

import pytest
from case import Case, file, opens_matter, picture, send
from playwright.sync_api import expect
from scand_samples import EICAR, sevenzip

WAYS = [
    pytest.param("de", True, "desktop", id="german-script-desktop"),
    pytest.param("en", False, "desktop", id="english-plain-desktop"),
    pytest.param("en", True, "phone", id="english-script-phone"),
    pytest.param("de", False, "phone", id="german-plain-phone"),
]
SCRIPT = pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])


def infected(one, name):
    """Returns the message about EICAR, whichever signatures have found it."""
    sentence = re.escape(one.say("infected", name=name, what="VIRUS"))
    return re.compile(sentence.replace("VIRUS", r"\S*[Ee]icar\S*"))


def client_sends(client, case, locked):
    """Two files arrive, one is refused with the name of the virus, one is kept back because the
    scanner can't look into it: the queue says so of each, and three are in the matter's list."""
    said = {
        "Belege.txt": client.say("sent.client", name="Belege.txt"),
        "Foto.png": client.say("sent.client", name="Foto.png"),
        "Rechnung.txt": infected(client, "Rechnung.txt"),
        "Vertrag.zip": client.say("unscannable.encrypted", name="Vertrag.zip"),
    }
    send(client, file("Belege.txt", "Miete 1.200 Euro\n"), file("Foto.png", picture(), "image/png"),
         file("Rechnung.txt", EICAR), file("Vertrag.zip", locked, "application/zip"))
    place = "[data-list]" if client.script else "section:has(#results)"
    for name, sentence in said.items():
        row = client.page.locator(place).get_by_role("listitem").filter(has_text=name)
        expect(row.locator(".job__text")).to_have_text(sentence)
    if client.script:
        total = [client.say(f"upload.{key}", n=2) for key in ("all_client", "total_attention")]
        expect(client.page.locator("[data-total]")).to_have_text(" ".join(total))
    else:
        expect(client.page.locator("h1")).to_have_text(case.matter)
    for name in said:
        link = client.page.locator("#documents").get_by_role("link", name=name)
        expect(link).to_have_count(0 if name == "Rechnung.txt" else 1)


def drops(client):
    """Drags a file onto the drop zone, which sends it as a chosen one."""
    transfer = client.page.evaluate_handle(
        "() => { const data = new DataTransfer();"
        " data.items.add(new File(['gezogen'], 'Gezogen.txt', {type: 'text/plain'}));"
        " return data; }"
    )
    client.page.dispatch_event("[data-drop]", "drop", {"dataTransfer": transfer})
    client.sees(client.say("upload.done_client", name="Gezogen.txt"), within="[data-list]")


def firm_reads(staff, case):
    """The firm opens a new document from the home page's list; then it is no longer new."""
    def new(name):
        staff.go("/")
        staff.page.locator("section:has(#fresh) .panel__all a").click()
        return staff.page.locator("#documents tr", has_text=case.name).filter(has_text=name)

    new("Foto.png").get_by_role("link", name="Foto.png").click()
    expect(staff.page.locator(".preview__picture img")).to_be_visible()
    if staff.script:
        staff.page.wait_for_function("document.querySelector('.preview img').naturalWidth === 32")
    new("Belege.txt").get_by_role("link", name="Belege.txt").click()
    frame = staff.page.frame_locator(".preview__frame")
    expect(frame.get_by_text("Miete 1.200 Euro")).to_be_visible()
    for name in ("Foto.png", "Belege.txt"):
        expect(new(name)).to_have_count(0)
    if staff.script:
        expect(new("Gezogen.txt")).to_have_count(1)
    assert_download(staff, case, "Belege.txt", b"Miete 1.200 Euro\n")


def assert_download(one, case, name, content):
    """Checks that the download of the matter's document has exactly these bytes."""
    one.go("/documents")
    one.page.locator("tr", has_text=case.matter).get_by_role("link", name=name).click()
    with one.page.expect_download() as waiting:
        one.follow("document.download")
    assert waiting.value.suggested_filename == name
    with open(waiting.value.path(), "rb") as received:
        assert received.read() == content


def firm_provides(staff, case):
    """The firm provides a document, and a mail tells the client."""
    staff.go(f"/clients/{case.client}")
    opens_matter(staff, case)
    send(staff, file("Bescheid.txt", "Sehr geehrte Frau Linde\n"))
    if staff.script:
        staff.sees(staff.say("upload.done_staff", name="Bescheid.txt"), within="[data-list]")
    else:
        staff.told("notice.provided_one")
    text = staff.portal.mail(case.email, staff.say("mail.provided.go"))
    assert "Sehr geehrte" not in text
    assert "Bescheid" not in text  # unless the firm wants names in its mails


def client_confirms(client, case):
    """The client opens the new document from the home page, downloads and confirms it."""
    client.go("/")
    row = client.page.locator("section:has(#fresh) li", has_text="Bescheid.txt")
    row.get_by_role("link", name="Bescheid.txt").first.click()
    frame = client.page.frame_locator(".preview__frame")
    expect(frame.get_by_text("Sehr geehrte Frau Linde")).to_be_visible()
    assert_download(client, case, "Bescheid.txt", b"Sehr geehrte Frau Linde\n")
    client.press("document.confirm")
    client.told("notice.confirmed")


def firm_proves(staff, case):
    """The firm's proof shows the five steps of a document, and the CSV file has them too."""
    staff.go(f"/clients/{case.client}")
    staff.follow("client.receipts")
    receipt = staff.page.locator("li.receipt", has_text="Bescheid.txt")
    for _ in range(60):  # the download is received when the browser has acknowledged it
        if receipt.locator(".steps .done").count() == 5:
            break
        staff.page.wait_for_timeout(500)
        staff.page.reload()
    expect(receipt.locator(".steps .done")).to_have_count(5)
    for step in ("provided", "notified", "opened", "received", "confirmed"):
        expect(receipt.locator(".steps .done", has_text=staff.say(f"step.{step}"))).to_be_visible()
    expect(receipt).to_contain_text(case.email)
    with staff.page.expect_download() as waiting:
        staff.follow("receipts.csv")
    with open(waiting.value.path(), "rb") as file_:
        content = file_.read()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = [line.split(";") for line in content.decode("utf-8-sig").splitlines()]
    assert len({len(row) for row in rows}) == 1 and len(rows[0]) > 5
    assert any("Bescheid.txt" in cell for cell in rows[1])


@pytest.mark.parametrize(("language", "script", "size"), WAYS)
def test_exchange(admin, person, tmp_path, language, script, size):
    """The client is invited and sends; the firm reads and provides; the client confirms; the proof
    shows it."""
    how = {"language": language, "script": script, "size": size}
    staff, client = admin(**how), person(**how)
    case = Case(staff)
    case.accept(client, case.invite(staff))
    opens_matter(client, case)
    client_sends(client, case, sevenzip(tmp_path, "Vertrag.zip", "-pgeheim", content=b"Kauf"))
    if script:
        drops(client)
    firm_reads(staff, case)
    firm_provides(staff, case)
    client_confirms(client, case)
    firm_proves(staff, case)


@SCRIPT
def test_lock(admin, person, script):
    """Three wrong passwords lock; the firm's home page shows it, and one click there unlocks."""
    staff, client = admin(script=script), person(script=script)
    case = Case(staff)
    case.accept(client, case.invite(staff))
    client.sign_out()
    for wrong in ("falsch-eins", "falsch-eins", "falsch-zwei"):
        client.try_sign_in(case.user, wrong)
        client.sees(client.say("sign_in.wrong"))
    staff.go("/")
    row = staff.page.locator("section:has(#locked) li", has_text=case.name)
    expect(row).to_have_count(0)
    client.try_sign_in(case.user, "falsch-drei")
    client.sees(client.say("sign_in.wrong"))
    client.try_sign_in(case.user, case.password)
    client.sees(client.say("sign_in.wrong"))
    staff.page.reload()
    expect(row).to_have_count(1)
    row.get_by_role("button").click()
    staff.told("notice.unlocked")
    staff.at("/")
    expect(row).to_have_count(0)
    client.sign_in(case.user, case.password)


@SCRIPT
def test_password_and_sessions(admin, person, script):
    """A weak password is refused, a good one ends the other sessions; one session can end
    another."""
    staff, client = admin(script=script), person(script=script)
    case = Case(staff)
    link = case.invite(staff)
    client.open_link(link)
    client.fill(password="passwort1", password_again="passwort1")
    client.press("redeem_password.go")
    client.sees(client.say("form.problem"))
    client.choose_password(case.password)
    client.press("redeem_password.go")
    client.told("notice.password_set")

    other = person(script=script)
    other.sign_in(case.user, case.password)
    client.go("/account")
    client.page.locator("#sessions li .row__act button").click()
    client.told("notice.session_ended")
    other.go("/matters")
    other.at(r"/sign-in\?back=[^&]*%2fmatters")

    other.sign_in(case.user, case.password)
    new = secrets.token_urlsafe(14)
    client.go("/account")
    client.fill(old="nicht richtig")
    client.choose_password(new)
    client.press("password.go")
    client.sees(client.say("form.problem"))
    client.fill(old=case.password)
    client.choose_password(new)
    client.press("password.go")
    client.told("notice.password")
    other.go("/matters")
    other.at(r"/sign-in\?back=[^&]*%2fmatters")
    other.try_sign_in(case.user, case.password)
    other.sees(other.say("sign_in.wrong"))
    client.sign_out()
    client.go("/")
    client.at("/sign-in")
    client.sign_in(case.user, new)


@SCRIPT
def test_forgotten(admin, person, script):
    """Somebody gets a new password by mail; the link works once, the old password no longer."""
    staff, client = admin(script=script), person(script=script)
    case = Case(staff)
    used = case.invite(staff)
    case.accept(client, used)
    client.sign_out()
    client.follow("sign_in.forgotten")
    client.fill(user=case.user)
    client.press("forgotten.go")
    client.sees(client.say("forgotten_sent.title"))
    link = case.link(client.portal)
    for _ in range(300):
        if link != used:
            break
        client.page.wait_for_timeout(200)
        link = case.link(client.portal)
    old, case.password = case.password, secrets.token_urlsafe(14)
    case.accept(client, link)
    client.sign_out()
    client.try_sign_in(case.user, old)
    client.sees(client.say("sign_in.wrong"))
    client.go("/redeem")
    client.fill(code=link.split("#")[1])
    client.press("redeem.go")
    client.sees(client.say("field.code_used"))


def test_letter(admin, person):
    """A client without a mail address gets a printed page, whose code lets them in."""
    staff, client = admin(), person()
    case = Case(staff)
    staff.go(f"/accounts/{case.access}")
    with staff.context.expect_page() as opened:
        staff.press("access.letter_go")
    code = opened.value.locator(".letter__code").inner_text().strip()
    client.go("/redeem")
    client.fill(code=code.lower())
    client.press("redeem.go")
    client.choose_password(case.password)
    client.press("redeem_password.go")
    client.told("notice.password_set")


@SCRIPT
def test_a_form_goes_on_after_signing_in(admin, script):
    """The session has ended while a form was filled in: who signs in on the answer has sent it."""
    staff = admin(script=script)
    account, number = staff.portal.accounts["admin"], f"W-{secrets.token_hex(3)}"
    staff.go("/clients/new")
    staff.fill(number=number, name="Weiter & Söhne GmbH")
    staff.page.check("#kind-company")
    staff.context.clear_cookies()
    staff.press("form.save")
    staff.sees(staff.say("sign_in.again"))
    staff.fill(user=account["user"], password="falsch-und-lang-genug")
    staff.press("sign_in.go_on")
    staff.sees(staff.say("sign_in.again"))
    staff.fill(user=account["user"], password=account["password"])
    staff.press("sign_in.go_on")
    staff.told("notice.client_created")
    staff.sees("Weiter & Söhne GmbH")


def test_language(person):
    """The portal is in German first; one click switches to English for good."""
    reader = person(language="en", script=False)
    reader.go("/sign-in")
    expect(reader.page.locator("html")).to_have_attribute("lang", "de")
    reader.read()
    expect(reader.page.locator("h1")).to_have_text(reader.say("sign_in.title"))
    reader.go("/help")
    expect(reader.page.locator("h1")).to_have_text(reader.say("help.title"))
