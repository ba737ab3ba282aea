"""Durations and deadlines are measured by kz_clock_now(), which nobody sets. The time of day is
asked for only in the places that are listed here, each with its reason."""

import re

import pytest
from source import FUNCTION, ROOT, at, c_files, code, listed, write

# What asks for the time of day, and waits that end by it. APR's condition variables do, too.
WALL = re.compile(
    r"\b(apr_time_now|time|gettimeofday|timespec_get|ftime|apr_thread_cond_timedwait"
    r"|pthread_cond_timedwait|pthread_mutex_timedlock|pthread_rwlock_timed\w+|sem_timedwait)\s*\("
    r"|\b(CLOCK_REALTIME\w*|CLOCK_TAI)\b"
)

STORED = "compared with, or kept as, a time that the database or a file has"
READ = "read by people"
PLACES = {
    ("mod_kanzlei/base/str.c", "next_tick"): "UUIDs of version 7 hold the time of day",
    ("mod_kanzlei/ctl/status.c", "show_rows"): STORED,
    ("mod_kanzlei/ctl/status.c", "show_waiting"): STORED,
    ("mod_kanzlei/http/csrf.c", "kz_csrf_read"): STORED,
    ("mod_kanzlei/io/store/keep.c", "kz_stores_sweep"): STORED,
    ("mod_kanzlei/model/check/check_objects.c", "kz_check_objects"): STORED,
    ("mod_kanzlei/model/upload/finish.c", "may_be_elsewhere"): STORED,
    ("mod_kanzlei/model/upload/sweep.c", "remove_strays"): STORED,
    ("mod_kanzlei/model/worker.c", "begin_alive"): STORED,
    ("mod_kanzlei/pages/accounts.c", "page_account_letter"): READ,
    ("mod_kanzlei/pages/receipts.c", "ask_receipts"): READ,
    ("mod_kanzlei/scand/master.c", "load"): READ,
    ("mod_kanzlei/template/view.c", "kz_view_create"): READ,
}


def asked(root):
    """Yields (file, function or "", line, word) for each place that asks for the time of day."""
    for path in c_files(root, "mod_kanzlei"):
        text = code(path)
        spans = [(m.start(3), m.end(3), m[1]) for m in FUNCTION.finditer(text)]
        for match in WALL.finditer(text):
            inside = [name for start, end, name in spans if start <= match.start() < end]
            line = text.count("\n", 0, match.start()) + 1
            yield path, next(iter(inside), ""), line, match[1] or match[2]


def wall_clock(root, places):
    name = {(str(path.relative_to(root)), function) for path, function, _, _ in asked(root)}
    found = [
        at(root, path, line, f"{word} in {function or 'no function'}: use kz_clock_now()")
        for path, function, line, word in asked(root)
        if (str(path.relative_to(root)), function) not in places
    ]
    return found + [f"{file}: {function} is listed, and asks no more" for file, function in
                    sorted(set(places) - name)]  # fmt: skip


def test_wall_clock():
    assert not wall_clock(ROOT, PLACES), listed(wall_clock(ROOT, PLACES))


SAMPLES = {
    "f": "static long f(void)\n{\n    return apr_time_now();\n}\n",
    "g": "static int g(void)\n{\n    return pthread_cond_timedwait(&c, &m, &t);\n}\n",
    "h": "static void h(void)\n{\n    clock_gettime(CLOCK_REALTIME, &now);\n}\n",
    "i": "static long i(void)\n{\n    return time(NULL);\n}\n",
}


@pytest.mark.parametrize("name", SAMPLES)
def test_wall_clock_can_fail(tmp_path, name):
    write(tmp_path, {"mod_kanzlei/a.c": SAMPLES[name]})
    assert wall_clock(tmp_path, {}) != []
    assert wall_clock(tmp_path, {("mod_kanzlei/a.c", name): READ}) == []
    assert wall_clock(tmp_path, {("mod_kanzlei/a.c", name): READ, ("b.c", "x"): READ}) != []


def test_other_clocks_are_free(tmp_path):
    text = "/* time(NULL) */\nstatic void f(void)\n{\n    clock_gettime(CLOCK_MONOTONIC, &t);\n}\n"
    write(tmp_path, {"mod_kanzlei/a.c": text})
    assert wall_clock(tmp_path, {}) == []
