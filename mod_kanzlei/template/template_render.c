/* From nodes and a view to text. This is on the way of every page: one growing buffer, nothing else
 * is allocated, names are already split and hashed. */
#include "template/template_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUT_FIRST (64 * 1024)        /* most pages, at once */
#define OUT_MAX   (32 * 1024 * 1024) /* bytes */
#define STEPS_MAX 4000000            /* nodes: bounds the cost of loops within loops */

typedef struct render_t {
    char *out;
    size_t len;
    size_t size;
    const kz_value_t *contexts[KZ_TEMPLATE__DEPTH + 1]; /* the innermost last */
    int contexts_count;
    int depth;
    int steps;
    int escape;
    const kz_template_t *content;
} render_t;

/* The blanks before each line of a partial whose tag was indented, the innermost first. */
typedef struct indent_t {
    const struct indent_t *outer;
    const char *blanks;
    size_t len;
} indent_t;

static kz_err_t *make_room(render_t *render, size_t more)
{
    size_t size = render->size ? render->size : OUT_FIRST;
    char *out;

    if (more > OUT_MAX || render->len + more > OUT_MAX)
        return kz_err_create(KZ_ERR_INTERNAL, "a rendered template exceeds %d bytes", OUT_MAX);
    while (size < render->len + more)
        size *= 2;
    out = realloc(render->out, size);
    if (!out)
        return kz_err_create(KZ_ERR_INTERNAL, "out of memory while rendering a template");
    render->out = out;
    render->size = size;
    return NULL;
}

static inline kz_err_t *append(render_t *render, const char *text, size_t len)
{
    if (render->size - render->len < len)
        KZ_TRY(make_room(render, len));
    if (len)
        memcpy(render->out + render->len, text, len);
    render->len += len;
    return NULL;
}

static const struct {
    const char *text;
    size_t len;
} escapes[256] = {
    ['&'] = {"&amp;", 5},  ['<'] = {"&lt;", 4},   ['>'] = {"&gt;", 4},
    ['"'] = {"&quot;", 6}, ['\''] = {"&#39;", 5},
};

static kz_err_t *append_escaped(render_t *render, const char *text, size_t len)
{
    const unsigned char *c = (const unsigned char *)text, *end = c + len, *run = c;

    for (; c < end; c++) {
        if (!escapes[*c].len)
            continue;
        KZ_TRY(append(render, (const char *)run, (size_t)(c - run)));
        KZ_TRY(append(render, escapes[*c].text, escapes[*c].len));
        run = c + 1;
    }
    return append(render, (const char *)run, (size_t)(c - run));
}

/* Nothing but texts and numbers prints. */
static kz_err_t *append_value(render_t *render, const kz_value_t *value, int escape)
{
    char number[64];
    int len = 0;

    switch (value ? value->kind : KZ_VALUE_NULL) {
    case KZ_VALUE_TEXT:
        return escape ? append_escaped(render, value->text, value->len)
                      : append(render, value->text, value->len);
    case KZ_VALUE_INTEGER:
        len = snprintf(number, sizeof number, "%" APR_INT64_T_FMT, value->integer);
        break;
    case KZ_VALUE_REAL:
        len = snprintf(number, sizeof number, "%.15g", value->real);
        break;
    default:
        break;
    }
    return append(render, number, (size_t)len);
}

static kz_err_t *append_indent(render_t *render, const indent_t *indent)
{
    if (!indent)
        return NULL;
    KZ_TRY(append_indent(render, indent->outer));
    return append(render, indent->blanks, indent->len);
}

/* Text of the template, each of its lines indented. */
static kz_err_t *append_lines(render_t *render, const char *text, size_t len,
                              const indent_t *indent)
{
    const char *end = text + len, *newline;

    while ((newline = memchr(text, '\n', (size_t)(end - text))) && newline + 1 < end) {
        KZ_TRY(append(render, text, (size_t)(newline + 1 - text)));
        KZ_TRY(append_indent(render, indent));
        text = newline + 1;
    }
    return append(render, text, (size_t)(end - text));
}

/* The first part of a name is looked for from the innermost context outwards, the others in what
 * was found alone. NULL if there is none. */
static const kz_value_t *look_up(const render_t *render, const kz_template__node_t *node)
{
    const kz_template__part_t *part = node->name;
    const kz_value_t *value = NULL;

    if (node->parts == 0)
        return render->contexts[render->contexts_count - 1];
    for (int i = render->contexts_count - 1; i >= 0 && !value; i--)
        value = kz_value_get(render->contexts[i], part->key, part->len, part->hash);
    for (int i = 1; i < node->parts && value; i++)
        value = kz_value_get(value, part[i].key, part[i].len, part[i].hash);
    return value;
}

