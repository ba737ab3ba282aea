"""The answer to the plain form: the matter's page with a result for each file."""

import secrets
from contextlib import suppress

import httpx
import pytest
from contents import random_content
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
    assert kept.startswith(f"g{mark}.zip ist verschlüsselt")
    names = listed(maria.browser, maria.matter)
    assert {f"a {mark}.txt", f"g{mark}.zip", f"b {mark}.txt"} <= set(names)
    assert "eicar.com" not in names


@NOT_CLEAN
def test_the_answer_is_the_page_of_the_matter(maria):
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
def test_staff_are_told_what_to_do(maria, admin):
    answer = admin.send_form(maria.matter, ("eicar.com", EICAR))
    assert answer.status_code == 422
    assert "Prüfen Sie Ihren Rechner" in answer.json()["results"][0]["message"]


def test_a_form_without_files_is_refused(maria):
    answer = maria.browser.send_form(maria.matter, ("", b""), json_view=False)
    assert answer.status_code == 422
    assert "Bitte wählen Sie mindestens eine Datei." in answer.text
    assert "data-upload" in answer.text


def restart(portal):
    """Applies a changed configuration, and opens new connections in place of those that it
    ended."""
    portal.start()
    for browser in (one for one in portal.browsers if not one.http.is_closed):
        with suppress(httpx.TransportError):
            browser.get("/sign-in")


@pytest.fixture
def small(portal):
    """A portal that accepts no document of more than 100,000 bytes."""
    local = portal.data / "conf/kanzlei.local.conf"
    before = local.read_text()
    local.write_text(before + "KanzleiMaximumSize 100K\n")
    restart(portal)
    yield
    local.write_text(before)
    restart(portal)


@pytest.mark.usefixtures("small")
@pytest.mark.expect_log("keeper", "AH01882")
def test_too_large(maria):
    mark = secrets.token_hex(4)
    files = ((f"a{mark}.txt", b"a"), ("gross.bin", random_content(300_000)),
             (f"b{mark}.txt", b"b"))  # fmt: skip
    answer = maria.browser.send_form(maria.matter, *files)
    assert answer.status_code == 413
    said = answer.json()
    assert results(said) == [
        (f"a{mark}.txt", "available"), ("gross.bin", "failed"), (f"b{mark}.txt", "available"),
    ]
    assert said["results"][1]["what"] == "too_large"
    assert listed(maria.browser, maria.matter)[:2] == [f"b{mark}.txt", f"a{mark}.txt"]


def test_files_before_the_fault_of_a_form_are_listed(maria):
    """The form has too many parts: the answer is an error, and names the files that have
    arrived."""
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


def test_a_form_that_ends_within_a_file(maria):
    """The body ends within the second file: that file is not stored, and the page says so."""
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
