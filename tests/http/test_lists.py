"""Every list of lists.def: wrong filter values are reported, and one can page forward and back."""

import csv
import html
import io
import itertools
import re
import secrets
import sys
from urllib.parse import quote

import pytest
from running import ROOT

sys.path.append(str(ROOT / "html"))
from lists import read  # noqa: E402

LISTS = read(ROOT / "mod_kanzlei/lists.def")
WRONG = {
    "WORDS": {"x" * 201: "field.too_long", "%ff": "field.characters"},
    "FILE_WORDS": {"x" * 201: "field.too_long", "%ff": "field.characters"},
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
    """Returns the texts of a language, by key."""
    text = (ROOT / f"html/po/{language}.po").read_text(encoding="utf-8")
    return dict(re.findall(r'^msgid "(.+)"\nmsgstr "(.+)"$', text, re.M))


SAID = texts()


def page_of(one, admin, maria):
    """Returns a browser that may see the list, and the path of the list."""
    browser = maria.browser if one.name == "matters" else admin
    return browser, one.path.replace("{matter}", maria.matter)


@pytest.mark.parametrize(("one", "asked", "value", "key"), CASES)
def test_a_wrong_value_is_reported(admin, maria, one, asked, value, key):
    """A wrong value does not count as no filter: no row is shown, and the field keeps the typed
    text."""
    admin, path = page_of(one, admin, maria)
    path += f"?{asked.name}={value}"
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
def test_an_invalid_place_in_a_list(admin, maria, one):
    uuid = "00000000-0000-7000-8000-000000000000"
    bad = ["after=x", "before=x", "after=_", "before=1_x", "after=%00",
           f"after=9999999999999999999999_{uuid}x"]  # fmt: skip
    place = f"1_{uuid}" if one.order == "NEWEST" else uuid
    bad += [f"after={place}&before={place}"]
    browser, path = page_of(one, admin, maria)
    for query in bad:
        answer = browser.get(f"{path}?{query}")
        assert answer.status_code == 400, query
    for query in (f"after={place}", f"before={place}", "after=", "before="):
        assert browser.get(f"{path}?{query}").status_code == 200, query


# --- forward and back ---------------------------------------------------------------------------


def walk(browser, path, rows, way):
    """Yields the pages from PATH on, by the links named WAY: ids of the rows, and the view."""
    while path:
        view = browser.get_json(path)
        yield [row.get("id") or row["document_id"] for row in view[rows]], view
        path = view[way] and view[way].removeprefix(browser.base)


@pytest.fixture(scope="module")
def full(portal):
    """A firm with 130 clients, all with a locked access; "clerk" sees 120 of them."""
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
    portal.sql("ANALYZE")  # autovacuum would do it later: plans made for empty tables are slow here
    return firm


below, above = itertools.count(9999, -1), itertools.count(1000)


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


def there_and_back(browser, path, rows, insert, most=50):
    """Reads the list at PATH forward, lets INSERT put rows before and after those, and
    reads it back: first the very same rows, then the new ones, which fill the first page."""
    forward = list(walk(browser, path, rows, "next"))
    ids = [shown for shown, _ in forward]
    assert len(ids) > 2 and {len(shown) for shown in ids[:-1]} == {most}
    assert len({one for shown in ids for one in shown}) == sum(map(len, ids)), "one came twice"
    assert forward[0][1]["first"] is forward[0][1]["previous"] is None
    assert all(view["first"] and view["previous"] for _, view in forward[1:])
    insert()
    before = forward[-1][1]["previous"].removeprefix(browser.base)
    back = list(walk(browser, before, rows, "previous"))
    assert [shown for shown, _ in back[: len(ids) - 1]] == ids[-2::-1]
    start = [row["id"] if "id" in row else row["document_id"] for row in
             browser.get_json(path)[rows]]  # fmt: skip
    assert back[-1][0] == start != ids[0]
    assert back[-1][1]["first"] is back[-1][1]["previous"] is None, "the start was reached"
    again = browser.get_json(back[0][1]["next"].removeprefix(browser.base))
    assert [row.get("id") or row["document_id"] for row in again[rows]][: len(ids[-1])] == ids[-1]
    page = browser.get(before, json_view=False).text
    for way, rel in (("previous", "prev"), ("next", "next")):
        link = html.escape(back[0][1][way])
        assert re.search(rf'href="{re.escape(link)}" rel="{rel}"', page)


@pytest.mark.parametrize("user", ["admin", "clerk"])
@pytest.mark.parametrize("query", ["", "q=firma", "state=locked", "q=firma&state=locked"])
def test_clients(portal, full, user, query):
    def insert():
        insert_client(portal, full, f"A firma {next(below)}")
        insert_client(portal, full, f"Z firma {next(above)}")

    there_and_back(portal.signed_in(user, full), f"/clients?{query}", "clients", insert)


def provide(portal, firm, count, direction, later="0 s"):
    """Provides documents in the matter "M" of a client of FIRM, three at each moment."""
    portal.sql(
        "WITH m AS (SELECT m.firm, m.id, m.client FROM matter m JOIN firm f ON f.id = m.firm"
        "     WHERE f.slug = %s AND m.title = 'M'),"
        " d AS (INSERT INTO document (firm, id, client, matter, direction, name, type, size,"
        "         sha256, key, object, at, by, state)"
        "   SELECT m.firm, gen_random_uuid(), m.client, m.id, %s, 'Blatt ' || n, 'text/plain', 1,"
        "     decode(repeat('00', 32), 'hex'), decode(repeat('00', 76), 'hex'), 'x' || n || %s,"
        "     now() - interval '1 hour' + %s::interval - n / 3 * interval '1 s', a.id, 'available'"
        "     FROM m JOIN account a ON a.firm = m.firm AND a.user_name = 'admin',"
        "          generate_series(1, %s) n RETURNING firm, id, client, matter, direction, at, by)"
        " INSERT INTO delivery"
        "   (firm, document, client, matter, direction, provided_at, provided_by)"
        " SELECT firm, id, client, matter, direction, at, by FROM d",
        firm, direction, later + direction, later, count,
    )  # fmt: skip


@pytest.fixture(scope="module")
def papers(portal):
    """A firm with 130 documents in each direction in one matter; the client, and staff who sees
    her."""
    firm = "papier"
    portal.kanzleictl("firm", "create", firm, "--name", "Kanzlei Papier")
    portal.make_staff("admin", "--admin", firm=firm)
    admin = portal.signed_in("admin", firm)
    maria = portal.make_client(admin, "Sommer", "maria")
    portal.sql("UPDATE matter SET title = 'M' WHERE id = %s", maria.matter)
    portal.make_staff("clerk", firm=firm)
    clerk = next(row["id"] for row in admin.get_json("/staff")["staff"] if row["user"] == "clerk")
    admin.post_json(f"/clients/{maria.client}/assignments", {"staff": clerk})
    provide(portal, firm, 130, "from_firm")
    provide(portal, firm, 130, "from_client")
    portal.sql("ANALYZE")
    return firm, maria, {"admin": admin, "clerk": portal.signed_in("clerk", firm),
                         "maria": maria.browser}  # fmt: skip


moments = itertools.count(1)


@pytest.mark.parametrize("user", ["admin", "clerk", "maria"])
@pytest.mark.parametrize(
    "query",
    ["", "state=new", "state=available", "q=blatt", "client=CLIENT", "q=blatt&state=new",
     "matter=MATTER&from=01.01.2020", "client=CLIENT&state=new&to=2999-12-31"],
)  # fmt: skip
def test_documents(portal, papers, user, query):
    firm, maria, browsers = papers
    query = query.replace("CLIENT", maria.client).replace("MATTER", maria.matter)

    def insert():
        provide(portal, firm, 2, "from_firm", f"{next(moments)} min")
        provide(portal, firm, 2, "from_client", f"{next(moments)} min")

    there_and_back(browsers[user], f"/documents?{query}", "documents", insert)


@pytest.mark.parametrize("user", ["admin", "maria"])
def test_documents_of_a_matter(portal, papers, user):
    firm, maria, browsers = papers

    def insert():
        provide(portal, firm, 2, "from_firm", f"{next(moments)} min")

    there_and_back(browsers[user], f"/matters/{maria.matter}", "documents", insert)


@pytest.mark.parametrize("user", ["admin", "clerk"])
@pytest.mark.parametrize("query", ["", "state=unopened", "client=CLIENT&state=unopened"])
def test_receipts(portal, papers, user, query):
    firm, maria, browsers = papers
    path = f"/receipts?{query.replace('CLIENT', maria.client)}"

    def insert():
        provide(portal, firm, 2, "from_firm", f"{next(moments)} min")

    there_and_back(browsers[user], path, "receipts", insert)


def test_the_export_has_the_rows_of_the_list(papers):
    """The export has the rows of all pages, from whichever page one asks, with the list's columns
    and headings."""
    browser = papers[2]["admin"]
    pages = list(walk(browser, "/receipts?state=unopened", "receipts", "next"))
    names = [row["document_name"] for _, view in pages for row in view["receipts"]]
    assert {view["csv"] for _, view in pages} == {f"{browser.base}/receipts.csv?state=unopened"}
    after = pages[0][1]["next"].partition("after=")[2]
    for more in ("", f"&after={after}", f"&before={after}"):
        answer = browser.get(f"/receipts.csv?state=unopened{more}")
        assert "Nachweis%2C%20Stand" in answer.headers["Content-Disposition"]
        lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
        assert lines[0] == [SAID[f"csv.{name}"] for _, name in LISTS["receipts"].exports]
        assert [line[0] for line in lines[1:]] == names


def test_the_export_reports_wrong_values(admin):
    answer = admin.get("/receipts.csv?from=gestern")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"name": "from", "text": SAID["field.date"]}]
    assert admin.get("/receipts.csv?from=gestern", json_view=False).status_code == 422


