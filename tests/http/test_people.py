"""Clients, accesses, codes, passwords, sessions and staff, on a whole portal."""

import itertools
import subprocess
from pathlib import Path

import pytest
from person import CODE, Person, mails, wait_for

CHEF = "Admin-Wolke-7-Feder"
SABINE = "Staff-Anker-3-Birke"
MARIA = "Segel-Pfanne-81-Moos"
NEW = "Quitte-Leiter-54-Dachs"

counter = itertools.count(1)


class House:
    """Two firms that only these tests use, in the common portal."""

    def __init__(self, portal):
        self.portal = portal
        self.mail = portal.data / "mail"

    def staff(self, firm, user, password, *options):
        """Makes a member of a firm's staff, with a mail address made from the user name."""
        self.portal.kanzleictl(
            *("staff", "create", "--firm", firm, "--user", user, "--name", user.title()),
            *("--email", f"{user}@{firm}.example", "--password-stdin", *options),
            stdin=password + "\n",
        )

    def person(self, firm="muster", agent="test/1"):
        """Returns a person at a firm's entrance, with a browser of their own."""
        made = Person(self.portal.url, self.portal.authority, firm, agent)
        self.portal.browsers.append(made)
        return made

    def sql(self, statement):
        """Runs a statement as the cluster's superuser; returns what psql prints."""
        data = self.portal.data
        server = max(Path("/usr/lib/postgresql").iterdir(), key=lambda path: float(path.name))
        command = [server / "bin/psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "postgres"]
        command += ["-h", data / "pg/socket", "-d", "kanzlei", "-c", statement]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, cwd="/", check=True
        )
        return done.stdout.strip()


@pytest.fixture(scope="module")
def house(portal):
    made = House(portal)
    for firm in ("muster", "andere"):
        portal.kanzleictl("firm", "create", firm, "--name", f"Kanzlei {firm.title()}")
        made.staff(firm, "chef", CHEF, "--admin")
    made.staff("muster", "sabine", SABINE, "--right", "clients", "--right", "unlock")
    made.staff("muster", "otto", SABINE)
    return made


@pytest.fixture
def chef(house):
    return signed_in(house, "chef", CHEF)


@pytest.fixture
def sabine(house):
    return signed_in(house, "sabine", SABINE)


def signed_in(house, user, password, firm="muster", agent="test/1"):
    person = house.person(firm, agent)
    assert person.enters(user, password)
    return person


def client_of(staff, **fields):
    """Makes a client with a unique number."""
    number = f"{next(counter):05}"
    filled = {"number": number, "kind": "person", "first_name": "Maria", "name": "Muster"} | fields
    return staff.make("/clients", **filled)


def access_of(staff, client, **fields):
    """Makes an access with a unique user name and mail address; returns its id and both."""
    user = f"maria.{next(counter)}"
    filled = {"user": user, "name": "Maria Muster", "email": f"{user}@example.org"} | fields
    return staff.make(f"/clients/{client}/accounts", **filled), user


def letter_code(staff, account):
    answer = staff.post(f"/accounts/{account}/letter")
    assert answer.status_code == 200, answer.text
    return answer.json()["code"]


def redeem(person, code, password=MARIA):
    return person.done("/redeem/password", code=code, password=password, password_again=password)


def with_access(house, staff, password=MARIA):
    """Makes a client's access with a password; returns account, user name and the signed-in
    person."""
    account, user = access_of(staff, client_of(staff))
    person = house.person()
    redeem(person, letter_code(staff, account), password)
    return account, user, person


def lock(house, user):
    stranger = house.person()
    for wrong in ("falsch-1", "falsch-2", "falsch-3"):
        assert not stranger.enters(user, wrong)


# --- clients ----------------------------------------------------------------------------------


def test_a_client_is_made_shown_and_changed(chef):
    client = client_of(chef, number="A-1", street="Hauptstraße 1", city="Köln", language="en")
    view = chef.get_json(f"/clients/{client}")
    assert view["client"]["client_name"] == "Maria Muster"
    assert view["client"]["language_en"]
    assert [event["kind"] for event in view["events"]] == ["client_created"]
    form = chef.get_json(f"/clients/{client}/edit")["form"]
    assert (form["street"], form["kind_person"]) == ("Hauptstraße 1", True)
    changed = {"number": "A-1", "kind": "company", "first_name": "weg", "name": "Muster GmbH"}
    assert chef.done(f"/clients/{client}", **changed) == (f"/clients/{client}", "saved")
    view = chef.get_json(f"/clients/{client}")
    assert view["client"]["client_name"] == "Muster GmbH"
    assert view["client"]["street"] is None
    assert [event["kind"] for event in view["events"]] == ["client_changed", "client_created"]


