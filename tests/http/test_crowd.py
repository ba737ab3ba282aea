"""Many at once, and some who mean harm: whoever asks for much makes only himself wait."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import psycopg
import pytest
from person import wait_for
from portal import TUS
from running import PASSWORD

STRANGERS = 40  # connections of one address, each of which tries passwords as fast as it can


@pytest.mark.expect_log(r"more want a slot than can have one")
def test_a_browser_that_is_known_signs_in_while_strangers_crowd(portal):
    """They have one address in this test, so a new browser would share their fate; one that has
    signed in before does not."""
    user = portal.fresh_staff()
    known = portal.browser()
    assert known.sign_in(user, PASSWORD).status_code == 303
    over, codes = Event(), []

    def crowd(_):
        stranger = portal.browser()
        stranger.get_json("/sign-in")
        while not over.is_set():
            answer = stranger.post_json("/sign-in", {"user": "nobody", "password": "wrong"})
            codes.append(answer.status_code)

    with ThreadPoolExecutor(STRANGERS) as pool:
        crowding = [pool.submit(crowd, number) for number in range(STRANGERS)]
        try:
            while codes.count(503) < 100:  # the crowd fills its share
                over.wait(0.1)
            answers = [known.sign_in(user, PASSWORD).status_code for _ in range(10)]
        finally:
            over.set()
        for one in crowding:
            one.result()
    assert answers == [303] * 10
    assert set(codes) == {422, 503}


@pytest.mark.parametrize("forged", ["", "x", "AAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA", "." * 300])
@pytest.mark.expect_log(r"more want a slot than can have one")
def test_a_forged_cookie_makes_nobody_known(portal, forged):
    """Whoever makes one up is counted by address: all that such browsers get is the address's
    share."""
    refused = []

    def attempt(number):
        browser = portal.browser()
        browser.get_json("/sign-in")
        host = portal.url.partition("://")[2].partition(":")[0]
        browser.http.cookies.set("__Host-kz_known", f"{forged}{number if forged else ''}", host)
        refused.append(browser.post_json("/sign-in", {"user": "a", "password": "b"}).status_code)

    with ThreadPoolExecutor(STRANGERS) as pool:
        list(pool.map(attempt, range(STRANGERS)))
    assert 503 in refused


def cancel_all(person, uploads):
    for upload in uploads:
        assert person.browser.request(
            "DELETE", f"/uploads/{upload}", headers=TUS).status_code == 204  # fmt: skip


@pytest.mark.parametrize(("size", "count"), [(1000, 200), (10 << 30, 10)])
def test_who_announces_much_takes_no_room_of_others(portal, admin, maria, size, count):
    """So many uploads, or so many bytes, of one account; then a sentence that says what to do."""
    much = portal.make_client(admin, "Viel", f"viel-{secrets.token_hex(4)}")
    uploads = [much.browser.created(much.matter, size) for _ in range(count)]
    answer = much.browser.create(much.matter, size)
    assert answer.status_code == 429
    assert "sehr viele Übertragungen" in answer.json()["detail"]
    uploads_of_maria = [maria.browser.created(maria.matter, size)]
    cancel_all(much, uploads[:1])
    uploads[0] = much.browser.created(much.matter, size)
    cancel_all(much, uploads)
    cancel_all(maria, uploads_of_maria)


@contextmanager
def gate(portal, table, count, at_work):
    """Returns a pool of COUNT threads. Until AT_WORK transactions wait to write to TABLE, or for
    each other, none of them goes on."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with psycopg.connect(portal.database()) as db, ThreadPoolExecutor(count) as pool:
        db.execute(f"LOCK TABLE {table} IN SHARE MODE")
        yield pool
        wait_for(lambda: portal.sql(waiting)[0][0] >= at_work)
        db.rollback()


def test_who_announces_much_at_once_is_counted(portal, admin):
    much = portal.make_client(admin, "Zugleich", f"zugleich-{secrets.token_hex(4)}")
    uploads = [much.browser.created(much.matter, 10 << 30) for _ in range(9)]
    browsers = [portal.browser() for _ in range(4)]  # with connections of their own
    for browser in browsers:
        browser.http.cookies = much.browser.http.cookies
        browser.get_json("/")
    with gate(portal, "upload", 4, 2) as pool:  # a process works at so many uploads at once
        sent = [pool.submit(one.create, much.matter, 10 << 30) for one in browsers]
    assert sorted(answer.result().status_code for answer in sent) == [201, 429, 429, 429]
    found = portal.sql("SELECT id::text FROM upload WHERE account = %s", much.account)
    cancel_all(much, [upload for (upload,) in found])
    assert len(found) == len(uploads) + 1


def test_many_wishes_for_a_new_password_at_once_are_one_mail(portal, admin):
    user = f"vergesslich-{secrets.token_hex(4)}"
    portal.make_client(admin, "Vergesslich", user)
    browsers = [portal.browser() for _ in range(4)]
    for browser in browsers:
        browser.get_json("/forgotten")
    with gate(portal, "job", 4, 4) as pool:
        sent = [pool.submit(one.post_json, "/forgotten", {"user": user}) for one in browsers]
    assert {answer.result().status_code for answer in sent} == {200}
    made = "SELECT count(*) FROM code k JOIN account a ON a.id = k.account " \
           "WHERE a.user_name = %s AND k.purpose = 'password'"  # fmt: skip
    assert portal.sql(made, user) == [(1,)]


def test_a_code_is_used_while_its_address_changes(portal, admin):
    """The change comes first, and ends the code; neither of the two is told to try again."""
    user = f"umzug-{secrets.token_hex(4)}"
    client = portal.make_client(admin, "Umzug", user)
    code = admin.post_json(f"/accounts/{client.account}/letter").json()["code"]
    reader = portal.browser()
    reader.get_json("/redeem")
    fields = {"code": code, "password": PASSWORD, "password_again": PASSWORD}
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with psycopg.connect(portal.database()) as db, ThreadPoolExecutor(2) as pool:
        db.execute("SELECT FROM account WHERE id = %s FOR UPDATE", [client.account])
        changed = pool.submit(
            admin.post_json, f"/accounts/{client.account}/address",
            {"email": f"{user}@neu.example"}, headers={"If-Match": "*"},
        )  # fmt: skip
        wait_for(lambda: portal.sql(waiting)[0][0] == 1)
        used = pool.submit(reader.post_json, "/redeem/password", fields)
        wait_for(lambda: portal.sql(waiting)[0][0] == 2)
        db.rollback()
    assert (changed.result().status_code, used.result().status_code) == (303, 422)
