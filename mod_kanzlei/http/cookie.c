#include "http/cookie.h"

#include <string.h>

#include <apr_strings.h>

const char *kz_cookie_find(const char *header, const char *name, apr_pool_t *pool)
{
    const char *wanted = apr_pstrcat(pool, "__Host-", name, "=", NULL), *at;
    size_t len = strlen(wanted);

    for (at = header; at && *at; at = strchr(at, ';')) {
        at += strspn(at, "; ");
        if (strncmp(at, wanted, len) == 0)
            return apr_pstrmemdup(pool, at + len, strcspn(at + len, ";"));
    }
    return NULL;
}

const char *kz_cookie_session(const char *slug, apr_pool_t *pool)
{
    return apr_pstrcat(pool, "kz-", slug, NULL);
}