def test_a_number_is_unique_in_a_firm(house, chef):
    client = client_of(chef, number="twice")
    other = client_of(chef)
    same = {"number": "twice", "kind": "company", "name": "Muster GmbH"}
    assert set(chef.wrong("/clients", **same)) == {"number"}
    assert set(chef.wrong(f"/clients/{other}", **same)) == {"number"}
    assert chef.done(f"/clients/{client}", **same)[1] == "saved"
    assert client_of(signed_in(house, "chef", CHEF, "andere"), number="twice")


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, {"number", "name"}),
        ({"number": "x" * 41, "kind": "company", "name": "y" * 201}, {"number", "name"}),
        ({"number": "1x", "kind": "ship", "name": "A", "first_name": "B"}, {"kind"}),
        ({"number": "1x", "kind": "company", "name": "A", "email": "no"}, {"email"}),
        ({"number": "1x", "kind": "company", "name": "A\u0007"}, {"name"}),
    ],
)
def test_wrong_fields_of_a_client(chef, fields, wrong):
    assert set(chef.wrong("/clients", **fields)) == wrong


def test_search_takes_words_literally(chef):
    odd = client_of(chef, kind="company", first_name="", name="100%_Öl\\Gas", city="Überlingen")
    plain = client_of(chef, kind="company", first_name="", name="100 Öl Gas")

    def found(q):
        answer = chef.get("/clients", params={"q": q})
        return {row["id"] for row in answer.json()["clients"]}

    assert found("100%") == {odd}
    assert found("100%_öl\\g") == {odd}
    assert found("ÜBERLINGEN") == {odd}
    assert {odd, plain} <= found("100")
    assert found("kein solcher mandant") == set()


def test_clients_come_in_pages(house):
    staff = signed_in(house, "chef", CHEF, "andere")
    names = [f"Seite {n:03}" for n in range(60)]
    for name in names:
        client_of(staff, kind="company", first_name="", name=name)
    for query in ("?q=seite", "?"):
        shown, path = [], f"/clients{query}"
        while path:
            view = staff.get_json(path)
            assert len(view["clients"]) <= 50
            shown += [row["client_name"] for row in view["clients"]]
            path = view["next"] and view["next"].removeprefix(staff.base)
        assert [name for name in shown if name in names] == names
        assert view["first"]
    assert staff.get("/clients?after=nonsense").status_code == 400


def test_a_new_client_is_hidden_from_other_staff(house, chef, sabine):
    client = client_of(sabine)
    account, _ = access_of(sabine, client)
    assert [row["staff_name"] for row in sabine.get_json(f"/clients/{client}")["assignments"]] == [
        "Sabine"
    ]
    assert client in {row["id"] for row in sabine.get_json("/clients")["clients"]}
    assert chef.get_json(f"/clients/{client}")
    otto = signed_in(house, "otto", SABINE)
    stranger = signed_in(house, "chef", CHEF, "andere")
    for path in (f"/clients/{client}", f"/clients/{client}/edit", f"/accounts/{account}"):
        assert otto.get(path).status_code == 404
        assert stranger.get(path).status_code == 404
    for path in (f"/accounts/{account}/letter", f"/accounts/{account}/unlock"):
        assert otto.post(path).status_code == 404
        assert stranger.post(path).status_code == 404
    assert otto.get_json("/clients")["clients"] == []


def test_assignments_open_and_close(house, chef):
    client = client_of(chef)
    otto = signed_in(house, "otto", SABINE)
    (staff,) = [row for row in chef.get_json(f"/clients/{client}")["assignable"]
                if row["staff_name"] == "Otto"]  # fmt: skip
    assert otto.get(f"/clients/{client}").status_code == 404
    assert chef.done(f"/clients/{client}/assignments", staff=staff["id"])[1] == "assigned"
    assert chef.done(f"/clients/{client}/assignments", staff=staff["id"])[1] == "assigned"
    assert otto.get_json(f"/clients/{client}")["assignments"] == [
        {"staff_id": staff["id"], "staff_name": "Otto"}
    ]
    end = f"/clients/{client}/assignments/{staff['id']}/end"
    assert otto.post(end).status_code == 404  # has not the right to do it
    assert chef.done(end) == (f"/clients/{client}", "unassigned")
    assert otto.get(f"/clients/{client}").status_code == 404
    foreign = signed_in(house, "chef", CHEF, "andere").get_json("/staff")["staff"][0]["id"]
    assert chef.post(f"/clients/{client}/assignments", staff=foreign).status_code == 422


def test_who_makes_clients_assigns_a_colleague(sabine):
    client = client_of(sabine)
    page = sabine.get_json(f"/clients/{client}")
    (otto,) = [row["id"] for row in page["assignable"] if row["staff_name"] == "Otto"]
    assert sabine.done(f"/clients/{client}/assignments", staff=otto)[1] == "assigned"
    page = sabine.get_json(f"/clients/{client}")
    assert [row["staff_name"] for row in page["assignments"]] == ["Otto", "Sabine"]


def test_a_matter_is_seen_by_both_sides(house, chef):
    client = client_of(chef)
    account, _ = access_of(chef, client)
    assert set(chef.wrong(f"/clients/{client}/matters", number="1")) == {"title"}
    chef.done(f"/clients/{client}/matters", number="1", title="Steuern")
    person = house.person()
    redeem(person, letter_code(chef, account))
    assert [row["title"] for row in person.get_json("/matters")["matters"]] == ["Steuern"]
    assert person.get(f"/clients/{client}").status_code == 404


