#include "http/multipart.h"

#include <string.h>

#include <apr_escape.h>
#include <apr_strings.h>

/* Decodes LEN bytes of DATA; NULL if they cannot be. */
static const char *decode(const char *data, size_t len, apr_pool_t *pool)
{
    return apr_punescape_url(pool, apr_pstrmemdup(pool, data, len), NULL, NULL, 1);
}

kz_err_t *kz_urlencoded_parse(apr_table_t *table, const char *data, size_t len, int max)
{
    apr_pool_t *pool = apr_table_elts(table)->pool;
    const char *end, *next;
    int count = 0;

    if (len == 0)
        return NULL;
    end = data + len;
    if (memchr(data, '\0', len))
        return kz_err_create(KZ_ERR_BAD_REQUEST, "form: a NUL");
    for (; data < end; data = next + 1) {
        const char *equals, *name, *value;

        next = memchr(data, '&', (size_t)(end - data));
        if (!next)
            next = end;
        if (next == data)
            continue;
        if (++count > max)
            return kz_err_create(KZ_ERR_TOO_LARGE, "form: more than %d fields", max);
        equals = memchr(data, '=', (size_t)(next - data));
        name = decode(data, (size_t)((equals ? equals : next) - data), pool);
        value = equals ? decode(equals + 1, (size_t)(next - equals - 1), pool) : "";
        if (!name || !value)
            return kz_err_create(KZ_ERR_BAD_REQUEST, "form: a bad escape");
        apr_table_addn(table, name, value);
    }
    return NULL;
}
