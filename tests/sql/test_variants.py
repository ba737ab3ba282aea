"""The number of variants of a statement (sets of its conditions) that one connection keeps
prepared: tests/unit/db_variants.c asks with 100 of them."""

import json
import subprocess

import pytest
from ctl_site import PLAIN, unit_program

KEPT = 64


@pytest.fixture(scope="module")
def db_variants():
    return unit_program("db_variants", PLAIN)


def answers(program, empty, *options):
    done = subprocess.run(
        [program, empty.conninfo("kanzlei_portal"), *options],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_connection_keeps_64_variants(db_variants, empty):
    found = answers(db_variants, empty)
    assert [one["got"] for one in found] == [*range(100), 99, 0]
    assert [one["kept"] for one in found[:KEPT]] == list(range(1, KEPT + 1))
    assert {one["kept"] for one in found[KEPT:]} == {KEPT}
    assert len({one["pid"] for one in found}) == 1


def test_variants_left_on_the_server_end_with_the_connection(db_variants, empty):
    *before, kept, forgotten = answers(db_variants, empty, "break")
    assert len({one["pid"] for one in before}) == 1
    assert kept["pid"] != before[0]["pid"]
    assert (kept["kept"], forgotten["kept"]) == (1, 2)
    assert (kept["got"], forgotten["got"]) == (99, 0)
