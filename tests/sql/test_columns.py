"""A CHECK constraint allows exactly the words of its table of the sources."""

import re

import pytest
from real import ROOT

# Columns and their tables; a change of a constraint needs a migration.
COLUMNS = {
    ("right", "name"): ("rights.def", r'^KZ_RIGHT\(\w+, "(\w+)"\)'),
    ("job", "kind"): ("jobs.def", r'^KZ_JOB\(\w+, "(\w+)", '),
    ("event", "kind"): ("events.def", r'^KZ_EVENT\(\w+, "(\w+)", \w+\)'),
}
CHECKS = """
SELECT pg_get_constraintdef(c.oid) FROM pg_constraint c
  JOIN pg_attribute a ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum]
 WHERE c.contype = 'c' AND c.conrelid = %s::regclass AND a.attname = %s"""


def allowed(site, table, column):
    """Returns the words that the CHECK of a column lists."""
    with site.cluster.connect(site.database) as db:
        rows = db.execute(CHECKS, (f'"{table}"', column)).fetchall()
    return {word for (text,) in rows for word in re.findall(r"'(\w+)'::text", text)}


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_a_check_lists_what_the_table_has(empty, table, column):
    name, line = COLUMNS[table, column]
    text = (ROOT / "mod_kanzlei" / name).read_text(encoding="utf-8")
    words = re.findall(line, text, re.M)
    assert len(words) == len(set(words)) == text.count("\nKZ_") > 0
    assert allowed(empty, table, column) == set(words)
