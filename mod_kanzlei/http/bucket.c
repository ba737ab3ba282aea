/* A bucket whose length is known and whose bytes come from a document piece by piece, so that
 * httpd's byte-range filter can cut it (RFC 9110 section 14) and memory does not grow with the
 * document. */
#include "base/log.h"
#include "http/http.h"

#include <apr_buckets.h>

typedef struct content_t {
    apr_bucket_refcount refcount; /* must be first, for apr_bucket_shared_* */
    const kz_content_t *source;
    kz_http_progress_t *progress;
    apr_uint64_t at; /* where the source stands */
} content_t;

static apr_status_t content_read(apr_bucket *bucket, const char **data, apr_size_t *len,
                                 apr_read_type_e block);

static void content_destroy(void *data)
{
    if (apr_bucket_shared_destroy(data))
        apr_bucket_free(data);
}

static const apr_bucket_type_t content_type = {"KANZLEI",
                                               5,
                                               APR_BUCKET_DATA,
                                               content_destroy,
                                               content_read,
                                               apr_bucket_setaside_notimpl,
                                               apr_bucket_shared_split,
                                               apr_bucket_shared_copy};

/* Notes that the bytes from FROM to TO were given. */
static void note_run(apr_array_header_t *runs, apr_uint64_t from, apr_uint64_t to)
{
    kz_http_run_t *last = runs->nelts ? &APR_ARRAY_IDX(runs, runs->nelts - 1, kz_http_run_t) : NULL;

    if (last && last->to == from)
        last->to = to;
    else
        APR_ARRAY_PUSH(runs, kz_http_run_t) = (kz_http_run_t){from, to};
}

/* Gives the next piece: the bucket becomes that piece, and another one the rest. */
static apr_status_t content_read(apr_bucket *bucket, const char **data, apr_size_t *len,
                                 apr_read_type_e block)
{
    content_t *content = bucket->data;
    apr_uint64_t start = (apr_uint64_t)bucket->start, end = start + bucket->length;
    const unsigned char *bytes = NULL;
    size_t n = 0;
    kz_err_t *err = NULL;

    (void)block;
    if (content->at != start)
        err = content->source->seek(content->source->baton, start);
    if (!err)
        err = content->source->read(&bytes, &n, content->source->baton);
    if (!err && n == 0)
        err = kz_err_create(KZ_ERR_STORE_CORRUPT, "the document ends before its size");
    if (err) {
        content->progress->failed = kz_log_second(content->progress->failed, err);
        return APR_EGENERAL;
    }
    content->at = start + n; /* the source gave that many bytes, even if this bucket wants fewer */
    if (n > end - start)
        n = (size_t)(end - start);
    note_run(content->progress->runs, start, start + n);
    if (start + n < end)
        apr_bucket_split(bucket, n);
    /* The piece is valid until the next read: a bucket that is kept longer copies it. */
    apr_bucket_transient_make(bucket, (const char *)bytes, n);
    content_destroy(content);
    *data = (const char *)bytes;
    *len = n;
    return APR_SUCCESS;
}

apr_bucket *kz_http__content_bucket(const kz_content_t *content, kz_http_progress_t *progress,
                                    apr_bucket_alloc_t *list)
{
    apr_bucket *bucket = apr_bucket_alloc(sizeof *bucket, list);
    content_t *made = apr_bucket_alloc(sizeof *made, list);

    APR_BUCKET_INIT(bucket);
    bucket->free = apr_bucket_free;
    bucket->list = list;
    made->source = content;
    made->progress = progress;
    made->at = 0;
    bucket = apr_bucket_shared_make(bucket, made, 0, (apr_size_t)content->size);
    bucket->type = &content_type;
    return bucket;
}
