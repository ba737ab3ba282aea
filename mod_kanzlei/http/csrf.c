/* Protects against forged requests: a token tied to the reader's cookie, and the Origin that
 * browsers send.
 */
#include "http/csrf.h"
#include "http/http.h"

#include <string.h>

#include <apr_strings.h>
#include <sodium.h>

#include "base/str.h"

const char *kz_http__csrf(const kz_portal_t *portal, const char *value, apr_pool_t *pool)
{
    unsigned char token[24];

    crypto_generichash(token, sizeof token, (const unsigned char *)value, strlen(value),
                       portal->csrf_key, KZ_SEAL_KEY);
    return kz_str_base64url(token, sizeof token, pool);
}

kz_err_t *kz_csrf_check(const kz_request_t *rq, const char *sent)
{
    if (kz_str_equal_secret(sent, rq->csrf))
        return NULL;
    return kz_err_create(KZ_ERR_FORGED, "form token %s", sent ? "is wrong" : "is missing");
}

int kz_csrf_is_foreign(const kz_request_t *rq)
{
    const char *site = kz_request_header(rq, "Sec-Fetch-Site");

    return site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0;
}

kz_err_t *kz_http__origin_check(const kz_request_t *rq)
{
    const char *origin = kz_request_header(rq, "Origin");
    const char *host = kz_request_header(rq, "Host");

    if (kz_csrf_is_foreign(rq))
        return kz_err_create(KZ_ERR_FORGED, "the request comes from another site");
    if (!origin || strcmp(origin, rq->portal->conf->url) == 0)
        return NULL;
    if (host && strcmp(origin, apr_pstrcat(rq->pool, "https://", host, NULL)) == 0)
        return NULL;
    return kz_err_create(KZ_ERR_FORGED, "the request comes from another origin");
}
