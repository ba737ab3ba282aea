"""The lists of the firm's home page, and their order."""

import secrets

import pytest
from person import wait_for


@pytest.fixture(scope="module")
def scene(portal, admin):
    """A client with three documents in each direction, and the only member of staff assigned to
    her."""
    client = portal.make_client(admin, "Anfang", "anfang-" + secrets.token_hex(4))
    helper = portal.fresh_staff()
    staff = next(row["id"] for row in admin.get_json("/staff")["staff"] if row["user"] == helper)
    answer = admin.post_json(f"/clients/{client.client}/assignments", {"staff": staff})
    assert answer.status_code == 303, answer.text
    for number in range(3):
        client.browser.upload(client.matter, b"x", f"von ihr {number}.txt")
        admin.upload(client.matter, b"x", f"an sie {number}.txt")
    client.helper = portal.signed_in(helper)
    return client


def names(rows):
    return [row["name"] for row in rows]


def test_new_from_clients_the_newest_first(admin, scene):
    newest = [f"von ihr {number}.txt" for number in (2, 1, 0)]
    assert names(scene.helper.get_json("/")["fresh"]) == newest
    assert names(admin.get_json("/")["fresh"])[:3] == newest


def test_not_opened_yet_the_longest_wait_first(admin, scene):
    oldest = [f"an sie {number}.txt" for number in (0, 1, 2)]
    assert names(scene.helper.get_json("/")["unopened"]) == oldest
    times = [row["at"] for row in admin.get_json("/")["unopened"]]
    assert times == sorted(times)


def test_an_opened_document_is_no_longer_new(scene):
    opened = scene.helper.get_json("/")["fresh"][0]["id"]
    scene.helper.get_json(f"/documents/{opened}")
    answer = scene.helper.get(f"/documents/{opened}/content?view", headers={"Accept": "*/*"})
    assert answer.status_code == 200
    wait_for(lambda: opened not in [row["id"] for row in scene.helper.get_json("/")["fresh"]])


def test_providing_to_somebody_without_access_says_so(portal, admin):
    """Staff see before they provide that nobody will see it, or be portal."""
    client = admin.made("/clients", {"number": secrets.token_hex(4), "kind": "company",
                                     "name": "Ohne GmbH"})
    matter = admin.made(f"/clients/{client}/matters", {"number": "1", "title": "Steuer"})
    view = admin.get_json(f"/matters/{matter}")
    assert (view["no_access"], view["no_mail"]) == (True, False)
    page = admin.get(f"/matters/{matter}", json_view=False).text
    assert "niemand erfährt davon" in page
    person = portal.make_client(admin, "Mit", "mit-" + secrets.token_hex(3))
    for email, no_mail in ((person.client + "@mandant.example", False), ("", True)):
        portal.sql("UPDATE account SET email = %s WHERE id = %s", email, person.account)
        view = admin.get_json(f"/matters/{person.matter}")
        assert (view["no_access"], view["no_mail"]) == (False, no_mail)
    view = person.browser.get_json(f"/matters/{person.matter}")
    assert not view["no_access"] and not view["no_mail"]
