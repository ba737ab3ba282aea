/* Sends an answer: headers that every one has, HTML or JSON of a view, the bytes of a document. */
#include "base/log.h"
#include "http/http.h"
#include "http/watch.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <http_protocol.h>
#include <jansson.h>
#include <util_filter.h>

static void set_headers(request_rec *r, const kz_reply_t *out)
{
    const char *frame = out->framed ? "'self'" : "'none'";
    apr_table_t *h = r->err_headers_out;

    apr_table_setn(h, "Content-Security-Policy",
                   apr_pstrcat(r->pool,
                               "default-src 'self'; img-src 'self' data:; object-src 'none'; "
                               "frame-src 'self'; base-uri 'none'; form-action 'self'; "
                               "frame-ancestors ",
                               frame, NULL));
    apr_table_setn(h, "X-Content-Type-Options", "nosniff");
    apr_table_setn(h, "X-Frame-Options", out->framed ? "SAMEORIGIN" : "DENY");
    apr_table_setn(h, "Referrer-Policy", "same-origin");
    apr_table_setn(h, "Cross-Origin-Opener-Policy", "same-origin");
    apr_table_setn(h, "Cross-Origin-Resource-Policy", "same-origin");
    apr_table_setn(h, "Permissions-Policy",
                   "camera=(), geolocation=(), microphone=(), payment=(), usb=()");
    apr_table_setn(h, "Strict-Transport-Security", "max-age=63072000; includeSubDomains");
    apr_table_setn(h, "Cache-Control", "no-store");
    apr_table_setn(h, "Vary", "Accept, Cookie");
}

static int copy_header(void *baton, const char *name, const char *value)
{
    request_rec *r = baton;

    if (strcmp(name, "Set-Cookie") == 0)
        apr_table_add(r->err_headers_out, name, value);
    else if (strcmp(name, "ETag") == 0)
        apr_table_set(r->headers_out, name,
                      value); /* where httpd looks for conditions and ranges */
    else
        apr_table_set(r->err_headers_out, name, value);
    return 1;
}

/* A body that nobody read must not be waited for: the connection ends instead, if that is much. */
static void leave_body(request_rec *r, const kz_http_t *http)
{
    const char *length = apr_table_get(r->headers_in, "Content-Length");

    if (!http->in_eos && ((length && apr_atoi64(length) > 1 << 20) ||
                          apr_table_get(r->headers_in, "Transfer-Encoding")))
        r->connection->keepalive = AP_CONN_CLOSE;
}

/* Passes BB, the whole answer, on to what sends it. With a FLUSH, if something is noted afterwards:
 * httpd would else keep a short answer until the note is written. */
static void pass(request_rec *r, kz_http_t *http, const kz_reply_t *out, apr_bucket_brigade *bb)
{
    apr_bucket_alloc_t *alloc = r->connection->bucket_alloc;
    apr_status_t status;

    if (out->sent)
        APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_flush_create(alloc));
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(alloc));
    status = ap_pass_brigade(r->output_filters, bb);
    http->sent.status = r->status;
    /* HTTP/2 calls a stream aborted that has ended well before its handler did. */
    http->handed = status == APR_SUCCESS && (r->connection->master || !r->connection->aborted) &&
                   (r->status == HTTP_OK || r->status == HTTP_PARTIAL_CONTENT);
}

/* BYTES live as long as the request; they are not copied on their way to TLS. */
static int send_bytes(kz_request_t *rq, kz_reply_t *out, const char *type, const char *bytes,
                      apr_size_t len)
{
    request_rec *r = rq->http->r;
    apr_bucket_alloc_t *alloc = r->connection->bucket_alloc;
    apr_bucket_brigade *bb;

    ap_set_content_type(r, apr_pstrdup(r->pool, type));
    ap_set_content_length(r, (apr_off_t)len);
    if (r->header_only)
        return OK;
    bb = apr_brigade_create(r->pool, alloc);
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_pool_create(bytes, len, r->pool, alloc));
    pass(r, rq->http, out, bb); /* a client that has gone needs no page */
    return OK;
}

static apr_status_t release(void *memory)
{
    free(memory);
    return APR_SUCCESS;
}