# --- accesses, codes --------------------------------------------------------------------------


def test_a_user_name_is_unique_in_a_firm(house, chef):
    client = client_of(chef)
    access_of(chef, client, user="Doppelt")
    again = {"user": "dOPPELT", "name": "X"}
    assert set(chef.wrong(f"/clients/{client}/accounts", **again)) == {"user"}
    other = signed_in(house, "chef", CHEF, "andere")
    access_of(other, client_of(other), user="doppelt")
    for user in ("a", "ä.b", "a b", "a" * 65):
        assert set(chef.wrong(f"/clients/{client}/accounts", user=user, name="X")) == {"user"}


def test_an_invitation_by_mail_works_once(house, chef):
    account, user = access_of(chef, client_of(chef))
    assert chef.get_json(f"/accounts/{account}")["account"]["state"] == "new"
    assert chef.done(f"/accounts/{account}/invite") == (f"/accounts/{account}", "invited")
    (mail,) = wait_for(lambda: mails(house.mail, f"{user}@example.org"))
    wait_for(lambda: chef.get_json(f"/accounts/{account}")["account"]["state"] == "invited")
    code = CODE.search(mail)[0]
    assert f"/redeem#{code}" in mail
    assert user in mail

    person = house.person()
    typed = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    view = person.post("/redeem", code=typed).json()
    assert view["account"] == {"user": user, "name": "Maria Muster"}
    assert redeem(person, typed) == ("/", "password_set")
    assert person.get_json("/")["me_user"] == user
    assert chef.get_json(f"/accounts/{account}")["account"]["state"] == "active"
    for path in ("/redeem", "/redeem/password"):
        wrong = house.person().wrong(path, code=code, password=NEW, password_again=NEW)
        assert set(wrong) == {"code"}
    assert house.person().enters(user, MARIA)
    assert not house.person().enters(user, NEW)


def test_codes_of_other_firms_old_ones_and_inventions(house, chef):
    account, user = access_of(chef, client_of(chef))
    first, second = letter_code(chef, account), letter_code(chef, account)
    texts = {}
    for name, firm, code in (
        ("foreign", "andere", second),
        ("invented", "muster", "AAAA-BBBB-CCCC-DDDD"),
        ("short", "muster", second[:-1]),
    ):
        texts[name] = house.person(firm).wrong("/redeem", code=code)["code"]
    assert texts["foreign"] == texts["invented"] == texts["short"]
    assert house.person().post("/redeem", code=first).status_code == 200
    house.sql(f"UPDATE code SET expires = now() - interval '1 s' WHERE account = '{account}'")
    expired = {house.person().wrong("/redeem", code=code)["code"] for code in (first, second)}
    assert len(expired) == 1
    assert expired != {texts["foreign"]}
    assert not house.person().enters(user, MARIA)


def test_an_older_code_stays_good_until_one_is_used(house, chef):
    """Whoever asks for a new code in somebody's name must not end the one that is on its way."""
    account, user, _ = with_access(house, chef)
    older = letter_code(chef, account)
    assert chef.done(f"/accounts/{account}/invite")[1] == "invited"
    house.person().post("/forgotten", user=user)


    def codes():  # another mail tells of the letter's code, and has none
        found = [CODE.search(mail) for mail in mails(house.mail, f"{user}@example.org")]
        return [code[0] for code in found if code]

    wait_for(lambda: len(codes()) == 2)
    others = [*codes(), letter_code(chef, account)]
    assert redeem(house.person(), older, NEW) == ("/", "password_set")
    assert house.person().enters(user, NEW)
    for code in others:
        assert set(house.person().wrong("/redeem", code=code)) == {"code"}


@pytest.mark.parametrize(
    "pasted",
    [
        "{code}.", "„{code}“", "\u200b{code}\ufeff", "{dashes}", "{link}", "<{link}>\r\n",
        "\u00a0{code}\n",
    ],
)  # fmt: skip
def test_codes_are_read_as_people_paste_them(house, chef, pasted):
    account, user = access_of(chef, client_of(chef))
    code = letter_code(chef, account)
    link = f"{house.portal.url}/k/muster/redeem#{code}"
    typed = pasted.format(code=code, dashes=code.replace("-", "\u2013"), link=link)
    person = house.person()
    assert person.post("/redeem", code=typed).json()["account"]["user"] == user
    assert redeem(person, typed) == ("/", "password_set")


