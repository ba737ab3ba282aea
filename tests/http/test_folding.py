"""Folding of names: the same typed text gives the same name by form, by JSON and by kanzleictl."""

import itertools
import secrets
import unicodedata

import nacl.pwhash
import pytest
from person import Person, mails, wait_for
from running import PASSWORD

counter = itertools.count(1)

LINES = {
    "nfd": (unicodedata.normalize("NFD", "Jürgen Größle"), "Jürgen Größle"),
    "nbsp": ("\u00a0Maria\u00a0\u00a0Muster\u00a0", "Maria Muster"),
    "tab": ("Maria \t Muster", "Maria Muster"),
    "line ends around it": ("\u2028Maria Muster\u2029\u0085\r\n", "Maria Muster"),
    "zero width": ("Ma\u200bria\ufeff Mus\u00adter", "Maria Muster"),
    "direction": ("\u202eMaria\u202c \u2066Muster\u2069", "Maria Muster"),
    "joiner in latin": ("Ma\u200dria Muster\u200c", "Maria Muster"),
    "joiner in persian": ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",) * 2,
    "200 greek letters": ("ω" * 200, "ω" * 200),
    "200 emoji": ("\U0001f9c7" * 200, "\U0001f9c7" * 200),
    "200 composed of 400": ("a\u0308" * 200, "ä" * 200),
    "only a line separator": ("\u2028", None),
    "only nbsp": ("\u00a0\u00a0", None),
    "only zero width": ("\u200b\u200d\ufe0f\u2060", None),
    "only fillers": ("\u3164\u115f\u2800", None),
    "nothing": ("  ", None),
    "line separator": ("Maria\u2028Muster", None),
    "paragraph separator": ("Maria\u2029Muster", None),
    "next line": ("Maria\u0085Muster", None),
    "two lines": ("Maria\r\nMuster", None),
    "control": ("Maria\u0007", None),
    "escape": ("\u001b[1mMaria", None),
    "no character": ("Maria\uffff", None),
    "201 greek letters": ("ω" * 201, None),
}


def by_json(admin, path, fields):
    answer = admin.post_json(path, fields)
    assert answer.status_code in (303, 422), answer.text
    return answer


def by_form(admin, path, fields):
    admin.get_json("/clients/new")  # a form of its own: one that is sent twice makes one thing
    answer = admin.request("POST", path, data=fields | {"csrf": admin.csrf}, token=False,
                           headers={"Origin": admin.url})  # fmt: skip
    assert answer.status_code in (303, 422), answer.text
    return answer


WAYS = {"json": by_json, "form": by_form}


def wrong(answer):
    return {error["name"] for error in answer.json()["errors"]} if answer.status_code == 422 else {}


def place(answer):
    return answer.headers["Location"].partition("?")[0].rsplit("/", 1)[-1]


def fresh(**fields):
    return {"number": secrets.token_hex(6), "kind": "person", "name": "Muster"} | fields


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", LINES)
def test_names_by_pages(admin, way, kind):
    typed, kept = LINES[kind]
    answer = WAYS[way](admin, "/clients", fresh(name=typed))
    if kept is None:
        assert wrong(answer) == {"name"}
        return
    assert answer.status_code == 303, answer.text
    client = admin.get_json(f"/clients/{place(answer)}")["client"]
    assert (client["name"], client["client_name"]) == (kept, kept)


@pytest.mark.parametrize("kind", LINES)
def test_names_by_kanzleictl(portal, kind):
    typed, kept = LINES[kind]
    user = f"ctl{next(counter)}"
    said = portal.kanzleictl(
        *("staff", "create", "--firm", portal.firm, "--user", user, "--name", typed),
        "--password-stdin", stdin=PASSWORD + "\n", fails=kept is None,
    )  # fmt: skip
    stored = portal.sql("SELECT name FROM account WHERE user_name = %s", user)
    if kept is None:
        assert said["error"].startswith("name: ")
    assert stored == ([] if kept is None else [(kept,)])


def test_names_of_firms(portal):
    for kind, (typed, kept) in LINES.items():
        slug = f"name-{next(counter)}"
        said = portal.kanzleictl("firm", "create", slug, "--name", typed, fails=kept is None)
        assert ("error" in said) == (kept is None), kind
        rows = portal.sql("SELECT name FROM firm WHERE slug = %s", slug)
        assert rows == ([] if kept is None else [(kept,)]), kind


def test_a_person_may_have_a_single_name(admin):
    client = admin.made("/clients", fresh(name="Suharto", first_name=""))
    view = admin.get_json(f"/clients/{client}")["client"]
    assert (view["kind"], view["first_name"], view["client_name"]) == ("person", None, "Suharto")
    assert "Suharto" in admin.get(f"/clients/{client}", json_view=False).text
    assert by_json(admin, "/clients", fresh(name="", first_name="Suharto")).status_code == 422


