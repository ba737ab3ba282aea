/* Sends what is made while it is sent, such as the export of a list. */
#include "base/log.h"
#include "http/http.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <util_filter.h>

/* Sends the next piece; *MORE: it was not the end. Returns 0 when the client is gone. */
static int send_piece(int *more, kz_err_t **err, request_rec *r, const kz_stream_t *stream,
                      apr_bucket_brigade *bb)
{
    const char *data = NULL;
    apr_size_t len = 0;

    *more = 0;
    *err = stream->read(&data, &len, stream->baton);
    if (*err)
        return 1;
    *more = len > 0;
    if (len > 0) {
        APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_transient_create(data, len, bb->bucket_alloc));
        APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_flush_create(bb->bucket_alloc));
    } else {
        APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(bb->bucket_alloc));
    }
    if (ap_pass_brigade(r->output_filters, bb) != APR_SUCCESS || r->connection->aborted)
        return 0;
    apr_brigade_cleanup(bb);
    return 1;
}

int kz_http__send_stream(request_rec *r, kz_reply_t *out)
{
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    kz_err_t *err = NULL;
    int more = 1;

    ap_set_content_type(r, apr_pstrdup(r->pool, out->type));
    if (r->header_only)
        return OK;
    while (more && send_piece(&more, &err, r, &out->stream, bb))
        continue;
    if (err) { /* half an answer must not look like a whole one */
        kz_log_err(KZ_LOG_ERR, KZ_LOGNO(0079) "the answer was cut: ", err);
        r->connection->aborted = 1;
        r->connection->keepalive = AP_CONN_CLOSE;
    }
    return OK;
}