def test_a_letter_that_is_loaded_anew_shows_the_same_code(house, chef, sabine):
    client = client_of(sabine)
    account, _ = access_of(sabine, client)
    page = sabine.get_json(f"/accounts/{account}")
    assert 'name="letter" value="' in sabine.get(f"/accounts/{account}", json_view=False).text
    answers = [
        sabine.post(f"/accounts/{account}/letter", letter=page["letter"]).json() for _ in range(3)
    ]
    assert len({answer["code"] for answer in answers}) == 1
    assert len({answer["expires"] for answer in answers}) == 1
    assert house.sql(f"SELECT count(*) FROM code WHERE account = '{account}'") == "1"
    kinds = [event["kind"] for event in sabine.get_json(f"/clients/{client}")["events"]]
    assert kinds.count("letter_printed") == 1
    again = sabine.get_json(f"/accounts/{account}")["letter"]
    assert again != page["letter"]
    others = [
        sabine.post(f"/accounts/{account}/letter", letter=again).json()["code"],
        chef.post(f"/accounts/{account}/letter", letter=page["letter"]).json()["code"],
        letter_code(sabine, account),
    ]
    assert len({answers[0]["code"], *others}) == 4
    redeem(house.person(), answers[0]["code"])
    late = sabine.post(f"/accounts/{account}/letter", letter=page["letter"])
    assert late.status_code == 409
    assert "code" not in late.json()


def test_codes_can_be_made_void(house, chef, sabine):
    """A letter is lost, or a mail has gone astray: one click, and its code is good for nothing; so
    is a mail's that still waits. It stands in the client's history, once."""
    client = client_of(sabine)
    account, user = access_of(sabine, client)
    path = f"/accounts/{account}"
    page = sabine.get(path, json_view=False).text
    assert "/codes/end" not in page, "there is no code yet"
    lost = letter_code(sabine, account)
    assert sabine.get_json(path)["account"]["code_until"]
    page = sabine.get(path, json_view=False).text
    assert "Zugangscode ungültig machen" in page and f"{path}/codes/end" in page
    assert sabine.done(f"{path}/codes/end") == (path, "codes_voided")
    assert house.sql(f"SELECT count(*) FROM job WHERE about = '{account}' AND state = 'waiting'"
                     " AND kind = 'mail'") == "0"
    person = house.person()
    assert redeem_fails(person, lost, "abgelaufen")
    assert sabine.get_json(path)["account"]["code_until"] is None
    assert sabine.done(f"{path}/codes/end") == (path, "codes_voided"), "no code, no event"
    kinds = [event["kind"] for event in sabine.get_json(f"/clients/{client}")["events"]]
    assert kinds.count("codes_voided") == 1
    redeem(house.person(), letter_code(sabine, account))
    assert house.person().enters(user, MARIA), "a new letter is good"
    assert house.person().enters(user, MARIA)
    sabine.done(f"{path}/codes/end")
    assert house.person().enters(user, MARIA), "a password is no code"


def redeem_fails(person, code, why):
    person.get_json("/redeem")
    answer = person.request("POST", "/redeem", json_view=False, data={"code": code})
    return answer.status_code == 422 and why in answer.text


def test_codes_of_staff_are_made_void_by_administrators(house, chef, sabine):
    fields = {"name": "Nina Neu", "user": "nina.neu", "email": "nina.neu@kanzlei.example"}
    staff = chef.make("/staff", **fields, language="de")
    code = letter_code(chef, staff)
    assert "/codes/end" in chef.get(f"/staff/{staff}", json_view=False).text
    assert sabine.post(f"/accounts/{staff}/codes/end").status_code == 404
    assert house.person().post("/redeem", code=code).status_code == 200
    assert chef.done(f"/accounts/{staff}/codes/end") == (f"/staff/{staff}", "codes_voided")
    assert redeem_fails(house.person(), code, "abgelaufen")


def test_codes_as_pages_say_what_to_do(house, chef):
    """A code that is used, expired, of another firm or invented gives a page with the sentence at
    the field, and help."""
    account, _ = access_of(chef, client_of(chef))
    old, code = letter_code(chef, account), letter_code(chef, account)
    redeem(house.person(), code)  # ends the other one
    for firm, typed, advice in (
        ("muster", code, "Dieser Code ist schon benutzt worden. Melden Sie sich mit Ihrem"),
        ("muster", old, "Dieser Code ist abgelaufen. Ihre Kanzlei schickt Ihnen gern einen neuen."),
        ("andere", code, "Diesen Code kennen wir nicht. Vergleichen Sie ihn bitte noch einmal."),
        ("muster", "AAAA-BBBB-CCCC-DDDD", "Diesen Code kennen wir nicht."),
    ):
        person = house.person(firm)
        person.get_json("/redeem")
        for path in ("/redeem", "/redeem/password"):
            answer = person.request("POST", path, json_view=False, data={"code": typed})
            assert answer.status_code == 422
            assert answer.headers["content-type"] == "text/html; charset=utf-8"
            assert advice in answer.text
            assert 'aria-invalid="true"' in answer.text


def test_an_access_without_a_mail_address(house, chef):
    """The page says that no invitation by mail is possible; a letter replaces it."""
    account, user = access_of(chef, client_of(chef), email="")
    before = house.sql("SELECT count(*) FROM job")
    answer = chef.post(f"/accounts/{account}/invite")
    assert answer.status_code == 422
    assert "keine E-Mail-Adresse hinterlegt" in answer.json()["detail"]
    assert house.sql("SELECT count(*) FROM job") == before
    page = chef.get(f"/accounts/{account}", json_view=False)
    assert "keine E-Mail-Adresse hinterlegt" in page.text
    with_one, _ = access_of(chef, client_of(chef))
    other = chef.get(f"/accounts/{with_one}", json_view=False)
    assert page.text.count("<button") == other.text.count("<button") - 1
    assert chef.get_json(f"/accounts/{account}")["account"]["state"] == "new"
    redeem(house.person(), letter_code(chef, account))
    assert house.person().enters(user, MARIA)


