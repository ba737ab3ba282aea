/* A request as a page sees it: no httpd in it, so that pages can't reach past the dispatcher. */
#ifndef KZ_HTTP_REQUEST_H
#define KZ_HTTP_REQUEST_H

#include <apr_pools.h>
#include <apr_tables.h>

#include "base/err.h"
#include "model/grant.h"
#include "template/view.h"

typedef struct kz_request_t {
    apr_pool_t *pool;
    kz_portal_t *portal;
    const kz_words_t *words;            /* the reader's language */
    const kz_words_t *const *languages; /* all, NULL at the end */
    const struct kz_route_t *route;     /* the line of routes.def; NULL: none fits */
    const char *method;                 /* "GET", "HEAD", "POST" ... */
    const char *path, *here;            /* of the URL; "here" with its query */
    const char *slug, *base;            /* "muster", "/k/muster"; "" at no firm */
    const char *request_id;             /* also in the log */
    int json;                           /* 1: the answer is wanted as JSON */
    apr_table_t *query, *form;          /* decoded; form is empty unless the body is a form */
    const char *browser;                /* value of the cookie that only marks this browser */
    const struct kz_csrf_t *form_token; /* the form's token, proven (http/csrf.h); NULL: none yet */
    const char *token;                  /* value of the session cookie, or NULL */
    int ids;
    const char *kinds[KZ_GRANT_IDS], *id[KZ_GRANT_IDS];
    struct kz_http_t *http; /* httpd's side, for http/ alone */
} kz_request_t;

/* The id of KIND ("client") in the path; never NULL for a kind that the route has. */
const char *kz_request_id(const kz_request_t *rq, const char *kind);
/* A parameter of the query, or of the form; NULL when it is not there. */
const char *kz_request_query(const kz_request_t *rq, const char *name);
const char *kz_request_form(const kz_request_t *rq, const char *name);
/* Where the form's field "back" leads, or without one the query's; NULL unless it leads back
 * (below). */
const char *kz_request_back(const kz_request_t *rq);
/* 1 if a browser that follows PATH, a path with its query, stays among this firm's pages
 * (kz_str_is_path_below()). */
int kz_request_leads_back(const kz_request_t *rq, const char *path);
/* A header, or NULL. */
const char *kz_request_header(const kz_request_t *rq, const char *name);
/* Content-Length, or -1. */
apr_int64_t kz_request_length(const kz_request_t *rq);
/* Reads up to *LEN bytes of the body; *LEN becomes 0 at its end. Waits 3 s for the first byte, then
 * two minutes, if 256 bytes a second come on the whole; less while a crowd is waited for
 * (http/crowd.h). Errors: TIMEOUT, BAD_REQUEST (the line was cut). */
kz_err_t *kz_request_read(kz_request_t *rq, char *buffer, apr_size_t *len);

#endif
