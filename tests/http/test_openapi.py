"""The portal's description is OpenAPI 3.1 and names every route, and the portal conforms to it."""

import copy
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from openapi_spec_validator import validate
from running import running_portal

sys.path.append(os.environ["KZ_SRC"] + "/html")
from lists import read  # noqa: E402

LISTS = read(Path(os.environ["KZ_SRC"], "mod_kanzlei/lists.def"))
ROUTES = Path(os.environ["KZ_SRC"], "mod_kanzlei/routes.def")
# Not called: routes that end the session or hash passwords; and tus, whose media type the tool
# can't make (test_protocol.py).
LEFT_OUT = "(sign-out|/sessions/|/password|/sign-in|/redeem|/forgotten|/uploads)"
EXAMPLES = 12  # of each operation


@pytest.fixture(scope="module")
def scene():
    """A portal of its own, because the tool posts every form."""
    with running_portal() as portal:
        portal.kanzleictl("firm", "create", portal.firm, "--name", "Kanzlei Linde")
        portal.make_staff("admin", "--admin")
        admin = portal.signed_in("admin")
        client = portal.make_client(admin, "Sommer", "maria")
        admin.upload(client.matter, b"Bescheid", "bescheid.txt")
        yield portal, admin, client


@pytest.fixture(scope="module")
def document(scene):
    portal, _, _ = scene
    answer = portal.browser().get("/-/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def test_is_valid(document):
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_names_every_route(document):
    written = re.findall(r'^KZ_ROUTE\((\w+), "([^"]+)"', ROUTES.read_text(), re.MULTILINE)
    assert len(written) > 40
    described = {(m.upper(), path) for path, item in document["paths"].items() for m in item}
    assert described == set(written)


def test_rows_have_their_types(document):
    schema = document["components"]["schemas"]["documents"]["properties"]
    assert schema["id"] == {"type": ["string", "null"], "format": "uuid"}
    assert schema["at"]["format"] == "date-time"
    page = document["paths"]["/k/{firm}/documents"]["get"]
    shown = page["responses"]["200"]["content"]["application/json"]["schema"]["allOf"][1]
    assert shown["properties"]["documents"]["items"] == {"$ref": "#/components/schemas/documents"}


@pytest.mark.parametrize("name", LISTS)
def test_lists_have_their_rows_and_ways(document, scene, name):
    _, admin, client = scene
    one = LISTS[name]
    browser = client.browser if name == "matters" else admin
    view = browser.get_json(one.path.replace("{matter}", client.matter))
    page = document["paths"]["/k/{firm}" + one.path]["get"]
    schema = page["responses"]["200"]["content"]["application/json"]["schema"]
    kinds = schema.get("anyOf", [schema])
    described = [kind["allOf"][1]["properties"] for kind in kinds]
    wanted = {one.rows, "first", "previous", "next"} & set(view)
    assert one.rows in wanted
    assert any(wanted <= set(properties) for properties in described)


def test_forms_have_their_fields(document):
    body = document["paths"]["/k/{firm}/clients"]["post"]["requestBody"]["content"]
    schema = body["application/json"]["schema"]
    assert schema == body["application/x-www-form-urlencoded"]["schema"]
    assert schema["properties"]["name"] == {"type": "string", "minLength": 1, "maxLength": 200}
    assert schema["properties"]["kind"] == {"enum": ["person", "company"]}
    assert schema["required"] == ["number", "name"]
    member = document["paths"]["/k/{firm}/staff/{staff}"]["post"]["requestBody"]["content"]
    assert member["application/json"]["schema"]["properties"]["right_admin"] == {"const": "1"}


def real_ids(document, portal, admin, client):
    """Returns the description with ids of this portal as examples, so that not every answer is
    404."""
    known = {
        "firm": portal.firm, "client": client.client, "matter": client.matter,
        "account": client.account,
        "document": str(portal.sql("SELECT id FROM document")[0][0]),
        "staff": str(portal.sql("SELECT id FROM account WHERE user_name = 'admin'")[0][0]),
    }
    text = copy.deepcopy(document)
    for item in text["paths"].values():
        for operation in item.values():
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path" and parameter["name"] in known:
                    parameter["schema"] = {"const": known[parameter["name"]]}
    return text


def drive(description, portal, browser, tmp_path):
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(description))
    csrf = browser.get_json("/account")["csrf"]
    cookies = "; ".join(f"{name}={value}" for name, value in browser.http.cookies.items())
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", str(path), "--url", portal.url,
        "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,"
        "response_schema_conformance", "--phases", "examples,fuzzing", "--max-examples",
        str(EXAMPLES), "--exclude-path-regex", LEFT_OUT, "--seed", "1", "--workers", "2",
        "--request-timeout", "30", "--tls-verify", "false", "--generation-deterministic",
        "-H", f"Cookie: {cookies}", "-H", f"X-CSRF-Token: {csrf}",
        "-H", "Accept: application/json",
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=900, cwd=tmp_path)


@pytest.mark.parametrize("who", ["admin", "client"])
def test_the_portal_keeps_to_it(who, document, scene, tmp_path):
    portal, admin, client = scene
    browser = admin if who == "admin" else client.browser
    done = drive(real_ids(document, portal, admin, client), portal, browser, tmp_path)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
