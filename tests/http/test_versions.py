"""The second of two people who change the same thing is told, with both values, instead of undoing
the first in silence; by the page and by JSON."""

import re
import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest

CSRF = re.compile(r'name="csrf" value="([^"]+)"')


@pytest.fixture(scope="module")
def clerks(portal):
    return [portal.signed_in(portal.fresh_staff("--admin")) for _ in range(2)]


@pytest.fixture
def client(clerks):
    fields = {"number": secrets.token_hex(4), "kind": "person", "first_name": "Anna",
              "name": "Berg", "street": "Weg 1", "city": "Köln", "language": "de"}  # fmt: skip
    return clerks[0].made("/clients", fields), fields


def page(browser, path):
    """Opens a page with a form; returns the form's token."""
    answer = browser.get(path, json_view=False)
    assert answer.status_code == 200
    return CSRF.findall(answer.text)[-1]


def save(browser, path, token, fields):
    """Sends a form as a browser does."""
    return browser.request("POST", path, token=False, json_view=False,
                           data=fields | {"csrf": token}, headers={"Origin": browser.url})


def test_the_second_of_two_clerks_sees_both_values(clerks, client):
    (one, two), (client, fields) = clerks, client
    path = f"/clients/{client}"
    first, second = page(one, path + "/edit"), page(two, path + "/edit")
    assert save(one, path, first, fields | {"street": "Ring 2"}).status_code == 303
    answer = save(two, path, second, fields | {"city": "Bonn"})
    assert answer.status_code == 409
    assert "Jemand anders hat diese Angaben geändert" in answer.text
    assert answer.text.count("Inzwischen gespeichert: „Ring 2“.") == 2, "on top and at its field"
    assert 'value="Weg 1"' in answer.text and 'value="Bonn"' in answer.text, "what was typed stays"
    stored = one.get_json(path)["client"]
    assert (stored["street"], stored["city"]) == ("Ring 2", "Köln")
    again = CSRF.findall(answer.text)[-1]
    both = fields | {"street": "Ring 2", "city": "Bonn"}
    assert save(two, path, again, both).status_code == 303, "who has seen it can save"
    stored = one.get_json(path)["client"]
    assert (stored["street"], stored["city"]) == ("Ring 2", "Bonn")


def test_who_types_the_same_disturbs_nobody(clerks, client):
    (one, two), (client, fields) = clerks, client
    path = f"/clients/{client}"
    first, second = page(one, path + "/edit"), page(two, path + "/edit")
    fields |= {"city": "Bonn"}
    assert save(one, path, first, fields).status_code == 303
    assert save(two, path, second, fields).status_code == 303


def test_a_form_that_came_back_wrong_keeps_its_version(clerks, client):
    (one, two), (client, fields) = clerks, client
    path = f"/clients/{client}"
    wrong = save(two, path, page(two, path + "/edit"), fields | {"email": "keine"})
    assert wrong.status_code == 422
    assert save(one, path, page(one, path + "/edit"), fields | {"city": "Bonn"}).status_code == 303
    again = CSRF.findall(wrong.text)[-1]
    assert save(two, path, again, fields | {"street": "Ring 2"}).status_code == 409


def test_etag_and_if_match(clerks, client):
    (one, two), (client, fields) = clerks, client
    path = f"/clients/{client}"
    etag = one.get(path + "/edit").headers["ETag"]
    assert re.fullmatch(r'"[\w-]{12}"', etag)
    assert one.post_json(path, fields | {"city": "Bonn"}).status_code == 428
    for match in ('"AAAAAAAAAAAA"', f"W/{etag}", "", etag.strip('"')):
        answer = one.post_json(path, fields | {"city": "Bonn"}, headers={"If-Match": match})
        assert answer.status_code == 409, match
    match = {"If-Match": f'"x", {etag}'}
    assert one.post_json(path, fields | {"city": "Bonn"}, headers=match).status_code == 303
    answer = two.post_json(path, fields | {"street": "Ring 2"}, headers={"If-Match": etag})
    assert answer.status_code == 409
    assert answer.headers["Content-Type"] == "application/problem+json"
    errors = {one["name"]: (one["stored"], one["sent"]) for one in answer.json()["errors"]}
    assert errors == {"city": ("Bonn", "Köln"), "street": ("Weg 1", "Ring 2")}
    assert two.get_json(path)["client"]["city"] == "Bonn"
    answer = two.post_json(path, fields | {"street": "Ring 2"}, headers={"If-Match": "*"})
    assert answer.status_code == 303


def test_one_of_two_at_the_same_time(clerks, client):
    (one, two), (client, fields) = clerks, client
    path = f"/clients/{client}"
    for turn in range(5):
        etag = {"If-Match": one.get(path + "/edit").headers["ETag"]}
        with ThreadPoolExecutor(2) as pool:
            sent = [pool.submit(each.post_json, path, fields | {"city": f"{turn}-{name}"},
                                headers=etag) for name, each in enumerate((one, two))]
            assert sorted(each.result().status_code for each in sent) == [303, 409]


