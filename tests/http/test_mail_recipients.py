"""Each person gets a mail of their own about new documents: a refused address holds
nobody up, and nobody gets a second mail. A code lasts as long as the tries of its mail."""

import asyncio
import email
import email.policy
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from mail_server import mail_server
from person import CODE, wait_for
from running import PASSWORD, running_portal, unexpected


class Mails:
    """A mail server that refuses the addresses in .refused, at RCPT or, when .late, after it has
    got the mail; and answers mails while .hold is set."""

    def __init__(self):
        self.hold = threading.Event()
        self.forget()

    def forget(self):
        self.hold.set()
        self.refused, self.tried, self.taken, self.got = set(), [], [], []
        self.late, self.answer = False, "450 4.2.1 come again"

    async def held(self):
        while not self.hold.is_set():
            await asyncio.sleep(0.01)

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        self.tried.append(address)
        if address in self.refused and not self.late:
            await self.held()
            return self.answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.got.append((envelope.rcpt_tos[0], message.get_body(("plain",)).get_content()))
        await self.held()
        if self.refused.intersection(envelope.rcpt_tos):
            return self.answer
        self.taken += envelope.rcpt_tos
        return "250 OK"

    def to(self, address):
        """Returns the texts of all tries to send to an address."""
        return [text for to, text in self.got if to == address]


@pytest.fixture(scope="module")
def mails():
    with mail_server(Mails()) as made:
        yield made


@pytest.fixture(scope="module")
def told(mails):
    with running_portal() as portal:
        portal.stop()
        portal.environment |= {"KANZLEI_MAIL": f"smtp://127.0.0.1:{mails.port}"}
        portal.start()
        portal.kanzleictl("firm", "create", portal.firm, "--name", "Kanzlei Linde")
        portal.make_staff("admin", "--admin")
        yield portal


def second_access(portal, admin, client):
    """Makes another person of the same client, with a password; returns the mail address."""
    user = "zweite-" + secrets.token_hex(3)
    account = admin.made(f"/clients/{client}/accounts", {
        "user": user, "name": "Zweite Person", "email": f"{user}@mandant.example",
        "language": "de",
    })
    browser = portal.browser()
    browser.get_json("/redeem")
    code = admin.post_json(f"/accounts/{account}/letter").json()["code"]
    fields = {"code": code, "password": PASSWORD, "password_again": PASSWORD}
    assert browser.post_json("/redeem/password", fields).status_code == 303
    return f"{user}@mandant.example"


def due_now(portal):
    """Makes waiting retries due now."""
    portal.sql("UPDATE job SET due = now() WHERE state = 'waiting'")


def test_each_person_gets_one_mail(told, mails):
    admin, before = told.signed_in("admin"), told.log.stat().st_size
    person = told.make_client(admin, "Sommer", "erste-" + secrets.token_hex(3))
    first = told.sql("SELECT email FROM account WHERE id = %s", person.account)[0][0]
    others = [second_access(told, admin, person.client) for _ in range(2)]
    everybody = {first, *others}
    for refused in (first, others[0]):
        mails.refused, mails.tried, mails.taken = {refused}, [], []
        admin.upload(person.matter, b"Bescheid", "bescheid.txt")
        due_now(told)
        wait_for(lambda: set(mails.tried) == everybody)
        wait_for(lambda who=refused: due_now(told) or mails.tried.count(who) > 2)  # in vain
        assert sorted(mails.taken) == sorted(everybody - {refused})
        mails.refused = set()
        waiting = "SELECT id FROM job WHERE state = 'waiting'"
        wait_for(lambda sql=waiting: due_now(told) or not told.sql(sql))
        assert sorted(mails.taken) == sorted(everybody)
    documents = len(told.sql("SELECT id FROM document"))
    notified = told.sql("SELECT document, subject FROM event WHERE kind = 'notified'")
    assert len(notified) == len(set(notified)) == documents * len(everybody)
    lines = unexpected(told.said_since(before), (r"MAIL: job: provided, try \d",))
    assert not lines, lines


