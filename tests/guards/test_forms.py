"""The facts about a form's field stand in forms.def, and nowhere else."""

import re

import forms
import pytest
from source import ROOT, at, c_files, code, listed, write
from test_text import catalogues

TAG = re.compile(r"<(?:input|textarea|select)\b[^>]*>")
# The fields that part/field.html doesn't render, because they are more than a field, or less.
SPECIAL = {
    "layout.html": {"q"},  # the search for clients
    "page/access.html": {"letter"},  # the same letter for a form that is sent twice
    "page/staff-member.html": {"letter"},
    "page/account.html": {"user"},  # so that password managers know whose password it is
    "page/redeem-password.html": {"code", "user"},  # likewise; the code came with the page before
    "page/client.html": {"staff"},  # chosen from a list
    "part/field.html": {"{{name}}"},
    "page/sign-in.html": {"again", "{{name}}"},  # what was typed before the session ended
    "page/problem.html": {"{{name}}"},  # what was typed, to be sent again
    "part/upload.html": {"files"},
}
EVERYWHERE = {"csrf", "back"}
LIST = re.compile(r'<form [^>]*method="get".*?</form>', re.S)  # a list's filter
FAMILY = re.compile(r"^right_\$name$")  # in right/boxes.html, which has each right once

# Handlers of forms that compare no version, and why they can't undo in silence what somebody else
# has stored.
MAKES, STORES_NOTHING = "makes something new", "stores nothing of what is typed"
UNCOMPARED = {
    "page_sign_in_post": STORES_NOTHING,
    "page_language": "the browser keeps it",
    "page_forgotten_post": STORES_NOTHING,
    "page_redeem_post": STORES_NOTHING,
    "page_redeem_password": "the code is used up, once",
    "page_account_letter": MAKES,
    "page_me_password": "the former password is asked for, and compared by the database",
    "page_client_create": MAKES,
    "page_assign": "adds a row that is there or not",
    "page_matter_create": MAKES,
    "page_account_create": MAKES,
    "page_staff_create": MAKES,
    "page_document_release": "the state is compared: what is decided is not decided again",
    "page_document_discard": "the state is compared: what is decided is not decided again",
    "page_upload_create": MAKES,
    "page_send": MAKES,
}


def table(root):
    path = root / "mod_kanzlei/forms.def"
    return forms.read(path) if path.exists() else {}


def blank(match):
    return re.sub(r"[^\n]", " ", match[0])


def fields_by_hand(root):
    """Finds each <input> outside part/field.html, and each length that is written down twice."""
    found = []
    for path in sorted((root / "html").rglob("*.html")):
        if {"node_modules", "mail", "list"} & set(path.relative_to(root).parts):  # lists.def's
            continue
        name = str(path.relative_to(root / "html"))
        text = LIST.sub(blank, path.read_text(encoding="utf-8"))
        known = EVERYWHERE | SPECIAL.get(name, set())
        for match in TAG.finditer(text):
            names = dict(re.findall(r'\b(name|id)="([^"]*)"', match[0]))
            field = names.get("name", names.get("id", ""))
            line = text.count("\n", 0, match.start()) + 1
            if field not in known and not FAMILY.match(field):
                found.append(at(root, path, line, f'a field by hand: "{field}"'))
        found += [
            at(root, path, text.count("\n", 0, match.start()) + 1, "a length by hand")
            for match in re.finditer(r'\b(max|min)length="\d', text)
        ]
    return found


def read_by_hand(root):
    """Finds calls that read a field past kz_form_read(); token and way back are no fields."""
    allowed = {
        f"http/{name}"
        for name in ("form.c", "dispatch.c", "body.c", "request.h", "signed_out.c")
    }
    found = []
    for path in c_files(root, "mod_kanzlei"):
        if str(path.relative_to(root / "mod_kanzlei")) in allowed:
            continue
        text = path.read_text(encoding="utf-8")
        found += [
            at(root, path, text.count("\n", 0, match.start()) + 1, f"reads {match[1]} by hand")
            for match in re.finditer(r'\bkz_request_form\(\w+(?:->\w+)?,\s*("?\w+"?)', text)
            if match[1] != '"back"'
        ]
    return found


