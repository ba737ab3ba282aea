"""Reads sql/query/*.sql: heads, results, and statements with their optional conditions."""

import re
import sys
from dataclasses import dataclass, field

from generator.types import ARGUMENTS, COLUMNS

HEAD = re.compile(r"^-- (\w+)\((.*)\) :(many|one!?|maybe|exec)( writes)?(?: as (\w+))?$")
WRITES = re.compile(r"\b(INSERT|(?<!FOR )(?<!NO KEY )UPDATE|DELETE)\b")  # a lock is no change
PART = re.compile(r"^-- part (\w+)$")
CALL = re.compile(r"(?P<kept>'(?:[^']|'')*'|\"[^\"]*\")|\{(?P<part>[a-z]\w*)\}")
OPEN_HEAD = re.compile(r"^-- [a-z]\w*\([a-z_]+ [a-z]")  # its arguments may go on in the next line
TOKEN = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?\*/)"
    r"|(?P<quoted>'(?:[^']|'')*'|\"[^\"]*\")"
    r"|\[(?P<negated>!?)(?P<condition>[a-z]\w*):[ \n]\s*"
    r"|(?P<open>\[)|(?P<close>\])"
    r"|\$(?P<number>\d+)|\$(?P<argument>[a-z]\w*)"
    r"|(?P<other>.)",
    re.DOTALL,
)
DEEPEST = 2  # a condition may stand in another one, no deeper
NAME_MAX = 63  # bytes of a prepared statement's name: NAMEDATALEN - 1


@dataclass(frozen=True)
class Part:
    """Text that a statement contains when all of WITH_ are asked for and none of WITHOUT is."""

    text: str
    with_: frozenset = frozenset()
    without: frozenset = frozenset()


@dataclass
class Query:
    where: str
    name: str
    args: list  # (name, type)
    kind: str
    calls_writer: bool = False
    columns: list = field(default_factory=list)  # (name, type)
    like: "Query" = None
    lines: list = field(default_factory=list)
    parts: list = field(default_factory=list)
    conditions: list = field(default_factory=list)  # names of arguments, in their order
    sent: list = field(default_factory=list)  # (name, type) of what the statement's $1, $2 ... are

    @property
    def writes(self):
        return self.calls_writer or any(WRITES.search(part.text) for part in self.parts)

    def sql(self, asked=()):
        """Returns the statement for the case that the arguments ASKED are asked for."""
        asked = set(asked)
        return "".join(
            part.text for part in self.parts if part.with_ <= asked and not part.without & asked
        )


def fail(where, what):
    sys.exit(f"{where}: {what}")


def pairs(where, text, known):
    found = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, _, kind = part.partition(" ")
        if kind.partition("(")[0] not in known:
            fail(where, f"unknown type {kind!r}")
        found.append((name, kind))
    return found


class Statement:
    """The text of a query, which cut() divides into parts."""

    def __init__(self, query):
        self.query, self.known = query, dict(query.args)
        self.parts, self.text = [], ""
        self.stack = []  # (condition, whether it is negated), or None for a bracket of SQL
        self.tokens = list(TOKEN.finditer("\n".join(query.lines).rstrip().rstrip(";")))
        self.used = {token["argument"] for token in self.tokens} - {None}
        self.sent = [arg for arg in query.args if arg[0] in self.used]
        self.number = {name: f"${n}" for n, (name, _) in enumerate(self.sent, 1)}

    def end_part(self):
        held = [one for one in self.stack if one]
        with_ = frozenset(name for name, negated in held if not negated)
        without = frozenset(name for name, negated in held if negated)
        if self.text:
            self.parts.append(Part(self.text, with_, without))
        self.text = ""

    def argument(self, name):
        if name not in self.number:
            fail(self.query.where, f"${name} is no argument")
        return self.number[name]

    def condition(self, name, negated):
        if not ARGUMENTS[self.known.get(name, "interval_ms")].asked:
            fail(self.query.where, f"[{name}: is no argument on which a condition can be")
        if len([one for one in self.stack if one]) == DEEPEST:
            fail(self.query.where, f"[{name}: stands too deep")
        self.end_part()
        self.stack.append((name, bool(negated)))

    def close(self):
        if not self.stack:
            fail(self.query.where, "a ] without its [")
        if self.stack[-1]:
            self.end_part()
        else:
            self.text += "]"
        self.stack.pop()

    def cut(self):
        for token in self.tokens:
            if token["condition"]:
                self.condition(token["condition"], token["negated"])
            elif token["argument"]:
                self.text += self.argument(token["argument"])
            elif token["number"]:
                fail(self.query.where, f"{token[0]}: an argument is called by its name")
            elif token["open"]:
                self.stack.append(None)
                self.text += "["
            elif token["close"]:
                self.close()
            elif not token["comment"]:
                self.text += token[0]
        self.end_part()
        if self.stack:
            fail(self.query.where, "a [ without its ]")
        return self.parts