# Provides a document once more, under a new id, N times; as the portal does it, in a transaction.
PROVIDE = """
DO $$
DECLARE
    old document;
    new uuid;
BEGIN
    SELECT * INTO old FROM document WHERE id = '{document}';
    PERFORM set_config('kz.who', old.firm || '||portal|all||||', true);
    FOR n IN 1 .. {count} LOOP
        new := gen_random_uuid();
        INSERT INTO document (firm, id, client, matter, direction, name, type, size, sha256, key,
                              object, by, state)
        SELECT firm, new, client, matter, direction, 'Kopie ' || n, type, size, sha256, key,
               object || new, by, state
          FROM document WHERE id = old.id;
        INSERT INTO delivery (firm, document, client, matter, direction, provided_at, provided_by)
        SELECT firm, new, client, matter, direction, now(), provided_by
          FROM delivery WHERE document = old.id;
        PERFORM kz_tell_people(new, old.client);
    END LOOP;
END $$"""


TAKEN = "SELECT id FROM job WHERE state = 'waiting' AND worker IS NOT NULL"


def told_of(portal, account):
    """Returns the names of the documents that a person was told of."""
    return [name for (name,) in portal.sql(
        "SELECT d.name FROM delivery_step s JOIN document d ON d.id = s.document"
        " WHERE s.step = 'notified' AND s.account = %s ORDER BY d.name", account
    )]


def provided_first(portal, mails):
    """Makes a client with an access, to whom one document was provided and told of."""
    admin = portal.signed_in("admin")
    person = portal.make_client(admin, "Herbst", "erste-" + secrets.token_hex(3))
    mails.forget()
    person.document = admin.upload(person.matter, b"Bescheid", "bescheid.txt")
    person.email = portal.sql("SELECT email FROM account WHERE id = %s", person.account)[0][0]
    wait_for(lambda: due_now(portal) or told_of(portal, person.account) == ["bescheid.txt"])
    return person


def test_everybody_is_told_of_many_documents(told, mails):
    """There is no number of documents from which on somebody isn't told."""
    person = provided_first(told, mails)
    told.sql(PROVIDE.format(document=person.document, count=600))
    wait_for(lambda: due_now(told) or len(told_of(told, person.account)) == 601)
    assert told.sql("SELECT count(*) FROM event WHERE kind = 'notified' AND subject = %s",
                    person.account) == [(601,)]
    wait_for(lambda: not told.sql("SELECT id FROM job WHERE state = 'waiting'"))
    assert len(mails.to(person.email)) < 5  # one mail tells of many


def waits_or(portal, what):
    """Waits until somebody waits for a lock, or WHAT() is true."""
    locks = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    wait_for(lambda: portal.sql(locks) or what())


@pytest.mark.parametrize("moment", ["before its job is taken", "while its mail is sent"])
def test_a_wake_up_is_not_lost(told, mails, moment):
    """A document whose transaction commits when the job that it relies on ends is told of."""
    person = provided_first(told, mails)
    with psycopg.connect(told.database()) as late:
        if moment == "before its job is taken":
            told.sql(PROVIDE.format(document=person.document, count=1))
            late.execute(PROVIDE.format(document=person.document, count=1))
            due = threading.Thread(target=due_now, args=[told])  # waits for the commit
            due.start()
            waits_or(told, lambda: len(told_of(told, person.account)) == 2)
        else:
            mails.hold.clear()
            told.sql(PROVIDE.format(document=person.document, count=1))
            wait_for(lambda: due_now(told) or len(mails.to(person.email)) == 2)
            late.execute(PROVIDE.format(document=person.document, count=1))
            mails.hold.set()
            waits_or(told, lambda: not told.sql(TAKEN))
        late.commit()
    if moment == "before its job is taken":
        due.join()
    wait_for(lambda: due_now(told) or len(told_of(told, person.account)) == 3)


def test_what_was_refused_is_told_of_later(told, mails):
    """A refusal for good ends the tries, but is not the end of what was to be told: the next mail
    tells of all."""
    person = provided_first(told, mails)
    before = told.log.stat().st_size
    mails.refused, mails.answer = {person.email}, "550 5.1.1 no such user"
    told.sql(PROVIDE.format(document=person.document, count=1))
    failed = "SELECT id FROM job WHERE state = 'failed' AND about = %s"
    wait_for(lambda: due_now(told) or told.sql(failed, person.account))
    assert len(told_of(told, person.account)) == 1
    mails.refused = set()
    told.sql(PROVIDE.format(document=person.document, count=1))
    wait_for(lambda: due_now(told) or len(told_of(told, person.account)) == 3)
    lines = unexpected(told.said_since(before), (r"INVALID: job: provided, try 1",))
    assert not lines, lines