def test_which_passwords_are_accepted(house, chef):
    client = client_of(chef, kind="company", first_name="", name="Zwiebelturm Handels GmbH")
    account, user = access_of(chef, client)
    code, person = letter_code(chef, account), house.person()
    words = person.post("/redeem", code=code).json()["strength_words"]
    assert {"Maria", "Muster", user, "Zwiebelturm"} <= set(words.split())

    def wrong(password, again=None):
        return person.wrong(
            "/redeem/password", code=code, password=password, password_again=again or password
        )

    assert set(wrong("passwort")) == {"password"}
    assert set(wrong("Zwiebelturm1")) == {"password"}
    assert set(wrong("donaudampfschiff")) == {"password"}
    assert set(wrong(MARIA, MARIA + "x")) == {"password_again"}
    assert set(person.wrong("/redeem/password", code=code)) == {"password", "password_again"}
    assert redeem(person, code) == ("/", "password_set")


def test_only_staff_with_the_right_may_print_a_letter(house, chef):
    client = client_of(chef, street="Hauptstraße 1")
    account, user = access_of(chef, client)
    view = chef.post(f"/accounts/{account}/letter").json()
    assert CODE.fullmatch(view["code"])
    assert view["client"]["street"] == "Hauptstraße 1"
    assert view["account"]["user"] == user
    assert view["url"].endswith("/k/muster/redeem")
    assert "//" not in view["url"]
    kinds = [event["kind"] for event in chef.get_json(f"/clients/{client}")["events"]]
    assert kinds == ["letter_printed", "access_created", "client_created"]
    stored = house.sql(f"SELECT encode(hash, 'escape') FROM code WHERE account = '{account}'")
    assert view["code"].replace("-", "") not in stored


# --- locks ------------------------------------------------------------------------------------


def test_three_wrong_passwords_lock_and_the_firm_unlocks(house, sabine):
    account, user, person = with_access(house, sabine)
    stranger = house.person()
    for wrong in ("eins", "eins", "eins", "zwei"):
        assert not stranger.enters(user, wrong)
    assert house.person().enters(user, MARIA)
    lock(house, user)
    assert not house.person().enters(user, MARIA)
    assert person.get_json("/")["me_user"] == user  # a session from before stays valid
    home = sabine.get_json("/")
    assert user in {row["user"] for row in home["locked"]}
    assert sabine.get_json("/clients?state=locked")["clients"][0]["access"] == "locked"
    back = f"{sabine.base}/?notice=saved"
    assert sabine.done(f"/accounts/{account}/unlock", back=back) == ("/", "unlocked")
    assert user not in {row["user"] for row in sabine.get_json("/")["locked"]}
    assert house.person().enters(user, MARIA)


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example/k/muster/", "/k/andere/"]
)
def test_unlocking_redirects_to_no_other_site(house, sabine, back):
    account, user, _ = with_access(house, sabine)
    lock(house, user)
    place, notice = sabine.done(f"/accounts/{account}/unlock", back=back)
    assert (place, notice) == (f"/accounts/{account}", "unlocked")


def test_a_code_does_not_lift_a_lock(house, sabine):
    account, user, person = with_access(house, sabine)
    code = letter_code(sabine, account)
    lock(house, user)
    somebody = house.person()
    assert redeem(somebody, code, NEW) == ("/sign-in", "password_stored")
    assert somebody.get("/").status_code == 401
    assert person.get("/").status_code == 401  # the old password's sessions have ended
    assert not house.person().enters(user, NEW)
    sabine.done(f"/accounts/{account}/unlock")
    assert house.person().enters(user, NEW)


# --- forgotten --------------------------------------------------------------------------------


def test_a_wish_for_a_new_password_reveals_nothing(house, chef):
    _, user, person = with_access(house, chef)
    _, without_mail = access_of(chef, client_of(chef), email="")
    answers = []
    for name in (user, without_mail, "gibt-es-nicht", "niemand@example.org"):
        answer = house.person().post("/forgotten", user=name)
        view = answer.json()
        for own in ("csrf", "here"):
            view.pop(own)
        answers.append((answer.status_code, view))
    assert answers[0][0] == 200
    assert answers[0] == answers[1] == answers[2] == answers[3]
    (mail,) = wait_for(lambda: mails(house.mail, f"{user}@example.org"))
    redeem(house.person(), CODE.search(mail)[0], NEW)
    assert person.get("/").status_code == 401
    assert house.person().enters(user, NEW)
    wait_for(lambda: house.sql("SELECT count(*) FROM job WHERE state = 'waiting'") == "0")
    assert house.sql("SELECT count(*) FROM job WHERE error <> ''") == "0"


