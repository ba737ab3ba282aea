"""Runs every statement of sql/query as the portal does, at a million documents, and judges its
plan."""

import uuid
from itertools import combinations

import plan
import pytest
import real
import scene
from arguments import ALLOWED, CALLS, FLAT
from calls import calls, filled
from generator.read import Query, cut

QUERIES = real.queries()
# Rows that any step of a plan may read, besides four for each visible client (not of the FLAT).
USUAL = 2000


def test_every_statement_is_here():
    assert sorted(CALLS) == sorted(QUERIES)


def conditional():
    return sorted(name for name, query in QUERIES.items() if query.conditions)


@pytest.mark.parametrize("name", conditional())
def test_every_set_of_conditions_is_called(name):
    """A page may combine all conditions, but at most one state, and one direction from a place."""
    query = QUERIES[name]
    states = {one for one, kind in query.args if kind == "bool"} & set(query.conditions)
    rest = [one for one in query.conditions if one not in states]
    wanted = {
        frozenset(some) | state
        for n in range(len(rest) + 1)
        for some in combinations(rest, n)
        if not {"at", "before"} <= set(some)
        for state in [frozenset(), *map(frozenset, zip(states))]
    }
    called = {real.asked(query, arguments) for _, arguments in calls(name)}
    assert {" ".join(sorted(one)) for one in wanted - called} == set()


@pytest.mark.parametrize("name", sorted(set(CALLS) & set(QUERIES)))
def test_plan(name, lines, things):
    found = {}
    for who, arguments in calls(name):
        person = scene.PEOPLE[who]
        line = lines["kanzlei_owner" if who == "owner" else "kanzlei_portal"]
        most = ALLOWED.get(name, USUAL) + (0 if name in FLAT else 4 * person.visible)
        plans = line.explain(QUERIES[name], filled(arguments, things[who]), person.enter())
        assert plans or real.unplanned(QUERIES[name]), "no plan came"
        for one in plans:
            for problem in plan.problems(one["Plan"], most, ALLOWED.get(name, 500)):
                found.setdefault(problem, f"{who} {arguments}")
    assert not found, "\n" + "\n".join(f"{how}: {problem}" for problem, how in found.items())


def judged(lines, statement, *before):
    """Returns the faults of a statement that is not in sql/query; BEFORE: settings."""
    query = Query("here", uuid.uuid4().hex, [], "many", lines=[statement])
    cut(query)
    enter = scene.PEOPLE["admin"].enter() + [(f"SET LOCAL {one}",) for one in before]
    plans = lines["kanzlei_portal"].explain(query, [], enter)
    return [problem for one in plans for problem in plan.problems(one["Plan"], USUAL)]


@pytest.mark.parametrize(
    ("statement", "sign"),
    [
        ("SELECT count(*) FROM document", "more than 2000"),
        ("SELECT name FROM document ORDER BY name LIMIT 5", "more than 2000"),
        ("SELECT name FROM document WHERE size = 7", "thrown away"),
    ],
)
def test_a_bad_statement_is_found(lines, full, statement, sign):
    assert any(sign in problem for problem in judged(lines, statement)), judged(lines, statement)


def test_a_sequential_scan_is_found(lines):
    statement = "SELECT title FROM matter LIMIT 5"
    (found,) = judged(lines, statement, "enable_indexscan = off", "enable_bitmapscan = off")
    assert "sequential" in found


def test_a_statement_inside_a_function_is_found(lines, full):
    with full.cluster.connect(full.database) as db:
        db.execute("CREATE FUNCTION slow() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN"
                   " (SELECT count(*) FROM document WHERE size = 7); END $$")  # fmt: skip
        db.execute("GRANT EXECUTE ON FUNCTION slow() TO kanzlei_portal")
    assert judged(lines, "SELECT slow()") != []


def test_good_statements_have_no_problem(lines):
    """That of the whole firm's list says so by the condition of its index."""
    statement = (
        "SELECT name FROM document WHERE id <> '00000000-0000-0000-0000-000000000000'"
        " ORDER BY at DESC, id DESC LIMIT 5"
    )
    assert judged(lines, statement) == []