@pytest.mark.parametrize(
    "hidden", ["{}\u200b", "\u00a0{}", "{}\u00a0", "\ufeff{}", "{} ", "{}\u2028", "{}\u200d"]
)
def test_a_number_with_a_hidden_blank_is_the_same(admin, hidden):
    number = f"00{next(counter)}"
    client = admin.made("/clients", fresh(number=number))
    answer = by_json(admin, "/clients", fresh(number=hidden.format(number)))
    assert wrong(answer) == {"number"}
    other = hidden.format(f"00{next(counter)}")
    kept = admin.made("/clients", fresh(number=other))
    assert admin.get_json(f"/clients/{kept}")["client"]["number"] == other.strip(
        "\u200b\ufeff\u200d \u00a0\u2028"
    )
    assert admin.get_json(f"/clients/{client}")["client"]["number"] == number


USERS = {
    "trail ": "trail", " Lead": "lead", "no\u200bblank": "noblank", "nbsp\u00a0": "nbsp",
    "A B!": None, "ü.u": None, "a": None, "": None, "a b": None, "x" * 65: None, "a\u0007b": None,
}  # fmt: skip


@pytest.mark.parametrize("typed", USERS)
def test_user_names(portal, admin, typed):
    """kanzleictl accepts the same user names as the page, and its accounts can sign in."""
    mark, kept = f"{next(counter)}x", USERS[typed]
    said = portal.kanzleictl(
        *("staff", "create", "--firm", portal.firm, "--user", typed and mark + typed.lstrip()),
        *("--name", "Bert", "--password-stdin"), stdin=PASSWORD + "\n", fails=kept is None,
    )  # fmt: skip
    if len(typed) == 1:  # the combining mark makes it longer
        kept = "a"
    assert ("error" in said) == (kept is None)
    if kept is not None:
        assert said["user"] == mark + kept
        assert portal.browser().sign_in(mark + kept, PASSWORD).status_code == 303
    fields = {"user": typed and f"p{mark}{typed.lstrip()}", "name": "Bert", "email": "b@b.example"}
    answer = by_json(admin, "/staff", fields)
    assert (answer.status_code == 303) == (kept is not None), answer.text


ADDRESSES = {
    "maria@muster.example": 1, " maria@muster.example\u00a0": 1, "maria@bäckerei.example": 1,
    "maria": 0, "@": 0, "a@b@c": 0, "a b@muster.example": 0, "maria@": 0, "maria@-x.example": 0,
    "a@" + "x" * 64 + ".example": 0, "ma\u0000ria@muster.example".replace("\0", "\x01"): 0,
}  # fmt: skip


@pytest.mark.parametrize("typed", ADDRESSES)
def test_page_and_kanzleictl_check_mail_addresses_alike(portal, admin, typed):
    fine = bool(ADDRESSES[typed])
    user = f"mail{next(counter)}"
    said = portal.kanzleictl(
        *("staff", "create", "--firm", portal.firm, "--user", user, "--name", "Bert"),
        *("--email", typed, "--password-stdin"), stdin=PASSWORD + "\n", fails=not fine,
    )  # fmt: skip
    assert ("error" in said) != fine
    slug = f"mail-{next(counter)}"
    words = ("firm", "create", slug, "--name", "x", "--email", typed)
    said = portal.kanzleictl(*words, fails=not fine)
    assert ("error" in said) != fine
    for send in WAYS.values():
        answer = send(admin, "/clients", fresh(email=typed))
        assert (answer.status_code == 303) == fine, answer.text


# --- passwords ------------------------------------------------------------------------------------

ACUTE = "Gru\u0308n-Caf\u00e9-7\u00a0Dachs"  # no keyboard has all of these characters
SAME = [
    ACUTE, unicodedata.normalize("NFC", ACUTE), unicodedata.normalize("NFD", ACUTE),
    unicodedata.normalize("NFC", ACUTE).replace("\u00a0", " "), ACUTE.replace("\u00a0", "\u3000"),
]  # fmt: skip
OTHER = [ACUTE.lower(), ACUTE + " ", ACUTE.replace("-", "\uff0d"), ACUTE.replace("\u00a0", "")]


@pytest.mark.parametrize("first", SAME[:3], ids=["mixed", "nfc", "nfd"])
def test_a_password_is_the_same_however_it_was_typed(portal, first):
    user = f"pass{next(counter)}"
    portal.kanzleictl(
        *("staff", "create", "--firm", portal.firm, "--user", user, "--name", "Bert"),
        "--password-stdin", stdin=first + "\n",
    )  # fmt: skip
    for typed in SAME:
        assert portal.browser().sign_in(user, typed).status_code == 303
    for typed in OTHER[:2]:
        assert portal.browser().sign_in(user, typed).status_code == 422
    stored = portal.sql("SELECT password FROM account WHERE user_name = %s", user)[0][0]
    folded = unicodedata.normalize("NFC", ACUTE).replace("\u00a0", " ")
    assert nacl.pwhash.verify(stored.encode(), folded.encode())