@pytest.mark.parametrize("path", ["/documents", "/receipts", "/receipts.csv"])
def test_a_period_that_ends_before_it_begins(admin, path):
    answer = admin.get(f"{path}?from=02.01.2026&to=2026-01-01")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"name": "to", "text": SAID["filter.order"]}]
    assert admin.get(f"{path}?from=01.01.2026&to=2026-01-01").status_code == 200


@pytest.mark.parametrize(
    "typed", ["Rösti GmbH", "  ro\u0308sti\u00a0\u200bgmbh ", "R\u00d6STI\tGMBH"]
)
def test_words_are_folded_as_names_are(admin, typed):
    number = secrets.token_hex(4)
    admin.made("/clients", {"number": number, "kind": "company", "name": f"Rösti GmbH {number}",
                            "language": "de"})  # fmt: skip
    view = admin.get_json(f"/clients?q={quote(typed)}%20{number}")
    assert [row["number"] for row in view["clients"]] == [number]


@pytest.mark.parametrize(
    "name",
    ["Bild 9\u202fAM.png", "Bilanz  2025.pdf", "Nr.\u00a07.pdf", "Mu\u0308ller\u200d.txt", "a.pdf"],
)
def test_a_document_is_found_by_its_name(admin, maria, name):
    """As its page shows it, which keeps blanks and joiners as the file had them."""
    document = maria.browser.upload(maria.matter, b"x", f"{secrets.token_hex(4)} {name}")
    shown = admin.get_json(f"/documents/{document}")["document"]["name"]
    found = admin.get_json(f"/documents?q={quote(shown)}")["documents"]
    assert [row["id"] for row in found] == [document]


