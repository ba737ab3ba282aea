"""The filter above a list: its choices, the chosen one, and results of short words."""

import pytest

FIRM = "gross"


@pytest.fixture(scope="module")
def many(portal):
    """A firm with 230 clients; "clerk" sees all but the first 20. Gives their ids by name."""
    portal.kanzleictl("firm", "create", FIRM, "--name", "Kanzlei Gross")
    portal.make_staff("admin", "--admin", firm=FIRM)
    portal.make_staff("clerk", firm=FIRM)
    rows = portal.sql(
        "INSERT INTO client (firm, id, number, kind, name)"
        " SELECT f.id, gen_random_uuid(), n, 'company', 'Firma ' || lpad(n::text, 3, '0')"
        "   FROM firm f, generate_series(1, 230) n WHERE f.slug = %s RETURNING id::text, name", FIRM
    )  # fmt: skip
    portal.sql(
        "INSERT INTO assignment (firm, id, staff, client)"
        " SELECT f.id, gen_random_uuid(), a.id, c.id FROM firm f"
        "   JOIN account a ON a.firm = f.id AND a.user_name = 'clerk'"
        "   JOIN client c ON c.firm = f.id AND c.name > 'Firma 020' WHERE f.slug = %s", FIRM
    )  # fmt: skip
    return {name: ident for ident, name in rows}


def choices(browser, page, client):
    """Returns the filter's clients, each with whether it is chosen; checks that the HTML agrees."""
    rows = browser.get_json(f"{page}?client={client}")["clients"]
    text = browser.get(f"{page}?client={client}", json_view=False).text
    chosen = [row for row in rows if row["selected"]]
    assert [f'value="{row["id"]}" selected' in text for row in chosen] == [True] * len(chosen)
    return [(row["client_name"], row["selected"]) for row in rows]


@pytest.mark.parametrize("page", ["/documents", "/receipts"])
@pytest.mark.parametrize("user", ["admin", "clerk"])
def test_the_chosen_client_is_listed_among_many(portal, many, page, user):
    browser = portal.signed_in(user, FIRM)
    for name in ("Firma 021", "Firma 230"):
        assert choices(browser, page, many[name]) == [(name, True)]


@pytest.mark.parametrize("page", ["/documents", "/receipts"])
def test_a_client_whom_one_may_not_see_is_not_found(portal, many, maria, page):
    browser = portal.signed_in("clerk", FIRM)
    for client in (many["Firma 001"], maria.client):
        assert choices(browser, page, client) == []


def found(browser, page, words):
    rows = browser.get_json(f"{page}?q={words}")[page.strip("/")]
    return {row.get("client_name") if page == "/clients" else row["name"] for row in rows}


@pytest.mark.parametrize("user", ["admin", "clerk"])
def test_one_letter_or_two_find_beginnings_of_words(portal, many, user):
    """One or two letters find beginnings of clients' numbers and names; three are found
    anywhere."""
    browser = portal.signed_in(user, FIRM)
    assert found(browser, "/clients", "23") == {"Firma 023", "Firma 230"}
    names = {f"Firma {n}" for n in range(110, 120)} | ({"Firma 011"} if user == "admin" else set())
    assert found(browser, "/clients", "11") == names
    assert found(browser, "/clients", "rm") == set()
    assert len(found(browser, "/clients", "F")) == len(found(browser, "/clients", "irm")) == 50


def test_one_letter_or_two_find_documents(maria):
    names = ["Öl.txt", "Das Öl.txt", "Heizöl.txt", "a_öl.txt", "a-ÖL.txt", "100 %.txt"]
    for name in names:
        maria.browser.upload(maria.matter, b"x", name)
    assert found(maria.browser, "/documents", "öl") == {*names} - {"Heizöl.txt", "100 %.txt"}
    assert found(maria.browser, "/documents", "izö") == {"Heizöl.txt"}
    assert found(maria.browser, "/documents", "%25") == {"100 %.txt"}
    assert found(maria.browser, "/documents", "_") == set()
