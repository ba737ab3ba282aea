"""mod_kanzlei/template/names: the names that it finds in C, and the output that it makes."""

import re
import subprocess
import sys
from pathlib import Path

NAMES = Path(__file__).parents[2] / "mod_kanzlei/template/names"


def run(folder, source, queries="", files=()):
    (folder / "page.c").write_text(source, encoding="utf-8")
    (folder / "views.c").write_text(queries, encoding="utf-8")
    return subprocess.run(
        [sys.executable, NAMES, "--out", folder / "names.c", "--queries", folder / "views.c",
         folder / "page.c", *files],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def names(folder, source, queries="", files=()):
    result = run(folder, source, queries, files)
    assert result.returncode == 0, result.stderr
    written = (folder / "names.c").read_text(encoding="utf-8")
    found = re.findall(r'^    "(.*)",$', written, re.MULTILINE)
    assert f"kz_view_names_count = {len(found)};" in written
    return found


def test_finds_each_name_once_and_sorted(tmp_path):
    source = 'kz_view_text(v, "b", "x"); kz_view_flag(v, "B", 1); kz_view_text(v, "b", "y");'
    assert names(tmp_path, source, 'kz_view_row(view, "a");') == ["B", "a", "b"]


def test_calls_over_lines_and_in_one_another(tmp_path):
    source = 'kz_view_text(kz_view_object(v, "outer"),\n  "inner", f("(", \'"\'));'
    assert names(tmp_path, source) == ["inner", "outer"]


def test_derived_names(tmp_path):
    source = (
        'kz_view_time(v, "at", t); kz_view_size(v, "size", 1); kz_view_enum(v, "state", s, "a|b");'
    )
    assert names(tmp_path, source) == [
        "at", "at_exact", "at_text", "size", "size_text", "state", "state_a", "state_b",
    ]  # fmt: skip


def test_lists_of_rows(tmp_path):
    source = 'kz_show_sessions(v, "sessions", rows, n); kz_show_client(v, name, client);'
    assert names(tmp_path, source) == ["sessions"]


def test_fields_of_forms(tmp_path):
    forms = tmp_path / "forms.def"
    forms.write_text(
        'KZ_FORM(client, page_a)\nKZ_FIELD(client, number, NUMBER, 1, 40, "l", 0, "off", "")\n'
        'KZ_CHOICE(client, kind, "a|b", "l", "client.kind")\n/* KZ_FIELD(client, no, LINE) */\n'
    )
    source = 'kz_form_ticked(form, "right_all"); kz_form_again(out, form, "page-name");'
    assert names(tmp_path, source, files=[forms]) == [
        "err_kind", "err_number", "err_right_all", "kind", "kind_a", "kind_b", "number",
        "right_all",
    ]  # fmt: skip


def test_rights(tmp_path):
    source = 'KZ_RIGHT(ALL, "all") /* sees each client */'
    assert names(tmp_path, source) == ["may_all", "right_all"]


def test_a_text_that_is_no_name(tmp_path):
    source = """/* kz_view_text(v, "comment", 1) */ // kz_view_text(v, "line", 1)
        kz_view_phrase(words, "err.complete", v, pool); kz_view_text(v, name, "value");
        my_kz_view_text(v, "other"); kz_view_json(v); kz_view_create();"""
    assert names(tmp_path, source) == []


def test_a_name_that_no_template_can_write(tmp_path):
    result = run(tmp_path, '\nkz_view_text(v, "a.b", 1);')
    assert result.returncode == 1
    assert 'page.c:2: "a.b"' in result.stderr
