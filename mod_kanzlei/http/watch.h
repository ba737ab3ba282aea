/* Watches answers until the reader's side has acknowledged their last byte. No worker waits for
 * that: a thread of each child looks at the sockets, several times a second. */
#ifndef KZ_HTTP_WATCH_H
#define KZ_HTTP_WATCH_H

#include <httpd.h>

#include "http/reply.h"

typedef struct kz_watch_t kz_watch_t; /* one answer */

/* Registers the hooks and the filter by which each child of a portal watches, for the module. */
void kz_watch_register(void);

/* Begins to watch the answer to R, before any of it is passed on. NULL where its arrival can't be
 * known: somebody in between acknowledges in the reader's place, or too many are watched. */
kz_watch_t *kz_watch_begin(request_rec *r);
/* The answer was passed on, PARTS of CONTENT. Once these have arrived, CONTENT->received() is
 * called in the watching thread; again after a while if it fails. WATCH is no longer the caller's.
 */
void kz_watch_handed(kz_watch_t *watch, const kz_content_t *content, const char *parts);
/* It was not. NULL is fine. */
void kz_watch_drop(kz_watch_t *watch);

/* --- of http/watch.c and http/watch_line.c */

/* On the connection LINE, the frame that ends STREAM was passed on; all that was passed on is in
 * the socket's buffer; LINE is not there any more. */
void kz_watch__ended(conn_rec *line, apr_uint32_t stream);
void kz_watch__flushed(conn_rec *line);
void kz_watch__gone(conn_rec *line);

/* What is known of a connection. */
typedef struct kz_watch_line_t {
    apr_uint32_t watched; /* atomic: its answers that are not in the socket's buffer yet */
    int frames;           /* HTTP/2, and the frames that go out are looked at */
} kz_watch_line_t;
/* Starts the thread of this child; it ends with POOL. If there can be none, the log says so and
 * nothing is watched. */
void kz_watch__start(apr_pool_t *pool);
/* NULL: the connection isn't looked at. */
kz_watch_line_t *kz_watch__line(conn_rec *line);
int kz_watch__is_on(void); /* 1: there is a thread that watches */

#endif