def test_a_code_lasts_as_long_as_the_tries_of_its_mail(told, mails):
    """Each try sends the code that was made when somebody asked for it, so that one that has
    arrived although the server's answer has not is of use. Until the mail has gone the code is in
    the job, sealed; nobody reads it in the database."""
    admin = told.signed_in("admin")
    mails.forget()
    user = "code-" + secrets.token_hex(3)
    mails.refused, mails.late = {f"{user}@mandant.example"}, True
    client = admin.made("/clients", {"number": user, "kind": "company", "name": "Code GmbH"})
    account = admin.made(f"/clients/{client}/accounts", {
        "user": user, "name": "Carla Code", "email": f"{user}@mandant.example", "language": "de",
    })
    invite = admin.post_json(f"/accounts/{account}/invite")
    assert invite.status_code == 303
    wait_for(lambda: due_now(told) or len(mails.to(f"{user}@mandant.example")) >= 3)
    codes = [CODE.search(text)[0] for text in mails.to(f"{user}@mandant.example")]
    assert len(set(codes)) == 1
    assert len(told.sql("SELECT id FROM code WHERE account = %s", account)) == 1
    stored = told.sql("SELECT j::text, sealed FROM job j WHERE about = %s", account)
    assert len(stored) == 1 and stored[0][1]
    assert codes[0].replace("-", "") not in stored[0][0].replace("-", "")
    assert admin.get_json(f"/accounts/{account}")["account"]["state"] == "new"
    invited = "SELECT account FROM event WHERE kind = 'invited' AND subject = %s"
    assert not told.sql(invited, account)
    mails.refused = set()
    wait_for(lambda: due_now(told) or told.sql(invited, account))
    me = told.sql("SELECT id FROM account WHERE user_name = 'admin'")
    assert told.sql(invited, account) == me
    assert admin.get_json(f"/accounts/{account}")["account"]["state"] == "invited"
    wait_for(lambda: told.sql("SELECT id FROM job WHERE about = %s AND state = 'done'", account))
    assert told.sql("SELECT sealed FROM job WHERE about = %s", account) == [(None,)]
    browser = told.browser()
    browser.get_json("/redeem")
    fields = {"code": codes[0], "password": PASSWORD, "password_again": PASSWORD}
    assert browser.post_json("/redeem/password", fields).status_code == 303


def test_a_new_person_gets_no_mail_about_earlier_documents(told, mails):
    admin = told.signed_in("admin")
    person = told.make_client(admin, "Winter", "erste-" + secrets.token_hex(3))
    mails.taken = []
    admin.upload(person.matter, b"Bescheid", "bescheid.txt")
    wait_for(lambda: due_now(told) or len(mails.taken) == 1)
    later = second_access(told, admin, person.client)
    admin.upload(person.matter, b"Zweiter", "zweiter.txt")
    wait_for(lambda: due_now(told) or len(mails.taken) == 3)

    def told_later():  # the portal notes it after the mail server has accepted the mail
        return told.sql(
            "SELECT d.name FROM event e JOIN document d ON d.id = e.document"
            " JOIN account a ON a.id = e.subject WHERE e.kind = 'notified' AND a.email = %s", later
        )

    wait_for(told_later)
    assert told_later() == [("zweiter.txt",)]


def invited(portal, admin, name, **fields):
    """Makes an access of a new client and invites it by mail; returns account and address."""
    user = f"{name}-" + secrets.token_hex(3)
    client = admin.made("/clients", {"number": user, "kind": "company", "name": f"{name} GmbH"})
    fields = {"user": user, "name": "Frau Neu", "email": f"{user}@mandant.example",
              "language": "de"} | fields
    account = admin.made(f"/clients/{client}/accounts", fields)
    assert admin.post_json(f"/accounts/{account}/invite").status_code == 303
    return account, fields["email"]


def unreachable(admin):
    """Returns the accounts that the firm's home page shows as such."""
    return [row["account_id"] for row in admin.get_json("/").get("unreachable") or []]


