"""What the plain form says about each of its files, on the page of the matter that it came from."""

import secrets
from contextlib import suppress

import httpx
import pytest
from scand_samples import EICAR, sevenzip

NOT_CLEAN = pytest.mark.expect_log(
    r"worker \d: infected: Eicar", r"worker \d: unscannable: encrypted"
)


def encrypted(folder, name="geheim.zip"):
    return (name, sevenzip(folder, name, "-psecret", content=secrets.token_bytes(2000)))


def results(document):
    return [(row["name"], row["state"]) for row in document["results"]]


def listed(browser, matter):
    return [row["name"] for row in browser.get_json(f"/matters/{matter}")["documents"]]


@NOT_CLEAN
def test_each_file_has_its_result(maria, tmp_path):
    mark = secrets.token_hex(4)
    files = ((f"a {mark}.txt", b"a"), ("eicar.com", EICAR), encrypted(tmp_path, f"g{mark}.zip"),
             (f"b {mark}.txt", b"b"))  # fmt: skip
    answer = maria.browser.send_form(maria.matter, *files)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    said = answer.json()
    assert results(said) == [
        (f"a {mark}.txt", "available"), ("eicar.com", "infected"),
        (f"g{mark}.zip", "unscannable"), (f"b {mark}.txt", "available"),
    ]
    arrived, refused, kept, _ = (row["message"] for row in said["results"])
    assert arrived == f"a {mark}.txt ist bei Ihrer Kanzlei angekommen."
    assert refused.startswith("eicar.com enthält den Virus Eicar")
    assert refused.endswith("Prüfen Sie Ihren Rechner mit einem Virenschutz und senden Sie die "
                            "Datei dann neu.")  # fmt: skip
    assert said["detail"] == refused
    assert kept.startswith(f"g{mark}.zip ist mit einem Passwort geschützt")
    names = listed(maria.browser, maria.matter)
    assert {f"a {mark}.txt", f"g{mark}.zip", f"b {mark}.txt"} <= set(names)
    assert "eicar.com" not in names


@NOT_CLEAN
def test_it_is_the_page_of_the_matter(maria):
    mark = secrets.token_hex(4)
    files = ((f"{mark}.txt", b"a"), ("eicar.com", EICAR))
    answer = maria.browser.send_form(maria.matter, *files, json_view=False)
    assert answer.status_code == 422
    page = answer.text
    assert f"{mark}.txt ist bei Ihrer Kanzlei angekommen." in page
    assert page.count("eicar.com enthält den Virus") == 1
    assert f'/matters/{maria.matter}/documents" data-upload' in page, "the form is there again"
    assert f'name="back" value="{maria.browser.base}/matters/{maria.matter}"' in page
    assert page.count(f">{mark}.txt<") == 2, "in the results, and in the list"


@NOT_CLEAN
def test_kept_back_is_no_error(maria, admin, tmp_path):
    for browser, start in ((maria.browser, "Ihre Kanzlei entscheidet"), (admin, "Niemand sieht")):
        answer = browser.send_form(maria.matter, ("a.txt", b"a"), encrypted(tmp_path))
        assert answer.status_code == 200
        said = answer.json()
        assert results(said) == [("a.txt", "available"), ("geheim.zip", "unscannable")]
        assert start in said["results"][1]["message"]
        assert said["matter"]["id"] == maria.matter
    assert said["results"][0]["message"] == "a.txt ist bereitgestellt."


@NOT_CLEAN
def test_staff_hear_what_to_do_too(maria, admin):
    answer = admin.send_form(maria.matter, ("eicar.com", EICAR))
    assert answer.status_code == 422
    assert "Prüfen Sie Ihren Rechner" in answer.json()["results"][0]["message"]


def test_no_file_is_said_at_the_form(maria):
    answer = maria.browser.send_form(maria.matter, ("", b""), json_view=False)
    assert answer.status_code == 422
    assert "Bitte wählen Sie mindestens eine Datei." in answer.text
    assert "data-upload" in answer.text


def restart(portal):
    """Takes over a changed configuration; nobody keeps a connection that has ended with it."""
    portal.start()
    for browser in (one for one in portal.browsers if not one.http.is_closed):
        with suppress(httpx.TransportError):
            browser.get("/sign-in")


@pytest.fixture
def small(portal):
    """A portal that takes no document of more than 100,000 bytes."""
    local = portal.data / "conf/kanzlei.local.conf"
    assert not local.exists()
    local.write_text("KanzleiMaximumSize 100K\n")
    restart(portal)
    yield
    local.unlink()
    restart(portal)


@pytest.mark.usefixtures("small")
@pytest.mark.expect_log("keeper", "AH01882")
def test_too_large(maria):
    mark = secrets.token_hex(4)
    files = ((f"a{mark}.txt", b"a"), ("gross.bin", secrets.token_bytes(300_000)),
             (f"b{mark}.txt", b"b"))  # fmt: skip
    answer = maria.browser.send_form(maria.matter, *files)
    assert answer.status_code == 413
    said = answer.json()
    assert results(said) == [
        (f"a{mark}.txt", "available"), ("gross.bin", "failed"), (f"b{mark}.txt", "available"),
    ]
    assert said["results"][1]["what"] == "too_large"
    assert listed(maria.browser, maria.matter)[:2] == [f"b{mark}.txt", f"a{mark}.txt"]


def test_what_came_before_a_broken_form_is_told(maria):
    """Too many parts: the answer is an error, and says what has arrived nonetheless."""
    mark = secrets.token_hex(4)
    body = b'--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n'
    body += maria.browser.csrf.encode()
    for number in range(3):
        body += (
            '\r\n--b\r\nContent-Disposition: form-data; name="files"; '
            f'filename="{mark}{number}.txt"\r\n\r\nx'
        ).encode()
    body += b'\r\n--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n' * 200 + b"\r\n--b--\r\n"
    answer = maria.browser.request(
        "POST", f"/matters/{maria.matter}/documents", token=False, content=body,
        headers={"Content-Type": "multipart/form-data; boundary=b", "Origin": maria.browser.url},
    )
    assert answer.status_code in (400, 413)
    assert results(answer.json()) == [(f"{mark}{number}.txt", "available") for number in range(3)]


def test_what_breaks_off_in_a_file_is_told(maria):
    """The body ends within the second file: it is not there, and the page says so."""
    mark = secrets.token_hex(4)
    body = b'--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n'
    body += maria.browser.csrf.encode()
    for name in "ab":
        body += (
            f'\r\n--b\r\nContent-Disposition: form-data; name="files"; filename="{name}{mark}.txt"'
            "\r\n\r\nx"
        ).encode()
    answer = maria.browser.request(
        "POST", f"/matters/{maria.matter}/documents", token=False, content=body,
        headers={"Content-Type": "multipart/form-data; boundary=b", "Origin": maria.browser.url},
    )
    assert answer.status_code == 400
    assert results(answer.json()) == [(f"a{mark}.txt", "available"), (f"b{mark}.txt", "failed")]
    assert f"b{mark}.txt" not in listed(maria.browser, maria.matter)
