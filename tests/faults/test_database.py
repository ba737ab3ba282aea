"""PostgreSQL stopped, hanging, and back."""

import secrets

import pytest

DOWN = r"DB_DOWN: .*(connect|lost|read|terminating)|DB_BUSY"


def pages(browser):
    """One page for people, and the same for programs."""
    return {
        "page": lambda: browser.get("/", json_view=False),
        "json": lambda: browser.get("/"),
        "entrance": lambda: browser.get("/sign-in", json_view=False),
    }


@pytest.mark.expect_log(DOWN)
def test_stopped_and_started(site, maria):
    browser = maria.browser
    document = browser.upload(maria.matter, b"before")
    half = browser.created(maria.matter, 10)
    assert browser.patch(half, 0, b"12345").status_code == 204
    site.postgres("stop", "-m", "fast")
    for name, call in pages(browser).items():
        site.said(f"PostgreSQL stopped: {name}", call, 503)
    site.said("PostgreSQL stopped: upload", lambda: browser.create(maria.matter, 5), 503)
    site.said("PostgreSQL stopped: resume", lambda: browser.patch(half, 5, b"67890"), 503)
    site.said("PostgreSQL stopped: form", lambda: browser.send_form(
        maria.matter, ("a.txt", secrets.token_bytes(1000))), 503)  # fmt: skip
    site.postgres("start")
    site.back("PostgreSQL started", lambda: browser.get("/").status_code == 200)
    assert browser.patch(half, 5, b"67890").status_code == 204
    assert browser.get(f"/documents/{half}/content").content == b"1234567890"
    assert browser.get(f"/documents/{document}/content").content == b"before"