def test_a_refusal_for_good_is_seen_and_mended(told, mails):
    """Whom no mail reaches stands on the firm's home page until the address is another one, which
    then gets what is due; the code that went to the former one is of no use any more."""
    admin, before = told.signed_in("admin"), told.log.stat().st_size
    mails.forget()
    person = provided_first(told, mails)
    mails.refused, mails.answer = {person.email}, "550 5.1.1 no such user"
    told.sql(PROVIDE.format(document=person.document, count=2))
    wait_for(lambda: due_now(told) or unreachable(admin) == [person.account])
    page = admin.get("/", json_view=False).text
    assert "Prüfen Sie die Adresse" in page and person.email in page
    path = f"/accounts/{person.account}"
    assert "kommen keine Nachrichten an" in admin.get(path, json_view=False).text
    code = admin.post_json(f"{path}/letter").json()["code"]
    version = {"If-Match": admin.get(path).headers["ETag"]}
    wrong = admin.post_json(f"{path}/address", {"email": "a b@c d"}, headers=version)
    assert wrong.status_code == 422, wrong.text
    answer = admin.post_json(f"{path}/address", {"email": "neu@mandant.example"}, headers=version)
    assert answer.status_code == 303, answer.text
    wait_for(lambda: due_now(told) or len(told_of(told, person.account)) == 3)
    assert mails.to("neu@mandant.example")
    assert not unreachable(admin)
    browser = told.browser()
    browser.get_json("/redeem")
    assert browser.post_json("/redeem", {"code": code}).status_code == 422
    assert told.sql("SELECT count(*) FROM event WHERE kind = 'address_changed' AND subject = %s",
                    person.account) == [(1,)]
    lines = unexpected(told.said_since(before), (r"INVALID: job: provided, try 1",))
    assert not lines, lines


def test_an_invitation_that_is_refused_is_seen(told, mails):
    admin, before = told.signed_in("admin"), told.log.stat().st_size
    mails.forget()
    mails.answer = "550 5.1.1 no such user"
    mails.refused = {"weg@mandant.example"}
    account, _ = invited(told, admin, "weg", email="weg@mandant.example")
    wait_for(lambda: due_now(told) or account in unreachable(admin))
    assert admin.get_json(f"/accounts/{account}")["account"]["state"] == "new"
    assert told.sql("SELECT sealed FROM job WHERE about = %s", account) == [(None,)]
    mails.refused = set()
    assert admin.post_json(f"/accounts/{account}/invite").status_code == 303
    wait_for(lambda: admin.get_json(f"/accounts/{account}")["account"]["state"] == "invited")
    assert account not in unreachable(admin)
    lines = unexpected(told.said_since(before), (r"INVALID: job: mail, try 1",))
    assert not lines, lines


REFUSE_THE_END = """
CREATE FUNCTION refuse_the_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a test refuses it';
END $$;
CREATE TRIGGER refuse_the_end BEFORE UPDATE ON job FOR EACH ROW WHEN (NEW.state = 'done')
    EXECUTE FUNCTION refuse_the_end()"""
FAILED = "SELECT mail_failed_at FROM account WHERE id = %s"


def test_what_a_mail_has_done_is_noted_with_its_end(told, mails):
    """If the end of the job can't be written, the invitation isn't noted either; so it is once,
    however often the mail was tried."""
    admin, before = told.signed_in("admin"), told.log.stat().st_size
    noted = "SELECT count(*) FROM event WHERE kind = 'invited' AND subject = %s"
    again = "UPDATE job SET lease = now() WHERE about = %s"
    mails.forget()
    told.sql(REFUSE_THE_END)
    try:
        account, address = invited(told, admin, "einmal")
        wait_for(lambda: told.said_since(before).count("a test refuses it") == 1)
        told.sql(again, account)
        wait_for(lambda: told.said_since(before).count("a test refuses it") == 2)
        assert told.sql(noted, account) == [(0,)]
    finally:
        told.sql("DROP FUNCTION refuse_the_end CASCADE")
    told.sql(again, account)
    wait_for(lambda: told.sql(noted, account) == [(1,)])
    assert len(mails.to(address)) > 2
    assert admin.get_json(f"/accounts/{account}")["account"]["state"] == "invited"
    lines = unexpected(told.said_since(before), (r"a test refuses it",))
    assert not lines, lines


