"""Attacks: from outside, by a client with a session, by staff with few rights."""

import csv
import email.message
import io
import secrets
from urllib.parse import unquote

import pytest
from contents import random_content
from person import CODE, mails, wait_for
from portal import TUS
from raw import Raw
from running import PASSWORD

MUSTACHE = "{{csrf}}{{{csrf}}}{{>part/problem}}{{#client}}{{/client}}"
MARKUP = "\"><img src=x onerror='alert(1)'>&amp;"


def client_named(admin, name, **fields):
    filled = {"number": secrets.token_hex(4), "kind": "company", "name": name, "language": "de"}
    return admin.made("/clients", filled | fields)


# --- steps that nobody has taken ----------------------------------------------------------------


def steps(admin, document):
    """Returns when a document was opened and received, as the firm's log says."""
    shown = admin.get_json(f"/documents/{document}")["steps"][0]
    return shown["opened"], shown["received"]


def test_another_site_does_not_receive_documents(admin, maria):
    document = admin.upload(maria.matter, b"Bescheid", "bescheid.txt")
    path = f"/documents/{document}/content"
    for site in ("cross-site", "same-site"):
        answer = maria.browser.get(path, headers={"Sec-Fetch-Site": site, "Accept": "*/*"})
        assert answer.status_code == 303
        assert answer.headers["Location"].endswith(f"/documents/{document}")
    for ahead in (path, f"/documents/{document}"):
        assert maria.browser.get(ahead, headers={"Sec-Purpose": "prefetch"}).status_code == 200
        assert steps(admin, document) == (None, None), ahead
    answer = maria.browser.get(path, headers={"Sec-Fetch-Site": "same-origin", "Accept": "*/*"})
    assert answer.content == b"Bescheid"
    wait_for(lambda: steps(admin, document)[0])  # noted after the answer


def test_a_page_that_fails_notes_no_step(admin, maria):
    document = admin.upload(maria.matter, b"Bescheid", "bescheid.txt")
    answer = maria.browser.get(f"/documents/{document}", headers={"Accept": "image/png"})
    assert answer.status_code == 406
    assert steps(admin, document) == (None, None)


# --- names that contain code --------------------------------------------------------------------


@pytest.mark.parametrize("name", [MUSTACHE, MARKUP])
def test_names_are_shown_as_they_are(admin, name):
    client = client_named(admin, name)
    matter = admin.made(f"/clients/{client}/matters", {"number": "1", "title": name})
    document = admin.upload(matter, b"x", name.replace("/", "") + ".txt")
    escaped = name
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        escaped = escaped.replace(sign, entity)
    for path in (f"/clients/{client}", f"/clients/{client}/edit", f"/matters/{matter}", "/clients",
                 f"/documents/{document}", "/documents", "/receipts", "/"):  # fmt: skip
        answer = admin.get(path, json_view=False)
        assert answer.status_code == 200
        text = answer.text.replace("&#39;", "'").replace("&#x27;", "'")
        assert "<img src=x" not in text
        if path not in ("/", "/clients", "/documents", "/receipts"):  # these show others, too
            assert escaped in text, path


@pytest.mark.parametrize("sign", "=+-@")
def test_an_export_holds_no_formulas(admin, sign):
    name = f"{sign}cmd|' C calc'!A0 {secrets.token_hex(4)}"
    client = client_named(admin, name, number=sign + secrets.token_hex(3))
    matter = admin.made(f"/clients/{client}/matters", {"number": "1", "title": name})
    admin.upload(matter, b"x", name)
    text = admin.get(f"/receipts.csv?client={client}").content.decode("utf-8-sig")
    head, row = csv.reader(io.StringIO(text), delimiter=";")
    assert len(head) == len(row)
    assert sum("cmd|" in cell for cell in row) == 3
    assert not [cell for cell in row if cell[:1] in "=+-@\t\r" and cell]


DISPOSITION = [
    'a"; filename="b.exe', "a\\.txt", "100% sicher.txt", "a%0d%0ab.txt", "Grüße €.pdf",
    "a'b''c.txt", "a;b,c.txt", "=?utf-8?q?a?=.txt", ".htaccess", "a.txt.", "CON.txt",
]  # fmt: skip


@pytest.mark.parametrize("name", DISPOSITION)
def test_file_names_stay_within_their_header(maria, name):
    document = maria.browser.upload(maria.matter, b"x", name)
    kept = maria.browser.get_json(f"/documents/{document}")["document"]["name"]
    answer = maria.browser.get(f"/documents/{document}/content", headers={"Accept": "*/*"})
    header = answer.headers["Content-Disposition"]
    assert len(answer.headers.get_list("Content-Disposition")) == 1
    parsed = email.message.Message()
    parsed["Content-Disposition"] = header
    names = [key for key, _ in parsed.get_params(header="Content-Disposition")]
    assert names[0] == "attachment"
    assert sorted(set(names[1:])) == ["filename"], header
    whole = unquote(header.partition("filename*=UTF-8''")[2])
    assert (whole or parsed.get_filename()) == kept


