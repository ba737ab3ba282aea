/* The connections of watched answers: when a stream's last frame has gone out. */
#include "http/watch.h"

#include <apr_atomic.h>
#include <http_config.h>
#include <http_connection.h>
#include <http_protocol.h>
#include <util_filter.h>

#include "conf/module.h"
#include "http/frames.h"

#define NAME "KANZLEI_FRAMES"

typedef struct line_t {
    kz_watch_line_t known; /* must be first: what others see of it */
    conn_rec *c;
    kz_frames_t frames;
} line_t;

static ap_filter_rec_t *handle;

kz_watch_line_t *kz_watch__line(conn_rec *line)
{
    line_t *found = ap_get_module_config(line->conn_config, &kanzlei_module);

    return found ? &found->known : NULL;
}

static void note_end(void *baton, uint32_t stream)
{
    line_t *line = baton;

    if (apr_atomic_read32(&line->known.watched))
        kz_watch__ended(line->c, stream);
}

/* Looks at what goes out of HTTP/2; *FLUSHES: all of it goes to the socket at once. */
static apr_status_t look(int *flushes, line_t *line, apr_bucket_brigade *bb)
{
    apr_bucket *b;

    *flushes = 0;
    for (b = APR_BRIGADE_FIRST(bb); b != APR_BRIGADE_SENTINEL(bb); b = APR_BUCKET_NEXT(b)) {
        const char *bytes;
        apr_size_t len;
        apr_status_t status;

        if (APR_BUCKET_IS_FLUSH(b))
            *flushes = 1;
        if (APR_BUCKET_IS_METADATA(b) ||
            (b->length != (apr_size_t)-1 && kz_frames_skip(&line->frames, b->length)))
            continue;
        status = apr_bucket_read(b, &bytes, &len, APR_BLOCK_READ);
        if (status != APR_SUCCESS)
            return status;
        kz_frames_take(&line->frames, bytes, len, note_end, line);
    }
    return APR_SUCCESS;
}

static apr_status_t filter(ap_filter_t *f, apr_bucket_brigade *bb)
{
    line_t *line = f->ctx;
    ap_filter_t *next = f->next;
    int flushes;
    apr_status_t status;

    if (!line->known.frames) {
        if (strcmp(ap_get_protocol(f->c), "h2") != 0) {
            ap_remove_output_filter(f);
            return ap_pass_brigade(next, bb);
        }
        line->known.frames = 1;
    }
    status = look(&flushes, line, bb);
    if (status == APR_SUCCESS)
        status = ap_pass_brigade(next, bb);
    if (status == APR_SUCCESS && flushes && apr_atomic_read32(&line->known.watched))
        kz_watch__flushed(line->c);
    return status;
}

static apr_status_t end(void *baton)
{
    line_t *line = baton;

    if (apr_atomic_read32(&line->known.watched))
        kz_watch__gone(line->c);
    return APR_SUCCESS;
}

/* Looks at a connection of this child; the streams of HTTP/2 are those of another one. */
static int pre_connection(conn_rec *c, void *socket)
{
    line_t *line;

    (void)socket;
    if (c->master || !kz_watch__is_on())
        return OK;
    line = apr_pcalloc(c->pool, sizeof *line);
    line->c = c;
    ap_set_module_config(c->conn_config, &kanzlei_module, line);
    apr_pool_pre_cleanup_register(c->pool, line, end);
    ap_add_output_filter_handle(handle, line, NULL, c);
    return OK;
}

static void child_init(apr_pool_t *pool, server_rec *server)
{
    for (; server; server = server->next) {
        kz_server_t *own = ap_get_module_config(server->module_config, &kanzlei_module);

        if (own->portal_on) {
            kz_watch__start(pool);
            return;
        }
    }
}

void kz_watch_register(void)
{
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_connection(pre_connection, NULL, NULL, APR_HOOK_MIDDLE);
    handle = ap_register_output_filter(NAME, filter, NULL, AP_FTYPE_CONNECTION);
}
