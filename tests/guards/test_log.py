"""Each message of the log has a number of its own, and is written by base/log.h."""

import re

import pytest
from source import ROOT, at, c_files, code, listed, write

NUMBER = re.compile(r"\bKZ_LOGNO\((\d+)\)")


def numbers_twice(root):
    """Finds numbers that name two messages, or have not four digits."""
    seen, found = {}, []
    for path in c_files(root, "mod_kanzlei"):
        text = code(path)
        for match in NUMBER.finditer(text):
            here = at(root, path, text.count("\n", 0, match.start()) + 1, match[0])
            if len(match[1]) != 4:
                found.append(f"{here} has not four digits")
            if match[1] in seen:
                found.append(f"{here} is taken by {seen[match[1]]}")
            seen[match[1]] = here
    return found


def past_the_log(root):
    """Finds calls of ap_log_* outside of the log's hook; scand is a program of its own."""
    return [
        at(root, path, text.count("\n", 0, match.start()) + 1, f"{match[0]}: KZ_LOG() is for that")
        for path in c_files(root, "mod_kanzlei")
        if path != root / "mod_kanzlei/http/log.c"
        for text in [code(path)]
        for match in re.finditer(r"\bap_log_\w+", text)
    ]


# The code that reports an error before it frees it: a page, kanzleictl, a check's problem, the
# error that takes over its words.
TELLING = re.compile(
    r"^(base/(err|log)\.c|ctl/\w+\.c|model/check/\w+\.c|http/dispatch\.c|io/store/read\.c)$"
)


def ended_unread(root):
    """Finds calls of kz_err_free() where nobody has reported the error."""
    base = root / "mod_kanzlei"
    return [
        at(root, path, text.count("\n", 0, match.start()) + 1, "ends an error unread")
        for path in c_files(root, "mod_kanzlei")
        if path.suffix == ".c" and not TELLING.match(path.relative_to(base).as_posix())
        for text in [code(path)]
        for match in re.finditer(r"\bkz_err_free\b", text)
    ]


RULES = [numbers_twice, past_the_log, ended_unread]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_log(rule):
    assert not rule(ROOT), listed(rule(ROOT))


def test_numbers_twice_can_fail(tmp_path):
    write(tmp_path, {"mod_kanzlei/io/a.c": 'f(KZ_LOGNO(0001) "a"); g(KZ_LOGNO(0002) "b");\n'})
    assert numbers_twice(tmp_path) == []
    write(tmp_path, {"mod_kanzlei/model/a.c": 'f(KZ_LOGNO(0002) "a"); g(KZ_LOGNO(3) "b");\n'})
    assert len(numbers_twice(tmp_path)) == 2


def test_past_the_log_can_fail(tmp_path):
    write(tmp_path, {"mod_kanzlei/http/log.c": "ap_log_error_(1);\n"})
    assert past_the_log(tmp_path) == []
    write(tmp_path, {"mod_kanzlei/work/a.c": "ap_log_error(1); /* ap_log_error */\n"})
    assert len(past_the_log(tmp_path)) == 1


def test_ended_unread_can_fail(tmp_path):
    write(tmp_path, {"mod_kanzlei/ctl/a.c": "kz_err_free(err);\n"})
    write(tmp_path, {"mod_kanzlei/pages/a.c": "kz_err_expected(err); /* not kz_err_free(err) */\n"})
    assert ended_unread(tmp_path) == []
    write(tmp_path, {"mod_kanzlei/model/a.c": "kz_err_free(err);\n"})
    assert len(ended_unread(tmp_path)) == 1
