"""Connects to PostgreSQL as the portal does: with its role, settings, kz_enter() and statements."""

import hashlib
import json
import sys
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "sql"))

from generator.read import read  # noqa: E402

# The same settings as in io/db/conn.c.
OPTIONS = (
    "-c statement_timeout=60000 -c jit=off -c random_page_cost=1.1"
    " -c plan_cache_mode=force_generic_plan -c timezone=UTC"
)
EXPLAIN = {
    "log_min_duration": "0", "log_nested_statements": "on", "log_analyze": "on",
    "log_timing": "off", "log_format": "json", "log_level": "notice",
}  # fmt: skip
TYPES = {"interval_ms": "interval"}


def queries():
    """Returns every statement of sql/query, by name, read by the code of sql/generate."""
    files = sorted((ROOT / "sql/query").glob("*.sql"))
    return {query.name: query for path in files for query in read(path)}


def token(name):
    return hashlib.sha256(name.encode()).digest()


def explain_all(cluster, database):
    """Makes PostgreSQL send the portal's roles a notice with the plan of every statement."""
    with cluster.connect() as db:
        for role in ("kanzlei_portal", "kanzlei_owner"):
            where = f"ALTER ROLE {role} IN DATABASE {database} SET"
            db.execute(f"{where} session_preload_libraries = 'auto_explain'")
            for name, value in EXPLAIN.items():
                db.execute(f"{where} auto_explain.{name} = '{value}'")


class Line:
    """One connection, which runs statements in transactions that are rolled back."""

    def __init__(self, conninfo):
        self.db = psycopg.connect(conninfo, options=OPTIONS, autocommit=True)
        self.db.add_notice_handler(self.notice)
        self.plans, self.prepared = [], set()

    def notice(self, diagnostic):
        text = diagnostic.message_primary
        if text.startswith("duration:"):
            self.plans.append(json.loads(text[text.index("{") :]))

    def prepare(self, query, conditions):
        """Prepares the statement with these conditions; returns its name."""
        name = ".".join([query.name, *sorted(conditions)])
        if name not in self.prepared and not unplanned(query):
            types = ", ".join(TYPES.get(kind, kind) for _, kind in query.sent)
            text = query.sql(conditions)
            self.db.execute(f'PREPARE "{name}"{f"({types})" if types else ""} AS {text}')
            self.prepared.add(name)
        return name

    def rows(self, query, arguments, enter):
        """Returns the rows of a statement that runs after the statements ENTER."""
        name = self.prepare(query, asked(query, arguments))
        self.db.execute("BEGIN")
        try:
            for statement in enter:
                self.db.execute(*statement)
            changes = query.writes or "FOR NO KEY UPDATE" in query.sql()
            if not changes and query.name != "enter":  # enter notes a session's use
                self.db.execute("SET TRANSACTION READ ONLY")
            self.plans = []
            listed = ", ".join(literal(value) for value in sent(query, arguments))
            call = f'EXECUTE "{name}"{f"({listed})" if listed else ""}'
            cursor = self.db.execute(query.sql() if unplanned(query) else call)
            return cursor.fetchall() if cursor.description else []
        finally:
            self.db.execute("ROLLBACK")

    def explain(self, query, arguments, enter):
        """Returns the plans of one run: the statement's own and those inside of functions."""
        self.rows(query, arguments, enter)
        return self.plans


def asked(query, arguments):
    """Returns the conditions that hold with these arguments."""
    given = {name for (name, _), value in zip(query.args, arguments, strict=True) if value}
    return frozenset(given & set(query.conditions))


def sent(query, arguments):
    names = {name for name, _ in query.sent}
    return [v for (name, _), v in zip(query.args, arguments, strict=True) if name in names]


def unplanned(query):
    """Returns whether a statement has no plan, so that SQL's PREPARE refuses it."""
    return query.sql().startswith("SET ")


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'"
    return "'" + str(value).replace("'", "''") + "'"
