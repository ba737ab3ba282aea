/* What a template is in memory, for the files template*.c: its nodes in the order of the source, in
 * one array. A section's children follow it; its member "end" says where they stop. */
#ifndef KZ_TEMPLATE_TEMPLATE_TREE_H
#define KZ_TEMPLATE_TEMPLATE_TREE_H

#include <stdint.h>

#include <apr_hash.h>
#include <apr_pools.h>
#include <apr_tables.h>

#include "base/err.h"
#include "template/value.h"

#define KZ_TEMPLATE__DEPTH 64 /* sections and partials within one another */

typedef enum kz_template__kind_t {
    KZ_TEMPLATE__TEXT,     /* as it stands in the source */
    KZ_TEMPLATE__LITERAL,  /* the same, from html/po: never indented with the template's lines */
    KZ_TEMPLATE__VARIABLE, /* {{name}} */
    KZ_TEMPLATE__RAW,      /* {{{name}}} or {{&name}} */
    KZ_TEMPLATE__SECTION,  /* {{#name}} */
    KZ_TEMPLATE__INVERTED, /* {{^name}} */
    KZ_TEMPLATE__PARTIAL,  /* {{>name}} */
    KZ_TEMPLATE__CONTENT,  /* {{>content}} in a layout */
    KZ_TEMPLATE__PHRASE,   /* {{t.key}} whose text has names in it */
} kz_template__kind_t;

typedef struct kz_template_t kz_template_t;

typedef struct kz_template__part_t {
    const char *key;
    size_t len;
    uint32_t hash; /* kz_value_hash() of the key */
} kz_template__part_t;

typedef struct kz_template__node_t {
    uint8_t kind;       /* kz_template__kind_t */
    uint8_t line_start; /* what it prints begins a line of the source */
    uint8_t standalone; /* a tag alone on its line, which is gone */
    uint16_t parts;     /* number of parts of a dotted name; 0 for "." */
    int line;           /* in the source, from 1 */
    int end;            /* of a section: index of the node after its last child */
    const char *text;   /* TEXT, LITERAL: what to print; otherwise the name as written */
    size_t len;         /* of text */
    union {
        const kz_template__part_t *name; /* VARIABLE, RAW, SECTION, INVERTED */
        kz_template_t *target;           /* PARTIAL, PHRASE; NULL prints nothing */
    };
    const char *indent; /* PARTIAL, CONTENT: blanks before a standalone tag */
    size_t indent_len;
} kz_template__node_t;

struct kz_template_t {
    const char *name; /* "page/matter.html", or what an error should say */
    kz_template__node_t *nodes;
    int count;
    int is_text; /* of html/po */
    int visit;   /* while looking for partials that include themselves */
};

/* The set in which a template finds the partials and texts that it mentions. */
struct kz_templates_t {
    apr_hash_t *by_name;      /* "part/row.html" to kz_template_t */
    apr_array_header_t *all;  /* the same and the texts, in the order in which errors are told */
    apr_hash_t *texts;        /* key to kz_template_t; NULL: "t." is a name like others */
    const char *const *names; /* sorted; NULL: all names are known */
    int names_count;
    int lenient; /* a missing partial is empty, as the specification has it */
};

/* Parses LEN bytes of SOURCE, which must live as long as POOL. CONFIG, with NAME and line, for a
 * syntax error. */
kz_err_t *kz_template__parse(kz_template_t **parsed, const char *name, const char *source,
                             size_t len, apr_pool_t *pool);

/* Resolves the partials and texts that TEMPLATE mentions and checks its names. CONFIG. */
kz_err_t *kz_template__link(kz_template_t *template, const struct kz_templates_t *set,
                            apr_pool_t *pool);

/* CONFIG if a partial of the set includes itself, be it by way of others. */
kz_err_t *kz_template__check_recursion(const struct kz_templates_t *set);

int kz_template__is_layout(const kz_template_t *template);

/* The state of one rendering. */
typedef struct kz_template__job_t {
    const kz_template_t *template;
    const kz_template_t *content; /* what {{>content}} stands for, or NULL */
    const kz_value_t *view;       /* NULL: an empty one */
    int escape;                   /* HTML-escape {{name}} */
} kz_template__job_t;

/* *OUT is new memory that POOL frees. INTERNAL if it gets too deep, too large or too long. */
kz_err_t *kz_template__render(const char **out, apr_size_t *len, const kz_template__job_t *job,
                              apr_pool_t *pool);

#endif