/* An error as a problem document, RFC 9457; any other page as the view itself. */
static int send_json(kz_request_t *rq, kz_reply_t *out)
{
    json_t *view = kz_value_json(kz_view_value(out->view));
    json_t *problem = json_object_get(view, "problem");
    const char *type = "application/json";
    char *text;

    if (out->status >= 400 && problem) {
        json_t *document = json_pack(
            "{s:s, s:O?, s:O?, s:i, s:s, s:O?, s:O*, s:O*}", "type", "about:blank", "title",
            json_object_get(problem, "title"), "detail", json_object_get(problem, "detail"),
            "status", out->status, "instance", rq->request_id, "errors",
            json_object_get(problem, "fields"), "results", json_object_get(view, "results"),
            "sign_in", json_object_get(problem, "sign_in"));

        text = json_dumps(document, JSON_COMPACT);
        json_decref(document);
        type = "application/problem+json";
    } else {
        text = json_dumps(view, JSON_COMPACT);
    }
    json_decref(view);
    if (!text)
        return HTTP_INTERNAL_SERVER_ERROR;
    apr_pool_cleanup_register(rq->pool, text, release, apr_pool_cleanup_null);
    return send_bytes(rq, out, type, text, strlen(text));
}

static int send_page(kz_request_t *rq, kz_reply_t *out)
{
    const char *name = apr_pstrcat(rq->pool, "page/", out->page, ".html", NULL);
    kz_rendered_t html;
    kz_err_t *err;

    if (rq->json)
        return send_json(rq, out);
    err = kz_templates_render(&html, kz_words_templates(rq->words), name, "layout.html",
                              kz_view_value(out->view), rq->pool);
    if (err) {
        kz_log_err(KZ_LOG_ERR, KZ_LOGNO(0003) "rendering: ", err);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return send_bytes(rq, out, "text/html; charset=utf-8", html.text, html.len);
}

/* RUNS as an int8multirange of PostgreSQL, which joins those that overlap. */
static const char *parts_of(const apr_array_header_t *runs, apr_pool_t *pool)
{
    apr_array_header_t *parts = apr_array_make(pool, runs->nelts + 1, sizeof(char *));
    int i;

    for (i = 0; i < runs->nelts; i++) {
        const kz_http_run_t *run = &APR_ARRAY_IDX(runs, i, kz_http_run_t);

        APR_ARRAY_PUSH(parts, const char *) =
            apr_psprintf(pool, "[%" APR_UINT64_T_FMT ",%" APR_UINT64_T_FMT ")", run->from, run->to);
    }
    return apr_pstrcat(pool, "{", apr_array_pstrcat(pool, parts, ','), "}", NULL);
}

static int send_content(kz_request_t *rq, kz_reply_t *out)
{
    request_rec *r = rq->http->r;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    kz_http_progress_t progress = {apr_array_make(r->pool, 1, sizeof(kz_http_run_t)), NULL};
    kz_watch_t *watch;
    int condition;

    ap_set_content_type(r, out->type);
    ap_set_content_length(r, (apr_off_t)out->content.size);
    apr_table_setn(r->headers_out, "Accept-Ranges", "bytes");
    condition = ap_meets_conditions(r);
    if (condition != OK)
        return condition;
    if (r->header_only)
        return OK;
    if (out->content.size > 0)
        APR_BRIGADE_INSERT_TAIL(
            bb, kz_http__content_bucket(&out->content, &progress, r->connection->bucket_alloc));
    watch = out->content.received ? kz_watch_begin(r) : NULL;
    pass(r, rq->http, out, bb);
    rq->http->sent.parts = parts_of(progress.runs, rq->pool);
    rq->http->sent.watched = watch != NULL;
    if (progress.failed) { /* half an answer must not look like a whole one */
        kz_log_err(KZ_LOG_ERR, KZ_LOGNO(0004) "the answer was cut: ", progress.failed);
        rq->http->handed = 0;
        r->connection->aborted = 1;
        r->connection->keepalive = AP_CONN_CLOSE;
    }
    if (watch && rq->http->handed)
        kz_watch_handed(watch, &out->content, rq->http->sent.parts);
    else
        kz_watch_drop(watch);
    return OK;
}

int kz_http__send(kz_request_t *rq, kz_reply_t *out)
{
    request_rec *r = rq->http->r;

    r->status = out->status ? out->status : 200;
    set_headers(r, out);
    apr_table_do(copy_header, r, out->headers, NULL);
    r->no_cache = 0;
    leave_body(r, rq->http);
    switch (out->kind) {
    case KZ_REPLY_PAGE:
        return send_page(rq, out);
    case KZ_REPLY_BYTES:
        return send_bytes(rq, out, out->type, out->bytes, out->len);
    case KZ_REPLY_CONTENT:
        return send_content(rq, out);
    case KZ_REPLY_STREAM:
        return kz_http__send_stream(r, out);
    case KZ_REPLY_EMPTY:
        break;
    }
    if (r->status != 204)
        ap_set_content_length(r, 0);
    return OK;
}
