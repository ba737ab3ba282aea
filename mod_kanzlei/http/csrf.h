/* The form's token, for handlers that read their form themselves; where a request comes from. */
#ifndef KZ_HTTP_CSRF_H
#define KZ_HTTP_CSRF_H

#include "http/request.h"

/* FORGED unless SENT is the token for the forms of this reader. SENT may be NULL. */
kz_err_t *kz_csrf_check(const kz_request_t *rq, const char *sent);

/* 1 if the browser says that a page of another site or host made it send this request
 * (Sec-Fetch-Site, W3C Fetch Metadata, section 2.3). An address that the reader typed is not
 * foreign, nor is a request without the header. */
int kz_csrf_is_foreign(const kz_request_t *rq);

#endif
