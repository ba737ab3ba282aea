"""The facts of lists.def about a list stand nowhere else."""

import re
import sys

import pytest
from source import ROOT, at, c_files, code, listed, literals, write

sys.path.append(str(ROOT / "html"))
from lists import read  # noqa: E402

PLACES = {"after", "before"}
DRIVER = {"list.c", "list_filter.c"}


def lists_of(root):
    path = root / "mod_kanzlei/lists.def"
    return read(path) if path.exists() else {}


def filters_read_by_hand(root):
    """Finds handlers that read the query string past kz_list_ask()."""
    names = PLACES | {one.name for each in lists_of(root).values() for one in each.filters}
    asked = re.compile(r'\bkz_request_query\([^,()]+,\s*"(\w+)"\)')
    return [
        at(root, path, text.count("\n", 0, match.start()) + 1, f"{match[1]} is a list's")
        for path in c_files(root, "mod_kanzlei/pages")
        if path.name not in DRIVER
        for text in [path.read_text(encoding="utf-8")]
        for match in asked.finditer(text)
        if match[1] in names
    ]


def rows_by_hand(root):
    """Finds second places that say how many rows a page of a list has."""
    found = []
    for path in c_files(root, "mod_kanzlei/pages"):
        text = code(path)
        if path.name in DRIVER or "kz_list_ask(" not in text:
            continue
        for match in re.finditer(r"\.count = (?:\d|KZ_)\w*|#define KZ_\w*ROWS\b", text):
            found.append(at(root, path, text.count("\n", 0, match.start()) + 1, match[0]))
    return found


def choices_by_hand(root):
    """Finds second lists of the values that a filter has."""
    values = {
        "|".join(one.values): f"the values of {each.name}'s {one.name}"
        for each in lists_of(root).values()
        for one in each.filters
        if len(one.values) > 1
    }
    return [
        at(root, path, line, f"{values[text]}")
        for path in c_files(root, "mod_kanzlei")
        if path.suffix == ".c"
        for line, text in literals(path)
        if text in values
    ]


def forms_by_hand(root):
    """Finds forms of filters and tables of lists that are not made from list/*.html."""
    tables = {f"#{one.rows}" for one in lists_of(root).values() if one.columns}
    found = []
    for path in sorted((root / "html").glob("pa*/*.html")):
        text = path.read_text(encoding="utf-8")
        for match in re.finditer(r"data-filter|<tbody[^>]*>\s*\{\{(#\w+)\}\}", text):
            if not match[1] or match[1] in tables:
                where = text.count("\n", 0, match.start()) + 1
                found.append(at(root, path, where, f"{match[1] or match[0]} by hand"))
    return found


def without_route(root):
    """Finds lists whose page, or whose rows' target, is no route."""
    routes = (root / "mod_kanzlei/routes.def").read_text(encoding="utf-8")
    paths = re.sub(r"\{\w+\}", "{}", " ".join(re.findall(r'GET, "/k/\{firm\}([^"]*)"', routes)))
    return [
        f"mod_kanzlei/lists.def: {one.name}: no route {path}"
        for one in lists_of(root).values()
        for path in (one.path, one.leads)
        if re.sub(r"\{\w+\}", "{}", path) not in paths.split()
    ]


RULES = [filters_read_by_hand, rows_by_hand, choices_by_hand, forms_by_hand, without_route]


@pytest.mark.parametrize("rule", RULES)
def test_lists(rule):
    assert not rule(ROOT), listed(rule(ROOT))


DEFINITIONS = """KZ_LIST(ships, "/ships", ships, ships, 50, NAME, id, id, "/ships/{id}")
KZ_FILTER(ships, flag, CHOICE, 0, "red|green", "filter.flag")
KZ_COLUMN(ships, text, name, "col.name")
"""
FINE = {
    "mod_kanzlei/lists.def": DEFINITIONS,
    "mod_kanzlei/routes.def": 'KZ_ROUTE(GET, "/k/{firm}/ships")\n'
    'KZ_ROUTE(GET, "/k/{firm}/ships/{ship}")\n',
    "mod_kanzlei/pages/ships.c": 'kz_list_ask(&a, "x"); f(rq, "flag", "red"); .count = kz_list_x',
    "mod_kanzlei/pages/home.c": '#define KZ_HOME_ROWS 5\nkz_request_query(rq, "view");',
    "html/page/ships.html": "{{>part/filter-ships}}{{>part/list-ships}}<tbody>{{#masts}}",
}


def test_no_rule_reports_good_code(tmp_path):
    write(tmp_path, FINE)
    assert [rule(tmp_path) for rule in RULES] == [[]] * len(RULES)


@pytest.mark.parametrize(
    ("rule", "name", "text"),
    [
        (filters_read_by_hand, "mod_kanzlei/pages/a.c", 'kz_request_query(rq, "flag");'),
        (filters_read_by_hand, "mod_kanzlei/pages/a.c", 'kz_request_query(rq, "after");'),
        (rows_by_hand, "mod_kanzlei/pages/ships.c", "kz_list_ask(&a); .count = 51"),
        (rows_by_hand, "mod_kanzlei/pages/ships.c", "kz_list_ask(&a);\n#define KZ_SHIP_ROWS 50"),
        (choices_by_hand, "mod_kanzlei/pages/a.c", 'kz_view_enum(view, "flag", f, "red|green");'),
        (forms_by_hand, "html/page/ships.html", '<form method="get" data-filter>'),
        (forms_by_hand, "html/part/ships.html", "<tbody>\n  {{#ships}}<tr>"),
        (without_route, "mod_kanzlei/routes.def", 'KZ_ROUTE(GET, "/k/{firm}/ships")'),
    ],
)
def test_rules_can_fail(tmp_path, rule, name, text):
    write(tmp_path, FINE | {name: text})
    assert len(rule(tmp_path)) == 1
