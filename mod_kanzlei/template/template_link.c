/* Resolves at start-up everything that a template mentions: partials, texts, and the names that
 * views have. */
#include "template/template_tree.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

typedef struct linker_t {
    kz_template_t *template;
    const struct kz_templates_t *set;
    apr_pool_t *pool;
} linker_t;

static kz_err_t *wrong(const linker_t *linker, const kz_template__node_t *node, const char *what)
{
    return kz_err_create(KZ_ERR_CONFIG, "%s:%d: %s: %.*s", linker->template->name, node->line, what,
                         (int)node->len, node->text);
}

int kz_template__is_layout(const kz_template_t *template)
{
    const char *slash = strrchr(template->name, '/');

    return strncmp(slash ? slash + 1 : template->name, "layout.", 7) == 0;
}

static int is_phrase(const linker_t *linker, const kz_template__node_t *node)
{
    return linker->set->texts && node->parts > 1 && node->name[0].len == 1 &&
           node->name[0].key[0] == 't';
}

static int compare_part(const void *key, const void *element)
{
    const kz_template__part_t *part = key;
    const char *name = *(const char *const *)element;
    int order = strncmp(part->key, name, part->len);

    return order ? order : name[part->len] ? -1 : 0;
}

static kz_err_t *check_name(const linker_t *linker, const kz_template__node_t *node)
{
    const struct kz_templates_t *set = linker->set;

    for (int i = 0; set->names && i < node->parts; i++) {
        if (!bsearch(&node->name[i], set->names, (size_t)set->names_count, sizeof *set->names,
                     compare_part))
            return wrong(linker, node, "no view has this name");
    }
    return NULL;
}

/* A text without names in it becomes part of the template, so that it costs nothing. */
static kz_err_t *link_phrase(const linker_t *linker, kz_template__node_t *node)
{
    const kz_template__part_t *second = &node->name[1];
    const char *key =
        apr_pstrndup(linker->pool, second->key, node->len - (size_t)(second->key - node->text));
    kz_template_t *text = apr_hash_get(linker->set->texts, key, APR_HASH_KEY_STRING);

    if (node->kind == KZ_TEMPLATE__SECTION || node->kind == KZ_TEMPLATE__INVERTED)
        return wrong(linker, node, "a text cannot be a section");
    if (linker->template->is_text)
        return wrong(linker, node, "a text cannot be within a text");
    if (!text)
        return wrong(linker, node, "this text is missing");
    if (text->count == 1 && text->nodes[0].kind == KZ_TEMPLATE__TEXT) {
        node->kind = KZ_TEMPLATE__LITERAL;
        node->text = text->nodes[0].text;
        node->len = text->nodes[0].len;
        return NULL;
    }
    node->kind = KZ_TEMPLATE__PHRASE;
    node->target = text;
    return NULL;
}

/* {{>part/row}} is part/row.html, or part/row.txt in a template that is no HTML. */
static kz_err_t *link_partial(const linker_t *linker, kz_template__node_t *node)
{
    const char *dot = strrchr(linker->template->name, '.'), *name;

    if (linker->template->is_text)
        return wrong(linker, node, "a text cannot have partials");
    if (!linker->set->lenient && node->len == 7 && memcmp(node->text, "content", 7) == 0) {
        if (!kz_template__is_layout(linker->template))
            return wrong(linker, node, "only a layout has this partial");
        node->kind = KZ_TEMPLATE__CONTENT;
        return NULL;
    }
    name = apr_psprintf(linker->pool, "%.*s%s", (int)node->len, node->text, dot ? dot : "");
    node->target = apr_hash_get(linker->set->by_name, name, APR_HASH_KEY_STRING);
    if (linker->set->lenient)
        return NULL;
    node->standalone = 0; /* its lines are not indented */
    if (!node->target || strncmp(name, "part/", 5) != 0)
        return wrong(linker, node, "this partial is missing");
    return NULL;
}

kz_err_t *kz_template__link(kz_template_t *template, const struct kz_templates_t *set,
                            apr_pool_t *pool)
{
    linker_t linker = {template, set, pool};

    for (int i = 0; i < template->count; i++) {
        kz_template__node_t *node = &template->nodes[i];

        switch ((kz_template__kind_t)node->kind) {
        case KZ_TEMPLATE__PARTIAL:
            KZ_TRY(link_partial(&linker, node));
            break;
        case KZ_TEMPLATE__VARIABLE:
        case KZ_TEMPLATE__RAW:
        case KZ_TEMPLATE__SECTION:
        case KZ_TEMPLATE__INVERTED:
            KZ_TRY(is_phrase(&linker, node) ? link_phrase(&linker, node)
                                            : check_name(&linker, node));
            break;
        default:
            break;
        }
    }
    return NULL;
}

enum { NOT_VISITED, VISITING, VISITED };

static kz_err_t *visit(kz_template_t *template)
{
    template->visit = VISITING;
    for (int i = 0; i < template->count; i++) {
        const kz_template__node_t *node = &template->nodes[i];

        if (node->kind != KZ_TEMPLATE__PARTIAL || !node->target)
            continue;
        if (node->target->visit == VISITING)
            return kz_err_create(KZ_ERR_CONFIG, "%s:%d: this partial includes itself: %.*s",
                                 template->name, node->line, (int)node->len, node->text);
        if (node->target->visit == NOT_VISITED)
            KZ_TRY(visit(node->target));
    }
    template->visit = VISITED;
    return NULL;
}

kz_err_t *kz_template__check_recursion(const struct kz_templates_t *set)
{
    for (int i = 0; i < set->all->nelts; i++) {
        kz_template_t *template = APR_ARRAY_IDX(set->all, i, kz_template_t *);

        if (template->visit == NOT_VISITED)
            KZ_TRY(visit(template));
    }
    return NULL;
}
