/* The httpd side of a request, and what one process holds. Only web/ and mod_kanzlei.c include
 * this. */
#ifndef KZ_WEB_WEB_H
#define KZ_WEB_WEB_H

#include <httpd.h>

#include "web/reply.h"
#include "web/request.h"
#include "web/route.h"

#define KZ_WEB_FORM_MAX   (256 * 1024) /* bytes of an urlencoded or JSON body */
#define KZ_WEB_FIELDS_MAX 500          /* fields of a form or a query */
#define KZ_WEB_LANGUAGES  2

typedef struct kz_state_t {
    kz_portal_t *portal;
    const kz_words_t *languages[KZ_WEB_LANGUAGES + 1]; /* "de", "en", NULL */
    const char *css, *js, *strength_js;                /* URLs of the assets */
    volatile int *test_signatures; /* the scanner has no others; one for all children */
} kz_state_t;

typedef struct kz_web_t {
    request_rec *r;
    kz_state_t *state;
    apr_bucket_brigade *in;
    int in_eos;          /* the body was read to its end */
    apr_time_t deadline; /* of the read that is under way; 0: httpd's own time-outs alone */
} kz_web_t;

/* Makes what a process needs of CONF: the portal, the templates of all languages, the assets. */
kz_err_t *kz_web_open(kz_state_t **state, const kz_conf_t *conf, apr_pool_t *pool);
/* The same, loading nothing but templates and texts, to be told of mistakes before children start.
 */
kz_err_t *kz_web_try(const kz_conf_t *conf, apr_pool_t *pool);

/* Answers R; STATE is NULL where the process could not be made ready. Gives what a handler hook
 * gives. */
int kz_dispatch(request_rec *r, kz_state_t *state);

/* --- parts of it, one file each
 * ------------------------------------------------------------------- */

/* The value of the cookie "__Host-NAME", or NULL. */
const char *kz_web__cookie(request_rec *r, const char *name);

/* Whether JSON is wanted rather than HTML; NOT_ACCEPTABLE when neither is (RFC 9110
 * section 12.5.1). */
kz_err_t *kz_web__accept(int *json, const char *accept);
/* The reader's language: cookie, Accept-Language, German. */
const kz_words_t *kz_web__language(request_rec *r, const kz_state_t *state);

/* The token for the forms of whoever holds the cookie VALUE. */
const char *kz_web__csrf(const kz_portal_t *portal, const char *value, apr_pool_t *pool);
/* FORGED unless Origin or Sec-Fetch-Site, where sent, say that it comes from the portal itself. */
kz_err_t *kz_web__origin_check(const kz_request_t *rq);

/* Reads an urlencoded or JSON body into RQ->form. MEDIA_TYPE, TOO_LARGE, BAD_REQUEST, TIMEOUT. */
kz_err_t *kz_web__read_form(kz_request_t *rq);

/* What every page's view has. GRANT may be NULL, or not settled. */
void kz_web__globals(kz_reply_t *out, kz_request_t *rq, kz_grant_t *grant);
/* Makes ERR's page or problem document (RFC 9457) of OUT. */
void kz_web__problem(kz_reply_t *out, kz_request_t *rq, const kz_err_t *err);
/* Sends OUT. */
int kz_web__send(kz_request_t *rq, kz_reply_t *out);

/* A bucket of CONTENT's bytes, read and sealed off piece by piece as the filters ask for them.
 * *DONE becomes 1 when its last byte was given; errors go to *FAILED. */
typedef struct kz_web_progress_t {
    int done;
    kz_err_t *failed;
} kz_web_progress_t;
apr_bucket *kz_web__content_bucket(const kz_content_t *content, kz_web_progress_t *progress,
                                   apr_bucket_alloc_t *list);

#endif