def test_names_stay_within_their_mail(portal, admin):
    """A name that contains an address or a line break sends the mail to nobody else."""
    user = "post-" + secrets.token_hex(4)
    client = client_named(admin, "Kopf", email=f"{user}@mandant.example")
    fields = {"user": user, "email": f"{user}@mandant.example", "language": "de"}
    path = f"/clients/{client}/accounts"
    for bad in ("a\r\nBcc: evil@evil.example", "a\nb", "a\x00b"):
        assert admin.post_json(path, fields | {"name": bad}).status_code in (400, 422)
    name = 'Maria "M." <evil@evil.example>, evil2@evil.example; =?utf-8?q?x?='
    account = admin.made(path, fields | {"name": name})
    assert admin.post_json(f"/accounts/{account}/invite").status_code == 303
    folder = portal.data / "mail"
    (text,) = wait_for(lambda: mails(folder, fields["email"]))
    assert CODE.search(text)
    for path in folder.glob("*.eml"):
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        if fields["email"] in str(mail["To"]):
            assert [one.addr_spec for one in mail["To"].addresses] == [fields["email"]]
            assert not mail["Cc"] and not mail["Bcc"]


def test_nothing_writes_a_second_line_into_a_log(portal):
    log = portal.data / "log/access.log"
    before = log.read_bytes().count(b"\n")
    portal.browser().get("/nichts%0a%0d%1b[2J127.0.0.1%20-%20GET")
    wait_for(lambda: log.read_bytes().count(b"\n") > before)
    lines = log.read_bytes().splitlines()[before:]
    assert len(lines) == 1
    assert lines[0].isascii() and lines[0].decode().isprintable()


# --- documents that contain pages ---------------------------------------------------------------

