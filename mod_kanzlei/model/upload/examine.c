/* An upload that is complete, under the eyes of the scanner and on its way to the stores. */
#include "model/upload/finish.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/document/document.h"

/* What the document is, by its first bytes; a large one keeps what its name says. */
static void look_at(kz_finish_t *f, int memfd)
{
    unsigned char head[512];
    ssize_t len = pread(memfd, head, sizeof head, 0);

    f->row->type = kz_document_type(f->row->name, head, len > 0 ? (size_t)len : 0);
}

/* Begins to scan through a memfd, to be released by the caller; a document over the bound is read
 * for its size and hash alone. */
static kz_err_t *begin_scan(kz_finish_t *f)
{
    const kz_conf_t *conf = f->portal->conf;
    apr_time_t deadline = apr_time_now() + conf->scan_time * 2;
    kz_err_t *err = kz_scan_reserve(&f->memfd, (apr_uint64_t)f->row->size, deadline);

    if (err && kz_err_code(err) == KZ_ERR_TOO_LARGE) {
        kz_err_free(err);
        f->verdict = (kz_scan_verdict_t){KZ_SCAN_UNSCANNABLE, "too_large"};
        return kz_seal_scan_copy(&f->size, f->sha256, f->spool, -1, f->key, f->row->id);
    }
    KZ_TRY(err);
    KZ_TRY(kz_seal_scan_copy(&f->size, NULL, f->spool, f->memfd, f->key, f->row->id));
    KZ_TRY(kz_scan_begin(&f->scan, conf->scanner, f->memfd, deadline, f->pool));
    look_at(f, f->memfd);
    return kz_seal_scan_hash(f->sha256, f->memfd, f->pool);
}

static kz_err_t *end_scan(kz_finish_t *f)
{
    return f->scan ? kz_scan_await(&f->verdict, f->scan, f->pool) : NULL;
}

/* Begins to write to the stores, where nobody finds it before kz_upload__settle(). By then the
 * spool must be flushed: finished anew after a crash it would have other bytes than what the stores
 * hold. */
static kz_err_t *begin_write(kz_finish_t *f)
{
    kz_seal_meta_t meta = {
        .firm = kz_grant_firm(f->grant),
        .document = f->row->id,
        .client = f->row->client,
        .matter = f->row->matter,
        .name = f->row->name,
        .type = f->row->type,
        .by = f->row->account,
        .at = f->row->created,
        .size = f->size,
    };
    const kz_conf_t *conf = f->portal->conf;
    apr_time_t deadline =
        apr_time_now() + conf->scan_time * 2 + kz_conf_store_time(conf, f->size) * 2;
    kz_store_source_t source = {.key = f->object, .given = 1};
    struct stat info;
    kz_err_t *err;

    memcpy(meta.sha256, f->sha256, sizeof meta.sha256);
    KZ_TRY(kz_seal_spool_finish(f->spool, f->key, &meta, f->pool));
    source.fd = open(f->spool, O_RDONLY | O_CLOEXEC);
    if (source.fd < 0 || fstat(source.fd, &info) != 0) {
        err = kz_err_status(KZ_ERR_STORE_DOWN, APR_FROM_OS_ERROR(errno), "spool");
        if (source.fd >= 0)
            close(source.fd);
        return err;
    }
    source.size = (apr_uint64_t)info.st_size;
    err = kz_stores_begin(&f->write, f->portal->stores, &source, deadline, f->pool);
    if (!err && fdatasync(source.fd) != 0)
        err = kz_err_status(KZ_ERR_STORE_DOWN, APR_FROM_OS_ERROR(errno), "spool");
    close(source.fd);
    return err;
}

kz_err_t *kz_upload__settle(unsigned char *held, kz_finish_t *f)
{
    kz_stores_write_t *write = f->write;

    f->write = NULL;
    return kz_stores_settle(held, write,
                            apr_time_now() + kz_conf_store_time(f->portal->conf, f->size));
}

/* Scanner and stores are at work at the same time; what the one has not called clean has no name in
 * the others. One after the other when it did not come to its end before: nobody waits for it then,
 * and while there is no scanner no disk writes for nothing. */
static kz_err_t *scan_and_write(kz_finish_t *f)
{
    KZ_TRY(begin_scan(f));
    if (!f->again)
        KZ_TRY(begin_write(f));
    KZ_TRY(end_scan(f));
    return f->again && f->verdict.result != KZ_SCAN_INFECTED ? begin_write(f) : NULL;
}

int kz_upload__is_scanned(const kz_finish_t *f)
{
    return f->row->sha256.len == KZ_SEAL_SHA256;
}

kz_err_t *kz_upload__examine(kz_finish_t *f)
{
    kz_err_t *err;

    f->what = f->row->what;
    if (f->again) /* what a killed process has left in the stores, without a name */
        kz_err_free(kz_stores_sweep_key(f->portal->stores, f->object,
                                        apr_time_now() + f->portal->conf->store_timeout, f->pool));
    if (kz_upload__is_scanned(f)) {
        memcpy(f->sha256, f->row->sha256.data, KZ_SEAL_SHA256);
        f->size = (apr_uint64_t)f->row->size;
        return begin_write(f);
    }
    err = scan_and_write(f);
    kz_scan_release(f->memfd, (apr_uint64_t)f->row->size);
    return err;
}

void kz_upload__drop(kz_finish_t *f)
{
    if (f->write)
        kz_stores_drop(f->write);
    f->write = NULL;
}
