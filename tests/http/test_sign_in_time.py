"""Signing in takes as long for a wrong password as for an unknown, a locked and a foreign name."""

import random
import time

from running import PASSWORD
from test_sign_in import lock, unlock

ROUNDS = 40


def sooner(these, those):
    """Returns how often one of THESE is smaller than one of THOSE: 0.5 if they are alike (the
    statistic of Mann and Whitney, as a share)."""
    wins = sum((a < b) + (a == b) / 2 for a in these for b in those)
    return wins / len(these) / len(those)


def take_times(cases, after_round):
    """Measures the milliseconds of each case, by turns: other load on the machine affects all
    alike."""
    times = {name: [] for name in cases}
    for number in range(ROUNDS):
        for name in random.sample(list(cases), len(cases)):
            browser, user, password = cases[name]
            fields = {"user": user, "password": password or f"falsch-{number}"}
            started = time.perf_counter()
            answer = browser.post_json("/sign-in", fields)
            times[name].append((time.perf_counter() - started) * 1000)
            assert answer.status_code == 422, (name, answer.text)
        after_round(number)
    return times


def test_sooner():
    assert sooner([1, 2], [3, 4]) == 1
    assert sooner([3, 4], [1, 2]) == 0
    assert sooner([1, 2], [1, 2]) == 0.5


def test_the_time_reveals_nothing_about_a_name(portal, admin):
    known, locked = portal.fresh_staff(), portal.fresh_staff()
    lock(portal, locked)
    here, there = portal.browser(), portal.browser(portal.other)
    for browser in (here, there):
        browser.get_json("/sign-in")
    cases = {  # with None, another wrong password each time, so that it is counted each time
        "wrong": (here, known, None),
        "unknown": (here, "gibt-es-nicht", None),
        "locked": (here, locked, PASSWORD),
        "foreign": (there, known, PASSWORD),
    }

    def unlock_known(number):
        if number % 3 == 2:
            unlock(admin, known)

    times = take_times(cases, unlock_known)
    shares = {name: sooner(times[name], times["wrong"]) for name in cases}
    # 40 samples of one distribution against 40 more give 0.5 +- 0.065.
    assert all(0.2 < share < 0.8 for share in shares.values()), (shares, times)
