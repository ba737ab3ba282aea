/* One-time codes: an invitation, a new password. */
#include "web/route.h"

kz_err_t *page_redeem(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    (void)rq;
    (void)grant;
    kz_view_object(kz_reply_page(out, "redeem"), "form");
    return NULL;
}