def handlers(root):
    """Finds handlers of the table that don't exist, and handlers of forms without fields."""
    path = root / "mod_kanzlei/routes.def"
    if not path.exists():
        return []
    taking = set(re.findall(r"^KZ_ROUTE\((?:POST|PATCH|PUT),.*?(\w+)\)$", path.read_text(), re.M))
    named = {handler for those, _ in table(root).values() for handler in those}
    found = [f"forms.def: no route that takes a form has {name}" for name in sorted(named - taking)]
    for path in c_files(root, "mod_kanzlei/pages"):
        text = code(path)
        for match in re.finditer(r"^kz_err_t \*(page_\w+)\(.*?^}", text, re.M | re.S):
            if "kz_form_read(" in match[0] and match[1] not in named:
                line = text.count("\n", 0, match.start()) + 1
                found.append(at(root, path, line, f"forms.def doesn't name {match[1]}"))
    return found


def functions(root):
    """The functions of pages/: {(file, name): body}."""
    return {
        (path, match[1]): match[2]
        for path in c_files(root, "mod_kanzlei/pages")
        for match in re.finditer(
            r"^\w[\w ]*\*?(\w+)\([^;{]*\)\n\{\n(.*?)^\}", code(path), re.M | re.S
        )
    }


def compares(bodies, path, name, seen=()):
    """Whether a function of PATH calls kz_form_compare(), itself or by one of the same file."""
    body = bodies.get((path, name), "")
    called = set(re.findall(r"\b(\w+)\(", body)) - {name, *seen}
    return "kz_form_compare(" in body or any(
        compares(bodies, path, one, (*seen, name)) for one in called if (path, one) in bodies
    )


def changes_unseen(root, without=UNCOMPARED):
    """Finds forms that change what is stored without a look at what somebody else has changed:
    their handlers compare the version that the form was made from, or are named above."""
    bodies, found = functions(root), []
    comparing = {name for path, name in bodies if compares(bodies, path, name)}
    shown = set(re.findall(r"\bkz_form_edit\(.*?KZ_FORM_(\w+)\)", "".join(bodies.values())))
    for form, (takers, _) in table(root).items():
        found += [
            f"forms.def: {name} compares no version of {form}"
            for name in takers
            if name not in comparing and name not in without
        ]
        if comparing & set(takers) and form not in shown:
            found.append(f"forms.def: no page shows {form} with its version (kz_form_edit)")
    known = {name for takers, _ in table(root).values() for name in takers}
    return found + [
        f"UNCOMPARED: {name} compares, or takes no form"
        for name in without
        if name in comparing or name not in known
    ]


def missing_labels(root):
    """Finds each label, hint and value of a choice that lacks its text in a language."""
    texts, wanted = catalogues(root), set()
    for _, fields in table(root).values():
        for field in fields:
            if field.label:
                wanted |= {field.label} | {f"{field.name}.{value}" for value in field.values}
                wanted |= {f"{field.label}_hint"} if field.hint else set()
    return [
        f"html/po/{language}.po: no text for {key}"
        for language in texts
        for key in sorted(wanted - texts[language].keys())
    ]


RULES = [fields_by_hand, read_by_hand, handlers, changes_unseen, missing_labels]


@pytest.mark.parametrize("rule", RULES)
def test_forms(rule):
    assert not rule(ROOT), listed(rule(ROOT))


