"""Uploads by tus and by the plain form: accepted ones, refused ones, and the files on the disk."""

import base64
import hashlib
import secrets
import struct
import zlib

import pytest
from contents import random_content
from portal import TUS
from scand_samples import EICAR, nested, pdf, sevenzip, zipped

CHUNK = 65536
SENTENCE = (
    "{} enthält den Virus {} und wurde nicht angenommen. Es ist nichts gespeichert worden. "
    "Prüfen Sie Ihren Rechner mit einem Virenschutz und senden Sie die Datei dann neu."
)


def content_of(browser, document, **more):
    return browser.get(f"/documents/{document}/content", headers={"Accept": "*/*"} | more)


def check_arrived(browser, document, content, name="brief.txt"):
    """Checks that the document is available, with these bytes, this name and this hash."""
    shown = browser.get_json(f"/documents/{document}")["document"]
    assert shown["state"] == "available"
    assert shown["name"] == name
    assert shown["size"] == len(content)
    assert shown["sha256"] == hashlib.sha256(content).hexdigest()
    answer = content_of(browser, document)
    assert answer.status_code == 200
    assert answer.content == content


def names_in(browser, matter):
    return [row["name"] for row in browser.get_json(f"/matters/{matter}")["documents"]]


def stored(portal, document):
    """Returns the files of a document under the data folder, by the folder that they are in."""
    found = {}
    for path in portal.data.rglob("*"):
        place = path.relative_to(portal.data)
        if document in str(place) and path.is_file():
            found[place.parts[0]] = path
    return found


def lies_open(portal, needle):
    """Returns the files under the data folder that contain these bytes in plain."""
    found = []
    for path in portal.data.rglob("*"):
        if path.is_file() and "program" not in path.relative_to(portal.data).parts[:1]:
            try:
                if needle in path.read_bytes():
                    found.append(path)
            except FileNotFoundError:
                pass
    return found


