"""sql/generate: the code that it makes from a query, and the errors that it reports."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SQL = Path(__file__).parents[2] / "sql"

FOUND = """
-- A comment that [nobody: reads] $1.
-- found(client uuid, since timestamptz, small bool, count int4) :many
-- -> id uuid, kind enum(a|b), things_count int4
SELECT d.id, d.kind, -- it's one of "a", $2 [or: b]
       count(*) FROM thing d
 WHERE d.name <> '[client: $3 -- no comment'
   [client: AND d.client = $client [!since: AND d.tags[1] = 'new']]
   [since: AND d.at >= $since] [small: AND d.small]
 LIMIT $count;
"""


def generate(folder, text):
    (folder / "thing.sql").write_text(text, encoding="utf-8")
    return subprocess.run(
        [sys.executable, SQL / "generate", "--out", folder, folder / "thing.sql"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def made(folder, text, name="queries.c"):
    result = generate(folder, text)
    assert result.returncode == 0, result.stderr
    return (folder / name).read_text(encoding="utf-8")


def statement(source):
    """Returns the text of the only statement in queries.c, with all its parts."""
    begin = source.index("static const kz_db_")
    literals = re.findall(r'"((?:\\.|[^"\\])*)"', source[begin : source.index("kz_err_t", begin)])
    text = "".join(one for one in literals if one != "found")
    return text.replace("\\n", "\n").replace('\\"', '"')


def test_a_comment_does_not_swallow_the_rest(tmp_path):
    text = "-- found(id uuid) :exec\nDELETE FROM thing -- all of them\n WHERE id = $id;\n"
    lines = statement(made(tmp_path, text)).splitlines()
    assert [line for line in lines if "WHERE id = $1" in line.partition("--")[0]] != []


def test_a_statement_stands_as_in_its_file(tmp_path):
    source = made(tmp_path, "-- a(id uuid) :exec\nDELETE FROM thing\n WHERE id = $id;\n")
    assert '"DELETE FROM thing\\n"\n     " WHERE id = $1"' in source
    assert "/* sql/query/thing.sql:1 */" in source


def test_each_member_has_a_line(tmp_path):
    header = made(tmp_path, FOUND, "queries.h")
    assert (
        "typedef struct kz_q_found_args_t {\n    const char *client;\n    apr_time_t since;\n"
        "    int small;\n    int count;\n} kz_q_found_args_t;" in header
    )
    assert "{\n    const char *id;\n    const char *kind;\n    int things_count;\n}" in header


def read(folder, text):
    """Returns the first query of TEXT, read as tests/sql does."""
    sys.path.insert(0, str(SQL))
    from generator.read import read as read_file

    (folder / "thing.sql").write_text(text, encoding="utf-8")
    return read_file(folder / "thing.sql")[0]


@pytest.mark.parametrize(
    ("asked", "there", "absent"),
    [
        ("", (), ("d.client", "d.at", "d.small", "d.tags")),
        ("client", ("d.client = $1", "d.tags[1] = 'new'"), ("d.at", "d.small")),
        ("client since", ("d.client = $1", "d.at >= $2"), ("d.tags", "d.small")),
        ("since small", ("d.at >= $2", "AND d.small"), ("d.client", "d.tags")),
    ],
)
def test_conditions(tmp_path, asked, there, absent):
    query = read(tmp_path, FOUND)
    text = query.sql(asked.split())
    assert query.conditions == ["client", "since", "small"]
    assert [name for name, _ in query.sent] == ["client", "since", "count"]
    assert "LIMIT $3" in text
    assert "'[client: $3 -- no comment'" in text
    assert all(one in text for one in there), text
    assert not any(one in text for one in absent), text


def test_the_call_passes_its_conditions(tmp_path):
    source = made(tmp_path, FOUND)
    for line in ("if (args->client != NULL)", "if (args->since != 0)", "if (args->small != 0)"):
        assert line in source
    assert '{"client", "since", "small"}' in source
    assert "kz_db__arg_bool" not in source  # the argument is only a condition


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("SELECT 1 WHERE $1", "called by its name"),
        ("SELECT 1 WHERE $other", "is no argument"),
        ("SELECT 1 [other: x] WHERE $a", "is no argument on which"),
        ("SELECT 1 WHERE $a [key: AND $key]", "is no argument on which"),
        ("SELECT 1 WHERE $a AND $key [a: AND true", "without its ]"),
        ("SELECT 1 WHERE $a AND $key ]", "without its ["),
        ("SELECT 1 WHERE $key [a: AND [a: AND [a: $a]]]", "too deep"),
        ("SELECT 1 WHERE $a", "does not use ['key']"),
    ],
)
def test_refused(tmp_path, statement, why):
    result = generate(tmp_path, f"-- a(a text, key bytea) :exec\n{statement};\n")
    assert result.returncode == 1
    assert "sql/query/thing.sql:1" in result.stderr
    assert why in result.stderr


def test_a_name_that_postgresql_would_cut(tmp_path):
    name = "a" * 60
    text = f"-- {name}(one text) :exec\nSELECT 1 [one: $one];\n"
    assert "more than 63 bytes" in generate(tmp_path, text).stderr


@pytest.mark.parametrize(
    ("kind", "error"), [("one", "KZ_ERR_INTERNAL"), ("one!", "KZ_ERR_NOT_FOUND"), ("maybe", None)]
)
def test_no_row(tmp_path, kind, error):
    source = made(tmp_path, f"-- a() :{kind}\n-- -> id uuid\nSELECT id FROM thing;\n")
    assert re.findall(r"KZ_ERR_\w+", source) == ([error] if error else [])


def test_lists_and_objects_of_views(tmp_path):
    source = made(tmp_path, FOUND + "-- a() :maybe\n-- -> at timestamptz\nSELECT 1;\n", "views.c")
    assert 'kz_view_enum(view, "kind", row->kind, "a|b");' in source
    assert 'kz_view_count(view, "things_count", row->things_count);' in source
    assert "kz_row_found(kz_view_row(view, name), &rows[i]);" in source
    assert "kz_row_a(kz_view_object(view, name), row);" in source
