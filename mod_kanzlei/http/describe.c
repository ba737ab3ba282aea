/* The portal's description as OpenAPI 3.1, which the build has made (http/openapi). */
#include "http/http.h"

/* GET /-/openapi.json */
kz_err_t *page_openapi(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    const kz_site_t *site = rq->http->site;

    (void)grant;
    kz_reply_bytes(out, "application/json", site->openapi, site->openapi_len);
    return NULL;
}
