"""SQL stands in one place: only io/db/ calls PostgreSQL, statements stand in sql/query/, and
the code generated from them is used."""

import re

import pytest
from source import ROOT, at, c_files, code, includes, listed, literals, write

HEAD = re.compile(r"^-- (\w+)\([^)]*\) :(?:many|one!?|maybe|exec)(?: writes)?(?: as \w+)?$", re.M)
STATEMENT = re.compile(r"^\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s)", re.I)


def outside_db(root):
    db = root / "mod_kanzlei/io/db"
    return [path for path in c_files(root, "mod_kanzlei") if db not in path.parents]


def libpq_outside_db(root):
    found = []
    for path in outside_db(root):
        text = code(path)
        found += [
            at(root, path, text.count("\n", 0, match.start()) + 1, f"{match[0]} outside io/db/")
            for match in re.finditer(r"\bPQ[a-z]\w*|\bPG(?:conn|result)\b", text)
        ]
        found += [
            at(root, path, line, f"{name} outside io/db/")
            for line, name, _ in includes(path)
            if name.startswith("libpq")
        ]
    return found


def sql_in_c(root):
    return [
        at(root, path, line, "a statement belongs into sql/query/")
        for path in outside_db(root)
        for line, text in literals(path)
        if STATEMENT.match(text)
    ]


def unused_queries(root):
    text = "\n".join(code(path) for path in c_files(root, "mod_kanzlei"))
    # A name without "(" counts as a use: (all ? kz_q_kept : kz_q_kept_mine)(...). A type doesn't.
    called = set(re.findall(r"\bkz_q_(\w+)", text))
    called |= {re.sub(r"_(send|later|read)$", "", name) for name in called}
    return [
        at(root, path, source.count("\n", 0, match.start()) + 1, f"no code calls {match[1]}")
        for path in sorted((root / "sql/query").glob("*.sql"))
        for source in [path.read_text(encoding="utf-8")]
        for match in HEAD.finditer(source)
        if match[1] not in called
    ]


def rows_by_hand(root):
    return [
        at(root, path, text.count("\n", 0, match.start()) + 1, f"kz_show_{match[1]}() makes a list")
        for path in c_files(root, "mod_kanzlei")
        for text in [code(path)]
        for match in re.finditer(r"\bkz_row_(\w+)\(\s*kz_view_row\(", text)
    ]


FUNCTION = re.compile(r"CREATE (?:OR REPLACE )?FUNCTION (kz_\w+)\s*\((.*?)\bAS \$", re.S)
# A transaction begins with these; kz_enter() keeps its note about the session without a commit.
ENTERING = {"kz_enter", "kz_enter_portal"}


def writes_unsaid(root):
    """Finds queries that call a function which may write (not STABLE) without saying "writes"."""
    reading, found = set(ENTERING), []
    for path in sorted((root / "sql").rglob("*.sql")):
        for name, rest in FUNCTION.findall(path.read_text(encoding="utf-8")):
            if re.search(r"\b(?:STABLE|IMMUTABLE)\b", rest):
                reading.add(name)
    for path in sorted((root / "sql/query").glob("*.sql")):
        head = None
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line.startswith("--"):
                head = line if re.search(r":(?:many|one!?|maybe|exec)\b", line) else head
                continue
            for name in re.findall(r"\b(kz_\w+)\s*\(", line):
                if name not in reading and " writes" not in (head or ""):
                    found.append(at(root, path, number, f'{name}() may write: say "writes"'))
    return found


MANY = re.compile(
    r"^-- (\w+)\((?:[^)]|\n-- )*\) :many\b.*?(?=^-- \w+\((?:[^)]|\n-- )*\) :|\Z)", re.M | re.S
)
# Where each list that a statement itself cuts says that there is more: a file below html/, and
# what is in it. A list with pages asks for COUNT rows instead.
ENDS = {
    "accounts_of_client": ("page/client.html", "accounts_more"),
    "assignable": ("page/client.html", "assignable_more"),
    "assignments_of_client": ("page/client.html", "assignments_more"),
    "clients_of_account": ("page/access.html", "clients_more"),
    "clients_of_staff": ("page/staff-member.html", "clients_more"),
    "events_of_client": ("page/client.html", "t.client.events"),  # the last ones, says the heading
    "events_of_document": ("page/document.html", "events_more"),
    "filter_clients": ("list/control-client.html", "clients_many"),
    "filter_clients_mine": ("list/control-client.html", "clients_many"),
    "filter_matters": ("list/control-matter.html", "matters_more"),
    "home_fresh": ("page/home-staff.html", "fresh_count"),
    "home_fresh_client": ("page/home-client.html", "fresh_count"),
    "home_fresh_mine": ("page/home-staff.html", "fresh_count"),
    "home_kept": ("page/home-staff.html", "kept_count"),
    "home_kept_mine": ("page/home-staff.html", "kept_count"),
    "home_locked": ("page/home-staff.html", "locked_count"),
    "home_unreachable": ("page/home-staff.html", "unreachable_count"),
    "home_unopened": ("page/home-staff.html", "unopened_count"),
    "home_unopened_mine": ("page/home-staff.html", "unopened_count"),
    "job_documents": ("mail/provided.txt", "more_count"),
    "matters_mine": ("part/matter-cards.html", "documents_count"),  # "99+" documents
    "matters_of_client": ("page/client.html", "matters_more"),
    "sessions": ("page/account.html", "sessions_more"),
}


