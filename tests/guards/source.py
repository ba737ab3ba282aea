"""Reads the sources as the guards see them: without comments, literal by literal."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GENERATED = {"build", ".venv", "node_modules", "out", "__pycache__", ".git"}
TOKEN = re.compile(
    r"""(?P<comment>/\*.*?\*/|//[^\n]*)|(?P<string>"(?:\\.|[^"\\\n])*")|(?P<char>'(?:\\.|[^'\\\n])+')""",
    re.S,
)

# Name, parameters and body of a function: only a function has { and } in the first column.
FUNCTION = re.compile(
    r"^[A-Za-z_][^;{}#=]*?\b(\w+)\(([^;{}]*)\)[^;{}=()]*\n\{\n(.*?)^\}", re.M | re.S
)


def c_files(root, *folders):
    """Returns all .c, .h and .def files of ROOT's FOLDERS, sorted; FOLDERS need not exist."""
    return sorted(
        path
        for folder in folders
        for path in (root / folder).rglob("*")
        if path.suffix in (".c", ".h", ".def") and not GENERATED & set(path.parts)
    )


def blank(text, *kinds):
    """Returns TEXT with the tokens of KINDS (comment, string, char) made blank; lines stay in
    place."""

    def one(match):
        return re.sub(r"[^\n]", " ", match[0]) if match.lastgroup in kinds else match[0]

    return TOKEN.sub(one, text)


def code(path):
    """Returns PATH's text without comments and without the contents of literals."""
    return blank(path.read_text(encoding="utf-8"), "comment", "string", "char")


def literals(path):
    """Yields (line, text) of every string literal of PATH; joins neighbours, leaves includes
    out."""
    text = blank(path.read_text(encoding="utf-8"), "comment")
    text = re.sub(r"^[ \t]*#[ \t]*include[^\n]*", "", text, flags=re.M)
    joined = re.compile(r'"(?:\\.|[^"\\\n])*"(?:\s*"(?:\\.|[^"\\\n])*")*')
    for match in joined.finditer(blank(text, "char")):
        parts = re.findall(r'"((?:\\.|[^"\\\n])*)"', match[0])
        yield text.count("\n", 0, match.start()) + 1, "".join(parts)


def includes(path):
    """Yields (line, name, is it in quotes) of every include of PATH."""
    text = blank(path.read_text(encoding="utf-8"), "comment")
    for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]+(["<])([^">]+)', text, re.M):
        yield text.count("\n", 0, match.start()) + 1, match[2], match[1] == '"'


def functions(path):
    """Yields (line, name, lines of the body, parameters) of every function that PATH defines."""
    text = code(path)
    head = re.compile(
        r"^[A-Za-z_][^;{}#=]*?\b(\w+)\(([^;{}]*)\)[^;{}=()]*\n\{\n(.*?)^\}", re.M | re.S
    )
    for match in head.finditer(text):
        parameters = re.sub(r"\([^()]*\)", "", match[2])
        count = 0 if parameters.strip() in ("", "void") else parameters.count(",") + 1
        yield text.count("\n", 0, match.start(1)) + 1, match[1], match[3].count("\n") + 2, count


def at(root, path, line, what):
    """Returns one finding in the form that editors can jump to."""
    return f"{path.relative_to(root)}:{line}: {what}"


def listed(findings):
    """Returns all FINDINGS as one text, for the message of a failure."""
    return "\n" + "\n".join(findings)


def write(root, files):
    """Writes FILES, {path: text}, below ROOT: the samples that prove that a guard can fail."""
    for name, text in files.items():
        path = Path(root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
