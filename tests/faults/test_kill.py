"""Kills everything (SIGKILL) at random moments under load and starts it again. What the portal
acknowledged is in both stores, with its events; the rest is finished or gone."""

import hashlib
import os
import random
import secrets
import signal
import threading
import time

import httpx
import pytest
from breakable import descendants, kill, words_of
from person import wait_for
from portal import TUS
from scand_samples import EICAR

SIZES = (1, 1000, 65536, 200_000, 700_000)
# Lines that a portal logs about parts that die a moment before it, and about its own death.
SAID = (
    r"DB_DOWN|DB_BUSY|the database is back|SCANNER_DOWN|the scanner ended|worker \d: ",
    r"AH00051|AH00052|AH01903|AH01909|AH00687|AH00493|AH10244|AH02558|kanzlei-scand.*(ended|died)",
)


class World:
    """The things that the portal has acknowledged, over all rounds."""

    def __init__(self):
        self.lock = threading.Lock()
        self.number = 0
        self.contents = {}  # SHA-256 of the files that were sent, by name
        self.uploads = {}  # announced uploads that haven't ended: id to (name, content, bytes kept)
        self.taken = {}  # received documents: name to the steps that must be noted of them
        self.promised = {}  # files of forms that the portal still finishes: name to content
        self.infected = set()  # names
        self.wrong = []

    def name(self, kind):
        with self.lock:
            self.number += 1
            return f"{kind}-{self.number}.bin"

    def take(self, name, content):
        with self.lock:
            self.contents[name] = hashlib.sha256(content).hexdigest()
            self.taken.setdefault(name, {"provided"})


class Stopped(Exception):
    """The portal is dying, so the round has ended."""


class Actor(threading.Thread):
    """One person who works until the portal dies."""

    def __init__(self, world, browser, matter, seed):
        super().__init__()
        self.world, self.browser, self.matter = world, browser, matter
        self.random = random.Random(seed)

    def run(self):
        try:
            while True:
                self.turn()
        except (httpx.HTTPError, Stopped):
            pass
        except Exception as error:  # noqa: BLE001  (the test itself reports it)
            self.world.wrong.append(repr(error))

    def expect(self, answer, *codes):
        if answer.status_code in (500, 502, 503):  # one part dies before another one
            raise Stopped
        assert answer.status_code in codes, (self, answer.request.url, answer.status_code,
                                             answer.text)  # fmt: skip
        return answer

    def content(self):
        return self.random.randbytes(self.random.choice(SIZES))


class Sender(Actor):
    """Uploads by tus, in pieces; resumes an upload that a kill has cut."""

    def turn(self):
        with self.world.lock:
            left = [key for key, one in self.world.uploads.items() if one[3] == self.name]
        upload = left[0] if left else self.announce()
        self.go_on(upload)

    def announce(self):
        name, content = self.world.name("tus"), self.content()
        answer = self.expect(self.browser.create(self.matter, len(content), name), 201)
        upload = answer.headers["Location"].rsplit("/", 1)[-1]
        self.world.uploads[upload] = (name, content, 0, self.name)
        return upload

    def go_on(self, upload):
        name, content, kept, owner = self.world.uploads[upload]
        at = self.stand(upload, kept)
        while at is not None:
            piece = content[at : at + self.random.randint(1, 300_000)]
            self.expect(self.browser.patch(upload, at, piece), 204)
            at += len(piece)
            self.world.uploads[upload] = (name, content, at, owner)
            if at == len(content):
                break
        if at is None:
            answer = self.expect(self.browser.get(f"/uploads/{upload}"), 200)
            if answer.json()["state"] != "available":
                time.sleep(0.05)  # the portal is finishing it
                return
        self.world.take(name, content)
        del self.world.uploads[upload]

    def stand(self, upload, kept):
        """Returns the offset to send from, None when all was sent; checks that no kept byte is
        lost."""
        answer = self.expect(self.browser.request("HEAD", f"/uploads/{upload}", headers=TUS), 200)
        at = int(answer.headers["Upload-Offset"])
        assert at >= kept, f"{upload}: {kept} bytes were kept, {at} are there"
        return at if at < int(answer.headers["Upload-Length"]) else None


class FormSender(Actor):
    """Sends by the plain form, and sometimes a virus. A file that can't be checked or stored at the
    moment is kept, and the answer says so (200)."""

    def turn(self):
        virus = self.random.random() < 0.3
        name = self.world.name("virus" if virus else "form")
        content = EICAR if virus else self.content()
        self.world.infected |= {name} if virus else set()
        answer = self.browser.send_form(self.matter, (name, content))
        self.expect(answer, 422 if virus else 303, 200)
        if answer.status_code == 200:
            assert [one["state"] for one in answer.json()["results"]] == ["scanning"], answer.text
            self.world.promised |= {} if virus else {name: content}
        elif not virus:
            self.world.take(name, content)