def test_fields_by_hand_can_fail(tmp_path):
    fine = '<form method="get">\n<input name="q" maxlength="9"></form>\n'
    fine += '<input type="hidden" name="csrf"><input id="right_$name" name="right_$name">\n'
    write(tmp_path, {"html/page/a.html": fine})
    assert fields_by_hand(tmp_path) == []
    wrong = '\n<select name="staff">\n<input id="user" maxlength="20">'
    write(tmp_path, {"html/page/a.html": wrong})
    assert fields_by_hand(tmp_path) == [
        'html/page/a.html:2: a field by hand: "staff"',
        'html/page/a.html:3: a field by hand: "user"',
        "html/page/a.html:3: a length by hand",
    ]


def test_read_by_hand_can_fail(tmp_path):
    write(tmp_path, {"mod_kanzlei/pages/a.c": 'x(kz_request_form(rq, "back"));\n'})
    assert read_by_hand(tmp_path) == []
    write(tmp_path, {"mod_kanzlei/pages/a.c": '\nx(kz_request_form(rq, "name"));\n'})
    assert read_by_hand(tmp_path) == ['mod_kanzlei/pages/a.c:2: reads "name" by hand']


def test_handlers_can_fail(tmp_path):
    page = "kz_err_t *page_a(void)\n{\n    kz_form_read(rq, KZ_FORM_a);\n}\n"
    write(tmp_path, {
        "mod_kanzlei/routes.def": 'KZ_ROUTE(POST, "/", STAFF, page_a)\n',
        "mod_kanzlei/forms.def": "KZ_FORM(a, page_a)\n", "mod_kanzlei/pages/a.c": page,
    })  # fmt: skip
    assert handlers(tmp_path) == []
    write(tmp_path, {"mod_kanzlei/forms.def": "KZ_FORM(a, page_b)\n"})
    assert handlers(tmp_path) == [
        "forms.def: no route that takes a form has page_b",
        "mod_kanzlei/pages/a.c:1: forms.def doesn't name page_a",
    ]


def test_changes_unseen_can_fail(tmp_path):
    edits = "kz_err_t *page_a(void)\n{\n    kz_form_edit(out, view, rq, KZ_FORM_a);\n}\n"
    step = "static kz_err_t *step(void)\n{\n    kz_form_compare(form, now);\n}\n"
    write(tmp_path, {
        "mod_kanzlei/forms.def": "KZ_FORM(a, page_a_post)\nKZ_FORM(b, page_b_post)\n",
        "mod_kanzlei/pages/a.c": edits + step + "kz_err_t *page_a_post(void)\n{\n    step();\n}\n",
        "mod_kanzlei/pages/b.c": "kz_err_t *page_b_post(void)\n{\n    step();\n}\n",
    })  # fmt: skip
    assert changes_unseen(tmp_path, {"page_b_post": MAKES}) == []
    assert changes_unseen(tmp_path, {"page_a_post": MAKES}) == [
        "forms.def: page_b_post compares no version of b",
        "UNCOMPARED: page_a_post compares, or takes no form",
    ]
    write(
        tmp_path,
        {"mod_kanzlei/pages/a.c": step + "kz_err_t *page_a_post(void)\n{\n    step();\n}\n"},
    )
    assert changes_unseen(tmp_path, {"page_b_post": MAKES}) == [
        "forms.def: no page shows a with its version (kz_form_edit)"
    ]


def test_missing_labels_can_fail(tmp_path):
    po = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
    for language in ("de", "en"):
        write(tmp_path, {f"html/po/{language}.po": po + 'msgid "a"\nmsgstr "A"\n'})
    row = 'KZ_FORM(f, NONE)\nKZ_FIELD(f, x, LINE, 0, 9, "a", {}, "off", "")\n'
    write(tmp_path, {"mod_kanzlei/forms.def": row.format("0")})
    assert missing_labels(tmp_path) == []
    write(tmp_path, {"mod_kanzlei/forms.def": row.format("KZ_HINT | KZ_FOCUS")})
    assert missing_labels(tmp_path) == [
        "html/po/de.po: no text for a_hint", "html/po/en.po: no text for a_hint",
    ]  # fmt: skip
