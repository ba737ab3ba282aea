"""Which layer may include which: base <- io <- model <- template <- http, work <- pages <-
mod_kanzlei.c."""

import re
from pathlib import PurePosixPath

import pytest
from source import ROOT, at, c_files, code, includes, listed, literals, write

RANK = {
    "base": 0, "conf": 1, "io": 1, "model": 2, "template": 3, "http": 4, "work": 4, "pages": 5,
    "mod_kanzlei.c": 6,
}
# http and work don't know each other, and pages don't know work.
APART = [{"http", "work"}, {"pages", "work"}]
# Headers outside of these folders (made by the build, tables of facts), with their layers.
MADE = {
    "queries.h": "io", "views.h": "template", "rights.def": "model", "events.def": "model",
    "jobs.def": "model",
}
# What few files may call. A grant is made for requests, jobs, uploads that are being finished and
# kanzleictl; a password is judged, counted and changed on one path.
CALLERS = {
    **dict.fromkeys(
        ("kz_password_verify", "kz_q_password_tried", "kz_q_password_change", "kz_q_sign_in"),
        {"model/people/session.c"},
    ),
    "kz_grant_enter": {"http/dispatch.c"},
    "kz_grant_portal": {
        "work/job.c", "model/document/document.c", "model/upload/finish.c",
        "model/upload/upload.c", "model/proof/proof.c",
        "model/check/check.c", "model/check/check_events.c",
        "model/check/check_receipts.c", "ctl/common.c",
    },
}
OUTSIDE_HTTPD = re.compile(
    r"^(httpd|http_\w+|ap_\w+|util_\w+|scoreboard|mpm_common|unixd|mod_(?!kanzlei)\w+)\.h$"
)


def layer(name):
    """Returns the layer of a path or an include below mod_kanzlei; None: a header of the system."""
    return MADE.get(name) or (PurePosixPath(name).parts[0] if "/" in name else None)


def allowed(path, name):
    """Returns whether PATH may include NAME (both below mod_kanzlei)."""
    own, other = layer(path) or path, layer(name)
    if own == "scand":
        return "/" not in name and name not in MADE
    if other == "scand":
        return name == "scand/protocol.h" and path.startswith("io/scan/")
    if name == "lists.def":
        return own == "pages"
    if name == "routes.def":
        return own in ("http", "pages", "mod_kanzlei.c")
    if name == "forms.def":
        return own == "model"
    if own == "ctl":
        return other not in ("template", "http", "work", "pages")
    if {own, other} in APART:
        return False
    if other == "conf":
        return name != "conf/module.h" or own in ("conf", "http", "work", "mod_kanzlei.c")
    if own == "io" and other == "io":  # drivers don't know each other; db owns the generated calls
        return name not in MADE and PurePosixPath(path).parts[1] == PurePosixPath(name).parts[1]
    if other is None:
        return own == "mod_kanzlei.c"
    return other in RANK and RANK.get(own, -1) >= RANK[other]


def includes_to_the_right(root):
    base = root / "mod_kanzlei"
    return [
        at(root, path, line, f"may not include {name}")
        for path in c_files(root, "mod_kanzlei")
        for line, name, quoted in includes(path)
        if quoted and not allowed(path.relative_to(base).as_posix(), name)
    ]


def httpd_elsewhere(root):
    found = []
    for path in c_files(root, "mod_kanzlei"):
        own = path.relative_to(root / "mod_kanzlei").as_posix()
        if own.split("/")[0] in ("http", "work", "conf", "mod_kanzlei.c"):
            continue
        found += [
            at(root, path, line, f"only http/, work/, conf/ and mod_kanzlei.c see {name}")
            for line, name, _ in includes(path)
            if OUTSIDE_HTTPD.match(name)
        ]
    return found


def private_names_outside(root):
    """Finds uses of a name kz_x__y outside of its folder."""
    base, homes, found = root / "mod_kanzlei", {}, []
    for path in c_files(root, "mod_kanzlei"):
        own, text = path.parent.relative_to(base).as_posix(), code(path)
        for match in re.finditer(r"\bkz_[a-z0-9_]*?[a-z0-9]__[a-z0-9_]+\b", text):
            homes.setdefault(match[0], {}).setdefault(own, []).append(
                at(root, path, text.count("\n", 0, match.start()) + 1, match[0])
            )
    for name, folders in homes.items():
        if len(folders) > 1:
            where = ", ".join(places[0] for places in folders.values())
            found.append(f"{name} is used in several folders: {where}")
    return found


def callers_elsewhere(root):
    """Finds grants made elsewhere than where session, right and ids are checked, or for the portal;
    and passwords checked past the path that counts and locks."""
    return [
        at(root, path, text.count("\n", 0, match.start()) + 1, f"may not call {match[0]}")
        for path in c_files(root, "mod_kanzlei")
        if path.suffix == ".c" and path.name not in ("grant.c", "password.c")
        for text in [code(path)]
        for match in re.finditer(rf"\b(?:{'|'.join(CALLERS)})\b", text)
        if path.relative_to(root / "mod_kanzlei").as_posix() not in CALLERS[match[0]]
    ]


def transactions_past_the_grant(root):
    """Finds commits of a request that go past kz_grant_commit()."""
    return [
        at(root, path, text.count("\n", 0, match.start()) + 1, f"may not call {match[0]}")
        for folder in ("http", "pages")
        for path in c_files(root, f"mod_kanzlei/{folder}")
        for text in [code(path)]
        for match in re.finditer(r"\bkz_db_(?:begin|commit|commit_send|end)\b", text)
    ]


