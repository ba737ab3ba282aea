"""The power fails under load, and takes all that was not flushed, or any part of it: every byte of
an upload that was acknowledged is there, and every upload that was made."""

import random
import secrets
import signal
import time

import pytest
from breakable import descendants, kill, words_of
from person import wait_for
from power import Power
from test_kill import SAID, Sender, World, age, compare

ROUNDS = 12


def cut(site, power, chance):
    """Kills httpd, and loses what it had not flushed; PostgreSQL has a disk of its own."""
    pids = descendants(site.httpd_pid())
    kill(pids, signal.SIGKILL)
    kill(descendants(*pids), signal.SIGKILL)
    wait_for(lambda: not any(words_of(pid) for pid in pids))
    (site.data / "run/httpd.pid").unlink()  # its process may still be waited for
    return power.lose(chance, site.owner)


def resume(site, world, people):
    """Resumes the uploads that the power loss has cut, until they end."""
    for name, browser in people.items():
        site.reconnect(browser)
        actor = Sender(world, browser, None, 0)
        actor.name = name
        wait_for(lambda actor=actor, name=name: not [
            actor.go_on(key) for key, one in list(world.uploads.items()) if one[3] == name
        ])  # fmt: skip


@pytest.mark.timeout(0)
@pytest.mark.expect_log(*SAID)
def test_power_fails(large_site):
    site = large_site
    maria = site.make_client(site.signed_in("admin"), "Winter", "maria-power")
    people = {f"tus-{i}": site.signed_in("maria-power") for i in range(3)}
    power = Power(site, site.data / "spool")
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    chance, world, lost = random.Random(seed), World(), []
    site.stop_httpd()
    for number in range(ROUNDS):
        power.begin(site.owner)
        site.httpd("start", preload=True, **power.environment)
        wait_for(site.answers)
        actors = []
        for name, browser in people.items():
            site.reconnect(browser)
            actors.append(Sender(world, browser, maria.matter, chance.random()))
            actors[-1].name = name
            actors[-1].start()
        time.sleep(chance.uniform(0.2, 1))
        lost += cut(site, power, chance if number % 2 else None)
        for actor in actors:
            actor.join()
        assert not world.wrong, (number, seed, world.wrong)
    site.httpd("start")
    wait_for(site.answers)
    resume(site, world, people)
    site.settle()
    assert not world.wrong, world.wrong
    compare(site, world, world.taken)
    age(site)
    site.restart_httpd()
    assert lost, "the power loss took nothing"