def test_an_address_changes_while_the_former_one_is_refused(told, mails):
    """The refusal and the change want account and job at the same moment: none of the two is
    undone, and what could not be told goes to the new address, which nobody calls unreachable."""
    admin, before = told.signed_in("admin"), told.log.stat().st_size
    person = provided_first(told, mails)
    mails.forget()
    mails.refused, mails.answer = {person.email}, "550 5.1.1 no such user"
    mails.hold.clear()
    told.sql(PROVIDE.format(document=person.document, count=1))
    wait_for(lambda: due_now(told) or person.email in mails.tried)
    path = f"/accounts/{person.account}"
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with psycopg.connect(told.database()) as db, ThreadPoolExecutor(1) as pool:
        db.execute("SELECT FROM account WHERE id = %s FOR UPDATE", [person.account])
        changed = pool.submit(
            admin.post_json, f"{path}/address", {"email": "neu-hier@mandant.example"},
            headers={"If-Match": "*"},
        )  # fmt: skip
        wait_for(lambda: told.sql(waiting)[0][0] == 1)
        mails.hold.set()
        wait_for(lambda: told.sql(waiting)[0][0] == 2)
        db.rollback()
    assert changed.result().status_code == 303
    wait_for(lambda: due_now(told) or len(told_of(told, person.account)) == 2)
    assert mails.to("neu-hier@mandant.example")
    assert told.sql(FAILED, person.account) == [(None,)]
    lines = unexpected(told.said_since(before), (r"INVALID: job: provided, try 1",))
    assert not lines, lines


def test_each_reader_gets_the_mail_that_is_meant(told, mails):
    """A client is invited, one of the staff is invited otherwise, and whoever has a password is not
    invited but gets a code for a new one."""
    admin = told.signed_in("admin")
    mails.forget()
    account, address = invited(told, admin, "frisch")
    (text,) = wait_for(lambda: mails.to(address))
    assert "tauscht Dokumente mit Ihnen" in text
    wait_for(lambda: not told.sql("SELECT id FROM job WHERE state = 'waiting'"))
    told.sql("UPDATE account SET password = (SELECT max(password) FROM account)"
             " WHERE id = %s", account)
    assert admin.post_json(f"/accounts/{account}/invite").status_code == 303
    text = wait_for(lambda: mails.to(address)[1:])[0]
    assert "neues Passwort" in text and "tauscht Dokumente" not in text
    staff = "kraft-" + secrets.token_hex(3)
    admin.made("/staff", {"name": "Frau Kraft", "user": staff, "language": "de",
                          "email": f"{staff}@kanzlei.example"})
    (text,) = wait_for(lambda: mails.to(f"{staff}@kanzlei.example"))
    assert "Sie gehören zur Kanzlei" in text and "tauscht Dokumente mit Ihnen" not in text


def say_detail(admin, setting):
    """Says in the firm's settings what mails tell."""
    version = {"If-Match": admin.get("/settings").headers["ETag"]}
    answer = admin.post_json("/settings", {"mail_detail": setting}, headers=version)
    assert answer.status_code == 303, answer.text


@pytest.mark.parametrize(("setting", "named"), [("none", False), ("names", True)])
def test_names_are_in_mails_only_if_the_firm_wants_it(told, mails, setting, named):
    person = provided_first(told, mails)
    admin = told.signed_in("admin")
    if setting == "none":
        assert admin.get_json("/settings")["form"]["mail_detail"] == "none"  # off by default
    say_detail(admin, setting)
    assert admin.get_json("/settings")["form"]["mail_detail"] == setting
    mails.forget()
    told.sql(PROVIDE.format(document=person.document, count=12))
    wait_for(lambda: due_now(told) or len(told_of(told, person.account)) == 13)
    (text,) = mails.to(person.email)
    assert ("Kopie 1" in text, "Steuer" in text, "weitere" in text) == (named,) * 3
    say_detail(admin, "none")


def test_an_unusable_address_of_the_firm_stops_no_mail(told, mails):
    """A firm may have an address from before addresses were checked: then nobody can answer, but
    the mail goes."""
    admin = told.signed_in("admin")
    mails.forget()
    told.sql("UPDATE firm SET email = 'büro@kanzlei.example'")
    _, address = invited(told, admin, "antwort")
    wait_for(lambda: mails.to(address))
    told.sql("UPDATE firm SET email = ''")


