/* Routes: a URL exists only as a line of routes.def. */
#ifndef KZ_HTTP_ROUTE_H
#define KZ_HTTP_ROUTE_H

#include <apr_pools.h>

#include "base/err.h"
#include "model/grant.h"
#include "http/reply.h"
#include "http/request.h"

typedef kz_err_t *(*kz_route_handler_t)(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out);

/* Who may call it. PUBLIC: everybody at a firm's entrance; HOST: everybody, at no firm. */
typedef enum kz_route_who_t {
    KZ_WHO_HOST,
    KZ_WHO_PUBLIC,
    KZ_WHO_CLIENT,
    KZ_WHO_STAFF,
    KZ_WHO_MEMBER
} kz_route_who_t;

/* What the request's body is. */
typedef enum kz_route_body_t {
    KZ_BODY_NONE,   /* there is none; what comes is ignored */
    KZ_BODY_FORM,   /* urlencoded, or the same fields as JSON; read before the handler runs */
    KZ_BODY_STREAM, /* the handler reads it */
    KZ_BODY_PARTS /* multipart/form-data; the handler reads it, the form token comes first in it */
} kz_route_body_t;

typedef struct kz_route_t {
    const char *method, *path; /* "/k/{firm}/clients/{client}" */
    kz_route_who_t who;
    const char *right; /* or "" */
    kz_route_body_t body;
    kz_route_handler_t handler;
} kz_route_t;

/* The prototype of each handler: one without a line in routes.def does not compile. */
#define KZ_ROUTE(method, path, who, right, body, handler)                                          \
    kz_err_t *handler(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out);
#include "routes.def"
#undef KZ_ROUTE

typedef struct kz_route_match_t {
    const kz_route_t *route; /* NULL: none */
    const char *slug;        /* or NULL */
    int ids;
    const char *kinds[KZ_GRANT_IDS], *id[KZ_GRANT_IDS];
    const char *allow; /* the methods of this path, for 405 and OPTIONS; NULL: no such path */
} kz_route_match_t;

/* Finds the route of METHOD and PATH; HEAD is answered as GET. SIDE ('s', 'c' or 0 when nobody is
 * signed in) chooses between lines that differ in WHO alone. Ids that are no UUIDs don't match. */
void kz_route_find(kz_route_match_t *match, const char *method, const char *path, char side,
                   apr_pool_t *pool);

const char *kz_route_who(kz_route_who_t who); /* "public", "client", "staff", "member" */

#endif
