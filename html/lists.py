"""Reads lists.def, and makes from it and from list/*.html the partials that pages name:
part/filter-<list>.html, the form above a list, and part/list-<list>.html, its table.

In list/*.html $name stands for the value in the list's line; the rest is an ordinary template."""

import re
from pathlib import Path
from string import Template
from typing import NamedTuple

LINE = re.compile(r"^KZ_(LIST|FILTER|COLUMN|EXPORT)\((.*)\)$", re.M)
ARGUMENT = re.compile(r'\s*("[^"]*"|[^,]+?)\s*(?:,|$)')


class Filter(NamedTuple):
    """One parameter of a list's query string."""

    name: str
    kind: str
    most: int
    values: list[str]
    label: str


class Column(NamedTuple):
    """One column of a list's table."""

    cell: str
    name: str
    label: str


class List:
    """One list with its filters and columns."""

    def __init__(self, name, path, rows, query, most, order, at, id_, leads):
        self.name, self.path, self.rows, self.query = name, path, rows, query
        self.most, self.order, self.at, self.id, self.leads = int(most), order, at, id_, leads
        self.filters, self.columns, self.exports = [], [], []


def read(path):
    """Returns the lists of lists.def, by name."""
    lists = {}
    for kind, text in LINE.findall(Path(path).read_text(encoding="utf-8")):
        name, *rest = (one.strip('"') for one in ARGUMENT.findall(text))
        if kind == "LIST":
            lists[name] = List(name, *rest)
        elif kind == "FILTER":
            parameter, form, most, values, label = rest
            values = values.split("|") if values else []
            lists[name].filters.append(Filter(parameter, form, int(most), values, label))
        elif kind == "COLUMN":
            lists[name].columns.append(Column(*rest))
        else:
            lists[name].exports.append(tuple(rest))
    return lists


class Maker:
    """Fills the pieces that lie in FOLDER."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def piece(self, name, /, **words):
        """Returns list/NAME.html with WORDS filled in, without its last line break."""
        text = (self.folder / f"{name}.html").read_text(encoding="utf-8")
        return Template(text).substitute(words).removesuffix("\n")

    def field(self, one, asked):
        """Returns one field of the filter's form."""
        same = {"FROM": "day", "TO": "day", "FILE_WORDS": "words"}
        kind = same.get(asked.kind, asked.kind.lower())
        words = {"list": one.name, "name": asked.name, "label": asked.label, "most": asked.most}
        words["kind"] = kind
        options = [self.piece("option", value=value, **words) for value in asked.values]
        control = self.piece(
            f"control-{kind}", invalid=self.piece("invalid", **words), options="".join(options),
            unknown=self.piece("unknown", **words), **words,
        )  # fmt: skip
        field = self.piece("field", control=control, **words)
        # A client's own access has no clients to choose from.
        return f"{{{{#is_staff}}}}\n{field}\n{{{{/is_staff}}}}" if kind == "client" else field

    def form(self, one):
        """Returns the form of a list's filter."""
        fields = "\n".join(self.field(one, asked) for asked in one.filters)
        return self.piece("filter", path=one.path, fields=fields) + "\n"

    def table(self, one):
        """Returns the table of a list; on a phone its rows are cards."""
        words = {"list": one.name, "rows": one.rows}
        words["leads"] = re.sub(r"\{(\w+)\}", r"{{\1}}", one.leads)
        heads, cells = [], []
        for column in one.columns:
            given = words | {"name": column.name, "label": column.label}
            number = "-number" if column.cell in ("number", "size") else ""
            heads.append(self.piece(f"head{number}", **given))
            cells.append(self.piece(f"cell-{column.cell}", **given))
        return self.piece("table", heads="".join(heads), cells="".join(cells), **words) + "\n"


def partials(definitions, folder):
    """Returns (name, text) of every partial made from DEFINITIONS (a lists.def) and pieces of
    FOLDER."""
    maker = Maker(folder)
    for one in read(definitions).values():
        if one.filters:
            yield f"filter-{one.name}.html", maker.form(one)
        if one.columns:
            yield f"list-{one.name}.html", maker.table(one)
