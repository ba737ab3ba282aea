"""Tables of facts (*.def): each name has its texts, and no second list of them stands anywhere."""

import re

import pytest
from source import ROOT, at, c_files, listed, literals, write
from test_text import LANGUAGES, catalogues

LINE = re.compile(r'^KZ_(?:RIGHT|EVENT|JOB)\(\w+, "(\w+)"', re.M)
# The keys in html/po that belong to each name.
TEXTS = {"rights.def": ("right.", "right_hint."), "events.def": ("event.",)}
LIST = 4  # that many names as literals of one file are a list


def names(root, table):
    path = root / "mod_kanzlei" / table
    return LINE.findall(path.read_text(encoding="utf-8")) if path.exists() else []


def texts_apart(root):
    """Finds names without a text, and texts without a name."""
    found = []
    for table, prefixes in TEXTS.items():
        for language in LANGUAGES:
            keys = set(catalogues(root).get(language, {}))
            for prefix in prefixes:
                wanted = {prefix + name for name in names(root, table)}
                known = {key for key in keys if key.startswith(prefix)}
                found += [f"html/po/{language}.po: no {key}" for key in sorted(wanted - known)]
                found += [f"html/po/{language}.po: {key}?" for key in sorted(known - wanted)]
    return found


def second_lists(root):
    found = []
    for table in TEXTS:
        known = set(names(root, table))
        for path in c_files(root, "mod_kanzlei"):
            if path.suffix == ".def":
                continue
            lines = {text: line for line, text in literals(path) if text in known}
            if len(lines) >= LIST:
                what = ", ".join(sorted(lines))
                found.append(at(root, path, min(lines.values()), f"a second {table}: {what}"))
    return found


RULES = [texts_apart, second_lists]


@pytest.mark.parametrize("rule", RULES)
def test_tables(rule):
    assert not rule(ROOT), listed(rule(ROOT))


def sample(root, rights, texts, code):
    """Writes a small project: names of rights, keys of texts, C code."""
    lines = "".join(f'KZ_RIGHT({name.upper()}, "{name}")\n' for name in rights)
    po = "".join(f'msgid "{key}"\nmsgstr "x"\n\n' for key in texts)
    files = {f"html/po/{language}.po": po for language in LANGUAGES}
    files |= {"mod_kanzlei/rights.def": lines, "mod_kanzlei/a.c": code}
    write(root, files)


def test_tables_can_fail(tmp_path):
    rights = ["admin", "all", "release", "unlock"]
    texts = [prefix + name for prefix in TEXTS["rights.def"] for name in rights]
    sample(tmp_path, rights, texts, 'f("admin", "all", "unlock");')
    assert [rule(tmp_path) for rule in RULES] == [[], []]
    code = 'f("all", "admin", "unlock", "release");'
    sample(tmp_path, rights, [*texts[1:], "right.none"], code)
    assert [len(rule(tmp_path)) for rule in RULES] == [4, 1]
