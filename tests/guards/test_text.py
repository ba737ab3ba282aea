"""Texts for people stand in html/: none in C, and all in both languages."""

import re

import polib
import pytest
from source import ROOT, at, c_files, listed, literals, write

LANGUAGES = ("de", "en")
TAG = re.compile(
    r"</?(html|head|body|main|nav|header|footer|section|article|div|span|p|a|br|hr|table|tr|td|th|ul"
    r"|ol|li|dl|dt|dd|h[1-6]|form|fieldset|input|button|select|option|label|textarea|script|style"
    r"|link|meta|title|img|svg|b|i|em|strong|small|code|pre|details|summary)\b|<!doctype|&nbsp;",
    re.I,
)
INLINE = re.compile(
    r"<style\b|<script\b(?![^>]*\bsrc=)|<[a-z][^>]*\s(style|on[a-z]+)=|javascript:", re.I
)


def html_in_c(root):
    return [
        at(root, path, line, f"HTML in C: {TAG.search(text)[0]}")
        for path in c_files(root, "mod_kanzlei")
        for line, text in literals(path)
        if TAG.search(text)
    ]


def catalogues(root):
    """Returns {language: {key: text}} of the translated texts."""
    return {
        path.stem: {
            entry.msgid: entry.msgstr
            for entry in polib.pofile(str(path))
            if entry.msgstr.strip() and not entry.obsolete and not entry.fuzzy
        }
        for path in sorted((root / "html/po").glob("*.po"))
    }


def missing_texts(root):
    texts = catalogues(root)
    if not texts:
        return []
    keys = set().union(*texts.values())
    for path in sorted((root / "html/po").glob("*.po")):
        keys |= {entry.msgid for entry in polib.pofile(str(path)) if not entry.obsolete}
    return [
        f"html/po/{language}.po: no text for {key}"
        for language in LANGUAGES
        for key in sorted(keys - texts.get(language, {}).keys())
    ]


def missing_error_texts(root):
    """Finds keys of sentences, named in err.def or by kz_err_field(), that have no text."""
    texts, found = catalogues(root), []
    if not texts:
        return found
    for path in c_files(root, "mod_kanzlei"):
        text = path.read_text(encoding="utf-8")
        named = r"KZ_ERR\(\w+,\s*\d+,\s*\"([^\"]+)\"\)" if path.suffix == ".def" else None
        named = named or r"\bkz_err_field\(\s*\"[^\"]*\",\s*\"([^\"]+)\"\s*\)"
        found += [
            at(root, path, text.count("\n", 0, match.start()) + 1, f"no text {match[1]}")
            for match in re.finditer(named, text)
            if not all(match[1] in texts.get(language, {}) for language in LANGUAGES)
        ]
    return found


def inline_in_html(root):
    """Finds inline styles and scripts, which the Content-Security-Policy blocks. Mails need
    style=."""
    found = []
    for path in sorted((root / "html").rglob("*.html")):
        if not {"node_modules", "mail"} & set(path.relative_to(root).parts):
            text = path.read_text(encoding="utf-8")
            found += [
                at(root, path, text.count("\n", 0, match.start()) + 1, f"inline: {match[0]}")
                for match in INLINE.finditer(text)
            ]
    return found


@pytest.mark.parametrize("rule", [html_in_c, missing_texts, missing_error_texts, inline_in_html])
def test_text(rule):
    assert not rule(ROOT), listed(rule(ROOT))


def test_html_in_c_can_fail(tmp_path):
    fine = '/* <p> */ f("a < b, <%s>, <?xml?>, <Error>", "<b@example>");\n'
    write(tmp_path, {"mod_kanzlei/http/a.c": fine.replace("<b@", "<m@")})
    assert html_in_c(tmp_path) == []
    write(tmp_path, {"mod_kanzlei/http/a.c": '\n\nf("x<b" "r>");\n'})
    assert html_in_c(tmp_path) == ["mod_kanzlei/http/a.c:3: HTML in C: <br"]


def po(**texts):
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
    return head + "\n".join(f'msgid "{key}"\nmsgstr "{text}"\n' for key, text in texts.items())


def test_missing_texts_can_fail(tmp_path):
    write(tmp_path, {"html/po/de.po": po(a="A", b="B"), "html/po/en.po": po(a="A", b="B")})
    assert missing_texts(tmp_path) == []
    write(tmp_path, {"html/po/en.po": po(a="", c="C")})
    assert missing_texts(tmp_path) == [
        "html/po/de.po: no text for c",
        "html/po/en.po: no text for a",
        "html/po/en.po: no text for b",
    ]


def test_missing_error_texts_can_fail(tmp_path):
    write(tmp_path, {"html/po/de.po": po(a="A"), "html/po/en.po": po(a="A")})
    write(tmp_path, {"mod_kanzlei/base/err.def": 'KZ_ERR(X, 400, "a")\nKZ_ERR(Y, 400, "b")\n'})
    write(tmp_path, {"mod_kanzlei/http/a.c": 'return kz_err_field("name",\n    "c");\n'})
    assert missing_error_texts(tmp_path) == [
        "mod_kanzlei/base/err.def:2: no text b",
        "mod_kanzlei/http/a.c:1: no text c",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "<script>x()</script>",
        '<p class="a" style="b">',
        "<style>",
        "<a onclick='x'>",
        "javascript:x",
    ],
)
def test_inline_in_html_can_fail(tmp_path, text):
    write(tmp_path, {"html/page/a.html": '<script src="{{js}}" defer></script>\n<p class="style">'})
    assert inline_in_html(tmp_path) == []
    write(tmp_path, {"html/page/a.html": text})
    assert len(inline_in_html(tmp_path)) == 1