static int is_true(const kz_value_t *value)
{
    return value && value->kind != KZ_VALUE_NULL && value->kind != KZ_VALUE_FALSE &&
           !(value->kind == KZ_VALUE_LIST && value->list->count == 0);
}

static kz_err_t *render_nodes(render_t *render, const kz_template__node_t *nodes, int from, int to,
                              const indent_t *indent);

static kz_err_t *render_section(render_t *render, const kz_template__node_t *nodes, int index,
                                const indent_t *indent)
{
    const kz_template__node_t *node = &nodes[index];
    const kz_value_t *value = look_up(render, node);

    if (node->kind == KZ_TEMPLATE__INVERTED)
        return is_true(value) ? NULL : render_nodes(render, nodes, index + 1, node->end, indent);
    if (!is_true(value))
        return NULL;
    if (value->kind != KZ_VALUE_LIST) {
        render->contexts[render->contexts_count++] = value;
        KZ_TRY(render_nodes(render, nodes, index + 1, node->end, indent));
        render->contexts_count--;
        return NULL;
    }
    for (int i = 0; i < value->list->count; i++) {
        render->contexts[render->contexts_count++] = &value->list->items[i];
        KZ_TRY(render_nodes(render, nodes, index + 1, node->end, indent));
        render->contexts_count--;
    }
    return NULL;
}

static kz_err_t *render_partial(render_t *render, const kz_template__node_t *node,
                                const kz_template_t *target, const indent_t *indent)
{
    indent_t own = {indent, node->indent, node->indent_len};

    if (!target)
        return NULL;
    if (!node->standalone)
        indent = NULL;
    else if (own.len)
        indent = &own;
    return render_nodes(render, target->nodes, 0, target->count, indent);
}

static kz_err_t *render_content(render_t *render, const kz_template__node_t *node,
                                const indent_t *indent)
{
    const kz_template_t *content = render->content;

    if (!content)
        return kz_err_create(KZ_ERR_INTERNAL, "a layout without content");
    render->content = NULL;
    KZ_TRY(render_partial(render, node, content, indent));
    render->content = content;
    return NULL;
}

static kz_err_t *render_node(render_t *render, const kz_template__node_t *nodes, int index,
                             const indent_t *indent)
{
    const kz_template__node_t *node = &nodes[index];

    if (indent && node->line_start)
        KZ_TRY(append_indent(render, indent));
    switch ((kz_template__kind_t)node->kind) {
    case KZ_TEMPLATE__TEXT:
        return indent ? append_lines(render, node->text, node->len, indent)
                      : append(render, node->text, node->len);
    case KZ_TEMPLATE__LITERAL:
        return append(render, node->text, node->len);
    case KZ_TEMPLATE__VARIABLE:
        return append_value(render, look_up(render, node), render->escape);
    case KZ_TEMPLATE__RAW:
        return append_value(render, look_up(render, node), 0);
    case KZ_TEMPLATE__SECTION:
    case KZ_TEMPLATE__INVERTED:
        return render_section(render, nodes, index, indent);
    case KZ_TEMPLATE__PARTIAL:
    case KZ_TEMPLATE__PHRASE:
        return render_partial(render, node, node->target, indent);
    case KZ_TEMPLATE__CONTENT:
        return render_content(render, node, indent);
    }
    return NULL;
}

static kz_err_t *render_nodes(render_t *render, const kz_template__node_t *nodes, int from, int to,
                              const indent_t *indent)
{
    int next;

    if (render->depth == KZ_TEMPLATE__DEPTH)
        return kz_err_create(KZ_ERR_INTERNAL, "templates are nested too deep");
    render->depth++;
    for (int i = from; i < to; i = next) {
        int is_section =
            nodes[i].kind == KZ_TEMPLATE__SECTION || nodes[i].kind == KZ_TEMPLATE__INVERTED;

        next = is_section ? nodes[i].end : i + 1;
        if (++render->steps > STEPS_MAX)
            return kz_err_create(KZ_ERR_INTERNAL, "a template takes too long");
        KZ_TRY(render_node(render, nodes, i, indent));
    }
    render->depth--;
    return NULL;
}

static apr_status_t release(void *memory)
{
    free(memory);
    return APR_SUCCESS;
}

kz_err_t *kz_template__render(const char **out, apr_size_t *len, const kz_template__job_t *job,
                              apr_pool_t *pool)
{
    render_t render = {.escape = job->escape, .content = job->content};
    kz_err_t *err;

    render.contexts[render.contexts_count++] = job->view;
    err = render_nodes(&render, job->template->nodes, 0, job->template->count, NULL);
    if (!err)
        err = append(&render, "", 1); /* the NUL */
    if (err) {
        free(render.out);
        return kz_err_wrap(err, "%s", job->template->name);
    }
    apr_pool_cleanup_register(pool, render.out, release, apr_pool_cleanup_null);
    *out = render.out;
    *len = render.len - 1;
    return NULL;
}
