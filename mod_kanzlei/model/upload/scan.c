/* A complete upload and the scanner. */
#include "model/upload/internal.h"

#include <sys/mman.h>

#include "base/clock.h"
#include "model/document/document.h"

#define LOOKED_AT (1 << 20) /* bytes that tell the type: the first umlaut tells an encoding */

struct kz_upload__scan_t {
    kz_scan_t *scan;   /* NULL: it is too large for the scanner */
    const char *known; /* why the same bytes could not be scanned a while ago; NULL: they weren't */
    int memfd;         /* the plaintext; -1: none */
    const kz_upload__content_t *content;
    const char *account; /* whose it is */
    apr_uint64_t reserved;
    apr_pool_t *pool;
};

/* The media type by the first bytes; without them, by the name. */
static const char *type_of(const kz_q_upload_complete_t *row, int memfd)
{
    size_t len = row->size < LOOKED_AT ? (size_t)row->size : LOOKED_AT;
    void *bytes = len ? mmap(NULL, len, PROT_READ, MAP_PRIVATE, memfd, 0) : MAP_FAILED;
    const char *type;

    if (bytes == MAP_FAILED)
        return kz_document_type(row->name, NULL, 0);
    type = kz_document_type(row->name, bytes, len);
    munmap(bytes, len);
    return type;
}

/* The spool must hold all that was noted as complete. */
static kz_err_t *check_size(const kz_upload__content_t *content, const kz_upload__work_t *work)
{
    if (content->size == (apr_uint64_t)work->row->size)
        return NULL;
    return kz_err_create(KZ_ERR_SEAL, "%s holds %" APR_UINT64_T_FMT " bytes, not %" APR_INT64_T_FMT,
                         work->spool, content->size, work->row->size);
}

static kz_err_t *begin(kz_upload__scan_t *scan, kz_upload__content_t *content,
                       const kz_upload__work_t *work)
{
    const kz_conf_t *conf = work->portal->conf;
    apr_time_t deadline = kz_clock_now() + conf->scan_time * 2;
    const char *id = work->row->id;
    kz_err_t *err = kz_scan_reserve(&scan->memfd, scan->reserved, deadline);

    if (err && kz_err_code(err) == KZ_ERR_TOO_LARGE) {
        kz_err_expected(err); /* it is over the bound for one document */
        KZ_TRY(kz_seal_scan_copy(&content->size, content->sha256, work->spool, -1, work->key, id));
        return check_size(content, work);
    }
    KZ_TRY(err);
    KZ_TRY(kz_seal_scan_copy(&content->size, NULL, work->spool, scan->memfd, work->key, id));
    KZ_TRY(check_size(content, work));
    if (kz_upload__verdict_may_be(content, scan->account)) {
        KZ_TRY(kz_seal_scan_hash(content->sha256, scan->memfd, work->pool));
        scan->known = kz_upload__verdict_find(content, scan->account);
        if (scan->known) {
            content->type = type_of(work->row, scan->memfd);
            return NULL;
        }
    }
    KZ_TRY(kz_scan_begin(&scan->scan, conf->scanner, scan->memfd, deadline, work->pool));
    content->type = type_of(work->row, scan->memfd);
    return kz_seal_scan_hash(content->sha256, scan->memfd, work->pool);
}

kz_err_t *kz_upload__scan_begin(kz_upload__scan_t **scan, kz_upload__content_t *content,
                                const kz_upload__work_t *work)
{
    kz_upload__scan_t *made = apr_pcalloc(work->pool, sizeof *made);
    kz_err_t *err;

    made->memfd = -1;
    made->reserved = (apr_uint64_t)work->row->size;
    made->pool = work->pool;
    made->content = content;
    made->account = work->row->account;
    content->type = work->row->type; /* by its name */
    err = begin(made, content, work);
    if (err)
        kz_upload__scan_end(made);
    else
        *scan = made;
    return err;
}

kz_err_t *kz_upload__scan_await(kz_scan_verdict_t *verdict, kz_upload__scan_t *scan)
{
    *verdict = (kz_scan_verdict_t){KZ_SCAN_UNSCANNABLE, scan->known ? scan->known : "too_large"};
    if (!scan->scan)
        return NULL;
    KZ_TRY(kz_scan_await(verdict, scan->scan, scan->pool));
    kz_upload__verdict_note(scan->content, scan->account, verdict);
    return NULL;
}

void kz_upload__scan_end(kz_upload__scan_t *scan)
{
    if (scan->scan)
        kz_scan_leave(scan->scan);
    kz_scan_release(scan->memfd, scan->reserved);
    scan->memfd = -1;
}
