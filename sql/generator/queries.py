"""Writes queries.h and queries.c: a typed function for each query."""

from generator.types import ARGUMENTS, column


def block(head, members):
    return [f"{head} {{", *(f"    {member};" for member in members)]


def header(query):
    """Returns the lines that declare a query in queries.h."""
    name, like = query.name, query.like
    yield f"/* {query.where} */"
    if query.args and like and like.args == query.args:
        yield f"typedef kz_q_{like.name}_args_t kz_q_{name}_args_t;"
    elif query.args:
        members = (f"{ARGUMENTS[kind].c}{arg}" for arg, kind in query.args)
        yield from block(f"typedef struct kz_q_{name}_args_t", members)
        yield f"}} kz_q_{name}_args_t;"
    if query.columns and like:
        yield f"typedef kz_q_{like.name}_t kz_q_{name}_t;"
    elif query.columns:
        members = (f"{column(kind).c}{col}" for col, kind in query.columns)
        yield from block(f"typedef struct kz_q_{name}_t", members)
        yield f"}} kz_q_{name}_t;"
    yield send_head(query, "send") + ";"
    yield read_head(query) + ";"
    if query.kind == "exec":
        yield send_head(query, "later") + ";"
    yield both_head(query) + ";\n"


def args_of(query):
    return f", const kz_q_{query.name}_args_t *args" if query.args else ""


def outputs(query):
    if query.kind == "exec":
        return "int *affected, kz_db_t *db"
    rows = "*rows, int *count" if query.kind == "many" else "*row"
    return f"kz_q_{query.name}_t *{rows}, kz_db_t *db, apr_pool_t *pool"


def send_head(query, how):
    return f"kz_err_t *kz_q_{query.name}_{how}(kz_db_t *db{args_of(query)})"


def read_head(query):
    return f"kz_err_t *kz_q_{query.name}_read({outputs(query)})"


def both_head(query):
    both = outputs(query).replace("kz_db_t *db", f"kz_db_t *db{args_of(query)}")
    return f"kz_err_t *kz_q_{query.name}({both})"


def c_lines(text):
    """Returns a text as C string literals, one for each line."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    *lines, last = text.split("\n")
    return [f'"{line}\\n"' for line in lines] + ([f'"{last}"'] if last or not lines else [])


def mask(query, names):
    """Returns the C expression that sets a condition's bit when its argument is asked for."""
    bits = (f"1u << {query.conditions.index(name)} /* {name} */" for name in sorted(names))
    return " | ".join(bits) or "0"


def statement(query):
    """Returns the constants of a query: its text as in its .sql, its arguments and its columns."""
    name = query.name
    yield f"/* {query.where} */"
    yield f"static const kz_db_part_t {name}_parts[] = {{"
    for part in query.parts:
        yield f"    {{{mask(query, part.with_)}, {mask(query, part.without)},"
        yield "\n".join("     " + line for line in c_lines(part.text)) + "},"
    yield "    {0, 0, NULL},\n};"
    if query.conditions:
        listed = ", ".join(f'"{one}"' for one in query.conditions)
        yield f"static const char *const {name}_conditions[] = {{{listed}}};"
    oids = ", ".join(str(ARGUMENTS[kind].oid) for _, kind in query.sent) or "0"
    yield f"static const unsigned {name}_types[] = {{{oids}}};"
    yield f"static const kz_db_statement_t {name}_statement = {{"
    yield f'    .name = "{name}",'
    yield f"    .parts = {name}_parts,"
    if query.conditions:
        yield f"    .conditions = {name}_conditions,"
    yield f"    .types = {name}_types,"
    yield f"    .args = {len(query.sent)},"
    yield f"    .columns = {len(query.columns)},"
    yield f"    .writes = {int(query.writes)},"


def send(query, how):
    yield send_head(query, how) + "\n{"
    yield "    kz_db_values_t values;\n"
    yield "    kz_db__values_start(&values);"
    kinds = dict(query.args)
    for bit, name in enumerate(query.conditions):
        yield f"    if ({ARGUMENTS[kinds[name]].asked.format(name)})"
        yield f"        values.asked |= 1u << {bit};"
    for arg, kind in query.sent:
        yield f"    kz_db__arg_{ARGUMENTS[kind].writer}(&values, args->{arg});"
    yield f"    return kz_db__{how}(db, &{query.name}_statement, &values);\n}}\n"


def fields(query, target, row, pad):
    for number, (col, kind) in enumerate(query.columns):
        how = column(kind)
        pool = ", pool" if how.pool else ""
        yield f"{pad}{target}{col} = kz_db__{how.reader}(result, {row}, {number}{pool});"


def read_many(query):
    yield "    kz_db_rows_t *result;\n    int i;\n\n    *rows = NULL;\n    *count = 0;"
    yield f"    KZ_TRY(kz_db__read(&result, count, db, &{query.name}_statement));"
    yield "    *rows = apr_pcalloc(pool, sizeof **rows * (*count ? *count : 1));"
    yield "    for (i = 0; i < *count; i++) {"
    yield from fields(query, "(*rows)[i].", "i", "        ")
    yield "    }\n    kz_db__rows_free(result);\n    return NULL;\n}\n"


def read_one(query):
    yield "    kz_db_rows_t *result;\n    int n;\n\n    *row = NULL;"
    yield f"    KZ_TRY(kz_db__read(&result, &n, db, &{query.name}_statement));"
    yield "    if (n > 0) {\n        *row = apr_pcalloc(pool, sizeof **row);"
    yield from fields(query, "(*row)->", "0", "        ")
    yield "    }\n    kz_db__rows_free(result);"
    if query.kind == "maybe":
        yield "    return NULL;\n}\n"
    else:
        code = "KZ_ERR_NOT_FOUND" if query.kind == "one!" else "KZ_ERR_INTERNAL"
        yield f'    return *row ? NULL : kz_err_create({code}, "{query.name}: no row");\n}}\n'


def functions(query):
    """Returns the functions of a query, which follow its constants in queries.c."""
    yield from send(query, "send")
    yield read_head(query) + "\n{"
    if query.kind == "exec":
        yield "    return kz_db__read_exec(affected, db);\n}\n"
        yield from send(query, "later")
    elif query.kind == "many":
        yield from read_many(query)
    else:
        yield from read_one(query)
    given = {"exec": "affected, db", "many": "rows, count, db, pool"}
    yield both_head(query) + "\n{"
    yield f"    KZ_TRY(kz_q_{query.name}_send(db{', args' if query.args else ''}));"
    yield f"    return kz_q_{query.name}_read({given.get(query.kind, 'row, db, pool')});\n}}\n"


def write(queries, made):
    """Returns the text of queries.h and of queries.c."""
    head = [made, "#ifndef KZ_QUERIES_H\n#define KZ_QUERIES_H\n", '#include "io/db/db.h"\n']
    source = [made, '#include "queries.h"\n#include "io/db/statement.h"\n']
    for number, query in enumerate(queries):
        head += header(query)
        source += [*statement(query), f"    .number = {number},\n}};\n", *functions(query)]
    head.append("#endif")
    most = f"KZ_DB_STATEMENTS >= {len(queries)}"
    source.append(f'_Static_assert({most}, "more queries than a connection has flags for");')
    return head, source
