"""What is shown, printed and exported of the proof is complete or says where it ends, and its
times are whole. A portal of its own: so many rows in one matter would change the plans of
others."""

import csv
import io
import re

import psycopg
import pytest
from raw import Raw
from running import running_portal, unexpected
from test_lists import texts

MANY = 60_000  # more than an export had once, by far more than is found at once
SAID = texts()


@pytest.fixture(scope="module")
def paper():
    with running_portal() as made:
        made.kanzleictl("firm", "create", made.firm, "--name", "Kanzlei Linde")
        made.make_staff("admin", "--admin")
        yield made
        assert unexpected(made.said_since(0), (r"the answer was cut: ",)) == []


@pytest.fixture(scope="module")
def admin(paper):
    return paper.signed_in("admin")


def provide(paper, scene, count, at):
    """Provides documents to a client, one at each second before AT."""
    statement = (
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
        " SELECT firm, id, client, matter, direction, at, by FROM d"
    )
    with psycopg.connect(paper.database(), autocommit=True) as db:
        db.execute("SET session_replication_role = replica")  # without foreign keys it is quick
        db.execute(statement, (at, count, scene.matter))
        db.execute("ANALYZE")


@pytest.fixture(scope="module")
def many(paper, admin):
    """A client with very many documents."""
    scene = paper.make_client(admin, "Viel", "viel")
    provide(paper, scene, MANY, "2026-06-01")
    return scene


@pytest.fixture(scope="module")
def some(paper, admin):
    """A client with 130 documents, of the night in which one hour comes twice."""
    scene = paper.make_client(admin, "Oktober", "oktober")
    provide(paper, scene, 130, "2026-10-25 02:31:00+02")
    provide(paper, scene, 1, "2026-10-25 02:30:11+01")
    return scene


def lines(answer):
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))


def test_an_export_has_every_row(admin, many):
    answer = admin.get(f"/receipts.csv?client={many.client}")
    assert answer.status_code == 200
    found = [line[0] for line in lines(answer)[1:]]
    assert found == [f"Blatt {n}" for n in range(1, MANY + 1)]


def test_an_export_that_fails_is_no_whole_one(paper, many):
    """The session ends while the export is sent: rows are found while others are on their way."""
    user = paper.fresh_staff("--admin")
    browser = paper.signed_in(user)
    with Raw(paper, browser) as line:
        line.head(f"GET {browser.base}/receipts.csv?client={many.client} HTTP/1.1")
        assert line.status() == 200
        paper.sql("DELETE FROM session s USING account a WHERE a.id = s.account AND"
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


def test_a_list_without_pages_says_that_there_is_more(paper, admin):
    """Matters of a client, in the page of the client and in a filter."""
    some = paper.make_client(admin, "Akten", "akten")
    path, choice = f"/clients/{some.client}", f"/receipts?client={some.client}"
    sentence = SAID["list.more"]
    for page in (path, choice):
        assert sentence not in admin.get(page, json_view=False).text
    paper.sql(
        "INSERT INTO matter (firm, id, client, title) SELECT firm, gen_random_uuid(), client,"
        " 'Akte ' || n FROM matter, generate_series(1, 200) n WHERE id = %s", some.matter,
    )  # fmt: skip
    view = admin.get_json(path)
    assert len(view["matters"]) == 200 and view["matters_more"]
    for page in (path, choice):
        assert sentence in admin.get(page, json_view=False).text


def test_a_long_history_shows_its_end(paper, admin, some):
    """The newest events are shown, and that there are older ones."""
    document = admin.get_json(f"/receipts?client={some.client}")["receipts"][0]["document_id"]
    paper.sql(
        "INSERT INTO event (firm, id, kind, account, client, document)"
        " SELECT d.firm, gen_random_uuid(), 'opened', d.by, d.client, d.id"
        "   FROM document d, generate_series(1, 201) WHERE d.id = %s", document,
    )  # fmt: skip
    view = admin.get_json(f"/documents/{document}")
    assert len(view["events"]) == 200 and view["events_more"]
    text = admin.get(f"/documents/{document}", json_view=False).text
    assert SAID["document.history_more"] in text
