"""Faults of PostgreSQL: it stops, it hangs, and it comes back."""

import html
import re
import secrets
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from breakable import descendants, kill
from breakable import privileged as root
from contents import random_content
from person import wait_for

DOWN = r"the database is (away: DB_DOWN: .*(connect|lost|read|terminating)|back after)"


def lines_about_it(site, before):
    """Returns what the log has said of the database: how often that it is away, and that it is
    back."""
    said = site.said_since(before)
    return said.count("the database is away"), said.count("the database is back")


def pages(browser):
    """Returns requests for pages as HTML, and for the same as JSON."""
    return {
        "page": lambda: browser.get("/", json_view=False),
        "json": lambda: browser.get("/"),
        "entrance": lambda: browser.get("/sign-in", json_view=False),
    }


def problems(site):
    return "\n".join(site.kanzleictl("status", fails=True)["problems"])


def test_its_disk(site):
    """A disk of the database that is nearly full, or can only be read, is not good."""
    folder = site.data / "pg/cluster"
    assert "database" not in problems(site)
    assert site.kanzleictl("status", fails=True)["database"]["free"] > 0
    site.cover(folder, "16m")  # PostgreSQL goes on in what is below
    assert "the database is nearly full" in problems(site)
    root("mount", "-o", "remount,ro", folder)
    assert "the database is on a disk that can only be read" in problems(site)
    site.uncover(folder)
    assert "database" not in problems(site)


@pytest.mark.expect_log("read-only transaction", "the database is back")
def test_takes_no_changes(site):
    """A database that can be read and takes no changes, as a stand-by does, is not good."""
    role = "ALTER ROLE kanzlei_portal"
    site.sql(f"{role} SET default_transaction_read_only = on")
    try:
        assert "the database takes no changes" in problems(site)
    finally:
        site.sql(f"{role} RESET default_transaction_read_only")
    assert "database" not in problems(site)


@pytest.mark.expect_log(DOWN)
def test_stopped_and_started(site, maria):
    browser = maria.browser
    document = browser.upload(maria.matter, b"before")
    half = browser.created(maria.matter, 10)
    assert browser.patch(half, 0, b"12345").status_code == 204
    before = site.log.stat().st_size
    site.postgres("stop", "-m", "fast")
    for name, call in pages(browser).items():
        site.said(f"PostgreSQL stopped: {name}", call, 503)
    site.said("PostgreSQL stopped: upload", lambda: browser.create(maria.matter, 5), 503)
    site.said("PostgreSQL stopped: resume", lambda: browser.patch(half, 5, b"67890"), 503)
    site.said("PostgreSQL stopped: form", lambda: browser.send_form(
        maria.matter, ("a.txt", random_content(1000))), 503)  # fmt: skip
    time.sleep(5)  # the jobs of each lane look for it, too
    assert lines_about_it(site, before) == (1, 0)
    site.postgres("start")
    site.back("PostgreSQL started", lambda: browser.get("/").status_code == 200)
    assert lines_about_it(site, before) == (1, 1)
    assert browser.patch(half, 5, b"67890").status_code == 204
    assert browser.get(f"/documents/{half}/content").content == b"1234567890"
    assert browser.get(f"/documents/{document}/content").content == b"before"


TYPED = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


@pytest.mark.expect_log(DOWN)
def test_what_was_typed_is_sent_again(site, admin):
    """The page of an error that passes has what was typed, and a button that sends it; where that
    was a password, or a page was asked for, the way back there."""
    entrance, site_of = site.browser(), {"Origin": site.url}

    def post(browser, path, **fields):
        headers = site_of | {"Referer": f"{site.url}{browser.base}{path}"}
        return browser.request("POST", path, token=False, json_view=False, data=fields,
                               headers=headers)  # fmt: skip

    page = admin.get("/clients/new", json_view=False).text
    token = re.findall(r'name="csrf" value="([^"]+)"', page)[-1]
    typed = {"number": secrets.token_hex(4), "kind": "company", "name": 'Getippt & "Söhne"'}
    csrf = entrance.get_json("/sign-in")["csrf"]
    site.postgres("stop", "-m", "fast")
    answer = post(admin, "/clients", csrf=token, **typed)
    assert answer.status_code == 503
    kept = {name: html.unescape(value) for name, value in TYPED.findall(answer.text)}
    assert kept == typed | {"csrf": token}
    assert f'action="{admin.base}/clients"' in answer.text
    secret = post(entrance, "/sign-in", csrf=csrf, user="admin", password="Geheim-7")
    assert secret.status_code == 503
    assert "Geheim-7" not in secret.text
    assert f'href="{entrance.base}/sign-in"' in secret.text
    asked = admin.get("/documents?state=new", json_view=False)
    assert f'href="{admin.base}/documents?state=new"' in asked.text
    site.postgres("start")
    site.back("PostgreSQL started", lambda: admin.get("/").status_code == 200)
    places = {post(admin, "/clients", **kept).headers["Location"] for _ in range(2)}
    assert len(places) == 1
    stored = "SELECT name FROM client WHERE number = %s"
    assert site.sql(stored, typed["number"]) == [(typed["name"],)]


