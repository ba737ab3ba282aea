"""Every list of lists.def: wrong values of its filters are said; it is read forward and back."""

import html
import itertools
import re
import sys

import pytest
from running import ROOT

sys.path.append(str(ROOT / "html"))
from lists import read  # noqa: E402

LISTS = read(ROOT / "mod_kanzlei/lists.def")
WRONG = {
    "WORDS": {"x" * 201: "field.too_long", "%ff": "field.characters"},
    "CHOICE": {"nichts": "filter.unknown", "%C3%9F": "filter.unknown", "%ff": "filter.unknown"},
    "CLIENT": {"x": "filter.unknown", "%27": "filter.unknown"},
    "MATTER": {"x": "filter.unknown", "%ed%a0%80": "filter.unknown"},
    "FROM": {"gestern": "field.date", "2026-02-30": "field.date", "99999-01-01": "field.date",
             "25.10.": "field.date", "31.02.2026": "field.date", "1.1.26": "field.date"},
    "TO": {"0000-00-00": "field.date", "1.1.1.2026": "field.date", "25-10-2026": "field.date"},
}  # fmt: skip
CASES = [
    pytest.param(one, asked, value, key, id=f"{one.name}-{asked.name}-{value[:12]}")
    for one in LISTS.values()
    for asked in one.filters
    for value, key in WRONG[asked.kind].items()
]


def texts(language="de"):
    """The texts of a language, by key."""
    text = (ROOT / f"html/po/{language}.po").read_text(encoding="utf-8")
    return dict(re.findall(r'^msgid "(.+)"\nmsgstr "(.+)"$', text, re.M))


SAID = texts()


def where(one, maria):
    """The path of a list's page."""
    return one.path.replace("{matter}", maria.matter)


@pytest.mark.parametrize(("one", "asked", "value", "key"), CASES)
def test_a_wrong_value_is_said(admin, maria, one, asked, value, key):
    """It is never taken for no filter: no row is shown, and what was typed stands in its field."""
    path = f"{where(one, maria)}?{asked.name}={value}"
    answer = admin.get(path)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"] == [{"name": asked.name, "text": SAID[key]}]
    answer = admin.get(path, json_view=False)
    page = answer.text
    assert answer.status_code == 422
    field = re.search(rf'<div class="filter__field[^>]*><label[^>]*for="{asked.name}".*', page)[0]
    assert f'id="{asked.name}-error"' in field
    assert 'aria-invalid="true"' in field
    assert html.escape(SAID[key]) in field
    if "%" not in value:
        assert f'value="{value}"' in field
    assert 'type="date"' not in field, "a browser shows nothing but a date there"
    assert "<tbody" not in page or not re.search(r"<tbody[^>]*>\s*<tr", page)
    assert SAID["title.wrong"] in page


@pytest.mark.parametrize("one", LISTS.values(), ids=LISTS)
def test_a_place_that_is_none(admin, maria, one):
    uuid = "00000000-0000-7000-8000-000000000000"
    bad = ["after=x", "before=x", "after=_", "before=1_x", "after=%00",
           f"after=9999999999999999999999_{uuid}x"]  # fmt: skip
    place = f"1_{uuid}" if one.order == "NEWEST" else uuid
    bad += [f"after={place}&before={place}"]
    for query in bad:
        answer = admin.get(f"{where(one, maria)}?{query}")
        assert answer.status_code == 400, query
    for query in (f"after={place}", f"before={place}", "after=", "before="):
        assert admin.get(f"{where(one, maria)}?{query}").status_code == 200, query


# --- forward and back ---------------------------------------------------------------------------


def walk(browser, path, rows, way):
    """The pages from PATH on, by the links named WAY: ids of rows and view of each."""
    while path:
        view = browser.get_json(path)
        yield [row.get("id") or row["document_id"] for row in view[rows]], view
        path = view[way] and view[way].removeprefix(browser.base)


