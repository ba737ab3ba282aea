"""Makes from rights.def and right/*.html the partials part/right-<piece>.html, each right once.

In right/*.html $name stands for a right's name; the rest is an ordinary template."""

import re
from pathlib import Path
from string import Template

LINE = re.compile(r'^KZ_RIGHT\(\w+, "(\w+)"\)', re.M)


def partials(definitions, folder):
    """Returns (name, text) of every partial made from DEFINITIONS (a rights.def) and pieces of
    FOLDER."""
    rights = LINE.findall(Path(definitions).read_text(encoding="utf-8"))
    for path in sorted(Path(folder).glob("*.html")):
        piece = Template(path.read_text(encoding="utf-8"))
        yield f"right-{path.name}", "".join(piece.substitute(name=name) for name in rights)