@pytest.mark.parametrize("wish", ["forgotten", "invitation"])
def test_a_code_whose_time_is_over_before_its_mail_went_is_made_anew(told, mails, wish):
    """The mail server was away for longer than the code lives: whoever asks again gets a new one,
    although the mail with the former one still waits."""
    admin = told.signed_in("admin")
    person = told.make_client(admin, "Frist", "frist-" + secrets.token_hex(3))
    who = "SELECT user_name, email FROM account WHERE id = %s"
    user, address = told.sql(who, person.account)[0]
    waiting = "SELECT id FROM job WHERE about = %s AND kind = 'mail' AND state = 'waiting'"
    stranger = told.browser()
    stranger.get_json("/forgotten")

    def ask():
        if wish == "forgotten":
            assert stranger.post_json("/forgotten", {"user": user}).status_code < 400
        else:
            invite = f"/accounts/{person.account}/invite"
            assert admin.post_json(invite).status_code == 303

    mails.forget()
    mails.refused = {address}
    ask()
    wait_for(lambda: told.sql(waiting + " AND tries > 0", person.account))
    ask()  # the mail that waits serves
    assert len(told.sql(waiting, person.account)) == 1
    rest = "UPDATE job SET due = now() + interval '1 hour' WHERE about = %s AND kind = 'mail'" \
           " AND state = 'waiting' AND worker IS NULL RETURNING id"  # fmt: skip
    wait_for(lambda: told.sql(rest, person.account))  # no try is under way
    told.sql("UPDATE code SET created = created - interval '15 days', expires = now()"
             " WHERE account = %s AND used_at IS NULL", person.account)  # fmt: skip
    ask()
    mails.forget()
    wait_for(lambda: due_now(told) or mails.to(address))
    (text,) = mails.to(address)
    browser = told.browser()
    browser.get_json("/redeem")
    fields = {"code": CODE.search(text)[0], "password": PASSWORD, "password_again": PASSWORD}
    assert browser.post_json("/redeem/password", fields).status_code == 303
    wait_for(lambda: due_now(told) or not told.sql(waiting, person.account))


def test_who_asks_twice_gets_no_code_for_another_access(told, mails):
    """Two accesses have one mail address: the one that was used last is meant, however often one
    asks."""
    admin = told.signed_in("admin")
    users = ["paar-" + secrets.token_hex(3) for _ in range(2)]
    first, second = (told.make_client(admin, "Paar", user) for user in users)
    told.sql("UPDATE account SET email = %s WHERE id IN (%s, %s)",
             f"{users[0]}@mandant.example", first.account, second.account)  # fmt: skip
    told.sql("UPDATE account SET signed_in_at = signed_in_at - interval '1 day' WHERE id = %s",
             second.account)  # fmt: skip
    told.sql("DELETE FROM code WHERE account IN (%s, %s)", first.account, second.account)
    stranger = told.browser()
    stranger.get_json("/forgotten")
    for _ in range(3):
        sent = stranger.post_json("/forgotten", {"user": f"{users[0]}@mandant.example"})
        assert sent.status_code < 400
    of = "SELECT account::text FROM code WHERE account IN (%s, %s)"
    assert told.sql(of, first.account, second.account) == [(str(first.account),)]


@pytest.mark.parametrize("answer", ["450 4.2.1 come again", "550 5.1.1 no such user"])
def test_an_invitation_that_could_not_be_sent_goes_to_the_new_address(told, mails, answer):
    """Who corrects an address need not think of the invitation that was refused there, or waits."""
    admin, before = told.signed_in("admin"), told.log.stat().st_size
    mails.forget()
    user = "tipp-" + secrets.token_hex(3)
    wrong, right = f"{user}@mandnat.example", f"{user}@mandant.example"
    mails.answer, mails.refused = answer, {wrong}
    account, _ = invited(told, admin, "tipp", email=wrong)
    wait_for(lambda: told.sql("SELECT id FROM job WHERE about = %s AND tries > 0", account))
    path = f"/accounts/{account}"
    version = {"If-Match": admin.get(path).headers["ETag"]}
    changed = admin.post_json(f"{path}/address", {"email": right}, headers=version)
    assert changed.status_code == 303
    assert changed.headers["Location"].endswith("notice=invited")
    (text,) = wait_for(lambda: due_now(told) or mails.to(right))
    browser = told.browser()
    browser.get_json("/redeem")
    assert browser.post_json("/redeem", {"code": CODE.search(text)[0]}).status_code == 200
    wait_for(lambda: admin.get_json(path)["account"]["state"] == "invited")
    version = {"If-Match": admin.get(path).headers["ETag"]}
    again = admin.post_json(f"{path}/address", {"email": f"x{right}"}, headers=version)
    assert again.headers["Location"].endswith("notice=saved")  # it has got one
    lines = unexpected(told.said_since(before), (r"job: mail, try \d",))
    assert not lines, lines