def test_a_hash_from_before_keeps_working(portal):
    """Earlier versions made the hash from the bytes as they came."""
    user = portal.fresh_staff()
    decomposed = unicodedata.normalize("NFD", ACUTE)
    old = nacl.pwhash.argon2id.str(decomposed.encode(), 1, 8 << 20).decode()
    portal.sql("UPDATE account SET password = %s WHERE user_name = %s", old, user)
    assert portal.browser().sign_in(user, decomposed).status_code == 303
    assert portal.browser().sign_in(user, ACUTE).status_code == 422


def test_the_same_wrong_password_counts_once_however_it_was_typed(portal):
    user = portal.fresh_staff()
    for typed in SAME:
        assert portal.browser().sign_in(user, typed).status_code == 422
    assert portal.sql("SELECT wrong, locked_at FROM account WHERE user_name = %s", user) == [
        (1, None)
    ]


def test_a_new_password_by_the_page(portal):
    user = portal.fresh_staff()
    me = portal.signed_in(user)
    nfd, nfc = unicodedata.normalize("NFD", ACUTE), unicodedata.normalize("NFC", ACUTE)
    send = {"old": PASSWORD, "password": nfd, "password_again": nfc}
    assert me.post_json("/account/password", send).status_code == 303
    assert portal.browser().sign_in(user, nfc).status_code == 303
    me.get_json("/account")
    send = {"old": nfc, "password": nfd, "password_again": nfd}
    assert wrong(me.post_json("/account/password", send)) == {"password"}  # the same password
    send = {"old": nfc, "password": "Anker\tBirke-7-Wolke", "password_again": "x"}
    assert wrong(me.post_json("/account/password", send)) == {"password"}
    long = "Anker-Birke-7-Wolke ω" + "ω" * 1000
    send = {"old": nfc, "password": long[:1000], "password_again": long[:1000]}
    assert me.post_json("/account/password", send).status_code == 303
    me.get_json("/account")
    send = {"old": long[:1000], "password": long[:1001], "password_again": long[:1001]}
    assert "password" in wrong(me.post_json("/account/password", send))


# --- mail and files -------------------------------------------------------------------------------


def test_a_name_from_before_breaks_no_mail(portal, admin):
    """The table has names from a version that accepted U+0085 and U+2028."""
    person = Person(portal.url, portal.authority, portal.firm)
    portal.browsers.append(person)
    user = f"alt{next(counter)}"
    account = portal.make_client(admin, "Alt", user).account
    portal.sql(
        "UPDATE account SET name = %s WHERE id = %s", "Maria\u2028Alt\u0085\u200b", account
    )
    assert person.post("/forgotten", user=user).status_code == 200
    wait_for(lambda: mails(portal.data / "mail", f"{user}@mandant.example"))


NAMES = {
    "nfd": (unicodedata.normalize("NFD", "Prüfung.pdf"), "Prüfung.pdf"),
    "persian": ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645.pdf",) * 2,
    "family": ("\U0001f468\u200d\U0001f469\u200d\U0001f467.pdf",) * 2,
    "backslash": ("Und\\oder.pdf", "Und\\oder.pdf"),
    "fakepath": ("C:\\fakepath\\Brief.pdf", "Brief.pdf"),
    "hidden end": ("Brief.pdf\u200b\u200d\u00a0", "Brief.pdf"),
}


@pytest.mark.parametrize("kind", NAMES)
def test_names_of_files(maria, kind):
    sent, kept = NAMES[kind]
    document = maria.browser.upload(maria.matter, b"x", sent)
    page = maria.browser.get_json(f"/documents/{document}")
    assert page["document"]["name"] == kept
    part = f'--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{maria.browser.csrf}\r\n'
    part += f'--b\r\nContent-Disposition: form-data; name="files"; filename="{sent}"\r\n'
    part += "Content-Type: text/plain\r\n\r\nx\r\n--b--\r\n"
    answer = maria.browser.request(
        "POST", f"/matters/{maria.matter}/documents", token=False, content=part.encode(),
        headers={"Content-Type": "multipart/form-data; boundary=b", "Origin": maria.browser.url},
    )  # fmt: skip
    assert answer.status_code == 303, answer.text
    documents = maria.browser.get_json(f"/matters/{maria.matter}")["documents"]
    assert documents[0]["name"] == kept