class Firm(Actor):
    """Provides a document, which the client opens, reads and confirms."""

    def __init__(self, world, browser, matter, seed, client):
        super().__init__(world, browser, matter, seed)
        self.client = client

    def turn(self):
        name, content = self.world.name("firm"), self.content()
        answer = self.expect(self.browser.create(self.matter, len(content), name), 201)
        document = answer.headers["Location"].rsplit("/", 1)[-1]
        answer = self.expect(self.browser.patch(document, 0, content), 204)
        self.world.take(name, content)
        self.expect(self.client.get(f"/documents/{document}"), 200)
        answer = self.expect(self.client.get(f"/documents/{document}/content"), 200)
        assert answer.content == content, name
        self.expect(self.client.post_json(f"/documents/{document}/confirm"), 303)
        self.world.taken[name] |= {"opened", "confirmed"}


def kill_all(site):
    """Kills httpd, scanner and PostgreSQL at once, parents first."""
    pids = descendants(*site.roots())
    kill(pids, signal.SIGKILL)
    kill(descendants(*pids), signal.SIGKILL)  # processes that were forked meanwhile
    wait_for(lambda: not any(words_of(pid) for pid in pids))


def again(site, thorough):
    """Starts the portal as an operator does after a power cut, by start or run. As root by start:
    scanner and database have users of their own, whom run can't become."""
    if thorough or os.geteuid() == 0:
        site.start()
        return
    run = site.data / "program/current/usr/share/kanzleipost/appliance/run"
    site.as_owner(run, "--data", site.data, "--empty", env=site.environment)


def compare(site, world, names):
    """Compares what was acknowledged under these names with what the portal has."""
    rows = site.sql(
        "SELECT d.name, encode(d.sha256, 'hex'), d.state, d.object,"
        " array(SELECT kind FROM event e WHERE e.firm = d.firm AND e.document = d.id),"
        " (SELECT count(*) FROM object_copy c WHERE c.firm = d.firm AND c.document = d.id)"
        " FROM document d WHERE d.name = ANY(%s)", list(names)
    )  # fmt: skip
    found = {row[0]: row for row in rows}
    assert set(names) <= set(found), f"lost: {set(names) - set(found)}"
    assert len(rows) == len(found), "something is there twice"
    for name in names:
        _, sha256, state, key, events, copies = found[name]
        assert (sha256, state, copies) == (world.contents[name], "available", 2), found[name]
        assert world.taken[name] <= set(events), (name, world.taken[name], events)
        assert len(events) == len(set(events)), f"{name}: an event twice: {events}"
        for store in ("store-1", "store-2"):
            assert (site.data / store / key).is_file(), f"{name} is not in {store}"
    assert not site.sql("SELECT name FROM document WHERE name = ANY(%s)", list(world.infected))


def age(site):
    """Makes all files old, so that the sweep at the next start removes those that nobody needs."""
    for folder in ("spool", "store-1/.tmp", "store-2/.tmp"):
        for path in (site.data / folder).glob("*"):
            os.utime(path, (1, 1))


@pytest.fixture
def maria(large_site):
    return large_site.make_client(large_site.signed_in("admin"), "Sommer", "maria")


@pytest.fixture
def people(large_site, maria):
    """Returns the persons, each with a connection and a session of their own."""
    site = large_site
    return {
        "tus-1": (Sender, site.signed_in("maria")),
        "tus-2": (Sender, site.signed_in("maria")),
        "form": (FormSender, site.signed_in("maria")),
        "firm": (Firm, site.signed_in("admin"), site.signed_in("maria")),
    }


def one_round(site, world, people, matter, chance):
    """Makes load, and kills everything in the middle of it."""
    actors = []
    for name, (kind, browser, *more) in people.items():
        for one in (browser, *more):
            site.reconnect(one)
        actor = kind(world, browser, matter, chance.random(), *more)
        actor.name = name
        actors.append(actor)
    for actor in actors:
        actor.start()
    time.sleep(chance.uniform(0.05, 0.8))
    kill_all(site)
    for actor in actors:
        actor.join()


@pytest.mark.timeout(0)
@pytest.mark.expect_log(*SAID)
def test_everything_killed(large_site, maria, people, request):
    site = large_site
    rounds = request.config.getoption("--rounds")
    seed = request.config.getoption("--seed")
    seed = secrets.randbits(32) if seed is None else seed
    print(f"seed {seed}: the moments of the kills; --seed {seed} repeats them")
    chance, world, done = random.Random(seed), World(), set()
    for number in range(rounds):
        one_round(site, world, people, maria.matter, chance)
        start = time.monotonic()
        again(site, thorough=number % 10 == 9)
        site.book.append(("everything killed", "back", time.monotonic() - start, 5))
        assert not world.wrong, (number, world.wrong)
        compare(site, world, set(world.taken) - done)
        done = set(world.taken)
    site.settle()
    finish(site, world, people)
    for name, content in world.promised.items():
        world.take(name, content)
    assert not world.wrong, world.wrong
    compare(site, world, world.taken)
    age(site)
    site.restart_httpd()
    site.book.append((f"{rounds} kills, {len(world.taken)} documents, seed {seed}", "", 0, 0))
    assert len(world.taken) >= rounds, "hardly anything was sent"


def finish(site, world, people):
    """Resumes the uploads that kills have cut, until they end."""
    for name, (kind, browser, *_) in people.items():
        if kind is Sender:
            site.reconnect(browser)
            actor = Sender(world, browser, None, 0)
            actor.name = name
            wait_for(lambda actor=actor, name=name: not [
                actor.go_on(key) for key, one in list(world.uploads.items()) if one[3] == name
            ])  # fmt: skip
