"""guards/format finds the faults that it looks for."""

import subprocess
from pathlib import Path

import pytest
from source import ROOT, write

FORMAT = Path(__file__).resolve().parent / "format"


def run(root):
    return subprocess.run([FORMAT, root], capture_output=True, text=True)


@pytest.fixture
def project(tmp_path):
    style = (ROOT / ".clang-format").read_text(encoding="utf-8")
    rules = (ROOT / ".ruff.toml").read_text(encoding="utf-8")
    write(tmp_path, {".clang-format": style, ".ruff.toml": rules})
    write(
        tmp_path,
        {"a.c": "int a;\n", "a.sh": "#!/bin/sh\necho a\n", "a.py": "import os\n\nos.sync()\n"},
    )
    write(
        tmp_path,
        {"bin/shell": "#!/usr/bin/env bash\necho a\n", "bin/script": "#!/usr/bin/python3\n"},
    )
    return tmp_path


def test_good_files(project):
    result = run(project)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.c", "int  a ;\n"),
        ("a.sh", "#!/bin/sh\nrm $1\n"),
        ("bin/shell", "#!/usr/bin/env bash\nrm $1\n"),
        ("a.py", "import os\n"),
        ("bin/script", "#!/usr/bin/env python3\nimport os\n"),
    ],
)
def test_bad_files(project, name, text):
    write(project, {name: text})
    result = run(project)
    assert result.returncode == 1
    assert name in result.stdout + result.stderr
