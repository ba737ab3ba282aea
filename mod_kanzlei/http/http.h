/* The httpd side of a request. Only http/ and mod_kanzlei.c include this. */
#ifndef KZ_HTTP_HTTP_H
#define KZ_HTTP_HTTP_H

#include <httpd.h>

#include "http/reply.h"
#include "http/request.h"
#include "http/route.h"
#include "template/site.h"

#define KZ_HTTP_FORM_MAX   (256 * 1024) /* bytes of an urlencoded or JSON body */
#define KZ_HTTP_FIELDS_MAX 500          /* fields of a form or a query */

typedef struct kz_http_t {
    request_rec *r;
    kz_site_t *site;
    int ready; /* the site can be worked with */
    apr_bucket_brigade *in;
    int in_eos;          /* the body was read to its end */
    apr_time_t deadline; /* of a form's next bytes; 0: of what a handler reads itself */
    apr_time_t began;    /* when the first byte of the body was waited for; 0: not yet */
    apr_uint64_t got;    /* bytes of the body that have come */
    int handed;          /* the answer's last byte was handed over to what sends it */
    kz_sent_t sent;      /* if so: how */
} kz_http_t;

/* Answers R with what this process works with. SITE NULL: it is not ready, and says so with the
 * words that the parent has LOADED. Returns what a handler hook returns. */
int kz_dispatch(request_rec *r, kz_site_t *loaded, kz_site_t *site);

/* --- parts of it, one file each
 * ------------------------------------------------------------------- */

/* Whether JSON is wanted rather than HTML; NOT_ACCEPTABLE when neither is (RFC 9110
 * section 12.5.1). */
kz_err_t *kz_http__accept(int *json, const char *accept);
/* The reader's language by COOKIE, the value of kz_language, or HEADER, that of Accept-Language;
 * German when both are NULL or name none of SITE. */
const kz_words_t *kz_http__language(const kz_site_t *site, const char *cookie, const char *header);

/* FORGED unless Origin or Sec-Fetch-Site, where sent, say that it comes from the portal itself. */
kz_err_t *kz_http__origin_check(const kz_request_t *rq);

/* Reads an urlencoded or JSON body into RQ->form. MEDIA_TYPE, TOO_LARGE, BAD_REQUEST, TIMEOUT. */
kz_err_t *kz_http__read_form(kz_request_t *rq);

/* --- signed_out.c: a request whose session has ended */

/* The page to sign in below RQ's entrance, with the way back to what was asked for: of a file to
 * the page of what it belongs to, of a form to the page that it was on. */
const char *kz_http__sign_in_place(const kz_request_t *rq);
/* Puts the fields of RQ's form down as VIEW's "again", to go on after signing in. Returns 0 if
 * there are none with a token, or one is a password, which is never shown again. */
int kz_http__keep_typed(kz_view_t *view, const kz_request_t *rq);
/* For the page of an error that passes: what was typed, in a form that sends it again (its own id
 * makes one thing of it); otherwise, the page that was asked for, or that the form was on. */
void kz_http__offer_retry(kz_view_t *view, const kz_request_t *rq);
/* Takes the form out of one that comes from signing in. */
void kz_http__take_typed(kz_request_t *rq);

/* What every page's view has. GRANT may be NULL, else it is settled. */
void kz_http__globals(kz_reply_t *out, kz_request_t *rq, kz_grant_t *grant);
/* Makes ERR's page or problem document (RFC 9457) of OUT. */
void kz_http__problem(kz_reply_t *out, kz_request_t *rq, const kz_err_t *err);
/* Sends OUT. */
int kz_http__send(kz_request_t *rq, kz_reply_t *out);

/* Sends OUT's stream piece by piece: memory does not grow with it. After an error, or when the
 * client is gone, the connection ends without the mark of a whole answer. */
int kz_http__send_stream(request_rec *r, kz_reply_t *out);

/* A run of bytes, from the first to the one behind the last. */
typedef struct kz_http_run_t {
    apr_uint64_t from, to;
} kz_http_run_t;

/* A bucket of CONTENT's bytes, read and sealed off piece by piece as the filters ask for them. What
 * was given is added to PROGRESS->runs; an error goes to PROGRESS->failed. */
typedef struct kz_http_progress_t {
    apr_array_header_t *runs; /* of kz_http_run_t, in the order in which they were given */
    kz_err_t *failed;
} kz_http_progress_t;
apr_bucket *kz_http__content_bucket(const kz_content_t *content, kz_http_progress_t *progress,
                                    apr_bucket_alloc_t *list);

#endif