SCRIPT = b"<html><script>alert(1)</script></html>"
POLYGLOTS = {
    "pdf": ("a.pdf", b"%PDF-1.4\n" + SCRIPT),
    "html before pdf": ("a.pdf", SCRIPT + b"\n%PDF-1.4\n"),
    "gif": ("a.gif", b"GIF89a/*" + SCRIPT),
    "png": ("a.png", b"\x89PNG\r\n\x1a\n" + SCRIPT),
    "text": ("a.txt", SCRIPT),
    "utf-16 text": ("a.txt", b"\xff\xfe" + SCRIPT.decode().encode("utf-16-le")),
    "svg as png": ("a.png", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
    "xhtml": ("a.xhtml", b"<html xmlns='http://www.w3.org/1999/xhtml'/>"),
    "xml": ("a.xml", b"<?xml-stylesheet href='a.xsl'?><a/>"),
    "mhtml": ("a.mht", b"MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n" + SCRIPT),
    "no ending": ("a", SCRIPT),
}


@pytest.mark.parametrize("kind", POLYGLOTS)
def test_a_document_is_no_page_of_the_portal(maria, kind):
    name, content = POLYGLOTS[kind]
    document = maria.browser.upload(maria.matter, content, name)
    for path in ("content", "content?view"):
        answer = maria.browser.get(f"/documents/{document}/{path}", headers={"Accept": "*/*"})
        if answer.status_code == 404:  # kept back: nobody can open it, which is safe
            continue
        shown = answer.headers["Content-Disposition"].startswith("inline")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        texts = ("utf-8", "utf-16le", "utf-16be", "windows-1252")
        kinds = ("application/pdf", "image/gif", "image/png",
                 *(f"text/plain; charset={charset}" for charset in texts))  # fmt: skip
        assert not shown or answer.headers["Content-Type"] in kinds
        assert not any(word in answer.headers["Content-Type"] for word in ("html", "svg"))


def test_a_thousand_ranges_cost_no_more_than_the_document(maria):
    content = random_content(100_000)
    document = maria.browser.upload(maria.matter, content)
    ranges = "bytes=" + ",".join("0-" for _ in range(1000))
    answer = maria.browser.get(
        f"/documents/{document}/content", headers={"Accept": "*/*", "Range": ranges}
    )
    assert answer.status_code in (200, 206, 416)
    assert len(answer.content) < 2 * len(content)


# --- sessions and forms -------------------------------------------------------------------------


def test_every_cookie_is_locked_to_this_host(portal):
    browser = portal.browser()
    answers = [browser.get("/sign-in"), browser.sign_in(portal.fresh_staff(), PASSWORD)]
    answers.append(browser.post_json("/language", {"lang": "de"}))
    answers.append(browser.post_json("/sign-out"))
    cookies = [line for answer in answers for line in answer.headers.get_list("set-cookie")]
    assert len(cookies) >= 4
    for line in cookies:
        parts = line.split("; ")
        assert parts[0].startswith("__Host-kz")
        assert {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"} <= set(parts[1:]), line
        assert "domain" not in line.lower()


def test_signing_in_does_not_take_over_an_earlier_session(portal):
    """A session that an attacker puts into a browser does not become the victim's session."""
    user, name = portal.fresh_staff(), f"__Host-kz-{portal.firm}"
    for planted in ("s" + "B" * 43, portal.signed_in(portal.fresh_staff()).http.cookies[name]):
        browser = portal.browser()
        browser.http.cookies.set(name, planted, domain="localhost.local")
        browser.csrf = browser.get("/sign-in").json()["csrf"]
        fields = {"user": user, "password": PASSWORD}
        answer = browser.post_json("/sign-in", fields)
        assert answer.status_code == 303
        (given,) = [line for line in answer.headers.get_list("set-cookie") if name + "=" in line]
        assert planted not in given
        other = portal.browser()
        view = other.get("/", headers={"Cookie": f"{name}={planted}"})
        assert view.status_code == 401 or view.json()["me_user"] != user


def test_the_form_token_is_taken_from_the_form_alone(admin):
    before = admin.get_json("/clients")["clients"]
    fields = {"number": "Q-1", "kind": "company", "name": "Gefälscht", "language": "de"}
    path = f"/clients?csrf={admin.csrf}"
    assert admin.request("POST", path, token=False, data=fields).status_code == 403
    for kind in ("text/plain", "multipart/form-data; boundary=b", ""):
        answer = admin.request("POST", "/clients", token=False, content=b'{"name": "Gef"}',
                               headers={"Content-Type": kind})  # fmt: skip
        assert answer.status_code in (403, 415)
    assert admin.get_json("/clients")["clients"] == before


# --- looking at other people's things -----------------------------------------------------------


def test_filters_and_searches_find_nothing_of_others(admin, clerk, maria, neighbour, foreign):
    """Ids in the query, search words and places in a list find no clients that one may not see."""
    found = admin.get_json(f"/clients/{neighbour.client}")["client"]
    neighbour.browser.upload(neighbour.matter, b"x", "geheim-nachbar.txt")
    admin.upload(neighbour.matter, b"x", "geheim-kanzlei.txt")
    queries = ["q=Nachbar", "q=geheim", f"q={found['number']}", "q=%25", "q=_"]
    for person in (neighbour, foreign):
        queries += [f"client={person.client}", f"matter={person.matter}",
                    f"client={person.client}&matter={person.matter}",
                    f"after={person.client}", f"after=1_{person.client}"]  # fmt: skip
    for query in queries:
        for browser, paths in (
            (clerk, ("/clients", "/clients?state=locked&", "/documents", "/receipts",
                     "/receipts.csv")),
            (maria.browser, ("/documents", f"/matters/{maria.matter}", "/matters", "/")),
        ):  # fmt: skip
            for path in paths:
                answer = browser.get(path + ("" if path.endswith("&") else "?") + query)
                assert answer.status_code in (200, 400, 404)
                text = answer.text.replace(query, "").replace("Nachbar\"", "", 1)
                for secret in ("Maria Nachbar", "geheim-", "Maria Fremd", found["number"]):
                    shown = text if secret not in query else ""
                    assert secret not in shown, (path, query, answer.text)


def test_a_client_confirms_what_the_firm_provided_and_nothing_else(admin, maria):
    own = maria.browser.upload(maria.matter, b"x", "eigenes.txt")
    given = admin.upload(maria.matter, b"x", "bescheid.txt")
    maria.browser.post_json(f"/documents/{own}/confirm")
    view = maria.browser.get_json(f"/documents/{own}")
    assert view["document"]["confirmed"] is None
    assert "confirmed" not in [event["kind"] for event in view["events"]]
    assert maria.browser.post_json(f"/documents/{given}/confirm").status_code == 303
    first = maria.browser.get_json(f"/documents/{given}")["document"]["confirmed"]
    maria.browser.post_json(f"/documents/{given}/confirm")
    assert maria.browser.get_json(f"/documents/{given}")["document"]["confirmed"] == first
    assert maria.browser.request("DELETE", f"/documents/{given}").status_code == 405
    assert maria.browser.request("DELETE", f"/uploads/{given}", headers=TUS).status_code == 404


def test_too_many_things_at_once_over_one_connection(portal, maria):
    """The portal answers each of several requests in one packet."""
    with Raw(portal, maria.browser) as raw:
        lines = "\r\n".join(raw.fields())
        one = f"GET /k/linde/matters HTTP/1.1\r\n{lines}\r\n\r\n"
        nobody = f"GET /k/linde/matters HTTP/1.1\r\nHost: {raw.host}\r\nAccept: application/json"
        raw.send((one + nobody + "\r\nConnection: close\r\n\r\n").encode())
        answers = raw.rest().split(b"HTTP/1.1 ")[1:]
        assert [answer[:3] for answer in answers] == [b"200", b"401"]
        assert b"Sommer" not in answers[1]