def test_days_as_people_write_them(papers):
    """The filter takes both notations of a day; the field shows only one."""
    browser = papers[2]["admin"]
    for typed in ("1.2.2020", "01.02.2020", "2020-02-01"):
        view = browser.get_json(f"/documents?from={typed}")
        assert len(view["documents"]) == 50 and view["filter"]["from"] == "2020-02-01"
        assert f"from={typed}" in view["next"]
        assert browser.get_json(f"/documents?to={typed}")["documents"] == []


def more_of(portal, firm, count, name, later):
    """Adds staff, and matters of FIRM's client, with names that sort after NAME, LATER than a day
    ago."""
    portal.sql(
        "INSERT INTO account (firm, id, kind, user_name, name)"
        " SELECT id, gen_random_uuid(), 'staff', lower(%s) || n, %s || ' ' || n"
        "   FROM firm, generate_series(1, %s) n WHERE slug = %s",
        name, name, count, firm,
    )  # fmt: skip
    portal.sql(
        "INSERT INTO matter (firm, id, client, number, title, created) SELECT m.firm,"
        "  gen_random_uuid(), m.client, '', 'T', now() - interval '1 day' + %s::interval"
        "    - (n / 3) * interval '1 s'"
        "  FROM matter m JOIN firm f ON f.id = m.firm, generate_series(1, %s) n"
        " WHERE f.slug = %s AND m.title = 'M'", later, count, firm
    )  # fmt: skip


@pytest.mark.parametrize(
    ("user", "path", "name"), [("admin", "/staff", "F"), ("maria", "/matters", "E")]
)
def test_staff_and_matters(portal, papers, user, path, name):
    """A page of these lists has 200 rows."""
    firm, _, browsers = papers
    more_of(portal, firm, 450, name, f"{next(moments)} min")
    portal.sql("ANALYZE")

    def insert():
        more_of(portal, firm, 3, "D" if name == "F" else "C", f"{next(moments)} day")

    there_and_back(browsers[user], path, path.strip("/"), insert, 200)
