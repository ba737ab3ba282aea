"""What is shown, printed and exported of the proof is complete or says where it ends, and its
times are whole."""

import csv
import io
import re

import pytest
from raw import Raw
from test_lists import texts

MANY = 60_000  # more than an export had once, by far more than is found at once
SAID = texts()


def provide(portal, scene, count, at):
    """Provides documents to a client, one at each second before AT, and before that."""
    portal.sql(
        "WITH d AS (INSERT INTO document (firm, id, client, matter, direction, name, type, size,"
        "         sha256, key, object, at, by, state)"
        "   SELECT m.firm, gen_random_uuid(), m.client, m.id, 'from_firm', 'Blatt ' || n,"
        "     'text/plain', 1, decode(repeat('00', 32), 'hex'), decode(repeat('00', 76), 'hex'),"
        "     gen_random_uuid()::text, %s::timestamptz - n * interval '1 s', a.id, 'available'"
        "     FROM matter m JOIN account a ON a.firm = m.firm AND a.user_name = 'admin',"
        "          generate_series(1, %s) n WHERE m.id = %s"
        "   RETURNING firm, id, client, matter, direction, at, by)"
        " INSERT INTO delivery"
        "   (firm, document, client, matter, direction, provided_at, provided_by)"
        " SELECT firm, id, client, matter, direction, at, by FROM d",
        at, count, scene.matter,
    )  # fmt: skip


@pytest.fixture(scope="module")
def many(portal, admin):
    """A client with very many documents."""
    scene = portal.make_client(admin, "Viel", "viel")
    provide(portal, scene, MANY, "2026-06-01")
    portal.sql("ANALYZE")
    return scene


@pytest.fixture(scope="module")
def some(portal, admin):
    """A client with 130 documents, of the night in which one hour comes twice."""
    scene = portal.make_client(admin, "Oktober", "oktober")
    provide(portal, scene, 130, "2026-10-25 02:31:00+02")
    provide(portal, scene, 1, "2026-10-25 02:30:11+01")
    return scene


def lines(answer):
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))


def test_an_export_has_every_row(admin, many):
    answer = admin.get(f"/receipts.csv?client={many.client}")
    assert answer.status_code == 200
    found = [line[0] for line in lines(answer)[1:]]
    assert found == [f"Blatt {n}" for n in range(1, MANY + 1)]


@pytest.mark.expect_log(r"the answer was cut: ")
def test_an_export_that_fails_is_no_whole_one(portal, many):
    """The session ends while the export is sent: rows are found while others are on their way."""
    user = portal.fresh_staff("--admin")
    browser = portal.signed_in(user)
    with Raw(portal, browser) as line:
        line.head(f"GET {browser.base}/receipts.csv?client={many.client} HTTP/1.1")
        assert line.status() == 200
        portal.sql("DELETE FROM session s USING account a WHERE a.id = s.account AND"
                   " a.user_name = %s", user)  # fmt: skip
        rest = line.rest()
    assert not rest.endswith(b"0\r\n\r\n")
    assert rest.count(b"Blatt") < MANY


def test_times_are_whole(admin, some):
    """The hour that comes twice is told apart, and the rows are in order."""
    rows = lines(admin.get(f"/receipts.csv?client={some.client}"))
    provided = rows[0].index(SAID["csv.provided"])
    assert rows[1][provided] == "2026-10-25 02:30:10+01:00"
    assert rows[2][provided] == "2026-10-25 02:30:59+02:00"
    page = admin.get(f"/receipts?client={some.client}", json_view=False).text
    assert 'title="25. Oktober 2026, 02:30:10 UTC+01:00"' in page
    assert 'title="25. Oktober 2026, 02:30:59 UTC+02:00"' in page


def test_a_file_says_what_was_asked_for(admin, some):
    answer = admin.get(f"/receipts.csv?client={some.client}&state=unopened&from=1.1.2026")
    name = answer.headers["Content-Disposition"]
    for words in ("Mandant%20Maria%20Oktober", "noch%20nicht%20ge%C3%B6ffnet", "Von%202026-01-01"):
        assert words in name, name


def test_a_page_says_which_rows_it_has(admin, some):
    """Also on paper: what is asked for, and which rows these are of how many."""
    path = f"/receipts?client={some.client}&state=unopened"
    asked = "Mandant Maria Oktober, Stand noch nicht geöffnet"
    seen = []
    while path:
        view, text = admin.get_json(path), admin.get(path, json_view=False).text
        seen.append(re.search(r'class="rows-at">([^<]+)<', text)[1])
        assert view["filter"]["words"] == asked and asked in text
        last, path = view, view["next"]
    assert seen == [f"Zeilen {first} bis {last} von 131"
                    for first, last in ((1, 50), (51, 100), (101, 131))]  # fmt: skip
    view = admin.get_json(last["previous"])
    assert (view["rows"]["first"], view["rows"]["last"], view["rows"]["total"]) == (51, 100, 131)


def test_very_many_rows_are_not_counted(admin, many):
    """Then the page says that more follow."""
    path = f"/receipts?client={many.client}"
    text = admin.get(path, json_view=False).text
    assert "Zeilen 1 bis 50, weitere folgen" in text
