/* The answer that a handler makes; the dispatcher sends it. */
#ifndef KZ_HTTP_REPLY_H
#define KZ_HTTP_REPLY_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#include "base/err.h"
#include "model/portal.h"
#include "template/view.h"

typedef enum kz_reply_kind_t {
    KZ_REPLY_EMPTY,
    KZ_REPLY_PAGE,
    KZ_REPLY_BYTES,
    KZ_REPLY_CONTENT,
    KZ_REPLY_STREAM
} kz_reply_kind_t;

/* How an answer went out. */
typedef struct kz_sent_t {
    int status;        /* 200, or 206: some ranges of a document */
    const char *parts; /* of a document: the bytes that went out, as an int8multirange of PostgreSQL
                        * ("{[0,10),[20,30)}"); NULL: of a page */
    int watched;       /* 1: kz_content_t.received() will tell of their arrival; 0: nobody can */
} kz_sent_t;

/* A document's bytes, from any offset on. */
typedef struct kz_content_t {
    apr_uint64_t size;
    void *baton;
    kz_err_t *(*seek)(void *baton, apr_uint64_t offset);
    /* As kz_seal_read(): *DATA is valid until the next call, *LEN 0 at the end. */
    kz_err_t *(*read)(const unsigned char **data, size_t *len, void *baton);
    /* The reader's side has acknowledged PARTS (as kz_sent_t has them): called by another thread,
     * when the request has long ended, with what keep() made in POOL of the baton. NULL: nobody is
     * told. */
    kz_err_t *(*received)(void *kept, const char *parts, apr_pool_t *pool);
    void *(*keep)(void *baton, apr_pool_t *pool);
} kz_content_t;

/* Bytes of unknown number, made while they are sent. */
typedef struct kz_stream_t {
    void *baton;
    /* *DATA is valid until the next call, *LEN 0 at the end. An error cuts the answer. */
    kz_err_t *(*read)(const char **data, apr_size_t *len, void *baton);
} kz_stream_t;

#define KZ_REPLY_VERSION 9 /* bytes of the version of what a page edits */

typedef struct kz_reply_t {
    apr_pool_t *pool;
    kz_reply_kind_t kind;
    int status;
    const char *page;  /* "client": html/page/client.html */
    kz_view_t *view;   /* of a page */
    const char *type;  /* of bytes and content */
    const char *bytes; /* of KZ_REPLY_BYTES */
    apr_size_t len;
    kz_content_t content;
    kz_stream_t stream;
    /* Of what the page's form edits, in its token (kz_form_edit()); NULL: it edits nothing. */
    const unsigned char *version;
    /* Called once when the answer, 200 or 206, has gone out to its end: handed over to what sends
     * it, which says nothing about its arrival. Writes in a transaction of its own; an error is
     * logged. NULL: nothing is noted. */
    kz_err_t *(*sent)(void *baton, const kz_sent_t *how);
    void *sent_baton;
    int keep;   /* 1: the page goes out though the handler gives an error: its "problem" */
    int framed; /* 1: a page of the portal may show it in a frame */
    apr_table_t *headers; /* replace those that every answer has */
} kz_reply_t;

/* The page NAME; fill the view that this gives. Status 200. */
kz_view_t *kz_reply_page(kz_reply_t *out, const char *name);
/* 303 to PATH below the firm's entrance ("/clients"), with the text notice.NOTICE there (or NULL).
 */
void kz_reply_see(kz_reply_t *out, const char *base, const char *path, const char *notice);
/* 307 to PATH, with its entrance: the browser sends the same form there (RFC 9110, 15.4.8). */
void kz_reply_again(kz_reply_t *out, const char *path);
/* 204, or any other status without a body. */
void kz_reply_empty(kz_reply_t *out, int status);
/* BYTES, LEN of them, as media type TYPE. */
void kz_reply_bytes(kz_reply_t *out, const char *type, const char *bytes, apr_size_t len);
/* What READ gives with BATON, as media type TYPE; BATON lives as long as the request. */
void kz_reply_stream(kz_reply_t *out, const char *type,
                     kz_err_t *(*read)(const char **data, apr_size_t *len, void *baton),
                     void *baton);
void kz_reply_header(kz_reply_t *out, const char *name, const char *value);
/* Sets a cookie "__Host-NAME" (Secure, HttpOnly, SameSite=Lax, Path=/); VALUE NULL removes it.
 * SECONDS 0: until the browser ends. */
void kz_reply_cookie(kz_reply_t *out, const char *name, const char *value, int seconds);
/* Somebody has signed in: the browser gets a cookie by which it keeps a share of its own while
 * strangers crowd the sign-in. It is random bytes and their MAC, and says no more than that. */
void kz_reply_known(kz_reply_t *out, const kz_portal_t *portal);

#endif
