"""To add a page, a list, a right, an event, a job or a table, the touches in the READMEs are
enough: new_things.py makes them in a copy of the sources, which is then built and run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from new_things import add_all
from person import wait_for
from running import ROOT, running_portal, unexpected

SOURCE = Path(os.environ.get("KZ_SRC", ROOT))
GENERATED = {"build", "tests/.venv", "tests/out", ".git"}

EARLY = "the event signed_out can't be true here"


def generated(folder, names):
    """Returns the entries of a folder that are no sources."""
    here = Path(folder).relative_to(SOURCE)
    return [one for one in names if one == "__pycache__" or (here / one).as_posix() in GENERATED]


def run(folder, *command):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


def npm_packages(build):
    """Copies the npm packages of another build of these sources, so that nothing is fetched
    twice."""
    known = Path(os.environ.get("KZ_BUILD", "nowhere")) / "html/.npm"
    if known.exists():
        shutil.copytree(known, build / "build/html/.npm", symlinks=True)


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """The changed copy of the sources, and the folder of its build."""
    folder = tmp_path_factory.mktemp("things")
    source, build = folder / "source", folder / "build"
    shutil.copytree(SOURCE, source, symlinks=True, ignore=generated)
    add_all(source)
    build.mkdir()
    npm_packages(build)
    run(build, source / "configure")
    run(build, "make", "-j2")
    yield source, build
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def new_portal(changed):
    with running_portal(*changed) as made:
        started = len(made.log.read_text())
        made.kanzleictl("firm", "create", made.firm, "--name", "Kanzlei Linde")
        made.make_staff("admin", "--admin")
        yield made
        lines = unexpected(made.log.read_text()[started:], (r"INTERNAL: page_\w+: .* yet", EARLY))
    assert not lines, "the error log says:\n" + "\n".join(lines)


def test_the_guards_pass(changed):
    source, build = changed
    environment = os.environ | {"KZ_SRC": str(source), "KZ_BUILD": str(build / "build")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", source / "tests/pytest.ini", "--rootdir",
         source / "tests", source / "tests/guards"],
        capture_output=True, text=True, check=False, env=environment,
    )
    assert done.returncode == 0, done.stdout[-4000:]


def test_the_page_is_there(new_portal):
    admin = new_portal.signed_in("admin")
    client = admin.made("/clients", {
        "number": "1", "kind": "person", "first_name": "Maria", "name": "Sommer",
        "language": "de",
    })
    path = f"/clients/{client}/glance"
    view = admin.get_json(path)
    assert view["page_title"] == "Überblick"
    assert view["glance"] == {"glance_name": "Maria Sommer", "glance_matters": 0}
    admin.made(f"/clients/{client}/matters", {"number": "1", "title": "Steuer"})
    for language, heading in (("de", "Auf einen Blick"), ("en", "At one glance")):
        answer = admin.get(path, json_view=False, headers={
            "Cookie": f"__Host-kz_language={language}; " + cookies(admin)})
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert heading in answer.text
        assert "<p>Maria Sommer: 1</p>" in answer.text


def cookies(browser):
    """Returns the browser's cookies without that of the language."""
    return "; ".join(
        f"{cookie.name}={cookie.value}"
        for cookie in browser.http.cookies.jar if not cookie.name.endswith("language")
    )


def test_its_line_alone_says_who_may_see_it(new_portal):
    admin = new_portal.signed_in("admin")
    nobody, clerk = new_portal.browser(), new_portal.signed_in(new_portal.fresh_staff())
    client = admin.made("/clients", {
        "number": "2", "kind": "company", "name": "Huber", "language": "de",
    })
    path = f"/clients/{client}/glance"
    assert nobody.get(path).status_code == 401
    assert clerk.get(path).status_code == 404
    assert admin.request("POST", path).status_code == 405


@pytest.mark.parametrize("path", ["/dav", "/feed"])
def test_a_route_without_an_answer_is_refused_plainly(new_portal, path):
    admin, before = new_portal.signed_in("admin"), len(new_portal.log.read_text())
    assert admin.get(path).status_code == 500
    said = new_portal.log.read_text()[before:]
    assert f"page_{path[1:]}: " in said and "yet" in said


def test_an_event_that_cannot_be_true_yet_is_refused(new_portal):
    admin, before = new_portal.signed_in("admin"), len(new_portal.log.read_text())
    assert admin.get("/early").status_code == 500
    assert EARLY in new_portal.log.read_text()[before:]


# --- a list -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def remarks(new_portal):
    """Makes eight remarks; gives the words of all, in order."""
    words = [f"Fund {n}" if n % 2 else f"Notiz {n}" for n in range(8)]
    for one in words:
        new_portal.sql(
            "INSERT INTO remark (firm, id, words)"
            " SELECT id, gen_random_uuid(), %s FROM firm WHERE slug = %s", one, new_portal.firm
        )  # fmt: skip
    return sorted(words)


