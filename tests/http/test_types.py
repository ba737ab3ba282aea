"""What kind of document it is: by its bytes, in people's words, and shown if it can be."""

import html

import pytest
from scand_client import ROOT

CASES = ROOT.parent / "shared/cases"
NOTE = "Grüße aus Köln"


def sent(maria, name, content):
    upload = maria.browser.created(maria.matter, len(content), name)
    assert maria.browser.patch(upload, 0, content).status_code == 204
    assert maria.browser.state(upload) == "available"
    return upload


def shown(browser, document):
    return browser.get(f"/documents/{document}/content?view", headers={"Accept": "*/*"})


@pytest.mark.parametrize("encoding", ["utf8", "windows-1252", "utf16"])
def test_text_is_shown_in_its_encoding(maria, admin, encoding):
    content = (CASES / f"notiz-{encoding}.txt").read_bytes()
    document = sent(maria, f"notiz-{encoding}.txt", content)
    view = admin.get_json(f"/documents/{document}")
    assert view["preview"] is True
    assert view["document"]["type_text"] == "Text"
    answer = shown(admin, document)
    assert answer.headers["Content-Disposition"].startswith("inline")
    text = answer.content.decode(answer.charset_encoding).removeprefix("\ufeff")
    assert text.startswith(NOTE)


def test_pdf_behind_a_blank_line_is_shown(maria, admin):
    name = "pdf-with-blank-line-before-header.pdf"
    document = sent(maria, name, (CASES / name).read_bytes())
    view = admin.get_json(f"/documents/{document}")
    assert view["preview"] is True
    assert view["document"]["media_type"] == "application/pdf"
    assert shown(admin, document).headers["Content-Type"] == "application/pdf"


def test_zero_bytes_are_no_text(maria, admin):
    document = sent(maria, "leer.txt", bytes(10))
    assert admin.get_json(f"/documents/{document}")["preview"] is False
    assert shown(admin, document).headers["Content-Disposition"].startswith("attachment")


WORDS = {
    "IMG_0815.HEIC": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "Foto (HEIC)"),
    "brief.pdf": (b"%PDF-1.4\n%%EOF\n", "PDF"),
    "irgendwas.bin": (b"\1\2\3", "Andere Datei"),
}


@pytest.mark.parametrize("name", WORDS)
def test_people_read_words(maria, admin, name):
    """The page names the type as people do; no media type is in it."""
    content, words = WORDS[name]
    document = sent(maria, name, content)
    answer = admin.get(f"/documents/{document}", headers={"Accept": "text/html"})
    page = html.unescape(answer.text)
    assert f"<dd>{words}</dd>" in page
    assert "application/" not in page.split("<main", 1)[1]
    assert "image/" not in page.split("<main", 1)[1]


KEPT = {
    "xlsx-built-in-password-VelvetSweatshop.xlsx": "ist verschlüsselt und kann hier nicht geprüft",
    "xlsx-streamed-zip64-always.xlsx": "dass es hier nicht ganz geprüft werden kann",
}


@pytest.mark.expect_log(r"worker \d: unscannable: (encrypted|unsupported)")
@pytest.mark.parametrize("name", KEPT)
def test_nobody_is_accused_of_a_password(maria, name):
    """The sentence says what is known: that it can't be checked here, and no word of a password."""
    content = (CASES / name).read_bytes()
    upload = maria.browser.created(maria.matter, len(content), name)
    assert maria.browser.patch(upload, 0, content).headers["Upload-State"] == "unscannable"
    message = maria.browser.get_json(f"/uploads/{upload}")["message"]
    assert "mit einem Passwort geschützt" not in message
    assert KEPT[name] in message
