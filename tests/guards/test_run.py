"""tests/run counts correctly: the scripts in lib/ judge good, bad and broken programs."""

import json
import subprocess
import sys

import pytest
from source import ROOT

CHECK = ROOT / "tests/lib/check.py"
SUMMARY = ROOT / "tests/lib/summary.py"
GOOD = "1..3\\nok 1 - a\\nok 2 - b # SKIP\\nok 3 - c\\n# ok - tests\\n"


def check(folder, unit=None, fuzz=None, only=""):
    """Runs check.py over programs made from shell text; the layout counts as good."""
    (folder / "tests/guards").mkdir(parents=True)
    commands = [sys.executable, CHECK, "--src", folder, "--out", folder / "out", "--only", only]
    programs = {"tests/guards/format": "exit 0", "a_test": unit, "a_fuzz": fuzz}
    for name, text in programs.items():
        if text is not None:
            (folder / name).write_text(f"#!/bin/sh\n{text}\n")
            (folder / name).chmod(0o755)
    commands += ["--unit", folder / "a_test"] if unit else []
    commands += ["--fuzz", folder / "a_fuzz"] if fuzz else []
    done = subprocess.run(commands, capture_output=True, text=True)
    return done.returncode, json.loads((folder / "out/check.json").read_text()), done.stdout


@pytest.mark.parametrize(
    ("text", "failed"),
    [
        (f"printf '{GOOD}'", 0),
        (f"printf '{GOOD}'; exit 1", 1),  # a report of a sanitizer at the end
        (f"printf '{GOOD}' | sed '$d;s/^1..3/1..4/'; kill -SEGV $$", 1),  # dies in the last one
        ("printf '1..2\\nok 1 - a\\nnot ok 2 - b\\n# not ok - tests\\n'; exit 1", 1),
        ("printf '1..2\\nok 1 - a\\nnot ok 2 # SKIP b\\n# ok - tests\\n'", 0),
        ("echo 1..1", 1),  # announces a test and ends
    ],
)
def test_units(tmp_path, text, failed):
    code, counts, output = check(tmp_path, unit=text)
    assert (code, counts["failed"]) == (failed, failed), output


def test_counts(tmp_path):
    _, counts, _ = check(tmp_path, unit=f"printf '{GOOD}'", fuzz="exit 0")
    assert counts == {"passed": 2 + 1 + 1, "failed": 0, "skipped": 1}


def test_fuzz_target_that_dies(tmp_path):
    code, counts, output = check(tmp_path, fuzz="echo found it; exit 77")
    assert (code, counts["failed"]) == (1, 1)
    assert "found it" in output


def test_only(tmp_path):
    _, counts, _ = check(tmp_path, unit="exit 1", fuzz="exit 0", only="a_fuzz")
    assert counts == {"passed": 1, "failed": 0, "skipped": 0}


def test_only_a_folder(tmp_path):
    code, counts, output = check(tmp_path, unit="exit 1", only="guards")
    assert (code, counts["passed"]) == (0, 1), output
    assert "guards/format" in output


JUNIT = """<testsuites><testsuite><testcase classname="x" name="a"/>
<testcase classname="x" name="b"><{}/></testcase></testsuite></testsuites>"""


@pytest.mark.parametrize(
    ("files", "arguments", "line", "code"),
    [
        ({"a.json": '{"passed": 2}', "b.xml": "skipped"}, [], "3 passed, 0 failed, 1 skipped", 0),
        ({"b.xml": "skipped"}, ["--no-skips"], "1 passed, 0 failed, 1 skipped", 1),
        ({"b.xml": "failure"}, [], "1 passed, 1 failed, 0 skipped", 1),
        ({"b.xml": "error"}, [], "1 passed, 1 failed, 0 skipped", 1),
        ({"a.json": '{"passed": 2, "failed": 3}'}, [], "2 passed, 3 failed, 0 skipped", 1),
        ({"c.xml": "<testsuites><cut"}, [], "0 passed, 1 failed, 0 skipped", 1),
        ({}, [], "0 passed, 0 failed, 0 skipped", 1),
    ],
)
def test_summary(tmp_path, files, arguments, line, code):
    for name, text in files.items():
        (tmp_path / name).write_text(JUNIT.format(text) if name == "b.xml" else text)
    done = subprocess.run(
        [sys.executable, SUMMARY, tmp_path, *arguments], capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == line
    assert done.returncode == code
