"""What was discarded is kept for its time: tidying takes nothing of it away, nor adds to it if it
was noted by a clock that was ahead."""

import secrets
from datetime import timedelta

import pytest
from person import wait_for
from scand_samples import sevenzip

NOT_CLEAN = pytest.mark.expect_log(r"unscannable: encrypted")
JOB = """FROM job j JOIN document d ON d.firm = j.firm AND d.object = j.data ->> 'object'
          WHERE j.kind = 'remove_object' AND j.state = 'waiting' AND d.id = %s"""


@pytest.fixture
def discarded(portal, admin, maria, tmp_path):
    """A document that the firm has discarded: its bytes are kept for a week."""
    packed = sevenzip(tmp_path, "akte.zip", "-psecret", content=secrets.token_bytes(2000))
    ident = maria.browser.upload(maria.matter, packed, "akte.zip")
    wait_for(lambda: maria.browser.state(ident) == "unscannable")
    answer = admin.post_json(f"/documents/{ident}/discard", {"reason": "unbekannt"})
    assert answer.status_code == 303
    return ident


def left(portal, ident):
    """Returns for how long its removal waits yet."""
    portal.sql("SELECT kz_tidy()")
    [(time,)] = portal.sql(f"SELECT j.due - now() {JOB}", ident)
    return time


def year_ahead(portal, ident, change):
    """Makes the job what it would be if the clock had been a year ahead."""
    portal.sql(f"UPDATE job u SET {change}, due = j.due + interval '1 year' {JOB}"
               " AND u.firm = j.firm AND u.id = j.id RETURNING 1", ident)  # fmt: skip


@NOT_CLEAN
def test_it_is_kept_for_its_time(portal, discarded):
    assert timedelta(days=6) < left(portal, discarded) < timedelta(days=8)


@NOT_CLEAN
def test_a_clock_that_was_ahead_doesnt_keep_it_for_longer(portal, discarded):
    year_ahead(portal, discarded, "created = j.created + interval '1 year'")
    assert timedelta(days=6) < left(portal, discarded) < timedelta(days=8)


@NOT_CLEAN
def test_a_try_that_failed_while_the_clock_was_ahead(portal, discarded):
    year_ahead(portal, discarded, "tries = 1")
    portal.sql("SELECT kz_tidy()")
    assert portal.sql(f"SELECT 1 {JOB} AND j.due > now() + interval '1 minute'", discarded) == []
