"""What nobody may find on a disk: documents in the clear, passwords, tokens of sessions, codes.
This looks into every file of the portal: database with its log of changes, stores, spool, logs."""

import secrets
from urllib.parse import quote

from person import CODE, mails, wait_for
from running import PASSWORD

# The demonstration's mails are files, and codes travel in them.
MAILS = "mail"


def found_on_disk(portal, words):
    """Returns (word, file) for each of WORDS, {what it is: bytes}, that a file holds."""
    portal.sql("CHECKPOINT")
    found = []
    for path in portal.data.rglob("*"):
        if path.is_symlink() or not path.is_file() or path.is_relative_to(portal.data / MAILS):
            continue
        try:
            content = path.read_bytes()
        except FileNotFoundError:  # gone meanwhile
            continue
        found += [(what, path) for what, word in words.items() if word in content]
    return found


def test_documents_are_sealed_wherever_they_lie(portal, maria):
    whole, half = secrets.token_hex(16).encode(), secrets.token_hex(16).encode()
    browser = maria.browser
    assert browser.state(browser.upload(maria.matter, whole * 5000)) == "available"
    upload = browser.created(maria.matter, 2 * len(half * 5000))
    assert browser.patch(upload, 0, half * 5000).status_code == 204
    name = secrets.token_hex(16)  # names are in the database, so this search finds something
    browser.upload(maria.matter, b"x", name)
    words = {"a document": whole, "half of an upload": half, "a name": name.encode()}
    assert {what for what, _ in found_on_disk(portal, words)} == {"a name"}
    browser.request("DELETE", f"/uploads/{upload}", headers={"Tus-Resumable": "1.0.0"})


def test_passwords_tokens_and_codes_are_in_no_file(portal, admin):
    user, wrong = portal.fresh_staff(), "Falsch-" + secrets.token_hex(12)
    browser = portal.browser()
    assert browser.sign_in(user, wrong).status_code == 422
    assert browser.sign_in(user, PASSWORD).status_code == 303
    token = browser.http.cookies[f"__Host-kz-{portal.firm}"]
    searched = secrets.token_hex(12)
    assert browser.get(f"/clients?q={searched}").status_code == 200
    assert browser.post_json("/forgotten", {"user": user}).status_code == 200
    folder = portal.data / MAILS
    text = wait_for(lambda: [one for one in mails(folder, f"{user}@") if CODE.search(one)])[-1]
    code = CODE.search(text)[0]
    browser.get_json("/redeem")
    new = "Waldrand-" + secrets.token_hex(12)
    fields = {"code": code, "password": new, "password_again": new}
    assert browser.post_json("/redeem/password", fields).status_code == 303
    words = {
        "a password": PASSWORD, "a wrong password": wrong, "a new password": new, "a token": token,
        "a code": code, "a code without its dashes": code.replace("-", ""),
        "what was searched for": searched, "a user name": user, "a code in a URL": quote(code),
    }  # fmt: skip
    found = found_on_disk(portal, {what: word.encode() for what, word in words.items()})
    assert {what for what, _ in found} == {"a user name"}, found