def test_wishes_do_not_fill_the_table_of_jobs(house, chef):
    """A wish leaves nothing behind for a name that is unknown or has no mail address, and at most
    three mails in a quarter of an hour for one that has: anybody may wish."""
    _, user, _ = with_access(house, chef)
    _, without_mail = access_of(chef, client_of(chef), email="")
    before = int(house.sql("SELECT count(*) FROM job"))
    for number in range(6):
        for name in (f"niemand-{number}", without_mail, user):
            assert house.person().post("/forgotten", user=name).status_code == 200
        wait_for(lambda: house.sql("SELECT count(*) FROM job WHERE state = 'waiting'") == "0")
        house.sql("UPDATE code SET created = created - interval '2 minutes'")
    assert int(house.sql("SELECT count(*) FROM job")) == before + 3
    assert len(mails(house.mail, f"{user}@example.org")) == 3


def asked_by_mail(house, typed, user):
    """Asks for a new password as TYPED; returns the code of the mail that USER gets."""
    before = len(mails(house.mail, f"{user}@example.org"))
    assert house.person().post("/forgotten", user=typed).status_code == 200
    sent = wait_for(lambda: mails(house.mail, f"{user}@example.org")[before:])
    assert user in sent[0]
    return CODE.search(sent[0])[0]


def test_a_mail_address_serves_for_a_forgotten_user_name(house, chef):
    _, user, _ = with_access(house, chef)
    code = asked_by_mail(house, f"{user.upper()}@Example.org", user)
    assert redeem(house.person(), code, NEW) == ("/", "password_set")
    assert house.person().enters(user, NEW)


def test_a_mail_of_ones_own_wish_ends_a_clients_lock(house, sabine):
    account, user, _ = with_access(house, sabine)
    lock(house, user)
    code = asked_by_mail(house, user, user)
    assert not house.person().enters(user, MARIA)  # the mail alone ends nothing
    assert redeem(house.person(), code, NEW) == ("/", "password_set")
    assert house.person().enters(user, NEW)
    assert user not in {row["user"] for row in sabine.get_json("/")["locked"]}
    events = f"SELECT kind FROM event WHERE subject = '{account}' AND kind ~ 'lock' ORDER BY at, id"
    assert house.sql(events).split() == ["locked", "unlocked"]


def test_a_mail_of_the_firms_wish_ends_no_lock(house, sabine):
    account, user, _ = with_access(house, sabine)
    lock(house, user)
    sabine.done(f"/accounts/{account}/invite")
    (mail,) = wait_for(lambda: mails(house.mail, f"{user}@example.org"))
    code = CODE.search(mail)[0]
    assert redeem(house.person(), code, NEW) == ("/sign-in", "password_stored")


def test_locked_staff_get_no_mail_and_pages_say_so(house, chef):
    house.staff("muster", "paul", SABINE)
    lock(house, "paul")
    before = house.sql("SELECT count(*) FROM job")
    page = house.person()
    page.get_json("/forgotten")
    answer = page.request("POST", "/forgotten", json_view=False, data={"user": "paul"})
    assert answer.status_code == 200
    assert "Gesperrte Zugänge von Kanzlei-Usern entsperrt die Verwaltung" in answer.text
    assert house.sql("SELECT count(*) FROM job") == before
    (paul,) = [row["id"] for row in chef.get_json("/staff")["staff"] if row["user"] == "paul"]
    assert chef.done(f"/accounts/{paul}/unlock")[1] == "unlocked"


# --- one's own account ------------------------------------------------------------------------

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0"
)
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)


def test_sessions_are_listed_and_ended(house, chef):
    _, user, first = with_access(house, chef)
    here = signed_in(house, user, MARIA, agent=FIREFOX)
    edge = signed_in(house, user, MARIA, agent=EDGE)
    phone = signed_in(house, user, MARIA, agent=PHONE)
    odd = signed_in(house, user, MARIA, agent="x" * 500)
    view = here.get_json("/account")
    rows = {row["device"]: row for row in view["sessions"]}
    assert {"Firefox, Linux", "Edge, Windows", "Safari, iPhone", "test"} <= set(rows)
    assert [row["device"] for row in view["sessions"] if row["current"]] == ["Firefox, Linux"]
    assert view["others"]
    assert view["me_email"] == f"{user}@example.org"
    end = f"/account/sessions/{rows['Edge, Windows']['id']}/end"
    assert chef.post(end).status_code == 404  # one can end only one's own sessions
    assert here.done(end) == ("/account", "session_ended")
    assert edge.get("/").status_code == 401
    assert phone.get("/").status_code == 200
    assert here.done("/account/sessions/end") == ("/account", "sessions_ended")
    for person in (first, phone, odd):
        assert person.get("/").status_code == 401
    assert not here.get_json("/account")["others"]


