"""A running portal, its mails, and a person with a browser in front of it."""

import email
import email.policy
import json
import os
import re
import socket
import subprocess
import time
from pathlib import Path

import polib
from playwright.sync_api import expect

ROOT = Path(__file__).resolve().parents[2]
APPLIANCE = ROOT / "appliance"
TEXTS = {
    language: {entry.msgid: entry.msgstr for entry in polib.pofile(str(path))}
    for language in ("de", "en")
    for path in [ROOT / f"html/po/{language}.po"]
}
SIZES = {"desktop": (1280, 900), "phone": (360, 780)}


def say(language, key, **values):
    """Returns a text of the portal as a reader sees it."""
    text = re.sub(r"<[^>]+>", "", TEXTS[language][key])
    return re.sub(r"\{\{?([\w.]+)\}?\}", lambda found: str(values[found[1]]), text)


def environment():
    """Returns an environment that names the build of this run, so that nothing is compiled
    twice."""
    build = os.environ.get("KZ_BUILD", "")
    if build and (Path(build) / "mod_kanzlei.so").exists():
        return os.environ | {"KANZLEI_BUILD": str(Path(build).parent)}
    return dict(os.environ)


def free_port():
    """Returns a TCP port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def stop(folder):
    """Stops all processes, even those of a portal that is still starting."""
    command = [APPLIANCE / "stop", "--data", folder / "data"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


class Portal:
    """The demonstration on a scratch data folder."""

    def __init__(self, folder):
        self.data = folder / "data"
        command = [APPLIANCE / "start", "--json", "--data", self.data, "--port", str(free_port())]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=900, env=environment(), check=False
        )
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        self.base = f"{told['url']}/k/{told['firm']}"
        self.root = told["url"]
        self.accounts = {}
        for account in told["accounts"]:
            self.accounts.setdefault(account["role"], account)

    def mail(self, address, word):
        """Waits for a mail to ADDRESS that contains WORD; returns the text of the newest."""
        end = time.monotonic() + 120
        while time.monotonic() < end:
            for path in sorted((self.data / "mail").glob("*.eml"), reverse=True):
                message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
                text = message.get_body(("plain",))
                if text and address in str(message["To"]) and word in text.get_content():
                    return text.get_content()
            time.sleep(0.2)
        raise AssertionError(f"no mail to {address} with {word!r}")


class Person:
    """Somebody in front of a browser of their own; every error on the console is noted."""

    def __init__(
        self, browser, portal, *, language="de", script=True, size="desktop", line="good"
    ):
        width, height = SIZES[size]
        self.portal, self.language, self.script, self.line = portal, language, script, line
        self.context = browser.new_context(
            ignore_https_errors=True,
            java_script_enabled=script,
            locale="de-DE",
            timezone_id="Europe/Berlin",
            viewport={"width": width, "height": height},
            has_touch=size == "phone",
            reduced_motion="reduce",
        )
        self.context.set_default_timeout(30_000)
        self.page = self.context.new_page()
        self.errors = []
        self.context.on("console", self._note)
        self.context.on("weberror", lambda error: self.errors.append(str(error.error)))

    def _note(self, message):
        # Chromium reports as errors: 422 (a form that comes back), 404 (a page that isn't there),
        # and a line that is cut. Tests cause these on purpose.
        usual = r"status of 4\d\d" if self.line == "good" else r"status of 4\d\d|net::ERR_"
        if message.type == "error" and not re.search(usual, message.text):
            self.errors.append(f"{message.location.get('url', '')}: {message.text}")

    def say(self, key, **values):
        """Returns a text in this person's language."""
        return say(self.language, key, **values)

    def go(self, path):
        """Opens the firm's page at PATH."""
        return self.page.goto(self.portal.base + path)

    def fill(self, **fields):
        """Fills the fields of a form, named by their ids."""
        for name, value in fields.items():
            self.page.fill(f"#{name}", value)

    def press(self, key, within="main", **values):
        """Presses the button of that name; text for screen readers may follow the name."""
        name = re.compile("^" + re.escape(self.say(key, **values)) + r"\s*(:|$)")
        self.page.locator(within).get_by_role("button", name=name).first.click()

    def follow(self, key, within="main", **values):
        """Follows the link of that name."""
        self.page.locator(within).get_by_role("link", name=self.say(key, **values)).first.click()

    def sees(self, text, within="main"):
        """Waits until a text is visible."""
        expect(self.page.locator(within).get_by_text(text).first).to_be_visible()

    def told(self, key):
        """Waits for the notice that an action has worked."""
        expect(self.page.locator(".note--success")).to_have_text(self.say(key))

    def at(self, path):
        """Waits until the address is the firm's base followed by this regular expression."""
        address = re.escape(self.portal.base) + path + r"(\?notice=\w+)?$"
        expect(self.page).to_have_url(re.compile(address))

    def sign_in(self, user, password):
        """Signs in, and switches to the person's own language."""
        self.try_sign_in(user, password)
        self.at("/")
        self.read()

    def try_sign_in(self, user, password):
        """Fills and sends the sign-in form."""
        self.go("/sign-in")
        self.fill(user=user, password=password)
        self.page.locator("main form button[type=submit]").click()

    def read(self):
        """Switches the page to the person's language by one click, unless it has that already."""
        other = self.page.locator(f"button[name=lang][value={self.language}]")
        if other.count():
            other.click()
        expect(self.page.locator("html")).to_have_attribute("lang", self.language)

    def sign_out(self):
        """Signs out by the menu, which works without JavaScript too."""
        self.page.locator("summary.tool").click()
        self.press("nav.sign_out", within="header")
        self.told("notice.signed_out")

    def open_link(self, link):
        """Opens a mail's link. Only JavaScript reads the code behind the #; without it, this types
        the code."""
        self.page.goto(link)
        self.read()
        if not self.script:
            self.fill(code=link.split("#")[1])
        expect(self.page.locator("#code")).to_have_value(link.split("#")[1])
        self.press("redeem.go")
        expect(self.page.locator("#password_again")).to_be_visible()

    def choose_password(self, password):
        """Fills in a new password twice, and checks the live password check meanwhile."""
        page = self.page
        if self.script:
            page.locator("#password").press_sequentially("hallo")
            expect(page.locator("[data-verdict]")).to_have_text(self.say("strength.0"))
            expect(page.locator("[data-advice]")).not_to_be_empty()
        self.fill(password=password, password_again=password)
        if self.script:
            good = re.compile("|".join(self.say(f"strength.{score}") for score in (3, 4)))
            expect(page.locator("[data-verdict]")).to_have_text(good)
            assert float(page.locator("meter").evaluate("meter => meter.value")) >= 3
