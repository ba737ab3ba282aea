"""The steps of an upload in the database: one that fails, and one that a crash has forgotten."""

import psycopg
import pytest
from person import wait_for


def sql(portal, statement, *arguments):
    """Runs a statement as the cluster's superuser."""
    place = f"host={portal.data}/run/pg dbname=kanzlei user=postgres"
    with psycopg.connect(place, autocommit=True) as db:
        db.execute(statement, arguments)


@pytest.mark.expect_log(r"database: commit: 23514")
def test_failed_commit_leaves_good_connections(portal, maria):
    """A change of which nobody reads the answer fails: so does the request, and nothing else. The
    upload is given back on the same connection, and finished when it can be."""
    sql(portal, "ALTER TABLE event ADD CONSTRAINT t CHECK (kind <> 'provided') NOT VALID")
    try:
        upload = maria.browser.created(maria.matter, 1)
        assert maria.browser.patch(upload, 0, b"x").status_code >= 400
    finally:
        sql(portal, "ALTER TABLE event DROP CONSTRAINT t")
    assert wait_for(lambda: maria.browser.state(upload) == "available")


def test_forgotten_end(portal, maria):
    """All bytes are there, but the row doesn't know that the last one came: whoever asks how far it
    is finishes it, as a repeated last byte would."""
    upload = maria.browser.created(maria.matter, 2)
    assert maria.browser.patch(upload, 0, b"x").status_code == 204
    sql(portal, "UPDATE upload SET size = 1 WHERE id = %s", upload)
    assert maria.browser.offset(upload) == 1
    assert maria.browser.state(upload) == "available"
