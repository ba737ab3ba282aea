"""pgtap/*.sql: each line of TAP is a test of its own."""

import re
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).with_name("pgtap")
FILES = sorted(path.name for path in FOLDER.glob("*.sql") if path.name != "scene.sql")
LINE = re.compile(r"^(not )?ok \d+(?: - (.*))?$")


def run(site, path):
    """Runs a file by psql as superuser; returns its output."""
    command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", path]
    command += ["-d", site.conninfo("postgres")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout, done.stderr


def results(output):
    """Returns (name, passed, diagnosis) of each line of TAP; checks the plan."""
    found = []
    for line in output.splitlines():
        match = LINE.match(line)
        if match:
            found.append([match[2] or "", not match[1], []])
        elif line.startswith("#") and found:
            found[-1][2].append(line)
    plan = re.findall(r"^1\.\.(\d+)$", output, re.M)
    assert plan == [str(len(found))], f"planned {plan}, got {len(found)}"
    return found


@pytest.mark.parametrize("name", FILES)
def test_pgtap(name, empty, subtests):
    code, output, errors = run(empty, FOLDER / name)
    assert code == 0, errors
    for what, passed, more in results(output):
        with subtests.test(what):
            assert passed, "\n".join([what, *more])


def test_a_line_that_is_not_ok_fails(empty, tmp_path):
    path = tmp_path / "bad.sql"
    path.write_text(
        f"BEGIN;\n\\i {FOLDER / 'scene.sql'}\nSELECT plan(2);\nSELECT ok(true, 'a');"
        "SELECT is(1, 2, 'b');\nSELECT * FROM finish();\n"
    )
    code, output, errors = run(empty, path)
    assert (code, errors) == (0, "")
    assert [line[:2] for line in results(output)] == [["a", True], ["b", False]]
    with pytest.raises(AssertionError):
        results(output.replace("1..2", "1..3"))
