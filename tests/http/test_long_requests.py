"""A request that takes long: what somebody may do is looked at again when it ends, and its bytes
keep the session awake. The sentence of an error follows from what has become of the bytes."""

import secrets
import time
from contextlib import contextmanager

import pytest
from person import wait_for
from running import PASSWORD

STATE = "SELECT state FROM upload WHERE id = %s"


@pytest.fixture
def sender(portal, admin):
    return portal.make_client(admin, "Lang", "lang-" + secrets.token_hex(3))


def ends(portal, sender, browser):
    portal.sql("DELETE FROM session WHERE account = %s", sender.account)


def leaves(portal, sender, browser):
    portal.sql("UPDATE account_client SET ends_at = now() WHERE account = %s", sender.account)


def is_unassigned(portal, sender, browser):
    portal.sql("DELETE FROM assignment WHERE client = %s", sender.client)


def last_byte(meanwhile):
    """Yields all bytes of a request but the last, and that one after MEANWHILE."""
    yield b"a" * 999
    time.sleep(0.3)  # the portal has entered, and waits for bytes
    meanwhile()
    yield b"z"


@pytest.mark.parametrize("change, status", [(ends, 401), (leaves, 404)])
def test_the_last_byte_of_somebody_who_may_no_more(portal, sender, change, status):
    browser = sender.browser
    upload = browser.created(sender.matter, 1000)
    answer = browser.patch(upload, 0, last_byte(lambda: change(portal, sender, browser)))
    assert answer.status_code == status, answer.text
    assert portal.sql(STATE, upload) == [("receiving",)]
    assert portal.sql("SELECT count(*) FROM document WHERE id = %s", upload) == [(0,)]


def test_the_last_byte_of_staff_who_work_for_the_client_no_more(portal, admin, sender):
    user = portal.fresh_staff()
    (staff,) = portal.sql("SELECT id FROM account WHERE user_name = %s", user)[0]
    path = f"/clients/{sender.client}/assignments"
    assert admin.post_json(path, {"staff": str(staff)}).status_code == 303
    clerk = portal.signed_in(user)
    upload = clerk.created(sender.matter, 1000)
    answer = clerk.patch(upload, 0, last_byte(lambda: is_unassigned(portal, sender, clerk)))
    assert answer.status_code == 404
    assert portal.sql(STATE, upload) == [("receiving",)]


def test_what_was_sent_is_there_after_signing_in_again(portal, sender):
    """The session ended before the last byte: signing in is enough, no byte is sent again."""
    browser = sender.browser
    upload = browser.created(sender.matter, 1000)
    change = last_byte(lambda: ends(portal, sender, browser))
    assert browser.patch(upload, 0, change).status_code == 401
    (user,) = portal.sql("SELECT user_name FROM account WHERE id = %s", sender.account)[0]
    assert browser.sign_in(user, PASSWORD).status_code == 303
    assert browser.offset(upload) == 1000
    wait_for(lambda: browser.state(upload) == "available")


@pytest.mark.parametrize("form", [False, True], ids=["tus", "form"])
def test_bytes_that_arrive_keep_the_session_awake(portal, sender, form):
    """The transfer goes on for longer than a session may be idle; it is not idle."""
    browser = sender.browser
    old = "UPDATE session SET seen = now() - interval '5 minutes' WHERE account = %s"
    seen = "SELECT bool_and(seen > now() - interval '1 minute') FROM session WHERE account = %s"
    portal.sql(old, sender.account)
    awake = []

    def slow():
        head = f'--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{browser.csrf}\r\n'
        head += '--b\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'
        yield head.encode() if form else b"a"
        yield b"a" * 999
        time.sleep(0.3)
        portal.sql(old, sender.account)
        for _ in range(60):
            if portal.sql(seen, sender.account) == [(True,)]:
                awake.append(True)
                break
            time.sleep(0.5)
            yield b"a" * 1000
        yield b"\r\n--b--\r\n" if form else b""

    if form:
        answer = browser.request(
            "POST", f"/matters/{sender.matter}/documents", token=False, content=slow(),
            headers={"Content-Type": "multipart/form-data; boundary=b", "Origin": browser.url})
        assert answer.status_code == 303, answer.text
    else:
        upload = browser.created(sender.matter, 1_000_000)
        assert browser.patch(upload, 0, slow()).status_code == 204
    assert awake, "the session would have ended while bytes came"


@contextmanager
def away(*folders):
    """Renames folders of stores for a while."""
    for folder in folders:
        folder.rename(folder.with_suffix(".away"))
    try:
        yield
    finally:
        for folder in folders:
            folder.with_suffix(".away").rename(folder)


@pytest.mark.expect_log("STORE_DOWN")
def test_what_is_kept_is_not_to_be_sent_again(portal, sender):
    """The stores go away when all bytes have come: nobody is told to send them once more, and the
    form's other files are taken as well."""
    browser = sender.browser
    upload = browser.created(sender.matter, 3)
    with away(portal.data / "store-1", portal.data / "store-2"):
        answer = browser.patch(upload, 0, b"abc")
        assert answer.status_code == 503
        assert "nicht noch einmal" in answer.json()["detail"]
        form = browser.send_form(sender.matter, ("a.txt", b"a"), ("b.txt", b"b"))
        assert form.status_code == 200, form.text
        said = form.json()["results"]
    assert [(row["name"], row["state"]) for row in said] == [
        ("a.txt", "scanning"), ("b.txt", "scanning")]  # fmt: skip
    for row in said:
        assert "Bitte senden Sie die Datei nicht noch einmal" in row["message"]
    path = f"/matters/{sender.matter}"
    wait_for(lambda: len(browser.get_json(path)["documents"] or []) == 3)


@pytest.mark.parametrize("change, status, sentence", [
    (ends, 401, "senden Sie nur, was dort fehlt"), (leaves, 404, "der Rest ist es nicht"),
])  # fmt: skip
def test_a_form_whose_sender_may_no_more_says_what_is_there(
    portal, sender, change, status, sentence
):
    """The first file is there, the second isn't: who signs in again sends only that one. Nobody
    could go on with what came of the second one: it is removed."""
    browser = sender.browser
    token = f'--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{browser.csrf}\r\n'
    part = '--b\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\n\r\n'

    def files():
        yield (token + part % "erste.txt" + "a\r\n" + part % "zweite.txt" + "b").encode()
        wait_for(lambda: portal.sql("SELECT count(*) FROM document WHERE client = %s"
                                    " AND name = 'erste.txt'", sender.client) == [(1,)])
        time.sleep(0.3)
        change(portal, sender, browser)
        yield b"\r\n--b--\r\n"

    answer = browser.request(
        "POST", f"/matters/{sender.matter}/documents", token=False, content=files(),
        headers={"Content-Type": "multipart/form-data; boundary=b", "Origin": browser.url})
    assert answer.status_code == status
    assert sentence in answer.json()["detail"]
    left = "SELECT id FROM upload WHERE account = %s AND state = 'receiving'"
    assert portal.sql(left, sender.account) == []
