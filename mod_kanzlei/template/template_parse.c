/* From the source of a template to its nodes. The tags and the rules for lines that hold nothing
 * but a tag are those of the Mustache specification (version 1.4: interpolation, sections,
 * inverted, comments, partials). */
#include "template/template_tree.h"

#include <string.h>

#include <apr_strings.h>

#define NAME_MAX_LEN 255
#define NAME_CHARS   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

typedef struct parser_t {
    const char *file; /* for errors */
    const char *source;
    const char *end;
    const char *at; /* the source before it is parsed */
    int line;       /* of "at" */
    apr_array_header_t *nodes;
    int open[KZ_TEMPLATE__DEPTH]; /* indexes of the sections that are not closed yet */
    int depth;
    apr_pool_t *pool;
} parser_t;

typedef struct tag_t {
    char sigil; /* one of # ^ / ! > & or 'n' for a plain name */
    const char *start;
    const char *after;
    const char *name; /* trimmed */
    size_t len;
    int line;
} tag_t;

static kz_err_t *wrong(const parser_t *parser, int line, const char *what, const char *name,
                       size_t len)
{
    return kz_err_create(KZ_ERR_CONFIG, "%s:%d: %s%s%.*s", parser->file, line, what,
                         len ? ": " : "", (int)(len > 100 ? 100 : len), name);
}

static void move_to(parser_t *parser, const char *to)
{
    for (const char *c = parser->at; (c = memchr(c, '\n', (size_t)(to - c))); c++)
        parser->line++;
    parser->at = to;
}

static int begins_line(const parser_t *parser, const char *at)
{
    return at == parser->source || at[-1] == '\n';
}

static kz_template__node_t *add_node(parser_t *parser, kz_template__kind_t kind, const char *at)
{
    kz_template__node_t *node = apr_array_push(parser->nodes);

    memset(node, 0, sizeof *node);
    node->kind = (uint8_t)kind;
    node->line = parser->line;
    node->line_start = (uint8_t)begins_line(parser, at);
    return node;
}

static void add_text(parser_t *parser, const char *to)
{
    if (to > parser->at) {
        kz_template__node_t *node = add_node(parser, KZ_TEMPLATE__TEXT, parser->at);

        node->text = parser->at;
        node->len = (size_t)(to - parser->at);
    }
    move_to(parser, to);
}

/* Blanks from AT on, in the direction STEP, up to LIMIT. */
static const char *skip_blanks(const char *at, const char *limit, int step)
{
    while (at != limit && (step > 0 ? *at == ' ' || *at == '\t' : at[-1] == ' ' || at[-1] == '\t'))
        at += step;
    return at;
}

/* If nothing but blanks shares the lines of TAG: where its first line starts, and in *NEXT where
 * the line after it does. Otherwise NULL. */
static const char *standalone(const parser_t *parser, const tag_t *tag, const char **next)
{
    const char *first = skip_blanks(tag->start, parser->at, -1);
    const char *rest = skip_blanks(tag->after, parser->end, 1);

    if (!begins_line(parser, first))
        return NULL;
    if (rest < parser->end && *rest == '\r' && rest + 1 < parser->end && rest[1] == '\n')
        rest++;
    if (rest < parser->end && *rest != '\n')
        return NULL;
    *next = rest < parser->end ? rest + 1 : rest;
    return first;
}

/* Names of values have their parts separated by dots, names of partials by slashes. */
static int is_name(const char *name, size_t len, char separator)
{
    size_t part = 0;

    if (len > NAME_MAX_LEN)
        return 0;
    if (len == 1 && *name == '.')
        return separator == '.';
    for (size_t i = 0; i < len; i++) {
        if (name[i] == separator && part > 0)
            part = 0;
        else if (name[i] && strchr(NAME_CHARS, name[i]))
            part++;
        else
            return 0;
    }
    return part > 0;
}

static void trim(tag_t *tag)
{
    while (tag->len && strchr(" \t\r\n", tag->name[0])) {
        tag->name++;
        tag->len--;
    }
    while (tag->len && strchr(" \t\r\n", tag->name[tag->len - 1]))
        tag->len--;
}

/* Reads the tag whose braces are at START. */
static kz_err_t *read_tag(tag_t *tag, const parser_t *parser, const char *start)
{
    const char *inside = start + 2, *close = "}}", *stop;
    char c = inside < parser->end ? *inside : '\0';

    *tag = (tag_t){.sigil = 'n', .start = start, .line = parser->line};
    for (const char *at = parser->at; (at = memchr(at, '\n', (size_t)(start - at))); at++)
        tag->line++;
    if (c == '=')
        return wrong(parser, tag->line, "delimiters cannot be changed", "", 0);
    if (c == '<' || c == '$')
        return wrong(parser, tag->line, "blocks and parents are not supported", "", 0);
    if (c == '{') {
        close = "}}}";
        tag->sigil = '&';
        inside++;
    } else if (c && strchr("#^/!>&", c)) {
        tag->sigil = c;
        inside++;
    }
    stop = memmem(inside, (size_t)(parser->end - inside), close, strlen(close));
    if (!stop)
        return wrong(parser, tag->line, "this tag has no end", "", 0);
    tag->name = inside;
    tag->len = (size_t)(stop - inside);
    tag->after = stop + strlen(close);
    if (tag->sigil == '!')
        return NULL;
    trim(tag);
    if (!is_name(tag->name, tag->len, tag->sigil == '>' ? '/' : '.'))
        return wrong(parser, tag->line, "not a name", tag->name, tag->len);
    return NULL;
}