def marked(size):
    """Returns random bytes with a mark by which a search finds them, and the mark."""
    mark = secrets.token_hex(32).encode()
    return (mark * (size // len(mark) + 1))[:size], mark


@pytest.mark.parametrize("size", [1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 17])
def test_in_one_piece(maria, size):
    content = random_content(size)
    document = maria.browser.upload(maria.matter, content)
    check_arrived(maria.browser, document, content)


def test_creation_by_tus(maria):
    answer = maria.browser.create(maria.matter, 10)
    assert answer.status_code == 201
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    upload = answer.headers["Location"].rsplit("/", 1)[-1]
    head = maria.browser.request("HEAD", f"/uploads/{upload}", headers=TUS)
    assert head.headers["Upload-Offset"] == "0"
    assert head.headers["Upload-Length"] == "10"
    assert head.headers["Upload-Expires"].endswith("GMT")
    assert head.headers["Cache-Control"] == "no-store"
    options = maria.browser.request("OPTIONS", f"/uploads/{upload}")
    extensions = set(options.headers["Tus-Extension"].split(","))
    assert extensions == {"creation", "expiration", "termination", "checksum"}
    assert options.headers["Tus-Version"] == "1.0.0"


def test_in_pieces_of_any_size(maria):
    content = random_content(2 * CHUNK + 1000)
    upload, at = maria.browser.created(maria.matter, len(content)), 0
    for size in (1, 0, 5000, CHUNK - 5001, 7, CHUNK, len(content)):
        piece = content[at : at + size]
        answer = maria.browser.patch(upload, at, piece)
        assert answer.status_code == 204, answer.text
        at += len(piece)
        if at < len(content):
            assert answer.headers["Upload-Offset"] == str(at)
            assert maria.browser.offset(upload) == at
            assert maria.browser.state(upload) == "receiving"
    check_arrived(maria.browser, upload, content)


def test_resumes_in_another_session(portal, maria):
    content = random_content(CHUNK + 10)
    upload = maria.browser.created(maria.matter, len(content))
    maria.browser.patch(upload, 0, content[:1000])
    again = portal.signed_in("maria")
    assert again.offset(upload) == 1000
    assert again.patch(upload, 1000, content[1000:]).status_code == 204
    check_arrived(maria.browser, upload, content)


def test_wrong_offset(maria):
    content = random_content(100)
    upload = maria.browser.created(maria.matter, 100)
    assert maria.browser.patch(upload, 0, content[:50]).status_code == 204
    for offset in (0, 49, 51, 100):
        answer = maria.browser.patch(upload, offset, content[offset:])
        assert answer.status_code == 409
        assert answer.headers["Upload-Offset"] == "50"
    assert maria.browser.patch(upload, 50, content[50:]).status_code == 204
    check_arrived(maria.browser, upload, content)


def test_after_completion(maria):
    content = random_content(100)
    upload = maria.browser.upload(maria.matter, content)
    late = maria.browser.patch(upload, 0, content)  # tus: 409 is a wrong offset; HEAD tells it
    assert (late.status_code, late.headers["Upload-Offset"]) == (409, "100")
    for more in (b"more", b""):
        assert maria.browser.patch(upload, 100, more).status_code == 403
    answer = maria.browser.request("DELETE", f"/uploads/{upload}", headers=TUS)
    assert answer.status_code == 403
    assert maria.browser.offset(upload) == 100
    check_arrived(maria.browser, upload, content)


def test_a_stranger_finds_nothing(maria, neighbour, stranger, foreign, clerk):
    content = random_content(100)
    upload = maria.browser.created(maria.matter, 100)
    for browser in (neighbour.browser, stranger, foreign.browser, clerk):
        assert browser.patch(upload, 0, content).status_code == 404
        for method in ("GET", "HEAD", "DELETE"):
            answer = browser.request(method, f"/uploads/{upload}", headers=TUS)
            assert answer.status_code == 404, (browser.base, method)
        assert browser.create(maria.matter, 10).status_code == 404
        assert browser.send_form(maria.matter, ("a.txt", b"x")).status_code == 404
    assert maria.browser.offset(upload) == 0
    assert maria.browser.patch(upload, 0, content).status_code == 204


def test_more_than_announced(maria):
    upload = maria.browser.created(maria.matter, 10)
    assert maria.browser.patch(upload, 0, b"x" * 11).status_code == 413
    assert maria.browser.offset(upload) == 0
    assert maria.browser.patch(upload, 0, b"y" * 10).status_code == 204
    check_arrived(maria.browser, upload, b"y" * 10)


def test_more_than_announced_without_a_length(maria):
    upload = maria.browser.created(maria.matter, 10)
    pieces = (b"x" * 6 for _ in range(4))
    assert maria.browser.patch(upload, 0, pieces).status_code == 413
    assert maria.browser.state(upload) == "receiving"
    assert maria.browser.offset(upload) <= 10


def test_too_large(maria):
    assert maria.browser.create(maria.matter, 1 << 40).status_code == 413


@pytest.mark.parametrize("length", ["-1", "x", "", "1e3", "9" * 19, " "])
def test_wrong_length(maria, length):
    answer = maria.browser.create(maria.matter, length)
    assert answer.status_code == 400


def test_wrong_headers(maria):
    browser = maria.browser
    assert browser.create(maria.matter, 1, headers={"Tus-Resumable": "0.2"}).status_code == 412
    answer = browser.create(maria.matter, 1, headers={"Upload-Metadata": "filename !!!"})
    assert answer.status_code == 400
    answer = browser.create(maria.matter, 1, headers={"Upload-Metadata": "filename " + "A" * 5000})
    assert answer.status_code == 400
    upload = browser.created(maria.matter, 1)
    assert browser.patch(upload, 0, b"x", {"Content-Type": "text/plain"}).status_code == 415
    assert browser.patch(upload, "x", b"x").status_code == 400
    assert browser.patch(upload, 0, b"x", {"X-CSRF-Token": "A" * 32}).status_code == 403
    assert browser.offset(upload) == 0


def checksum(kind, content):
    digest = hashlib.new(kind, content).digest()
    return {"Upload-Checksum": f"{kind} {base64.b64encode(digest).decode()}"}


@pytest.mark.parametrize("before", [0, 1000, CHUNK, CHUNK + 1000])
@pytest.mark.parametrize("kind", ["sha1", "sha256"])
def test_checksum(maria, kind, before):
    """Bytes that don't match their checksum are not kept, at any offset."""
    content = random_content(before + 2 * CHUNK + 100)
    browser, upload = maria.browser, maria.browser.created(maria.matter, len(content))
    assert browser.patch(upload, 0, content[:before]).status_code == 204
    for length in (10, CHUNK, 2 * CHUNK + 100):
        piece = content[before : before + length]
        broken = bytes([piece[0] ^ 1]) + piece[1:]
        answer = browser.patch(upload, before, broken, checksum(kind, piece))
        assert answer.status_code == 460
        assert browser.offset(upload) == before
    assert browser.state(upload) == "receiving"
    rest = content[before:]
    assert browser.patch(upload, before, rest, checksum(kind, rest)).status_code == 204
    check_arrived(browser, upload, content)


@pytest.mark.parametrize("value", ["md5 1B2M2Y8AsgTpgAmY7PhCfg==", "sha1 x", "sha256", "sha1 AAAA"])
def test_unknown_checksum_algorithm(maria, value):
    upload = maria.browser.created(maria.matter, 1)
    assert maria.browser.patch(upload, 0, b"x", {"Upload-Checksum": value}).status_code == 400
    assert maria.browser.offset(upload) == 0


def test_empty_file(maria):
    document = maria.browser.upload(maria.matter, b"", "leer.txt")
    check_arrived(maria.browser, document, b"", "leer.txt")


def test_termination(portal, maria):
    upload = maria.browser.created(maria.matter, 100)
    maria.browser.patch(upload, 0, b"x" * 50)
    assert "spool" in stored(portal, upload)
    answer = maria.browser.request("DELETE", f"/uploads/{upload}", headers=TUS)
    assert answer.status_code == 204
    assert not stored(portal, upload)
    for method in ("HEAD", "DELETE"):
        answer = maria.browser.request(method, f"/uploads/{upload}", headers=TUS)
        assert answer.status_code == 404
    assert maria.browser.patch(upload, 50, b"x" * 50).status_code == 404


INFECTED = {
    "plain": ("eicar.com", lambda: EICAR),
    "zip": ("rechnung.zip", lambda: zipped(("eicar.com", EICAR))),
    "nested": ("rechnung.zip", lambda: nested(3)),
}


def check_refused(answer, name):
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    detail = answer.json()["detail"]
    what = detail.partition("den Virus ")[2].partition(" und ")[0]
    assert "icar" in what.lower(), detail
    assert detail == SENTENCE.format(name, what)


@pytest.mark.expect_log(r"worker \d: infected: Eicar")
@pytest.mark.parametrize("kind", INFECTED)
def test_infected_over_tus(portal, maria, kind):
    name, make = INFECTED[kind]
    content = make()
    upload = maria.browser.created(maria.matter, len(content), name)
    check_refused(maria.browser.patch(upload, 0, content), name)
    assert maria.browser.state(upload) == "infected"
    assert content_of(maria.browser, upload).status_code == 404
    assert not stored(portal, upload)


@pytest.mark.expect_log(r"worker \d: infected: Eicar")
@pytest.mark.parametrize("kind", INFECTED)
def test_infected_over_the_form(maria, kind):
    name, make = INFECTED[kind]
    check_refused(maria.browser.send_form(maria.matter, (name, make())), name)
    page = maria.browser.send_form(maria.matter, (name, make()), json_view=False)
    assert page.status_code == 422
    assert f"{name} enthält den Virus" in page.text


@pytest.mark.expect_log(r"worker \d: infected: Eicar")
def test_one_infected_among_clean_ones(maria):
    mark = secrets.token_hex(4)
    answer = maria.browser.send_form(
        maria.matter, (f"a{mark}.txt", b"a"), ("eicar.com", EICAR), (f"b{mark}.txt", b"b")
    )
    check_refused(answer, "eicar.com")
    assert {f"a{mark}.txt", f"b{mark}.txt"} <= set(names_in(maria.browser, maria.matter))


def test_over_the_form(maria):
    one, two = random_content(CHUNK + 1), random_content(10)
    mark = secrets.token_hex(4)
    files = ((f"eins {mark}.bin", one), (f"zwei {mark}.bin", two))
    answer = maria.browser.send_form(maria.matter, *files)
    assert answer.status_code == 303
    assert answer.headers["Location"] == (
        f"{maria.browser.base}/matters/{maria.matter}?notice=uploaded"
    )
    rows = maria.browser.get_json(f"/matters/{maria.matter}")["documents"]
    ids = {row["name"]: row["id"] for row in rows}
    for name, content in files:
        check_arrived(maria.browser, ids[name], content, name)


def test_form_without_files_or_token(maria):
    before = names_in(maria.browser, maria.matter)
    assert maria.browser.send_form(maria.matter).status_code == 422
    assert maria.browser.send_form(maria.matter, ("", b"")).status_code == 422
    answer = maria.browser.send_form(maria.matter, ("a.txt", b"x"), token=False)
    assert answer.status_code == 403
    late = [("files", ("a.txt", b"x")), ("csrf", (None, maria.browser.csrf))]
    path = f"/matters/{maria.matter}/documents"
    assert maria.browser.request("POST", path, token=False, files=late).status_code == 403
    assert names_in(maria.browser, maria.matter) == before


@pytest.mark.expect_log(r"worker \d: unscannable: encrypted")
def test_kept_back_until_staff_releases(portal, admin, maria, tmp_path):
    content = sevenzip(tmp_path, "geheim.zip", "-psecret", content=secrets.token_bytes(2000))
    upload = maria.browser.created(maria.matter, len(content), "geheim.zip")
    answer = maria.browser.patch(upload, 0, content)
    assert answer.status_code == 204
    assert answer.headers["Upload-State"] == "unscannable"
    view = maria.browser.get_json(f"/uploads/{upload}")
    assert (view["state"], view["what"]) == ("unscannable", "encrypted")
    assert view["message"].startswith("geheim.zip ist verschlüsselt")
    for browser in (maria.browser, admin):
        assert content_of(browser, upload).status_code == 404
    assert upload in [row["id"] for row in admin.get_json("/")["kept"]]
    assert admin.get_json(f"/documents/{upload}")["may_decide"] is True

    helper = portal.fresh_staff("--right", "all")
    reason = {"reason": "telefonisch geklärt"}
    answer = portal.signed_in(helper).post_json(f"/documents/{upload}/release", reason)
    assert answer.status_code == 404
    assert maria.browser.post_json(f"/documents/{upload}/release", reason).status_code == 404
    answer = admin.post_json(f"/documents/{upload}/release", {"reason": " "})
    assert answer.status_code == 422
    assert maria.browser.state(upload) == "unscannable"

    assert admin.post_json(f"/documents/{upload}/release", reason).status_code == 303
    check_arrived(maria.browser, upload, content, "geheim.zip")
    assert admin.post_json(f"/documents/{upload}/release", reason).status_code in (404, 409)


@pytest.mark.expect_log(r"worker \d: unscannable: encrypted")
def test_kept_back_and_discarded(admin, maria, tmp_path):
    content = sevenzip(tmp_path, "geheim.7z", "-psecret", content=secrets.token_bytes(2000))
    upload = maria.browser.upload(maria.matter, content, "geheim.7z")
    answer = admin.post_json(f"/documents/{upload}/discard", {"reason": "unbekannt"})
    assert answer.status_code == 303
    for browser in (maria.browser, admin):
        assert content_of(browser, upload).status_code == 404
    answer = admin.post_json(f"/documents/{upload}/release", {"reason": "doch"})
    assert answer.status_code in (404, 409)


def test_both_stores_hold_it_sealed_and_nothing_lies_open(portal, maria):
    content, mark = marked(3 * CHUNK)
    probe = portal.data / "tmp" / "probe"
    probe.write_bytes(content)
    assert lies_open(portal, mark) == [probe]
    probe.unlink()

    upload = maria.browser.created(maria.matter, len(content))
    assert maria.browser.patch(upload, 0, content[: CHUNK + 500]).status_code == 204
    assert not lies_open(portal, mark)
    assert maria.browser.patch(upload, CHUNK + 500, content[CHUNK + 500 :]).status_code == 204
    check_arrived(maria.browser, upload, content)
    found = stored(portal, upload)
    assert found.keys() == {"store-1", "store-2"}
    one, two = (path.read_bytes() for path in found.values())
    assert one == two
    assert len(one) > len(content)
    assert not lies_open(portal, mark)


def test_ranges(maria):
    content = random_content(3 * CHUNK)
    document = maria.browser.upload(maria.matter, content)
    for text, first, last in (
        ("0-0", 0, 0),
        (f"{CHUNK - 1}-{CHUNK}", CHUNK - 1, CHUNK),
        ("-5", len(content) - 5, len(content) - 1),
        ("100000-", 100000, len(content) - 1),
    ):
        answer = content_of(maria.browser, document, Range=f"bytes={text}")
        assert answer.status_code == 206
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(content)}"
        assert answer.content == content[first : last + 1]
    answer = content_of(maria.browser, document, Range="bytes=999999999-")
    assert answer.status_code == 416
    several = content_of(maria.browser, document, Range="bytes=0-9,70000-70009")
    assert several.status_code == 206
    assert content[:10] in several.content
    assert content[70000:70010] in several.content


def test_conditions_and_head(maria):
    content = random_content(1000)
    document = maria.browser.upload(maria.matter, content)
    whole = content_of(maria.browser, document)
    tag = whole.headers["ETag"]
    assert tag == f'"{hashlib.sha256(content).hexdigest()}"'
    same = content_of(maria.browser, document, **{"If-None-Match": tag})
    assert (same.status_code, same.content) == (304, b"")
    assert content_of(maria.browser, document, **{"If-None-Match": '"x"'}).status_code == 200
    fresh = content_of(maria.browser, document, **{"If-Range": tag, "Range": "bytes=0-1"})
    assert (fresh.status_code, fresh.content) == (206, content[:2])
    other = content_of(maria.browser, document, **{"If-Match": '"x"'})
    assert other.status_code == 412
    stale = content_of(maria.browser, document, **{"If-Range": '"x"', "Range": "bytes=0-1"})
    assert (stale.status_code, stale.content) == (200, content)
    head = maria.browser.request("HEAD", f"/documents/{document}/content")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["Content-Length"] == "1000"
    assert head.headers["ETag"] == tag
    assert whole.headers["Cache-Control"] == "no-store"
    assert whole.headers["Accept-Ranges"] == "bytes"


def png():
    """Returns a PNG of one grey pixel."""
    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0\x80")), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


SCRIPT = b"<script>alert(1)</script>"


@pytest.mark.parametrize(
    "name, content, kind",
    [
        ("seite.html", SCRIPT, None),
        ("bild.svg", b"<svg xmlns='http://www.w3.org/2000/svg'>" + SCRIPT + b"</svg>", None),
        ("skript.js", b"alert(1)", None),
        ("kein.pdf", SCRIPT, None),
        ("kein.png", SCRIPT, None),
        ("brief.txt", b"Guten Tag", "text/plain; charset=utf-8"),
        ("brief.pdf", pdf(), "application/pdf"),
        ("bild.png", png(), "image/png"),
    ],
)
def test_only_harmless_kinds_are_shown(maria, name, content, kind):
    document = maria.browser.upload(maria.matter, content, name)
    answer = maria.browser.get(f"/documents/{document}/content?view", headers={"Accept": "*/*"})
    assert answer.status_code == 200
    start = "inline" if kind else "attachment"
    assert answer.headers["Content-Disposition"].startswith(start + ";")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    if kind:
        assert answer.headers["Content-Type"] == kind
    else:
        assert answer.headers["Content-Type"] != "text/html"
    always = content_of(maria.browser, document)
    assert always.headers["Content-Disposition"].startswith("attachment;")


NAMES = {
    "path": (b"../../etc/passwd", "passwd"),
    "backslash": (b"C:\\Users\\Maria\\Brief.txt", "Brief.txt"),
    "control": (b"a\r\nSet-Cookie: b\x00\x1b[1m.txt", "aSet-Cookie: b[1m.txt"),
    "right-to-left": ("Rechnung\u202etxt.exe".encode(), "Rechnungtxt.exe"),
    "not utf-8": (b"M\xfcnchen.txt", "M\ufffdnchen.txt"),
    "long": (b"a" * 300 + b".pdf", "a" * 251 + ".pdf"),
    "long umlauts": ("ä".encode() * 200 + b".pdf", "ä" * 125 + ".pdf"),
    "dots": (b"..", "unbenannt"),
    "nothing": (b"", "unbenannt"),
    "quotes": (b'a"b<i>&.txt', 'a"b<i>&.txt'),
}


@pytest.mark.parametrize("kind", NAMES)
def test_names(maria, kind):
    sent, kept = NAMES[kind]
    document = maria.browser.upload(maria.matter, b"x", sent)
    check_arrived(maria.browser, document, b"x", kept)
    disposition = content_of(maria.browser, document).headers["Content-Disposition"]
    assert disposition.startswith('attachment; filename="')
    assert disposition.isascii()
    page = maria.browser.get(f"/documents/{document}", json_view=False)
    assert page.status_code == 200
    assert "<i>" not in page.text


def test_no_name_at_all(maria):
    answer = maria.browser.create(maria.matter, 1, headers={"Upload-Metadata": ""})
    upload = answer.headers["Location"].rsplit("/", 1)[-1]
    assert maria.browser.patch(upload, 0, b"x").status_code == 204
    check_arrived(maria.browser, upload, b"x", "unbenannt")


def test_names_by_the_form(maria):
    """Sends the name as raw bytes of a form, which no client library escapes."""
    for sent, kept in (NAMES["path"], NAMES["right-to-left"], NAMES["not utf-8"], NAMES["long"]):
        body = (
            b'--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n'
            + maria.browser.csrf.encode()
            + b'\r\n--b\r\nContent-Disposition: form-data; name="files"; filename="' + sent
            + b'"\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n'
        )
        answer = maria.browser.request(
            "POST", f"/matters/{maria.matter}/documents", token=False, content=body,
            headers={"Content-Type": "multipart/form-data; boundary=b"},
        )
        assert answer.status_code == 303, answer.text
        assert names_in(maria.browser, maria.matter)[0] == kept


def test_two_clients_send_the_same_name(maria, neighbour):
    one = maria.browser.upload(maria.matter, b"von Maria", "gleich.txt")
    two = neighbour.browser.upload(neighbour.matter, b"vom Nachbarn", "gleich.txt")
    check_arrived(maria.browser, one, b"von Maria", "gleich.txt")
    check_arrived(neighbour.browser, two, b"vom Nachbarn", "gleich.txt")


def test_ten_thousand_parts(maria):
    before = names_in(maria.browser, maria.matter)
    head = b'--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n'
    part = b'\r\n--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n'
    body = head + maria.browser.csrf.encode() + part * 10_000 + b"\r\n--b--\r\n"
    answer = maria.browser.request(
        "POST", f"/matters/{maria.matter}/documents", token=False, content=body,
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    assert answer.status_code in (400, 413)
    assert names_in(maria.browser, maria.matter) == before