@pytest.fixture(scope="module")
def full(portal):
    """A firm with 130 clients, of whom "clerk" sees 120; all have a locked access."""
    firm = "blatt"
    portal.kanzleictl("firm", "create", firm, "--name", "Kanzlei Blatt")
    portal.make_staff("admin", "--admin", firm=firm)
    portal.make_staff("clerk", firm=firm)
    portal.sql(
        "WITH f AS (SELECT id FROM firm WHERE slug = %s),"
        " c AS (INSERT INTO client (firm, id, number, kind, name)"
        "   SELECT f.id, gen_random_uuid(), n, 'company', 'Firma ' || lpad((n / 2)::text, 3, '0')"
        "     FROM f, generate_series(1, 130) n RETURNING firm, id, number),"
        " a AS (INSERT INTO account (firm, id, kind, user_name, name, wrong_at, locked_at)"
        "   SELECT c.firm, gen_random_uuid(), 'client', 'z' || number, 'Z', now(), now() FROM c"
        "   RETURNING firm, id, user_name),"
        " s AS (INSERT INTO assignment (firm, id, staff, client)"
        "   SELECT c.firm, gen_random_uuid(), a.id, c.id FROM c"
        "     JOIN account a ON a.firm = c.firm AND a.user_name = 'clerk'"
        "    WHERE c.number::int > 10)"
        " INSERT INTO account_client (firm, account, client)"
        " SELECT c.firm, a.id, c.id FROM c JOIN a ON a.user_name = 'z' || c.number", firm
    )  # fmt: skip
    return firm


below = itertools.count(9999, -1)  # so that the latest comes first


def insert_client(portal, firm, name):
    portal.sql(
        "WITH c AS (INSERT INTO client (firm, id, number, kind, name)"
        "   SELECT id, gen_random_uuid(), %s, 'company', %s FROM firm WHERE slug = %s"
        "   RETURNING firm, id),"
        " s AS (INSERT INTO assignment (firm, id, staff, client)"
        "   SELECT c.firm, gen_random_uuid(), a.id, c.id FROM c"
        "     JOIN account a ON a.firm = c.firm AND a.user_name = 'clerk'),"
        " a AS (INSERT INTO account (firm, id, kind, user_name, name, wrong_at, locked_at)"
        "   SELECT c.firm, gen_random_uuid(), 'client', %s, 'Z', now(), now() FROM c"
        "   RETURNING firm, id)"
        " INSERT INTO account_client (firm, account, client)"
        " SELECT c.firm, a.id, c.id FROM c, a", name, name, firm, name
    )  # fmt: skip


@pytest.mark.parametrize("user", ["admin", "clerk"])
@pytest.mark.parametrize("query", ["", "q=firma", "state=locked", "q=firma&state=locked"])
def test_clients_forward_and_back(portal, full, user, query):
    """Back to the very same rows, also when others have come in between."""
    browser = portal.signed_in(user, full)
    start = f"/clients?{query}"
    forward = list(walk(browser, start, "clients", "next"))
    ids = [rows for rows, _ in forward]
    assert [len(rows) for rows in ids[:2]] == [50, 50]
    assert forward[0][1]["first"] is forward[0][1]["previous"] is None
    assert all(view["first"] and view["previous"] for _, view in forward[1:])
    insert_client(portal, full, f"A firma {next(below)}")
    insert_client(portal, full, f"Z firma {next(below)}")
    path = forward[-1][1]["previous"].removeprefix(browser.base)
    back = list(walk(browser, path, "clients", "previous"))
    assert [rows for rows, _ in back[: len(ids) - 1]] == ids[-2::-1]
    assert back[-1][1]["first"] is back[-1][1]["previous"] is None, "the start was reached"
    assert back[-1][0] == [row["id"] for row in browser.get_json(start)["clients"]]
    path = back[0][1]["next"].removeprefix(browser.base)
    assert browser.get_json(path)["clients"][0]["id"] == ids[-1][0]
