/* The form's token, for handlers that read their form themselves. */
#ifndef KZ_WEB_CSRF_H
#define KZ_WEB_CSRF_H

#include "web/request.h"

/* FORGED unless SENT is the token for the forms of this reader. SENT may be NULL. */
kz_err_t *kz_csrf_check(const kz_request_t *rq, const char *sent);

#endif
