"""Which requests count as opening a document, and when: after the answer, if a person asked."""

import secrets

import httpx
import pytest
from person import wait_for

AHEAD = [
    {"Sec-Purpose": "prefetch"}, {"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"},
    {"X-Purpose": "preview"}, {"X-Moz": "prefetch"},
]  # fmt: skip
UNSEEN = AHEAD + [
    {"Sec-Fetch-Dest": dest, "Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}
    for dest, mode in (
        ("image", "no-cors"), ("iframe", "navigate"), ("empty", "cors"), ("object", "no-cors"),
        ("script", "no-cors"), ("empty", "navigate"), ("document", "no-cors"),
    )
    for site in ("same-origin", "same-site")
]  # fmt: skip
NAVIGATION = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"}


@pytest.fixture(params=["HTTP/2", "HTTP/1.1"])
def client(request, portal, maria):
    """Maria's session, by each version of HTTP."""
    jar = maria.browser.http.cookies
    with httpx.Client(
        base_url=portal.url + maria.browser.base, cookies=jar, timeout=60, trust_env=False,
        verify=maria.browser.http._transport._pool._ssl_context, http2=request.param == "HTTP/2",
    ) as made:  # fmt: skip
        yield made


def opened(portal, document):
    return portal.sql(
        "SELECT 1 FROM delivery_step WHERE document = %s AND step = 'opened'", document
    )


def provided(admin, maria, content=b"Bescheid"):
    return admin.upload(maria.matter, content, f"{secrets.token_hex(4)}.txt")


def test_what_nobody_sees_opens_nothing(portal, admin, maria, client):
    """Fetching ahead, pictures, frames and scripts are no persons; a refusal opens nothing."""
    document = provided(admin, maria)
    page, content = f"/documents/{document}", f"/documents/{document}/content"
    for headers in UNSEEN:
        assert client.get(page, headers=headers).status_code == 200
    for headers in AHEAD:
        assert client.get(content, headers=headers).status_code == 200
    for headers, status in (
        ({"Accept": "image/png"}, 406), ({"Accept": "text/html;q=0, */*;q=0"}, 406),
        ({"Accept": "application/xml"}, 406),
    ):  # fmt: skip
        assert client.get(page, headers=NAVIGATION | headers).status_code == status
    etag = client.head(content).headers["ETag"]
    for headers, status in (
        ({"If-None-Match": etag}, 304), ({"If-Match": '"x"'}, 412), ({"Range": "bytes=99-"}, 416),
        ({"Range": "bytes=0-2"}, 206),
    ):  # fmt: skip
        assert client.get(content, headers=NAVIGATION | headers).status_code == status, headers
    assert client.head(page).status_code == 200
    assert opened(portal, document) == []


@pytest.mark.parametrize("headers", [{}, NAVIGATION, NAVIGATION | {"Sec-Fetch-Site": "cross-site"}])
def test_a_navigation_opens(portal, admin, maria, client, headers):
    """A browser that sends no fetch metadata is believed; a link in a mail leads here, too."""
    document = provided(admin, maria)
    answer = client.get(f"/documents/{document}", headers=headers | {"Accept": "text/html"})
    assert answer.status_code == 200
    wait_for(lambda: opened(portal, document))
