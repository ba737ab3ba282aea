"""Reads the sources as the guards see them: without comments, literal by literal."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GENERATED = {"build", ".venv", "node_modules", "out", "__pycache__", ".git"}
TOKEN = re.compile(
    r"""(?P<comment>/\*.*?\*/|//[^\n]*)|(?P<string>"(?:\\.|[^"\\\n])*")|(?P<char>'(?:\\.|[^'\\\n])+')""",
    re.S,
)

# Its name, its parameters, its body: { and } stand in the first column for functions alone.
FUNCTION = re.compile(
    r"^[A-Za-z_][^;{}#=]*?\b(\w+)\(([^;{}]*)\)[^;{}=()]*\n\{\n(.*?)^\}", re.M | re.S
)


def c_files(root, *folders):
    """All .c, .h and .def files of ROOT's FOLDERS, sorted; absent folders count for none."""
    return sorted(
        path
        for folder in folders
        for path in (root / folder).rglob("*")
        if path.suffix in (".c", ".h", ".def") and not GENERATED & set(path.parts)
    )


def blank(text, *kinds):
    """TEXT with the tokens of KINDS (comment, string, char) made blank; lines stay in place."""

    def one(match):
        return re.sub(r"[^\n]", " ", match[0]) if match.lastgroup in kinds else match[0]

    return TOKEN.sub(one, text)


def code(path):
    """PATH's text without comments, and the contents of literals gone."""
    return blank(path.read_text(encoding="utf-8"), "comment", "string", "char")


def literals(path):
    """(line, text) of every string literal of PATH; neighbours are joined, includes left out."""
    text = blank(path.read_text(encoding="utf-8"), "comment")
    text = re.sub(r"^[ \t]*#[ \t]*include[^\n]*", "", text, flags=re.M)
    joined = re.compile(r'"(?:\\.|[^"\\\n])*"(?:\s*"(?:\\.|[^"\\\n])*")*')
    for match in joined.finditer(blank(text, "char")):
        parts = re.findall(r'"((?:\\.|[^"\\\n])*)"', match[0])
        yield text.count("\n", 0, match.start()) + 1, "".join(parts)


def includes(path):
    """(line, name, is it in quotes) of every include of PATH."""
    text = blank(path.read_text(encoding="utf-8"), "comment")
    for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]+(["<])([^">]+)', text, re.M):
        yield text.count("\n", 0, match.start()) + 1, match[2], match[1] == '"'


def functions(path):
    """(line, name, lines of the body, parameters) of every function that PATH defines."""
    text = code(path)
    head = re.compile(
        r"^[A-Za-z_][^;{}#=]*?\b(\w+)\(([^;{}]*)\)[^;{}=()]*\n\{\n(.*?)^\}", re.M | re.S
    )
    for match in head.finditer(text):
        parameters = re.sub(r"\([^()]*\)", "", match[2])
        count = 0 if parameters.strip() in ("", "void") else parameters.count(",") + 1
        yield text.count("\n", 0, match.start(1)) + 1, match[1], match[3].count("\n") + 2, count


def at(root, path, line, what):
    """One finding, as editors jump to it."""
    return f"{path.relative_to(root)}:{line}: {what}"


def listed(findings):
    """All FINDINGS, for the message of a failure."""
    return "\n" + "\n".join(findings)


def write(root, files):
    """Makes FILES, {path: text}, below ROOT: the samples that prove a guard can fail."""
    for name, text in files.items():
        path = Path(root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