@pytest.mark.expect_log(DOWN, r"SCANNER_DOWN")
def test_away_while_an_upload_is_scanned(site, maria):
    """The upload can't be given back either; it goes on as soon as the database is back, not when
    its lease is over."""
    browser = maria.browser
    upload = browser.created(maria.matter, 5)
    scanner = site.scanners()
    kill(scanner, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        last = pool.submit(browser.patch, upload, 0, b"12345")
        leased = "SELECT 1 FROM upload WHERE id = %s AND lease IS NOT NULL"
        wait_for(lambda: site.sql(leased, upload))
        site.postgres("stop", "-m", "immediate")
        kill(scanner, signal.SIGCONT)
        assert last.result().status_code == 503
    time.sleep(1)  # the process gives up telling the database
    site.postgres("start")
    site.back("PostgreSQL was away during a scan", lambda: browser.state(upload) == "available")
    assert site.sql("SELECT lease FROM upload WHERE id = %s", upload) == [(None,)]


def crowd(site, person, count):
    """Opens COUNT browsers of this person, each with a connection of its own."""
    made = []
    for _ in range(count):
        browser = site.browser()
        browser.http.cookies = person.http.cookies
        browser.csrf = person.csrf
        assert browser.get("/sign-in").status_code == 200
        made.append(browser)
    return made


@pytest.mark.expect_log(DOWN, r"DB_BUSY")
def test_hanging(site, maria):
    browser = maria.browser
    document = browser.upload(maria.matter, b"before")
    half = browser.created(maria.matter, 10)
    assert browser.patch(half, 0, b"12345").status_code == 204
    hanging = descendants(site.postgres_pid())
    kill(hanging, signal.SIGSTOP)
    for name, call in pages(browser).items():
        site.said(f"PostgreSQL hangs: {name}", call, 503)
    site.said("PostgreSQL hangs: upload", lambda: browser.create(maria.matter, 5), 503)
    site.said("PostgreSQL hangs: resume", lambda: browser.patch(half, 5, b"67890"), 503)
    kill(hanging, signal.SIGCONT)
    site.back("PostgreSQL goes on", lambda: browser.get("/").status_code == 200)
    assert browser.patch(half, 5, b"67890").status_code == 204
    assert browser.get(f"/documents/{half}/content").content == b"1234567890"
    assert browser.get(f"/documents/{document}/content").content == b"before"


@pytest.mark.expect_log(DOWN, r"DB_BUSY")
def test_hanging_for_a_crowd(site, maria):
    """More requests come at once than there are connections: even the last one is answered in
    time."""
    browsers = crowd(site, maria.browser, 40)
    hanging = descendants(site.postgres_pid())
    kill(hanging, signal.SIGSTOP)
    with ThreadPoolExecutor(len(browsers)) as pool:
        for turn in range(2):
            list(pool.map(lambda one, turn=turn: site.said(
                f"PostgreSQL hangs, 40 at once, time {turn + 1}", lambda: one.get("/"), 503),
                browsers))  # fmt: skip
    kill(hanging, signal.SIGCONT)
    site.back("PostgreSQL goes on: 40 at once", lambda: maria.browser.get("/").status_code == 200)


@pytest.mark.expect_log(DOWN)
def test_ended_connections(site, admin):
    """Whoever is told that it has failed finds nothing, however short before the end it did."""
    told, over = {}, Event()

    def make(browser, lead):
        for number in range(60):
            name = f"{lead}-{number}"
            fields = {"number": name, "kind": "company", "name": name, "language": "de"}
            told[name] = browser.post_json("/clients", fields).status_code

    def end_connections():
        while not over.wait(0.02):
            site.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE usename = 'kanzlei_portal' AND random() < 0.3"
            )

    browsers = crowd(site, admin, 3)
    leads = [secrets.token_hex(3) for _ in browsers]
    with ThreadPoolExecutor(4) as pool:
        ending = pool.submit(end_connections)
        try:
            list(pool.map(make, browsers, leads))
        finally:
            over.set()
        ending.result()
    made = {number for (number,) in site.sql("SELECT number FROM client")}
    assert set(told.values()) == {303, 503}
    assert {name for name, status in told.items() if status == 303} == made & set(told)
