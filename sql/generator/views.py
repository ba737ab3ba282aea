"""Writes views.h and views.c: functions that fill views from a query's rows."""

from generator.types import column


def row_head(name):
    return f"void kz_row_{name}(kz_view_t *view, const kz_q_{name}_t *row)"


def show_head(query):
    rows = "rows, int n" if query.kind == "many" else "row"
    return (
        f"void kz_show_{query.name}(kz_view_t *view, const char *name,"
        f" const kz_q_{query.name}_t *{rows})"
    )


def fields(query):
    for col, kind in query.columns:
        viewer = column(kind).viewer
        if viewer == "enum":
            yield f'    kz_view_enum(view, "{col}", row->{col}, "{kind[5:-1]}");'
        elif col.endswith("_count"):
            yield f'    kz_view_count(view, "{col}", row->{col});'
        elif viewer:
            yield f'    kz_view_{viewer}(view, "{col}", row->{col});'


def show(query):
    yield show_head(query) + "\n{"
    if query.kind == "many":
        yield "    int i;\n\n    kz_view_list(view, name);\n    for (i = 0; i < n; i++)"
        yield f"        kz_row_{query.name}(kz_view_row(view, name), &rows[i]);\n}}\n"
    else:
        yield f"    if (row)\n        kz_row_{query.name}(kz_view_object(view, name), row);"
        yield "    else\n        kz_view_text(view, name, NULL);\n}\n"


def write(queries, made):
    """Returns the text of views.h and of views.c."""
    head = [made, "#ifndef KZ_VIEWS_H\n#define KZ_VIEWS_H\n"]
    head.append('#include "queries.h"\n#include "template/view.h"\n')
    source = [made, '#include "views.h"\n']
    for query in queries:
        if query.columns and not query.like:
            head += [f"/* {query.where} */", row_head(query.name) + ";", show_head(query) + ";\n"]
            source += [row_head(query.name) + "\n{", *fields(query), "}\n", *show(query)]
    head.append("#endif")
    return head, source