def words_of(view):
    return [row["words"] for row in view["remarks"]]


def test_a_list_is_read_forward_and_back(new_portal, remarks):
    admin = new_portal.signed_in("admin")
    first = admin.get_json("/remarks")
    second = admin.get_json(first["next"].removeprefix(admin.base))
    third = admin.get_json(second["next"].removeprefix(admin.base))
    back = admin.get_json(third["previous"].removeprefix(admin.base))
    assert [words_of(view) for view in (first, second, third)] == [
        remarks[:3], remarks[3:6], remarks[6:]
    ]  # fmt: skip
    assert (first["previous"], third["next"]) == (None, None)
    assert words_of(back) == words_of(second)


def test_a_list_is_filtered(new_portal, remarks):
    admin = new_portal.signed_in("admin")
    found = admin.get_json("/remarks?q=fund")
    assert words_of(found) == [one for one in remarks if one.startswith("Fund")][:3]
    assert found["next"].endswith("q=fund") or "q=fund&" in found["next"]
    page = admin.get("/remarks?q=notiz+2", json_view=False)
    assert page.status_code == 200
    assert page.text.count("Notiz") == 1 and "Fund" not in page.text
    assert 'name="q"' in page.text and "Wörter der Bemerkung" in page.text


def test_a_wrong_filter_value_is_reported(new_portal, remarks):
    admin = new_portal.signed_in("admin")
    answer = admin.get("/remarks?q=" + "x" * 201)
    assert answer.status_code == 422
    assert [error["name"] for error in answer.json()["errors"]] == ["q"]
    assert admin.get("/remarks?after=nowhere").status_code == 400


# --- a right ------------------------------------------------------------------------------------


def test_a_right_opens_what_its_lines_say(new_portal):
    admin, user = new_portal.signed_in("admin"), new_portal.fresh_staff()
    clerk = new_portal.signed_in(user)
    path = f"/staff/{new_portal.sql('SELECT id FROM account WHERE user_name = %s', user)[0][0]}"
    assert clerk.get("/remarks").status_code == clerk.post_json("/remarks").status_code == 404
    assert not clerk.get_json("/")["may_remarks"]
    assert not admin.get_json(path)["form"]["right_remarks"]
    page = admin.get(path, json_view=False).text
    assert 'name="right_remarks"' in page and "lässt welche schreiben" in page
    assert "<li>Bemerkungen</li>" not in admin.get("/staff", json_view=False).text
    match = {"If-Match": admin.get(path).headers["ETag"]}
    assert admin.post_json(path, {"right_remarks": "1"}, headers=match).status_code == 303
    assert admin.get_json(path)["form"]["right_remarks"]
    assert "<li>Bemerkungen</li>" in admin.get("/staff", json_view=False).text
    assert clerk.get("/remarks").status_code == 200
    assert clerk.get_json("/")["may_remarks"]


def test_kanzleictl_gives_the_right_and_completes_it(new_portal, changed):
    clerk = new_portal.signed_in(new_portal.fresh_staff("--right", "remarks"))
    assert clerk.get("/remarks").status_code == 200
    said = subprocess.run(
        [changed[1] / "build/kanzleictl", "help", "--words", "staff", "create", "--right"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "remarks" in said.split()


# --- a job and an event ---------------------------------------------------------------------------


def test_a_job_is_done_and_its_event_told(new_portal):
    admin = new_portal.signed_in("admin")
    events = "SELECT detail FROM event WHERE kind = 'remarked'"
    assert new_portal.sql(events) == []
    assert admin.post_json("/remarks").status_code == 303
    wait_for(lambda: new_portal.sql(
        "SELECT 1 FROM job WHERE kind = 'remark' AND state = 'done' AND error = ''"))
    assert words_of(admin.get_json("/remarks?q=auftrag")) == ["Von einem Auftrag"]
    assert new_portal.sql(events) == [("Von einem Auftrag",)]


# --- a table --------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["client", "staff", "portal", "public"])
def test_a_table_without_a_line_for_each_side_is_refused(new_portal, changed, side):
    statements = new_portal.data.parent / f"sql-{side}"
    shutil.copytree(changed[0] / "sql", statements)
    rules = statements / "policy/access.sql"
    lines = rules.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(f"    ('remark', '{side}',")]
    assert len(kept) == len(lines) - 1
    rules.write_text("".join(kept).replace("'-'),\n) x (", "'-')\n) x ("), encoding="utf-8")
    said = new_portal.kanzleictl("migrate", "--sql", str(statements), fails=True)
    assert f'the table "remark" has no line for the side "{side}"' in said["error"]
    assert new_portal.signed_in("admin").get("/remarks").status_code == 200
