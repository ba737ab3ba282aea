"""The pictures of README.md, from the demonstration. They are renewed by

    KZ_PICTURES=1 tests/.venv/bin/python -m pytest -c tests/pytest.ini --rootdir tests \\
        tests/browser/test_pictures.py

and are made elsewhere without KZ_PICTURES."""

import os
import re

import pytest
from case import file, row, send, under_way
from contents import random_content
from playwright.sync_api import expect
from scand_samples import EICAR
from stage import ROOT

KEPT = ROOT / "tests/browser/screenshots"


@pytest.fixture
def take(screenshots):
    """Takes a picture of the upper part of a page, without the space of the scroll bar."""
    folder = KEPT if "KZ_PICTURES" in os.environ else screenshots

    def picture(one, name, height):
        width = one.page.evaluate("document.body.getBoundingClientRect().right")
        one.page.set_viewport_size({"width": one.page.viewport_size["width"], "height": height})
        one.page.evaluate("document.activeElement.blur(); document.fonts.ready")
        clip = {"x": 0, "y": 0, "width": width, "height": height}
        one.page.screenshot(path=folder / f"{name}.png", clip=clip)

    return picture


def signed_in(one, role):
    account = one.portal.accounts[role]
    one.sign_in(account["user"], account["password"])
    return one


def test_pictures_of_the_firm(person, take):
    """Takes the firm's home page, and the list of receipts."""
    staff = signed_in(person(), "staff")
    take(staff, "staff-home", 880)
    staff.follow("nav.receipts", within="nav.rooms")
    staff.page.locator("select[name=client]").select_option(label="Bäckerei Huber GmbH")
    expect(staff.page).to_have_url(re.compile(r"receipts\?client="))
    expect(staff.page.locator("li.receipt")).to_have_count(4)
    take(staff, "receipts", 640)


def test_pictures_of_a_client(person, launch, line, take, tmp_path):
    """Takes a client's home page on a phone, and a matter during an upload."""
    take(signed_in(person(size="phone"), "client"), "client-home", 780)
    far = launch(line.rule)
    client = signed_in(person(browser=far, line="bad"), "client")
    client.page.locator(".card a").first.click()
    send(client, file("Mietvertrag.txt", "Lindenweg 4"), file("Rechnung.pdf.com", EICAR))
    expect(client.page.locator(".job--done, .job--bad")).to_have_count(2)
    plan = tmp_path / "Grundriss.tif"
    plan.write_bytes(random_content(40_000_000))
    line.speed = 400_000
    client.page.set_input_files("#files", plan)
    under_way(client, plan.name)
    take(client, "uploads", 840)
    row(client, plan.name).get_by_role("button").click()
    expect(row(client, plan.name)).to_have_class(re.compile("job--cancelled"))
    far.close()


def test_readme_shows_them():
    """README.md names each picture and no others; together they stay small."""
    named = re.findall(r"tests/browser/screenshots/([\w-]+)\.png", (ROOT / "README.md").read_text())
    kept = list(KEPT.glob("*.png"))
    assert sorted(named) == sorted(path.stem for path in kept)
    assert {"staff-home", "client-home", "uploads", "receipts"} == set(named)
    assert sum(path.stat().st_size for path in kept) < 400_000
