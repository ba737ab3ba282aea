"""Reads mod_kanzlei/forms.def: its forms, each with the handlers that take it and its fields."""

import re
from dataclasses import dataclass, field
from pathlib import Path

ROW = re.compile(r"^KZ_(FORM|FIELD|CHOICE)\((.*)\)$", re.MULTILINE)
CELL = re.compile(r'\s*("[^"]*"|[^,"]+)\s*(?:,|$)')


@dataclass
class Field:
    name: str
    kind: str
    least: int
    most: int
    label: str
    hint: bool
    autocomplete: str
    column: str
    values: list = field(default_factory=list)


def cells(text):
    return [cell.strip().strip('"') for cell in CELL.findall(text)]


def read(path):
    """{form: (its handlers, its fields)}, in the order of the table."""
    forms = {}
    for macro, text in ROW.findall(Path(path).read_text(encoding="utf-8")):
        form, *rest = cells(text)
        if macro == "FORM":
            forms[form] = ([] if rest == ["NONE"] else rest, [])
        elif macro == "FIELD":
            name, kind, least, most, label, more, autocomplete, column = rest
            forms[form][1].append(
                Field(name, kind, int(least), int(most), label, "KZ_HINT" in more, autocomplete,
                      column)
            )  # fmt: skip
        else:
            name, values, label, column = rest
            forms[form][1].append(
                Field(name, "CHOICE", 0, 0, label, False, "", column, values.split("|"))
            )
    return forms
