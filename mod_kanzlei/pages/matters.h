/* The page of a matter, which a form can come back to. */
#ifndef KZ_PAGES_MATTERS_H
#define KZ_PAGES_MATTERS_H

#include "http/reply.h"
#include "http/request.h"

/* The page "matter" of the id in RQ's path, with its documents, newest first. Errors: NOT_FOUND. */
kz_err_t *kz_matters_show(kz_reply_t *out, kz_request_t *rq, kz_grant_t *grant);

#endif
