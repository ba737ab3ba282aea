"""A client with a matter and an access, and the steps that tests take in that matter."""

import re
import secrets
import struct
import zlib

from playwright.sync_api import expect

NUMBER = r"[\d.,]+ (Byte|KB|MB)"


def picture():
    """A small PNG."""
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = b"".join(b"\0" + bytes((60, 90, 110)) * 32 for _ in range(24))
    header = struct.pack(">IIBBBBB", 32, 24, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def file(name, content, kind="text/plain"):
    """Returns a file in the form that Playwright's set_input_files() takes."""
    content = content.encode() if isinstance(content, str) else content
    return {"name": name, "mimeType": kind, "buffer": content}


class Case:
    """A client with a matter and an access, made by the administrator in the browser."""

    def __init__(self, admin):
        mark = secrets.token_hex(3)
        self.user = f"erika.{mark}"
        self.email = f"{self.user}@example.org"
        self.password = secrets.token_urlsafe(14)
        self.name, self.matter = f"Erika Linde-{mark}", f"Steuer {mark}"
        self.client = self._client(admin, mark)
        self._matter(admin, mark)
        self._access(admin)

    def _client(self, admin, mark):
        admin.go("/clients")
        admin.follow("clients.new")
        admin.press("form.save")
        admin.sees(admin.say("form.problem"))
        admin.fill(number=f"T-{mark}", salutation="Frau", first_name="Erika", name=f"Linde-{mark}",
                   street="Am Markt 1", postcode="50667", city="Köln", email=self.email)
        admin.page.check("#kind-person")
        admin.page.check(f"#language-{admin.language}")
        admin.press("form.save")
        admin.told("notice.client_created")
        admin.sees(self.name)
        return admin.page.url.rsplit("/", 1)[1]

    def _matter(self, admin, mark):
        admin.follow("client.matter_new")
        admin.fill(title=self.matter, number=f"A-{mark}")
        admin.press("matter_form.go")
        admin.told("notice.matter_created")

    def _access(self, admin):
        admin.go(f"/clients/{self.client}")
        admin.follow("client.account_new")
        admin.fill(name=self.name, user=self.user, email=self.email)
        admin.page.check(f"#language-{admin.language}")
        admin.press("account_form.go")
        admin.told("notice.account_created")
        self.access = admin.page.url.rsplit("/", 1)[1]

    def invite(self, admin):
        """Sends the invitation; returns the link in its mail."""
        admin.go(f"/accounts/{self.access}")
        admin.press("access.mail_go")
        admin.told("notice.invited")
        return self.link(admin.portal)

    def link(self, portal):
        """Returns the link in the newest mail that has one."""
        text = portal.mail(self.email, "/redeem#")
        assert self.password not in text
        return next(line for line in text.splitlines() if "/redeem#" in line).strip()

    def accept(self, client, link):
        """The client opens the mail's link and sets the password."""
        client.open_link(link)
        client.choose_password(self.password)
        client.press("redeem_password.go")
        client.at("/")
        client.told("notice.password_set")


def send(one, *files):
    """Chooses files; sends the form if there is no script that does."""
    one.page.set_input_files("#files", list(files))
    if not one.script:
        one.press("upload.submit")


def opens_matter(one, case):
    """Opens the matter from the home page."""
    one.page.get_by_role("link", name=case.matter).first.click()
    expect(one.page.locator("h1")).to_have_text(case.matter)


def row(one, name):
    """Returns the queue's row of one file."""
    return one.page.locator("[data-list] > li").filter(has_text=name)


def under_way(one, name):
    """Waits until the row shows bar, bytes, speed and remaining time."""
    rest = "|".join(
        re.escape(one.say(f"upload.rest_{unit}", n="COUNT")).replace("COUNT", r"[\d.,]+")
        for unit in ("seconds", "minutes", "hours")
    )
    words = one.say("upload.running", sent="SIZE", size="SIZE", speed="SIZE", rest="REST")
    pattern = re.escape(words).replace("SIZE", NUMBER).replace("REST", f"({rest})")
    expect(row(one, name).locator(".job__text")).to_have_text(re.compile(f"^{pattern}$"))
    bar = row(one, name).get_by_role("progressbar", name=name)
    expect(bar).to_have_attribute("value", re.compile(r"^([5-9]|\d\d)$"))