def cut(query):
    """Reads a query's statement and fills its parts, conditions and list of sent arguments."""
    statement = Statement(query)
    query.parts = [tidy(part) for part in statement.cut()]
    query.sent = statement.sent
    asked = {name for part in query.parts for name in part.with_ | part.without}
    query.conditions = [name for name, _ in query.args if name in asked]
    unused = [name for name, _ in query.args if name not in statement.used | asked]
    if unused:
        fail(query.where, f"the statement does not use {unused}")
    if longest_name(query) > NAME_MAX:
        fail(query.where, f"with its conditions the name has more than {NAME_MAX} bytes")


def longest_name(query):
    """Returns the longest name of a prepared statement of this query; at most one condition on a
    bool is asked for."""
    kinds = dict(query.args)
    lengths = [1 + len(name) for name in query.conditions if kinds[name] != "bool"]
    states = [1 + len(name) for name in query.conditions if kinds[name] == "bool"]
    return len(query.name) + sum(lengths) + max(states, default=0)


def tidy(part):
    """Returns the statement without the blanks that a removed comment leaves."""
    text = re.sub(r"[ \t]+\n", "\n", part.text)
    return Part(re.sub(r"\n{2,}", "\n", text), part.with_, part.without)


def with_parts(query, parts):
    """Returns the lines of a query, each {NAME} replaced by the text of that part."""

    def text_of(call):
        if call["kept"]:
            return call["kept"]
        if call["part"] not in parts:
            fail(query.where, f"no part {call['part']!r} in this file")
        return "\n".join(parts[call["part"]]).strip().rstrip(";")

    return [CALL.sub(text_of, line) for line in query.lines]


def head_of(path, number, head, queries):
    """Returns a new query made from its head."""
    where = f"sql/query/{path.name}:{number}"
    query = Query(where, head[1], pairs(where, head[2], ARGUMENTS), head[3], bool(head[4]))
    if head[5]:
        query.like = next((q for q in queries if q.name == head[5]), None)
        if not query.like:
            fail(where, f"no earlier query {head[5]!r} in this file")
        query.columns = list(query.like.columns)
    return query


def check(query):
    if not query.lines:
        fail(query.where, "no statement")
    if (query.kind == "exec") == bool(query.columns):
        fail(query.where, "a result needs a line '-- -> ...', and only a result has one")
    cut(query)


def read(path):
    """Returns the queries of a file, in their order."""
    queries, query, pending, parts, part = [], None, "", {}, None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if pending:
            line = pending + " " + line.removeprefix("--").strip()
        head = HEAD.match(line)
        pending = line if OPEN_HEAD.match(line) and not head else ""
        if pending:
            continue
        if PART.match(line):
            part = parts.setdefault(PART.match(line)[1], [])
        elif head:
            query, part = head_of(path, number, head, queries), None
            queries.append(query)
        elif line.startswith("-- -> ") or (
            line.startswith("--    ") and query and not query.lines and query.columns
        ):
            query.columns += pairs(query.where, line[6:].strip(), COLUMNS)
        elif line.strip() and not line.startswith("--"):
            if part is None and query is None:
                fail(f"sql/query/{path.name}:{number}", "a line before the first head")
            (query.lines if part is None else part).append(line.rstrip())
    for query in queries:
        query.lines = with_parts(query, parts)
        check(query)
    return queries
