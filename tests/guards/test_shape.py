"""Functions and files stay small, each folder has a README, and no link of a page is broken."""

import os
import re
from pathlib import Path

import pytest
from source import GENERATED, ROOT, at, c_files, functions, listed, write

BODY_MAX = 60  # lines of a function, from { to }
FILE_MAX = 400  # lines of a file
TEST_MAX = 500  # lines of a file of tests, which people read case by case
PARAMETERS_MAX = 6
FOREIGN = {"on_layer", "on_member"}  # callbacks whose parameters a library prescribes
MODULE_MAX = 200  # lines of mod_kanzlei.c, which has nothing but hooks


def too_long(root):
    found = []
    for path in c_files(root, "mod_kanzlei", "tests/unit", "tests/fuzz"):
        lines = path.read_text(encoding="utf-8").count("\n")
        most = TEST_MAX if "tests" in path.relative_to(root).parts else FILE_MAX
        most = MODULE_MAX if path.name == "mod_kanzlei.c" else most
        if lines > most:
            found.append(at(root, path, lines, f"{lines} lines, at most {most}"))
        for line, name, body, parameters in functions(path):
            if body > BODY_MAX:
                found.append(at(root, path, line, f"{name} has {body} lines, at most {BODY_MAX}"))
            if parameters > PARAMETERS_MAX and name not in FOREIGN:
                found.append(at(root, path, line, f"{name} has {parameters} parameters"))
    return found


def folders(root):
    """Returns the folders of the top level and those below mod_kanzlei, which newcomers open."""
    top = [root / name for name in ("mod_kanzlei", "appliance", "sql", "html", "tests")]
    top += [root / "helm/kanzleipost", root / "tests/fuzz", root / "tests/bench"]
    inner = (root / "mod_kanzlei").rglob("*")
    for path in sorted({*top, *(path for path in inner if path.is_dir())}):
        files = [file for file in path.glob("*") if file.is_file()] if path.is_dir() else []
        if files and not GENERATED & set(path.parts) and "testdb" not in path.parts:
            yield path


def without_readme(root):
    return [
        f"{path.relative_to(root)}: no README.md"
        for path in folders(root)
        if not (path / "README.md").is_file()
    ]


def pages(root):
    """Returns all .md files outside of generated folders, whose files come and go meanwhile."""
    for folder, inner, names in os.walk(root):
        inner[:] = sorted(set(inner) - GENERATED)
        yield from (Path(folder) / name for name in sorted(names) if name.endswith(".md"))


def broken_links(root):
    found = []
    for path in pages(root):
        text = path.read_text(encoding="utf-8")
        for match in re.finditer(r"\]\((?!\w+:|#)([^)#\s]+)", text):
            if not (path.parent / match[1]).exists():
                found.append(at(root, path, text.count("\n", 0, match.start()) + 1, match[1]))
    return found


@pytest.mark.parametrize("rule", [too_long, without_readme, broken_links])
def test_shape(rule):
    assert not rule(ROOT), listed(rule(ROOT))


def function(lines, parameters):
    names = ", ".join(f"int (*p{i})(int, int)" for i in range(parameters)) or "void"
    return f"static int *f({names})\n{{\n" + "    f();\n" * (lines - 2) + "}\n"


def test_too_long_can_fail(tmp_path):
    fine = "struct x {\n    int a;\n};\n\n" + function(60, 6) + "\n" + function(3, 0)
    write(tmp_path, {"mod_kanzlei/http/a.c": fine})
    assert too_long(tmp_path) == []
    write(tmp_path, {"mod_kanzlei/http/a.c": fine + function(61, 7)})
    assert [finding.split(": ")[1] for finding in too_long(tmp_path)] == [
        "f has 61 lines, at most 60",
        "f has 7 parameters",
    ]
    write(tmp_path, {"mod_kanzlei/http/a.c": "\n" * 401, "mod_kanzlei/mod_kanzlei.c": "\n" * 201})
    assert len(too_long(tmp_path)) == 2


def test_without_readme_can_fail(tmp_path):
    write(
        tmp_path, {"mod_kanzlei/README.md": "", "mod_kanzlei/io/db/a.c": "", "html/README.md": ""}
    )
    assert without_readme(tmp_path) == ["mod_kanzlei/io/db: no README.md"]


def test_broken_links_can_fail(tmp_path):
    links = "[a](README.md) [b](#x) [c](mailto:a@b) [d](sub/none.md)\n"
    write(tmp_path, {"README.md": links})
    assert broken_links(tmp_path) == ["README.md:1: sub/none.md"]
