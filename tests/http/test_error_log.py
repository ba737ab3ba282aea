"""The check of the error log finds the lines that must fail a test, and no others."""

import os
from pathlib import Path

import psycopg
import pytest
from capable import need_tracing
from running import unexpected

SAID = {
    "a line of httpd's": "[ssl:error] [pid 1:tid 1] AH01234: something broke",
    "AddressSanitizer": "==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x60",
    "its summary": "SUMMARY: AddressSanitizer: heap-use-after-free http/page.c:71 in title_key",
    "UndefinedBehaviorSanitizer": "pages/login.c:48:42: runtime error: signed integer overflow",
    "a leak": "    #1 0x7f8eedb04c03 in page_help /src/mod_kanzlei/pages/login.c:30",
    "a leak of the scanner": "    #0 0x7f8e (/data/program/1/usr/lib/kanzlei-scand+0x1234)",
}
LEAK_OF_HTTPD = """
=================================================================
==8258==ERROR: LeakSanitizer: detected memory leaks

Direct leak of 200 byte(s) in 1 object(s) allocated from:
    #0 0x7f868dcb83b7 in __interceptor_calloc ../../../src/asan_malloc_linux.cpp:77
    #1 0x7f868dbe5139 in apr_allocator_create (/lib/x86_64-linux-gnu/libapr-1.so.0+0x22139)
    #2 0x555c045a2801 in main (/usr/sbin/apache2+0x3a801)

Indirect leak of 8 byte(s) in 1 object(s) allocated from:
    #0 0x7f868dcb89cf in __interceptor_malloc ../../../src/asan_malloc_linux.cpp:69
    #1 0x7f868cd3ad2f  (/usr/lib/apache2/modules/mod_ssl.so+0xed2f)

SUMMARY: AddressSanitizer: 208 byte(s) leaked in 2 allocation(s).
"""


@pytest.mark.parametrize("line", SAID.values(), ids=SAID)
def test_an_unexpected_line_fails_a_test(line):
    assert unexpected("AH00094: Command line\n" + line + "\n", ()) == [line]


def test_an_expected_line_passes():
    assert unexpected("AH01234: something broke", (r"AH01234",)) == []


def test_leaks_of_other_programs_pass():
    assert unexpected(LEAK_OF_HTTPD, ()) == []


def test_the_portal_of_this_run_has_sanitizers_when_there_is_such_a_build(portal):
    need_tracing()
    pid = (portal.data / "run/httpd.pid").read_text().strip()
    loaded = "libasan" in Path(f"/proc/{pid}/maps").read_text()
    assert loaded == ("KZ_BUILD_ASAN" in os.environ)


@pytest.mark.expect_log(r"DB_BUSY")
def test_nothing_that_was_searched_for(portal, admin):
    """A browser sends the page before with it, and httpd's own lines show that."""
    before = portal.log.stat().st_size
    page = f"{portal.url}{admin.base}/documents?q=Scheidung"
    with psycopg.connect(portal.database()) as db:
        db.execute("LOCK TABLE document IN ACCESS EXCLUSIVE MODE")
        assert admin.get("/documents", headers={"Referer": page}).status_code == 503
    said = portal.said_since(before)
    assert "DB_BUSY" in said and "Scheidung" not in said
