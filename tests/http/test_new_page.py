"""A page is five touches: a line, a handler, a template, a query, its texts. Nothing else."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from running import ROOT, running_portal, unexpected

SOURCE = Path(os.environ.get("KZ_SRC", ROOT))
GENERATED = {"build", "tests/.venv", "tests/out", ".git"}

# What is put in: at the end of a file, a new one if need be.
TOUCHES = {
    "mod_kanzlei/routes.def": """
KZ_ROUTE(GET, "/k/{firm}/clients/{client}/glance", STAFF, NONE, COOKIE, NONE, NONE, READS, PAGE, page_glance)
KZ_ROUTE(GET, "/k/{firm}/dav", STAFF, NONE, APP_PASSWORD, NONE, NONE, READS, PAGE, page_dav)
KZ_ROUTE(GET, "/k/{firm}/feed", STAFF, NONE, COOKIE, NONE, NONE, READS, XML, page_feed)
KZ_ROUTE(GET, "/k/{firm}/early", STAFF, NONE, COOKIE, NONE, NONE, READS, PAGE, page_early)
""",  # noqa: E501
    "mod_kanzlei/pages/glance.c": """/* A client at a glance. */
#include "http/route.h"

#include "model/proof/event.h"
#include "queries.h"
#include "views.h"

/* GET /clients/{client}/glance */
kz_err_t *page_glance(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_view_t *view = kz_reply_page(out, "glance");
    kz_q_glance_t *row;

    KZ_TRY(kz_q_glance(&row, kz_grant_db(grant),
                       &(kz_q_glance_args_t){kz_request_id(rq, "client")}, rq->pool));
    kz_row_glance(kz_view_object(view, "glance"), row);
    return NULL;
}

/* What a line of routes.def can say, and nobody answers yet. */
kz_err_t *page_dav(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    return page_glance(rq, grant, out);
}

kz_err_t *page_feed(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    return page_glance(rq, grant, out);
}

/* An event that can't be true when something is only read. */
kz_err_t *page_early(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_event_t event = {.subject = kz_request_id(rq, "firm")};

    kz_reply_page(out, "glance");
    KZ_TRY(kz_grant_settle(grant));
    return kz_event_add(grant, KZ_EVENT_SIGNED_OUT, &event);
}
""",
    "html/page/glance.html": """<h1 class="title">{{t.glance.heading}}</h1>
<p>{{#glance}}{{glance_name}}: {{glance_matters}}{{/glance}}</p>
""",
    "sql/query/client.sql": """
-- A client at a glance.
-- glance(client uuid) :one!
-- -> glance_name text, glance_matters int4
SELECT c.display, (SELECT count(*)::int4 FROM matter m WHERE m.client = c.id)
  FROM client c WHERE c.id = $client;
""",
    "html/po/de.po": """
msgid "title.glance"
msgstr "Überblick"

msgid "glance.heading"
msgstr "Auf einen Blick"
""",
    "html/po/en.po": """
msgid "title.glance"
msgstr "At a glance"

msgid "glance.heading"
msgstr "At one glance"
""",
}


EARLY = "the event signed_out can't be true here"


def generated(folder, names):
    """What of a folder is no source."""
    here = Path(folder).relative_to(SOURCE)
    return [one for one in names if one == "__pycache__" or (here / one).as_posix() in GENERATED]


def run(folder, *command):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


def npm_packages(build):
    """What npm has brought for another build of these sources: nothing is fetched twice."""
    known = Path(os.environ.get("KZ_BUILD", "nowhere")) / "html/.npm"
    if known.exists():
        shutil.copytree(known, build / "build/html/.npm", symlinks=True)


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """The sources with a page more, and the folder in which they were built."""
    folder = tmp_path_factory.mktemp("page")
    source, build = folder / "source", folder / "build"
    shutil.copytree(SOURCE, source, symlinks=True, ignore=generated)
    for name, text in TOUCHES.items():
        path = source / name
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(before + text, encoding="utf-8")
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


def test_the_guards_are_content(changed):
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
            "Cookie": f"__Host-kz-language={language}; " + cookies(admin)})
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert heading in answer.text
        assert "<p>Maria Sommer: 1</p>" in answer.text


def cookies(browser):
    """Its cookies but the language's."""
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
def test_what_nothing_answers_yet_is_refused_plainly(new_portal, path):
    admin, before = new_portal.signed_in("admin"), len(new_portal.log.read_text())
    assert admin.get(path).status_code == 500
    said = new_portal.log.read_text()[before:]
    assert f"page_{path[1:]}: " in said and "yet" in said


def test_an_event_that_cannot_be_true_yet_is_refused(new_portal):
    admin, before = new_portal.signed_in("admin"), len(new_portal.log.read_text())
    assert admin.get("/early").status_code == 500
    assert EARLY in new_portal.log.read_text()[before:]
