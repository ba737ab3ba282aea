/* Routes: method and path, in two lines. A path that is found can be written again from its route
 * and ids; and for each line of routes.def, a path made of it with the input as its ids is found.
 */
#include "http/route.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "base/str.h"

static apr_pool_t *pool;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The handlers stand in the table of routes, and are never called here. */
#define KZ_ROUTE(method, path, who, right, credential, token, body, effect, answer, handler)       \
    kz_err_t *handler(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)                        \
    {                                                                                              \
        (void)rq, (void)grant, (void)out;                                                          \
        return NULL;                                                                               \
    }
#include "routes.def"
#undef KZ_ROUTE

static const struct {
    const char *method, *path;
} lines[] = {
#define KZ_ROUTE(method, path, who, right, credential, token, body, effect, answer, handler)       \
    {#method, path},
#include "routes.def"
#undef KZ_ROUTE
};

/* PATTERN with its names in braces replaced by SLUG, and by IDS in turn. */
static const char *path_of(const char *pattern, const char *slug, const char *const *ids)
{
    const char *path = "";

    while (*pattern) {
        size_t literal = strcspn(pattern, "{");

        path = apr_pstrcat(pool, path, apr_pstrmemdup(pool, pattern, literal), NULL);
        pattern += literal;
        if (*pattern) {
            path =
                apr_pstrcat(pool, path, strncmp(pattern, "{firm}", 6) == 0 ? slug : *ids++, NULL);
            pattern = strchr(pattern, '}') + 1;
        }
    }
    return path;
}

static void find_any(const char *method, const char *path, char side)
{
    kz_route_match_t match;

    kz_route_find(&match, method, path, side, pool);
    if (!match.route) {
        if (match.allow && strcmp(method, "HEAD") != 0 && strcmp(method, "OPTIONS") != 0 &&
            *method &&
            strstr(apr_pstrcat(pool, ", ", match.allow, ",", NULL),
                   apr_pstrcat(pool, ", ", method, ",", NULL)))
            abort(); /* a method that is allowed is there */
        return;
    }
    if (!match.allow || !strstr(match.allow, match.route->method))
        abort();
    for (int i = 0; i < match.ids; i++) {
        if (!kz_str_is_uuid(match.id[i]))
            abort();
    }
    if (strcmp(path_of(match.route->path, match.slug, match.id), path) != 0)
        abort();
}

/* Line I, with ids of BYTES. */
static void find_line(size_t i, const unsigned char *bytes, const char *slug)
{
    const char *ids[KZ_GRANT_IDS];
    const char *path;
    kz_route_match_t match;

    for (int n = 0; n < KZ_GRANT_IDS; n++) {
        char *id = apr_palloc(pool, KZ_STR_UUID_SIZE);

        for (int c = 0; c < 36; c++)
            id[c] = c == 8 || c == 13 || c == 18 || c == 23
                        ? '-'
                        : "0123456789abcdef"[(bytes[c % 16] + n) % 16];
        id[36] = '\0';
        ids[n] = id;
    }
    path = path_of(lines[i].path, slug, ids);
    kz_route_find(&match, lines[i].method, path, 's', pool);
    if (!match.route || strcmp(match.route->path, lines[i].path) != 0 ||
        strcmp(match.route->method, lines[i].method) != 0)
        abort();
    if ((match.slug != NULL) != (strstr(lines[i].path, "{firm}") != NULL) ||
        (match.slug && strcmp(match.slug, slug) != 0))
        abort();
    for (int n = 0; n < match.ids; n++) {
        if (strcmp(match.id[n], ids[n]) != 0)
            abort();
    }
    find_any("GET", apr_pstrcat(pool, path, "/", NULL), 's');
    find_any("TRACE", path, 'c');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *newline = size ? memchr(data, '\n', size) : NULL;
    unsigned char bytes[16] = {0};
    const char *method, *path, *slug;

    if (!newline)
        return 0;
    if (!pool) {
        apr_initialize();
        apr_pool_create(&pool, NULL);
    }
    method = apr_pstrmemdup(pool, (const char *)data, (size_t)(newline - data));
    path = apr_pstrmemdup(pool, (const char *)newline + 1, size - (size_t)(newline + 1 - data));
    find_any(method, path, 0);
    find_any(method, path, 's');
    find_any(method, path, 'c');
    slug = apr_pstrmemdup(pool, path, strcspn(path, "/"));
    if (strlen(slug) < 1 || strlen(slug) > 40)
        slug = "muster";
    memcpy(bytes, data, size < sizeof bytes ? size : sizeof bytes);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        find_line(i, bytes, slug);
    apr_pool_clear(pool);
    return 0;
}