def test_changing_the_password(house, chef):
    account, user, person = with_access(house, chef)
    other = signed_in(house, user, MARIA)
    code = letter_code(chef, account)

    def wrong(**fields):
        return person.wrong("/account/password", **fields)

    new = {"password": NEW, "password_again": NEW}
    assert set(wrong(**new)) == {"old"}
    assert set(wrong(old="falsch", **new)) == {"old"}
    assert set(wrong(old=MARIA, password="muster1", password_again="muster1")) == {"password"}
    assert set(wrong(old=MARIA, password=NEW, password_again=NEW[:-1])) == {"password_again"}
    assert set(wrong(old=MARIA, password=MARIA, password_again=MARIA)) == {"password"}
    answer = person.post("/account/password", old=MARIA, password="muster1", password_again="x")
    assert MARIA not in answer.text
    assert other.get("/").status_code == 200
    assert person.done("/account/password", old=MARIA, **new) == ("/account", "password")
    assert person.get("/").status_code == 200
    assert other.get("/").status_code == 401
    assert house.person().post("/redeem", code=code).status_code == 422
    assert not house.person().enters(user, MARIA)
    assert house.person().enters(user, NEW)


def test_wrong_old_passwords_lock_too(house, sabine):
    """A thief with a stolen session can not guess the password."""
    account, user, person = with_access(house, sabine)
    new = {"password": NEW, "password_again": NEW}

    def old(password):
        return person.wrong("/account/password", old=password, **new)["old"]

    wrong = old("eins")
    assert wrong == old("eins") == old("zwei")
    locked = old("drei")
    assert locked != wrong
    assert locked == old(MARIA) == old("vier")
    assert not house.person().enters(user, MARIA)
    assert user in {row["user"] for row in sabine.get_json("/")["locked"]}
    assert sabine.done(f"/accounts/{account}/unlock")[1] == "unlocked"
    assert person.done("/account/password", old=MARIA, **new) == ("/account", "password")
    assert house.person().enters(user, NEW)


# --- staff ------------------------------------------------------------------------------------


def test_staff_are_made_invited_and_get_rights(house, chef):
    member = {"user": "nora", "name": "Nora Neu", "email": "nora@example.org", "right_clients": "1"}
    staff = chef.make("/staff", **member)
    assert set(chef.wrong("/staff", **member)) == {"user"}
    assert set(chef.wrong("/staff", **member | {"user": "nora2", "email": ""})) == {"email"}
    (mail,) = wait_for(lambda: mails(house.mail, "nora@example.org"))
    nora = house.person()
    redeem(nora, CODE.search(mail)[0])
    home = nora.get_json("/")
    assert (home["is_staff"], home["may_clients"], home["may_unlock"]) == (True, True, False)
    assert chef.done(f"/staff/{staff}", right_unlock="1") == (f"/staff/{staff}", "saved")
    home = nora.get_json("/")
    assert (home["may_clients"], home["may_unlock"]) == (False, True)
    form = chef.get_json(f"/staff/{staff}")["form"]
    assert (form["right_unlock"], form["right_clients"]) == (True, False)
    (row,) = [row for row in chef.get_json("/staff")["staff"] if row["id"] == staff]
    assert (row["state"], row["right_unlock"]) == ("active", True)
    for path in ("/staff", "/staff/new", f"/staff/{staff}", f"/accounts/{staff}"):
        assert nora.get(path).status_code == 404
    for path in (f"/staff/{staff}", f"/accounts/{staff}/unlock", "/staff"):
        assert nora.post(path, right_admin="1").status_code == 404


def test_an_administrator_without_all_clients_sees_no_client(house, chef):
    """Section 203 StGB: who makes staff and gives rights need not know whom the firm works for."""
    client = client_of(chef, name="Geheimnis")
    account, user = access_of(chef, client)
    chef.done(f"/clients/{client}/matters", number="1", title="Steuern")
    person = house.person()
    redeem(person, letter_code(chef, account))
    matter = person.get_json("/matters")["matters"][0]["id"]
    lock(house, user)
    house.staff("muster", "pult", SABINE, "--right", "admin")
    desk = signed_in(house, "pult", SABINE)
    home = desk.get_json("/")
    assert (home["is_admin"], home["may_all"], home["may_clients"]) == (True, False, True)
    assert user not in {row["user"] for row in home["locked"]}
    for path in ("/", "/clients", "/documents", "/receipts", "/clients?q=geheimnis", "/staff"):
        assert "Geheimnis" not in desk.get(path, json_view=False).text, path
    assert desk.get_json("/clients")["clients"] == []
    for path in (
        f"/clients/{client}", f"/clients/{client}/edit", f"/matters/{matter}",
        f"/accounts/{account}",
    ):  # fmt: skip
        assert desk.get(path).status_code == 404, path
    for path in (
        f"/accounts/{account}/letter", f"/accounts/{account}/invite",
        f"/accounts/{account}/unlock", f"/clients/{client}/accounts",
    ):  # fmt: skip
        assert desk.post(path).status_code == 404, path
    # What the right's hint says it opens: staff, and all of it with the clients that one sees.
    assert desk.make("/staff", user="neu1", name="Neu", email="neu1@example.org")
    (otto,) = [row["id"] for row in desk.get_json("/staff")["staff"] if row["user"] == "otto"]
    assert desk.done(f"/accounts/{otto}/invite")[1] == "invited"
    own = client_of(desk)
    assert desk.get_json(f"/clients/{own}")["client"]["whole"]
    (me,) = [row["id"] for row in desk.get_json("/staff")["staff"] if row["user"] == "pult"]
    chef.done(f"/clients/{client}/assignments", staff=me)
    assert desk.get_json(f"/clients/{client}")["accounts"]
    assert desk.done(f"/accounts/{account}/unlock")[1] == "unlocked"
    assert chef.done(f"/staff/{me}")[1] == "saved"


