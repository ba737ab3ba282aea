"""Compares forms.def with the tables' constraints, the pages, and the values that a form takes."""

import re
from html.parser import HTMLParser
from pathlib import Path

import forms
import pytest

ROOT = Path(__file__).resolve().parents[2]

FORMS = forms.read(ROOT / "mod_kanzlei/forms.def")
STORED = sorted(
    (form, field.name) for form, (_, fields) in FORMS.items() for field in fields if field.column
)
# Limits in bytes, not characters: RFC 5321 section 4.5.3.1.3, and that of file systems.
BYTES = {"EMAIL", "FILE"}
# Fields that look up an old account's name, which may be longer than a new one.
LONGER_IN_TABLE = {("access", "user"), ("staff", "user")}


def field_of(form, name):
    return next(field for field in FORMS[form][1] if field.name == name)


@pytest.fixture(scope="module")
def checks(portal):
    """Returns {table.column: the CHECK constraints of this column alone}."""
    rows = portal.sql(
        "SELECT c.conrelid::regclass::text || '.' || a.attname, pg_get_constraintdef(c.oid)"
        "  FROM pg_constraint c JOIN pg_attribute a"
        "    ON a.attrelid = c.conrelid AND ARRAY[a.attnum] = c.conkey"
        " WHERE c.contype = 'c'"
    )
    found = {}
    for column, text in rows:
        found[column] = found.get(column, "") + text
    return found


@pytest.mark.parametrize(("form", "name"), STORED)
def test_the_table_has_the_same_limits(checks, form, name):
    field = field_of(form, name)
    text = checks[field.column]
    if field.kind == "CHOICE":
        assert set(re.findall(r"'(\w+)'", text)) == set(field.values)
    elif field.kind == "SLUG":
        least, most = re.search(r"\{(\d+),(\d+)\}", text).groups()
        assert (field.least, field.most) == (int(least) + 2, int(most) + 2)
    else:
        unit = "octet_length" if field.kind in BYTES else "char_length"
        most = int(re.search(unit + r'\("?\w+"?\) <= (\d+)', text)[1])
        assert field.most < most if (form, name) in LONGER_IN_TABLE else field.most == most
        if "<> ''" in text:
            assert field.least > 0 or form == "upload"  # a file without a name gets one


def test_no_column_is_counted_in_two_ways(checks):
    """Form, table and page count characters, except for fields with a limit in bytes."""
    columns = {field_of(*one).column for one in STORED if field_of(*one).kind not in BYTES}
    assert [one for one in sorted(columns) if "octet_length" in checks[one]] == []


class Inputs(HTMLParser):
    """The fields of a page: their attributes by name, and the elements that describe them."""

    def __init__(self, text):
        super().__init__()
        self.fields, self.ids, self.labels = {}, set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids.add(attributes.get("id"))
        if tag == "label":
            self.labels.add(attributes.get("for"))
        if tag in ("input", "textarea") and "name" in attributes:
            self.fields.setdefault(attributes["name"], attributes | {"tag": tag})


def check_page(text, form, wrong=()):
    page = Inputs(text)
    for field in FORMS[form][1]:
        if not field.label:
            continue
        shown = page.fields[field.name]
        assert shown["id"] in page.ids & page.labels
        if field.kind == "CHOICE":
            assert field.name in page.fields
            continue
        assert shown["maxlength"] == str(field.most)
        assert ("required" in shown) == (field.least > 0)
        assert shown.get("autocomplete", "") == field.autocomplete
        described = shown.get("aria-describedby", "").split()
        assert set(described) <= page.ids
        assert (f"{field.name}-hint" in described) == field.hint
        assert (f"{field.name}-error" in described) == (field.name in wrong)
        assert shown.get("aria-invalid") == ("true" if field.name in wrong else None)


PAGES = {
    "sign_in": ("/sign-in", None), "redeem": ("/redeem", None), "forgotten": ("/forgotten", None),
    "client": ("/clients/new", "admin"), "staff": ("/staff/new", "admin"),
    "password": ("/account", "admin"),
}  # fmt: skip


@pytest.mark.parametrize("form", PAGES)
def test_pages_show_what_the_table_says(portal, admin, form):
    path, who = PAGES[form]
    browser = admin if who else portal.browser()
    check_page(browser.get(path, json_view=False).text, form)


def test_pages_of_a_client(portal, admin, maria):
    check_page(
        admin.get(f"/clients/{maria.client}/matters/new", json_view=False).text, "matter"
    )
    check_page(
        admin.get(f"/clients/{maria.client}/accounts/new", json_view=False).text, "access"
    )
    check_page(admin.get(f"/clients/{maria.client}/edit", json_view=False).text, "client")


def test_a_form_that_comes_back(admin):
    admin.get_json("/clients/new")  # the form is sent once
    sent = {"csrf": admin.csrf, "number": "9" * 41, "name": "", "email": "no", "city": "Köln"}
    answer = admin.request("POST", "/clients", data=sent, token=False, json_view=False,
                           headers={"Origin": admin.url})  # fmt: skip
    assert answer.status_code == 422
    check_page(answer.text, "client", {"number", "name", "email"})
    fields = Inputs(answer.text).fields
    shown = [fields[name]["value"] for name in ("number", "email", "city")]
    assert shown == ["9" * 41, "no", "Köln"]
    wrong = [error["name"] for error in admin.post_json("/clients", {}).json()["errors"]]
    assert wrong == ["number", "name"]


@pytest.mark.parametrize(("form", "name"), [
    (form, field.name) for form in ("client", "matter", "access", "staff")
    for field in FORMS[form][1] if field.kind in ("LINE", "NUMBER")
])  # fmt: skip
def test_one_character_too_many(admin, maria, form, name):
    """A form accepts as many characters as the table says, however many bytes, and not one more."""
    path = {
        "client": "/clients", "matter": f"/clients/{maria.client}/matters",
        "access": f"/clients/{maria.client}/accounts", "staff": "/staff",
    }[form]  # fmt: skip
    most = field_of(form, name).most
    too_long = admin.post_json(path, {name: "ω" * (most + 1)}).json()["errors"]
    assert name in {error["name"] for error in too_long}
    fits = admin.post_json(path, {name: "ω" * most, "email": "wrong"})
    assert fits.status_code in (303, 422)
    if fits.status_code == 422:
        assert name not in {error["name"] for error in fits.json()["errors"]}


def test_a_sentence_names_the_limits(admin):
    """The sentence has the limits of forms.def."""
    field = field_of("staff", "user")
    errors = admin.post_json("/staff", {"user": "ü"}).json()["errors"]
    said = next(error["text"] for error in errors if error["name"] == "user")
    assert f"{field.least} bis {field.most} Zeichen" in said


def test_json_shows_values_and_no_markup(admin):
    view = admin.get_json("/clients/new")
    assert view["form"] == {"kind": "person", "kind_person": True, "language": "de",
                            "language_de": True}  # fmt: skip
    assert "inputs" not in view and "input" not in view