def test_rights_as_well(portal, clerks):
    one, two = clerks
    user = portal.fresh_staff()
    (staff,) = portal.sql("SELECT id FROM account WHERE user_name = %s", user)[0]
    path = f"/staff/{staff}"
    first, second = page(one, path), page(two, path)
    assert save(one, path, first, {"right_release": "1"}).status_code == 303
    answer = save(two, path, second, {"right_unlock": "1"})
    assert answer.status_code == 409
    assert "Inzwischen gespeichert: „" in answer.text
    assert portal.sql('SELECT name FROM "right" WHERE staff = %s', staff) == [("release",)]
    again = CSRF.findall(answer.text)
    assert save(two, path, again[2], {"right_unlock": "1"}).status_code == 303
    assert portal.sql('SELECT name FROM "right" WHERE staff = %s', staff) == [("unlock",)]


def save_at(browser, path, form, fields):
    """Opens the page at PATH, and sends the form on it that goes to FORM; returns the answer."""
    return save(browser, form, page(browser, path), fields)


def test_an_address_as_well(portal, clerks):
    """Of two clerks who correct the address of one access the second is told."""
    one, two = clerks
    person = portal.make_client(one, "Adresse", "adresse")
    path = f"/accounts/{person.account}"
    form = f"{path}/address"
    token = page(two, path)
    assert save_at(one, path, form, {"email": "neu@mandant.example"}).status_code == 303
    answer = save(two, form, token, {"email": "anders@mandant.example"})
    assert answer.status_code == 409
    assert answer.text.count("Inzwischen gespeichert: „neu@mandant.example“.") == 2
    assert 'value="anders@mandant.example"' in answer.text
    etag = {"If-Match": one.get(path).headers["ETag"]}
    assert one.get_json(path)["account"]["email"] == "neu@mandant.example"
    assert one.post_json(form, {"email": "c@mandant.example"}).status_code == 428
    again = CSRF.findall(answer.text)[-1]
    assert save(two, form, again, {"email": "anders@mandant.example"}).status_code == 303
    answer = one.post_json(form, {"email": "c@mandant.example"}, headers=etag)
    assert answer.status_code == 409
    (error,) = answer.json()["errors"]
    assert (error["stored"], error["sent"]) == ("anders@mandant.example", "c@mandant.example")
    etag = {"If-Match": one.get(path).headers["ETag"]}
    for turn in range(5):
        with ThreadPoolExecutor(2) as pool:
            sent = [
                pool.submit(
                    each.post_json, form, {"email": f"{name}{turn}@mandant.example"}, headers=etag
                )
                for name, each in enumerate((one, two))
            ]
            assert sorted(each.result().status_code for each in sent) == [303, 409]
        etag = {"If-Match": one.get(path).headers["ETag"]}


def test_who_sees_a_part_of_an_access_changes_no_address(portal, clerks):
    """One that acts for a client as well whom the clerk doesn't see: said, not passed over."""
    admin, user = clerks[0], portal.fresh_staff("--right", "clients")
    person = portal.make_client(admin, "Ganz", "ganz")
    other = portal.make_client(admin, "Anders", "anders")
    portal.sql(
        "INSERT INTO account_client (firm, account, client) SELECT firm, %s, id FROM client"
        " WHERE id = %s",
        person.account,
        other.client,
    )
    (staff,) = portal.sql("SELECT id FROM account WHERE user_name = %s", user)[0]
    answer = admin.post_json(f"/clients/{person.client}/assignments", {"staff": str(staff)})
    assert answer.status_code == 303
    clerk = portal.signed_in(user)
    path = f"/accounts/{person.account}"
    answer = save_at(clerk, path, f"{path}/address", {"email": "weg@mandant.example"})
    assert answer.status_code == 404
    assert [clerk.post_json(path + way).status_code for way in ("/invite", "/letter")] == [404, 404]
    assert admin.get_json(path)["account"]["email"] == "ganz@mandant.example"


def test_settings_as_well(clerks):
    one, two = clerks
    path, token = "/settings", page(two, "/settings")
    before = one.get(path)
    assert before.json()["form"]["mail_detail"] == "none"
    assert save_at(one, path, path, {"mail_detail": "names"}).status_code == 303
    answer = save(two, path, token, {"mail_detail": "none"})
    assert answer.status_code == 409
    assert "Inzwischen gespeichert: „" in answer.text
    assert one.post_json(path, {"mail_detail": "none"}).status_code == 428
    etag = {"If-Match": before.headers["ETag"]}
    assert one.post_json(path, {"mail_detail": "none"}, headers=etag).status_code == 409
    assert one.get_json(path)["form"]["mail_detail"] == "names"
    again = CSRF.findall(answer.text)[-1]
    assert save(two, path, again, {"mail_detail": "none"}).status_code == 303
    assert one.get_json(path)["form"]["mail_detail"] == "none"
