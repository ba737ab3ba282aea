"""A person at the portal: a browser that fills forms, and the mails to this person."""

import email
import email.policy
import re
import time
from pathlib import Path

from portal import Browser

CODE = re.compile(r"\b[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}\b")


class Person(Browser):
    """A person with a browser of their own; AGENT is its User-Agent."""

    def __init__(self, url, authority, firm, agent="test/1"):
        super().__init__(url, authority, firm)
        self.http.headers["User-Agent"] = agent

    def post(self, path, **fields):
        """Sends a form, with the form token that belongs to the present cookies."""
        if not self.csrf and self.get("/").status_code == 200:
            self.get_json("/")
        elif not self.csrf:
            self.get_json("/sign-in")
        answer = self.post_json(path, fields, headers=self.version(path))
        if answer.headers.get_list("set-cookie"):
            self.csrf = ""
        return answer

    def version(self, path):
        """Returns the header that names the version of what is changed at PATH, if it has one."""
        page = {"clients": path + "/edit", "staff": path}.get(path.split("/")[1])
        if not page or len(path.split("/")) != 3:
            return {}
        etag = self.get(page).headers.get("ETag")
        return {"If-Match": etag} if etag else {}

    def done(self, path, **fields):
        """Sends a form that must be accepted; returns the redirect's target and the notice."""
        answer = self.post(path, **fields)
        assert answer.status_code == 303, (path, answer.status_code, answer.text)
        place, _, query = answer.headers["Location"].partition("?")
        assert place.startswith(self.base + "/"), place
        return place.removeprefix(self.base), query.removeprefix("notice=")

    def make(self, path, **fields):
        """Sends a form that makes something; returns its id."""
        return self.done(path, **fields)[0].rsplit("/", 1)[-1]

    def wrong(self, path, **fields):
        """Sends a form that must come back; returns {wrong field: its error}."""
        answer = self.post(path, **fields)
        assert answer.status_code == 422, (path, answer.status_code, answer.text)
        return {error["name"]: error["text"] for error in answer.json()["errors"]}

    def enters(self, user, password):
        """Returns whether one can sign in with this password."""
        answer = self.post("/sign-in", user=user, password=password)
        return answer.status_code == 303


def mails(folder, address):
    """Returns the texts of the mails to an address."""
    found = []
    for path in sorted(Path(folder).glob("*.eml")):
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        if address in str(mail["To"]):
            found.append(mail.get_body(("plain",)).get_content())
    return found


def wait_for(what, seconds=30):
    """Waits until WHAT() is true; returns its value. The bound ends a test of a portal that
    hangs."""
    for _ in range(seconds * 20):
        value = what()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError("it did not come")
