"""SECURITY.md says of each threat what stands against it, and names the test that proves it."""

import re

import pytest
from source import ROOT, listed, write

LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")


def rows(text):
    """Yields (line, threat, what stands against it) of the first table."""
    for number, line in enumerate(text.splitlines(), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if line.startswith("| ") and len(cells) == 2 and cells[0] not in ("threat", "---"):
            yield number, *cells


def unproven(root):
    """Finds rows that name no test, and names of tests that don't exist."""
    path = root / "SECURITY.md"
    found, tests = [], 0
    for line, threat, answer in rows(path.read_text(encoding="utf-8")):
        named = [(text, target) for text, target in LINK.findall(answer)
                 if target.startswith("tests/")]  # fmt: skip
        if not named:
            found.append(f"SECURITY.md:{line}: no test proves \"{threat}\"")
        for text, target in named:
            tests += 1
            if not (root / target).is_file():
                found.append(f"SECURITY.md:{line}: there is no {target}")
            elif re.fullmatch(r"test_\w+", text):
                known = re.findall(r"^def (test_\w+)\(", (root / target).read_text(), re.M)
                if text not in known:
                    found.append(f"SECURITY.md:{line}: {target} has no {text}")
    return found if tests else ["SECURITY.md: no table of threats"]


def test_each_row_names_its_test():
    assert not unproven(ROOT), listed(unproven(ROOT))


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        ("TLS", "no test proves"),
        ("TLS ([README](mod_kanzlei/README.md))", "no test proves"),
        ("TLS ([test_tls.py](tests/http/test_tls.py))", "there is no tests/http/test_tls.py"),
        ("TLS ([test_old](tests/http/test_line.py))", "has no test_old"),
    ],
)
def test_the_guard_can_fail(tmp_path, answer, finding):
    good = "| virus | scanned ([test_new](tests/http/test_line.py)) |"
    text = f"| threat | what |\n| --- | --- |\n{good}\n| line | {answer} |\n"
    write(tmp_path, {"SECURITY.md": text, "tests/http/test_line.py": "def test_new():\n"})
    found = unproven(tmp_path)
    assert len(found) == 1
    assert finding in found[0]
    write(tmp_path, {"SECURITY.md": text.rpartition("| line")[0]})
    assert unproven(tmp_path) == []