def test_staff_assigned_to_a_matter_are_told_that_they_see_a_part(house, chef):
    """Such staff read that the client has no access and nobody in charge: they see neither."""
    client = client_of(chef)
    account, _ = access_of(chef, client)
    redeem(house.person(), letter_code(chef, account))
    chef.done(f"/clients/{client}/matters", number="1", title="Steuern")
    house.staff("muster", "hilfe", SABINE, "--right", "clients")
    (member,) = [row["id"] for row in chef.get_json("/staff")["staff"] if row["user"] == "hilfe"]
    house.sql(
        "INSERT INTO assignment (firm, id, staff, matter) SELECT firm, gen_random_uuid(),"
        f" '{member}', id FROM matter WHERE client = '{client}'"
    )
    helper = signed_in(house, "hilfe", SABINE)
    assert helper.get_json(f"/clients/{client}")["client"]["whole"] is False
    page = helper.get(f"/clients/{client}", json_view=False).text
    assert "Steuern" in page
    assert "Sie sind hier nur einzelnen Akten zugeordnet." in page
    for sentence in ("Noch kein Zugang", "Noch niemand", "Stammdaten ändern", "Akte anlegen"):
        assert sentence not in page
    (row,) = helper.get_json("/clients")["clients"]
    assert row["access"] == "hidden"
    assert "nicht sichtbar für Sie" in helper.get("/clients", json_view=False).text
    whole = chef.get(f"/clients/{client}", json_view=False).text
    assert "Noch niemand" in whole
    assert "nur einzelnen Akten" not in whole


def test_the_last_administrator_stays(chef):
    (me,) = [row["id"] for row in chef.get_json("/staff")["staff"] if row["user"] == "chef"]
    assert set(chef.wrong(f"/staff/{me}", right_all="1")) == {"rights"}
    assert chef.get_json("/")["is_admin"]
    other = chef.make("/staff", user="zwei", name="Z", email="z@example.org", right_admin="1")
    assert chef.done(f"/staff/{me}", right_admin="1", right_all="1")[1] == "saved"
    assert chef.done(f"/staff/{other}")[1] == "saved"
    assert set(chef.wrong(f"/staff/{me}")) == {"rights"}


def test_administrators_unlock_staff(house, chef, sabine):
    (otto,) = [row["id"] for row in chef.get_json("/staff")["staff"] if row["user"] == "otto"]
    lock(house, "otto")
    assert "otto" in {row["user"] for row in chef.get_json("/")["locked"]}
    assert "otto" not in {row["user"] for row in sabine.get_json("/")["locked"]}
    assert sabine.post(f"/accounts/{otto}/unlock").status_code == 404
    assert chef.get_json(f"/staff/{otto}")["member"]["state"] == "locked"
    assert chef.done(f"/accounts/{otto}/unlock") == (f"/staff/{otto}", "unlocked")
    assert house.person().enters("otto", SABINE)
    assert chef.done(f"/accounts/{otto}/invite") == (f"/staff/{otto}", "invited")
    assert chef.post(f"/accounts/{otto}/letter").json()["client"] is None


# --- all of it as pages -----------------------------------------------------------------------


def test_every_page_is_html_too(house, chef):
    client = client_of(chef)
    account, _ = access_of(chef, client)
    (me,) = [row["id"] for row in chef.get_json("/staff")["staff"] if row["user"] == "chef"]
    for path in (
        *("/clients", "/clients/new", f"/clients/{client}", f"/clients/{client}/edit"),
        *(f"/clients/{client}/matters/new", f"/clients/{client}/accounts/new"),
        *(f"/accounts/{account}", "/staff", "/staff/new", f"/staff/{me}", "/account"),
        *("/redeem", "/forgotten"),
    ):
        answer = chef.get(path, json_view=False)
        assert answer.status_code == 200, path
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "<h1" in answer.text
        assert answer.headers["cache-control"] == "no-store"


def test_finished_jobs_are_deleted_after_a_day(house, chef):
    for _ in range(2):
        account, _ = access_of(chef, client_of(chef))
        chef.done(f"/accounts/{account}/invite")
    wait_for(lambda: house.sql("SELECT count(*) FROM job WHERE state = 'waiting'") == "0")
    newest = "(SELECT id FROM job ORDER BY created DESC LIMIT 1)"
    kept = house.sql(f"SELECT {newest}")
    house.sql(f"UPDATE job SET created = created - interval '2 days' WHERE id <> {newest}")
    house.sql("SELECT kz_tidy()")
    assert house.sql("SELECT id FROM job WHERE state = 'done'") == kept
