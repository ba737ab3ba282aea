"""Makes of rights.def and of right/*.html the partials part/right-<piece>.html: each right once.

In right/*.html $name is a right's name; all else is an ordinary template."""

import re
from pathlib import Path
from string import Template

LINE = re.compile(r'^KZ_RIGHT\(\w+, "(\w+)"\)', re.M)


def partials(definitions, folder):
    """(name, text) of every partial that DEFINITIONS, a rights.def, makes with pieces of FOLDER."""
    rights = LINE.findall(Path(definitions).read_text(encoding="utf-8"))
    for path in sorted(Path(folder).glob("*.html")):
        piece = Template(path.read_text(encoding="utf-8"))
        yield f"right-{path.name}", "".join(piece.substitute(name=name) for name in rights)