def cookies_by_hand(root):
    """Finds names of cookies elsewhere than in http/cookie.*, and those there that a firm's session
    could have."""
    found = []
    for path in c_files(root, "mod_kanzlei"):
        home = path.name in ("cookie.c", "cookie.h")
        for line, text in literals(path):
            if home and text.startswith("kz-") and text != "kz-":
                found.append(at(root, path, line, f"a firm may be called so: {text}"))
            elif not home and re.fullmatch(r"kz(?:[-_][a-z_]*)?", text):
                found.append(at(root, path, line, f"a cookie's name by hand: {text}"))
    return found


RULES = [
    includes_to_the_right, httpd_elsewhere, private_names_outside, callers_elsewhere,
    transactions_past_the_grant, cookies_by_hand,
]


@pytest.mark.parametrize("rule", RULES)
def test_layers(rule):
    assert not rule(ROOT), listed(rule(ROOT))


@pytest.mark.parametrize(
    ("path", "name", "good"),
    [
        ("base/err.c", "base/err.h", True),
        ("base/err.c", "io/db/db.h", False),
        ("io/db/db.c", "base/err.h", True),
        ("io/db/db.c", "model/people/firm.h", False),
        ("io/mail/mail.c", "io/db/db.h", False),
        ("io/scan/scan.c", "scand/protocol.h", True),
        ("io/scan/scan.c", "scand/engine.h", False),
        ("io/db/db.c", "queries.h", False),
        ("model/people/firm.c", "queries.h", True),
        ("model/people/firm.c", "views.h", False),
        ("model/people/firm.c", "rights.def", True),
        ("io/db/db.c", "rights.def", False),
        ("model/people/firm.c", "conf/conf.h", True),
        ("model/people/firm.c", "conf/module.h", False),
        ("model/people/firm.c", "scand/protocol.h", False),
        ("http/form.c", "model/people/firm.h", True),
        ("http/form.c", "pages/login.h", False),
        ("pages/login.c", "http/form.h", True),
        ("pages/login.c", "pages.h", False),
        ("mod_kanzlei.c", "pages/login.h", True),
        ("ctl/main.c", "model/people/firm.h", True),
        ("ctl/main.c", "http/form.h", False),
        ("template/view.c", "http/form.h", False),
        ("work/lane.c", "template/site.h", True),
        ("work/lane.c", "http/http.h", False),
        ("http/send.c", "work/lane.h", False),
        ("pages/login.c", "work/lane.h", False),
        ("scand/main.c", "engine.h", True),
        ("scand/main.c", "base/err.h", False),
    ],
)
def test_layers_can_fail(tmp_path, path, name, good):
    write(tmp_path, {f"mod_kanzlei/{path}": f'/* #include "x" */\n#include "{name}"\n'})
    assert (includes_to_the_right(tmp_path) == []) is good


@pytest.mark.parametrize("header", ["httpd.h", "http_core.h", "ap_config.h", "mod_ssl.h"])
def test_httpd_elsewhere_can_fail(tmp_path, header):
    text = f"#include <{header}>\n"
    write(tmp_path, {"mod_kanzlei/http/a.c": text, "mod_kanzlei/model/a.c": "#include <apr.h>\n"})
    assert httpd_elsewhere(tmp_path) == []
    write(tmp_path, {"mod_kanzlei/pages/a.c": text})
    assert len(httpd_elsewhere(tmp_path)) == 1


def test_private_names_can_fail(tmp_path):
    write(
        tmp_path,
        {"mod_kanzlei/io/db/a.c": "kz_db__send();", "mod_kanzlei/io/db/b.c": "kz_db__send();"},
    )
    assert private_names_outside(tmp_path) == []
    write(tmp_path, {"mod_kanzlei/model/a.c": "kz_db__send(); /* kz_x__y */"})
    assert len(private_names_outside(tmp_path)) == 1


def test_callers_elsewhere_can_fail(tmp_path):
    fine = "KZ_TRY(kz_grant_enter(&grant)); /* kz_grant_portal() */\n"
    write(tmp_path, {"mod_kanzlei/http/dispatch.c": fine, "mod_kanzlei/model/grant.c": fine})
    assert callers_elsewhere(tmp_path) == []
    write(tmp_path, {"mod_kanzlei/pages/a.c": fine + "kz_grant_portal(&grant);\n"})
    assert len(callers_elsewhere(tmp_path)) == 2
    write(tmp_path, {"mod_kanzlei/http/dispatch.c": "f(kz_grant_portal);\n"})
    assert len(callers_elsewhere(tmp_path)) == 3


def test_transactions_past_the_grant_can_fail(tmp_path):
    fine = "KZ_TRY(kz_grant_commit(grant)); /* kz_db_commit() */ kz_db_end_send(db);\n"
    write(tmp_path, {"mod_kanzlei/pages/a.c": fine, "mod_kanzlei/http/a.c": fine})
    assert transactions_past_the_grant(tmp_path) == []
    write(tmp_path, {"mod_kanzlei/pages/a.c": fine + "kz_db_commit(db);\n"})
    assert len(transactions_past_the_grant(tmp_path)) == 1


def test_cookies_by_hand_can_fail(tmp_path):
    write(tmp_path, {"mod_kanzlei/http/cookie.h": '#define A "kz_language"\n#define B "kz-"\n'})
    assert not cookies_by_hand(tmp_path)
    write(tmp_path, {
        "mod_kanzlei/http/cookie.h": '#define A "kz-language"\n',
        "mod_kanzlei/pages/a.c": 'f("kz-");\n',
    })  # fmt: skip
    assert len(cookies_by_hand(tmp_path)) == 2
