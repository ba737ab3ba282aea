/* Routes: a URL exists only as a line of routes.def. */
#ifndef KZ_HTTP_ROUTE_H
#define KZ_HTTP_ROUTE_H

#include <apr_pools.h>

#include "base/err.h"
#include "base/metrics.h"
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

/* The proof of identity that a request must carry. */
typedef enum kz_route_credential_t {
    KZ_CREDENTIAL_NONE,        /* nobody is asked, and no cookie is looked at */
    KZ_CREDENTIAL_COOKIE,      /* a session's cookie; a PUBLIC route does without, too */
    KZ_CREDENTIAL_APP_PASSWORD /* refused: the portal has none yet */
} kz_route_credential_t;

/* Where the form's token is, which shows that the portal's own page sent the request. The header
 * X-CSRF-Token does everywhere. */
typedef enum kz_route_token_t {
    KZ_TOKEN_NONE,   /* none is asked for: a safe method (RFC 9110, section 9.2.1) */
    KZ_TOKEN_HEADER, /* in the header alone */
    KZ_TOKEN_FIELD,  /* in the header or in the form's field "csrf" */
    KZ_TOKEN_FIRST   /* in the header, or else in the first part: the handler checks it */
} kz_route_token_t;

/* What the request's body is. */
typedef enum kz_route_body_t {
    KZ_BODY_NONE,   /* there is none; a body is ignored */
    KZ_BODY_FORM,   /* urlencoded, or the same fields as JSON; read before the handler runs */
    KZ_BODY_STREAM, /* the handler reads it */
    KZ_BODY_PARTS   /* multipart/form-data; the handler reads it */
} kz_route_body_t;

/* The kind of answer, also for errors. */
typedef enum kz_route_answer_t {
    KZ_ANSWER_PAGE,    /* HTML or JSON, as Accept says: 406 before anything is done, if neither */
    KZ_ANSWER_FILE,    /* a file as it is, whatever Accept says; its errors are pages */
    KZ_ANSWER_PROBLEM, /* headers, or JSON; its errors are problem documents (RFC 9457), always */
    KZ_ANSWER_XML,     /* refused: nothing answers so yet */
    KZ_ANSWER_STREAM   /* refused, too */
} kz_route_answer_t;

/* The id of each line: KZ_ROUTE_page_home_staff. */
typedef enum kz_route_id_t {
#define KZ_ROUTE(method, path, who, right, credential, token, body, effect, answer, handler)       \
    KZ_ROUTE_##handler,
#include "routes.def"
#undef KZ_ROUTE
    KZ_ROUTES /* how many; the id of a request that no line fits */
} kz_route_id_t;

typedef struct kz_route_t {
    kz_route_id_t id;
    const char *name;          /* of its handler: "page_home_staff" */
    const char *method, *path; /* "/k/{firm}/clients/{client}" */
    kz_route_who_t who;
    kz_right_t right;
    kz_route_credential_t credential;
    kz_route_token_t token;
    kz_route_body_t body;
    kz_effect_t effect;
    kz_route_answer_t answer;
    kz_route_handler_t handler;
} kz_route_t;

/* The prototype of each handler: one without a line in routes.def does not compile. */
#define KZ_ROUTE(method, path, who, right, credential, token, body, effect, answer, handler)       \
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

/* How long requests of the line ID took until their answer was sent; KZ_ROUTES: of none. */
kz_timing_t *kz_route_timing(kz_route_id_t id);

const char *kz_route_who(kz_route_who_t who); /* "public", "client", "staff", "member" */

#endif
