"""Says for each type of sql/query how C, PostgreSQL's protocol and a view represent it."""

from typing import NamedTuple


class Argument(NamedTuple):
    c: str  # its type in C, with what stands before a name
    oid: int  # PostgreSQL's pg_type.oid
    writer: str  # kz_db__arg_...()
    asked: str  # whether a condition on it holds; "" where none can be on it


class Column(NamedTuple):
    c: str
    reader: str  # kz_db__...()
    pool: bool  # the reader copies into a pool
    viewer: str  # kz_view_...(); "": a view doesn't show it


TEXT = "const char *"
ARGUMENTS = {
    "text": Argument(TEXT, 25, "text", "args->{} != NULL"),
    "uuid": Argument(TEXT, 2950, "text", "args->{} != NULL"),
    "int4": Argument("int ", 23, "int4", "args->{} != 0"),
    "int8": Argument("apr_int64_t ", 20, "int8", "args->{} != 0"),
    "bool": Argument("int ", 16, "bool", "args->{} != 0"),
    "timestamptz": Argument("apr_time_t ", 1184, "time", "args->{} != 0"),
    "interval_ms": Argument("apr_int64_t ", 1186, "interval", ""),
    "bytea": Argument("kz_db_bytes_t ", 17, "bytes", ""),
    "uuid[]": Argument(TEXT, 2951, "text", "args->{} != NULL"),
    "text[]": Argument(TEXT, 1009, "text", "args->{} != NULL"),
    "bytea[]": Argument(TEXT, 1001, "text", "args->{} != NULL"),
    "jsonb": Argument(TEXT, 3802, "text", "args->{} != NULL"),
}
COLUMNS = {
    "text": Column(TEXT, "text", True, "text"),
    "uuid": Column(TEXT, "uuid", True, "text"),
    "enum": Column(TEXT, "text", True, "enum"),
    "int4": Column("int ", "int4", False, "number"),
    "int8": Column("apr_int64_t ", "int8", False, "number"),
    "bytes": Column("apr_int64_t ", "int8", False, "size"),
    "bool": Column("int ", "bool", False, "flag"),
    "timestamptz": Column("apr_time_t ", "time", False, "time"),
    "bytea": Column("kz_db_bytes_t ", "bytes", True, ""),
}


def column(kind):
    """Returns the entry of a result's type, which may be an enum with its values."""
    return COLUMNS[kind.partition("(")[0]]