/* Splits "a.b" once, so that rendering need not. */
static void split_name(kz_template__node_t *node, apr_pool_t *pool)
{
    const char *at = node->text, *end = node->text + node->len, *dot;
    kz_template__part_t *parts;

    if (node->len == 1 && *at == '.')
        return;
    for (const char *c = at; c < end; c++)
        node->parts += *c == '.';
    node->parts++;
    parts = apr_palloc(pool, node->parts * sizeof *parts);
    node->name = parts;
    for (; at <= end; at = dot + 1) {
        dot = memchr(at, '.', (size_t)(end - at));
        if (!dot)
            dot = end;
        *parts++ =
            (kz_template__part_t){at, (size_t)(dot - at), kz_value_hash(at, (size_t)(dot - at))};
    }
}

static kz_err_t *open_section(parser_t *parser, const tag_t *tag)
{
    if (parser->depth == KZ_TEMPLATE__DEPTH)
        return wrong(parser, tag->line, "too many sections within one another", "", 0);
    parser->open[parser->depth++] = parser->nodes->nelts - 1;
    return NULL;
}

static kz_err_t *close_section(parser_t *parser, const tag_t *tag)
{
    kz_template__node_t *section;

    if (parser->depth == 0)
        return wrong(parser, tag->line, "closes no section", tag->name, tag->len);
    section = &APR_ARRAY_IDX(parser->nodes, parser->open[parser->depth - 1], kz_template__node_t);
    if (section->len != tag->len || memcmp(section->text, tag->name, tag->len))
        return kz_err_create(KZ_ERR_CONFIG, "%s:%d: closes %.*s, but %.*s of line %d is open",
                             parser->file, tag->line, (int)tag->len, tag->name, (int)section->len,
                             section->text, section->line);
    section->end = parser->nodes->nelts;
    parser->depth--;
    return NULL;
}

/* Adds the node of TAG. ALONE: it stands alone after the blanks at parser->at. */
static kz_err_t *add_tag(parser_t *parser, const tag_t *tag, int alone)
{
    static const char sigils[] = "n&#^>";
    static const kz_template__kind_t kinds[] = {KZ_TEMPLATE__VARIABLE, KZ_TEMPLATE__RAW,
                                                KZ_TEMPLATE__SECTION, KZ_TEMPLATE__INVERTED,
                                                KZ_TEMPLATE__PARTIAL};
    const char *sigil = strchr(sigils, tag->sigil);
    kz_template__node_t *node;

    if (!sigil) {
        /* Prints nothing; but a line that begins with it begins here, for the indentation. */
        if (!alone && begins_line(parser, tag->start))
            add_node(parser, KZ_TEMPLATE__TEXT, tag->start)->text = "";
        return tag->sigil == '/' ? close_section(parser, tag) : NULL;
    }
    node = add_node(parser, kinds[sigil - sigils], tag->start);
    node->line = tag->line;
    node->text = tag->name;
    node->len = tag->len;
    if (alone) {
        node->standalone = 1;
        node->line_start = 0;
    }
    if (tag->sigil == '>') {
        node->indent = parser->at;
        node->indent_len = alone ? (size_t)(tag->start - parser->at) : 0;
        return NULL;
    }
    split_name(node, parser->pool);
    return tag->sigil == '#' || tag->sigil == '^' ? open_section(parser, tag) : NULL;
}

static kz_err_t *next_tag(parser_t *parser, const char *start)
{
    const char *next = NULL, *line = NULL;
    tag_t tag;

    KZ_TRY(read_tag(&tag, parser, start));
    if (strchr("#^/!>", tag.sigil))
        line = standalone(parser, &tag, &next);
    add_text(parser, line ? line : start);
    KZ_TRY(add_tag(parser, &tag, line != NULL));
    move_to(parser, line ? next : tag.after);
    return NULL;
}

kz_err_t *kz_template__parse(kz_template_t **parsed, const char *name, const char *source,
                             size_t len, apr_pool_t *pool)
{
    parser_t parser = {.file = name,
                       .source = source,
                       .end = source + len,
                       .at = source,
                       .line = 1,
                       .nodes = apr_array_make(pool, 16, sizeof(kz_template__node_t)),
                       .pool = pool};
    const char *start;

    while ((start = memmem(parser.at, (size_t)(parser.end - parser.at), "{{", 2)))
        KZ_TRY(next_tag(&parser, start));
    add_text(&parser, parser.end);
    if (parser.depth > 0) {
        const kz_template__node_t *section =
            &APR_ARRAY_IDX(parser.nodes, parser.open[parser.depth - 1], kz_template__node_t);

        return wrong(&parser, section->line, "this section is never closed", section->text,
                     section->len);
    }
    *parsed = apr_pcalloc(pool, sizeof **parsed);
    (*parsed)->name = name;
    (*parsed)->nodes = (kz_template__node_t *)parser.nodes->elts;
    (*parsed)->count = parser.nodes->nelts;
    return NULL;
}
