/* Templates: the part of Mustache (mustache.5: variables, unescaped variables, sections, inverted
 * sections, comments, partials, dotted names, the implicit iterator) that the pages use. Parsed
 * once at start-up, per language, with the texts of html/po in place. Knows no httpd: fuzzed alone.
 *
 * Texts: {{t.login.title}} becomes the text "login.title" of the set's language, itself a template
 * (its {{name}} are filled from the view; it is trusted, so a text may hold tags such as <b>, but
 * no partial and no other text). A view is a tree of values (value.h); objects are contexts, lists
 * repeat sections, false, null, empty lists and missing names are false (an empty string and 0 are
 * true); numbers and strings print, nothing else does.
 *
 * Other than there, the lines of a partial are not indented as its tag is: to HTML that would mean
 * nothing, and each page pay for it.
 *
 * Not in here, and refused: other delimiters, lambdas, blocks and parents, dynamic names. A name is
 * letters, digits, "_" and "-", its parts separated by dots, or "." alone. */
#ifndef KZ_TEMPLATE_TEMPLATE_H
#define KZ_TEMPLATE_TEMPLATE_H

#include <apr_pools.h>
#include <jansson.h>

#include "base/err.h"
#include "template/value.h"

typedef struct kz_templates_t kz_templates_t; /* all templates of one language */

/* The names that some view has, sorted by strcmp; generated at build time from the queries and the
 * code that fills views. */
extern const char *const kz_view_names[];
extern const int kz_view_names_count;

/* Loads every DIR/page/NAME.html, DIR/mail/NAME.txt and .html and DIR/part/NAME.html with the texts
 * in DIR/texts.LANGUAGE.json (an object of key to text). {{>part/name}} is part/name.html, in a
 * .txt template part/name.txt. DIR/layout.html, which must be there, wraps pages by having
 * {{>content}} in it; so may other templates named layout.* ("mail/layout.html"), and nothing else.
 * A page's name is "page/matter.html". Several threads may use the loaded templates at once.
 * Errors: CONFIG, naming file and line: a syntax error, an unknown name (not in NAMES; "." is
 * known), a missing or empty text, a missing partial, a partial that includes itself. NAMES NULL:
 * no check.
 */
kz_err_t *kz_templates_load(kz_templates_t **templates, const char *dir, const char *language,
                            const char *const *names, int names_count, apr_pool_t *pool);

typedef struct kz_rendered_t {
    const char *text; /* ends with NUL */
    apr_size_t len;   /* bytes before that */
} kz_rendered_t;

/* Renders the template NAME with VIEW. LAYOUT: "layout.html", or NULL for the template alone.
 * Templates named *.txt are not HTML-escaped, all others are. OUT's text lives in RESULT_POOL. VIEW
 * NULL: an empty one. Errors: INTERNAL for an unknown NAME, and for output over 32 MiB, nesting
 * deeper than 64, or more than 4 million steps. */
kz_err_t *kz_templates_render(kz_rendered_t *out, const kz_templates_t *templates, const char *name,
                              const char *layout, const kz_value_t *view, apr_pool_t *result_pool);

/* The text KEY with VIEW filled in, not HTML-escaped (for JSON and plain text). Unknown keys give
 * INTERNAL. */
kz_err_t *kz_templates_text(const char **out, const kz_templates_t *templates, const char *key,
                            const kz_value_t *view, apr_pool_t *result_pool);

/* Parses SOURCE alone, without texts or partials (for the specification's tests and the fuzzer),
 * and renders it. PARTIALS: an object of name to source, or NULL. */
kz_err_t *kz_template_once(const char **out, apr_size_t *len, const char *source, json_t *partials,
                           const kz_value_t *view, apr_pool_t *result_pool);

#endif
