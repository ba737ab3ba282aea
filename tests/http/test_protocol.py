"""HTTP as in RFC 9110, problem documents as in RFC 9457, and the headers of every answer."""

import secrets
import time
import uuid

import pytest
from raw import Raw, statuses

PROBLEM = "application/problem+json"

SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def check_problem(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == PROBLEM
    problem = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"]


def check_headers(answer):
    for name, value in SECURITY.items():
        assert answer.headers.get(name) == value, name
        assert len(answer.headers.get_list(name)) == 1, name
    assert "max-age=" in answer.headers["Strict-Transport-Security"]
    assert "camera=()" in answer.headers["Permissions-Policy"]
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "Server" not in answer.headers or "/" not in answer.headers["Server"]


def test_http2(portal):
    assert portal.browser().get("/sign-in").http_version == "HTTP/2"


@pytest.mark.parametrize("path", ["/", "/sign-in", "/clients", "/documents", "/account", "/nichts"])
@pytest.mark.parametrize("json_view", [True, False])
def test_security_headers_are_on_every_answer(admin, path, json_view):
    check_headers(admin.get(path, json_view=json_view))


def test_security_headers_are_on_refusals_and_redirects(portal, admin):
    check_headers(portal.browser().get("/", json_view=False))
    check_headers(admin.request("PUT", "/clients"))
    check_headers(admin.post_json("/clients", token=False))
    check_headers(admin.request("OPTIONS", "/clients"))


@pytest.mark.parametrize(
    "method, path, allowed",
    [
        ("PUT", "/clients", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("DELETE", "/sign-in", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("POST", "/documents", {"GET", "HEAD", "OPTIONS"}),
        ("GET", "/sign-out", {"POST", "OPTIONS"}),
        ("PATCH", "/", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_wrong_method(admin, method, path, allowed):
    answer = admin.request(method, path)
    check_problem(answer, 405)
    assert set(answer.headers["Allow"].split(", ")) == allowed
    options = admin.request("OPTIONS", path)
    assert options.status_code == 204
    assert set(options.headers["Allow"].split(", ")) == allowed


def test_unknown_method(admin):
    assert admin.request("BREW", "/clients").status_code in (405, 501)


@pytest.mark.parametrize(
    "accept, status, kind",
    [
        ("image/png", 406, None),
        ("text/html;q=0, application/json;q=0", 406, None),
        ("application/json", 200, "application/json"),
        ("text/html, application/json;q=0.9", 200, "text/html"),
        ("text/html;q=0.5, application/json", 200, "application/json"),
        ("text/*", 200, "text/html"),
        ("*/*", 200, "text/html"),
        ("", 200, "text/html"),
    ],
)
def test_accept(admin, accept, status, kind):
    answer = admin.get("/clients", headers={"Accept": accept})
    assert answer.status_code == status
    assert "Accept" in answer.headers["Vary"]
    assert kind is None or answer.headers["Content-Type"].startswith(kind)


def test_a_form_that_is_not_acceptable_changes_nothing(admin):
    before = admin.get_json("/clients")["clients"]
    fields = {"number": "A-1", "kind": "company", "name": "Ungesehen", "language": "de"}
    answer = admin.post_json("/clients", fields, headers={"Accept": "image/png"})
    assert answer.status_code == 406
    assert admin.get_json("/clients")["clients"] == before


def test_a_number_in_json_counts_as_its_digits(admin):
    number = 10**9 + secrets.randbelow(10**9)
    fields = {"number": number, "kind": "company", "name": "Ziffern GmbH", "language": "de"}
    client = admin.made("/clients", fields)
    assert admin.get_json(f"/clients/{client}")["client"]["number"] == str(number)


def test_a_field_twice_in_json(admin):
    """Refused even if the two names differ in case only: one of the values would be lost."""
    before = admin.get_json("/clients")["clients"]
    fields = {"number": "A-2", "kind": "company", "name": "Eins", "Name": "Zwei", "language": "de"}
    assert admin.post_json("/clients", fields).status_code == 400
    assert admin.get_json("/clients")["clients"] == before


@pytest.mark.parametrize(
    "path",
    ["/nichts", "/clients/keine-id", "/clients/../../etc/passwd", "/k/linde/nichts"],
)
def test_not_found_is_a_problem_document(admin, path):
    check_problem(admin.get(path), 404)


@pytest.mark.parametrize("accept", ["text/html", "image/png", "*/*"])
def test_routes_for_programs_report_problems_as_json(admin, accept):
    for method in ("GET", "PATCH", "DELETE"):
        answer = admin.request(method, f"/uploads/{uuid.uuid4()}", headers={"Accept": accept})
        check_problem(answer, 404)


def test_not_found_as_a_page(admin):
    answer = admin.get("/nichts", json_view=False)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Diese Seite gibt es nicht" in answer.text


@pytest.mark.parametrize("path", ["/k/gibtesnicht/sign-in", "/k/gibtesnicht/", "/k/x/", "/k/"])
def test_unknown_firm(portal, path):
    answer = portal.browser().get(path)
    assert answer.status_code in (401, 404)
    if path.endswith("sign-in"):
        check_problem(answer, 404)


def test_root_and_outside_of_the_firms(portal):
    browser = portal.browser()
    assert browser.get("").status_code == 200
    assert browser.get("https://localhost" + portal.url[17:] + "/server-status").status_code == 404


@pytest.mark.parametrize("path", ["/sign-in", "/clients", "/documents", "/receipts.csv"])
def test_head_is_get_without_a_body(admin, path):
    full, head = admin.get(path), admin.request("HEAD", path)
    assert head.status_code == full.status_code == 200
    assert head.content == b""
    assert head.headers["Content-Type"] == full.headers["Content-Type"]


def test_body_that_is_no_form(admin):
    send = {"Content-Type": "text/xml"}
    answer = admin.request("POST", "/clients", content=b"<x/>", headers=send)
    check_problem(answer, 415)
    send = {"Content-Type": "application/json"}
    for body in (b"{", b"[]", b'"x"', b'{"a": [1]}', b'{"a":"\xff"}'):
        check_problem(admin.request("POST", "/clients", content=body, headers=send), 400)


def test_body_that_is_too_large_for_a_form(admin):
    send = {"Content-Type": "application/x-www-form-urlencoded"}
    body = b"name=" + b"x" * 300_000
    check_problem(admin.request("POST", "/clients", content=body, headers=send), 413)


def test_the_same_fields_as_form_and_as_json(admin):
    fields = {"number": "", "kind": "company", "name": "", "language": "de"}
    form = admin.request("POST", "/clients", data=fields)
    assert form.status_code == admin.post_json("/clients", fields).status_code == 422
    assert form.json()["errors"] == admin.post_json("/clients", fields).json()["errors"]


def test_texts_follow_the_language(portal):
    browser = portal.browser()
    titles = {
        browser.get("/sign-in", headers={"Accept-Language": language}).json()["page_title"]
        for language in ("de", "en")
    }
    assert len(titles) == 2


def test_every_child_says_that_there_are_only_test_signatures(portal, admin):
    """One of httpd's children asks the scanner, but another child may answer a connection."""
    wanted = portal.kanzleictl("status", fails=True)["scanner"]["test_signatures_only"]
    deadline = time.monotonic() + 90  # asked once a minute
    while admin.get_json("/")["test_signatures"] != wanted and time.monotonic() < deadline:
        time.sleep(0.2)
    said = set()
    for _ in range(25):
        browser = portal.browser()
        browser.http.cookies = admin.http.cookies
        said.add(browser.get_json("/")["test_signatures"])
        browser.close()
    assert said == {wanted}


def test_assets_are_cached_and_pages_are_not(portal):
    browser = portal.browser()
    css = browser.get_json("/sign-in")["css"]
    answer = browser.get(css, headers={"Accept-Encoding": "br, gzip"})
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Encoding"] in ("br", "gzip")


BACK = [
    "https://evil.example/", "//evil.example/", "/\\evil.example", "/k/linde/\\evil", "/k/lindex/",
    "/k/linde/\r\nSet-Cookie: a=b", "/k/linde/\x01", "/k/linde/\x7f", "/k/linde/\t", "/k/linde/ä",
    "javascript:alert(1)", "", "/k/linde",
]  # fmt: skip


@pytest.mark.parametrize("back", BACK)
def test_the_language_form_redirects_to_no_other_site(portal, back):
    browser = portal.browser()
    browser.get_json("/sign-in")
    answer = browser.request("POST", "/language", data={"lang": "en", "back": back})
    assert answer.status_code == 303
    assert answer.headers["Location"] == browser.base + "/"
    answer = browser.request("POST", "/language", data={"lang": "en", "back": "/k/linde/help?a=b"})
    assert answer.headers["Location"] == "/k/linde/help?a=b"


@pytest.mark.parametrize(
    "path, status",
    [
        ("/k/linde/%2fetc", 404), ("/k/linde/a%00b", 404), ("/-/", 404), ("/-/nichts", 404),
        ("/-/assets/", 404), ("/-/assets/%2e%2e/texts.de.json", 404), ("/.well-known/x", 404),
        ("/.well-known/acme-challenge/../../k/linde/clients", 401), ("/K/linde/sign-in", 404),
        ("//k//linde//clients", 401), ("/k/linde/%2e%2e/linde/clients", 401),
        ("/k/linde/clients/", 404), ("/k/linde/clients;a=b", 404), ("/k/linde/clients%20", 404),
        ("/k/LINDE/sign-in", 404), ("/k/linde/../../etc/passwd", 404), ("/index.html", 404),
    ],
)  # fmt: skip
def test_no_way_around_by_the_path(portal, path, status):
    """httpd's own answers run no script, can't be framed, and cause no line in the error log."""
    with Raw(portal) as raw:
        raw.head(f"GET {path} HTTP/1.1", "Connection: close")
        found = raw.rest()
    assert statuses(found) == [status], found
    head = found.partition(b"\r\n\r\n")[0].lower()
    assert head.count(b"content-security-policy: default-src '") == 1
    assert head.count(b"x-content-type-options: nosniff") == 1
    assert b"frame-ancestors 'none'" in head


@pytest.mark.parametrize("path", ["/k/linde", "/k/%3Ca%3E"])
def test_an_entrance_without_its_last_slash_leads_there(portal, path):
    with Raw(portal) as raw:
        raw.head(f"GET {path} HTTP/1.1", "Connection: close")
        found = raw.rest()
    assert statuses(found) == [308]
    assert f"location: {path.lower()}/\r\n".encode() in found.lower()
    assert portal.browser().request("POST", "/../linde").status_code == 404


def test_another_host_in_the_request_has_no_effect(portal):
    """Redirects, links and cookies do not take the host's name from the request."""
    for first, host in (
        ("GET /k/linde/ HTTP/1.1", "evil.example"),
        ("GET https://evil.example/k/linde/sign-in HTTP/1.1", "evil.example"),
        ("GET /k/linde/sign-in HTTP/1.1", "evil.example:1@x"),
    ):
        with Raw(portal) as raw:
            raw.host = host
            raw.head(first, "X-Forwarded-Host: evil.example", "Connection: close")
            assert b"evil" not in raw.rest()


@pytest.mark.parametrize("query", [b"x=\xff\xfe", b"<script>", b'"onload="x', b"x=\xc3\xa4"])
def test_invalid_utf8_in_the_address(portal, query):
    for kind in ("application/json", "text/html"):
        with Raw(portal) as raw:
            lines = f"Host: {raw.host}\r\nAccept: {kind}\r\nConnection: close\r\n\r\n"
            raw.send(b"GET /k/linde/sign-in?" + query + b" HTTP/1.1\r\n" + lines.encode())
            answer = raw.rest()
        assert statuses(answer) in ([200], [400])
        body = answer.partition(b"\r\n\r\n")[2].decode()
        if kind == "text/html":
            assert "<script>" not in body and '"onload' not in body


def test_headers_can_not_change_the_method(admin):
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        assert admin.request("POST", "/documents", headers={name: "GET"}).status_code == 405
    assert admin.request("TRACE", "/").status_code == 405