def silent_ends(root):
    """Finds lists that a statement cuts, of which no page says so."""
    found = []
    for path in sorted((root / "sql/query").glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        for match in MANY.finditer(text):
            if not re.search(r"\bLIMIT (?!1\b)\d+", match[0]):
                continue
            file, words = ENDS.get(match[1], ("", ""))
            page = root / "html" / file
            if not page.is_file() or words not in page.read_text(encoding="utf-8"):
                line = text.count("\n", 0, match.start()) + 1
                found.append(at(root, path, line, f"{match[1]} is cut, and no page says so"))
    return found


@pytest.mark.parametrize(
    "rule",
    [libpq_outside_db, sql_in_c, unused_queries, rows_by_hand, writes_unsaid, silent_ends],
)
def test_sql(rule):
    assert not rule(ROOT), listed(rule(ROOT))


def test_libpq_outside_db_can_fail(tmp_path):
    good = "/* PQexec */ int n = PQntuples(r);\n"
    write(tmp_path, {"mod_kanzlei/io/db/a.c": good, "mod_kanzlei/model/a.c": "/* PQexec() */\n"})
    assert libpq_outside_db(tmp_path) == []
    write(tmp_path, {"mod_kanzlei/model/a.c": "#include <libpq-fe.h>\n" + good})
    assert len(libpq_outside_db(tmp_path)) == 2


def test_sql_in_c_can_fail(tmp_path):
    write(tmp_path, {"mod_kanzlei/http/a.c": 'log("select a file"); log("delete from");\n'})
    assert len(sql_in_c(tmp_path)) == 1
    write(tmp_path, {"mod_kanzlei/http/a.c": 'f("UPDATE firm "\n  "SET name = $1");\n'})
    assert len(sql_in_c(tmp_path)) == 1


def test_unused_queries_can_fail(tmp_path):
    sql = "-- one_thing(a text) :one\n-- -> b text\nSELECT 1;\n-- other_send() :exec\nSELECT 2;\n"
    write(tmp_path, {"sql/query/a.sql": sql})
    write(tmp_path, {"mod_kanzlei/model/a.c": "KZ_TRY(kz_q_one_thing_send(db, &args));\n"})
    (found,) = unused_queries(tmp_path)
    assert found.startswith("sql/query/a.sql:4:")
    write(tmp_path, {"mod_kanzlei/model/a.c": "kz_q_one_thing_t *rows;\n"})
    assert len(unused_queries(tmp_path)) == 2
    write(tmp_path, {"mod_kanzlei/model/a.c": "(all ? kz_q_one_thing : kz_q_other_send)(&x);\n"})
    assert unused_queries(tmp_path) == []


def test_rows_by_hand_can_fail(tmp_path):
    good = 'kz_show_x(view, "rows", rows, n);\nkz_row_x(kz_view_object(view, "x"), &rows[0]);\n'
    write(tmp_path, {"mod_kanzlei/pages/a.c": good})
    assert rows_by_hand(tmp_path) == []
    write(tmp_path, {"mod_kanzlei/pages/a.c": 'kz_row_x(kz_view_row(view, "x"), &rows[i]);\n'})
    assert len(rows_by_hand(tmp_path)) == 1


def test_writes_unsaid_can_fail(tmp_path):
    policy = (
        "CREATE OR REPLACE FUNCTION kz_a(p int)\nRETURNS int LANGUAGE sql STABLE AS $$ $$;\n"
        "CREATE FUNCTION kz_b()\nRETURNS int LANGUAGE sql AS $$ $$;\n"
    )
    query = "-- a() :one\n-- -> n int4\nSELECT kz_a(1);\n\n-- b() :one writes\nSELECT kz_b();\n"
    write(tmp_path, {"sql/policy/a.sql": policy, "sql/query/a.sql": query})
    assert writes_unsaid(tmp_path) == []
    write(tmp_path, {"sql/query/b.sql": "-- c() :many\n-- -> n int4\nSELECT n FROM kz_b();\n"})
    assert len(writes_unsaid(tmp_path)) == 1


def test_silent_ends_can_fail(tmp_path):
    page = {"html/page/account.html": "{{#sessions_more}}more{{/sessions_more}}"}
    query = "-- sessions() :many\n-- -> n int4\nSELECT 1 LIMIT 51;\n"
    write(tmp_path, {"sql/query/a.sql": query} | page)
    assert silent_ends(tmp_path) == []
    write(tmp_path, {"sql/query/a.sql": query + query.replace("sessions", "others")})
    assert len(silent_ends(tmp_path)) == 1
    write(tmp_path, {"sql/query/a.sql": query, "html/page/account.html": "nothing"})
    assert len(silent_ends(tmp_path)) == 1
