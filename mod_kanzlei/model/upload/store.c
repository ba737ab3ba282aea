/* A complete upload and the stores. */
#include "model/upload/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

void kz_upload__store_sweep(const kz_upload__work_t *work)
{
    kz_log_err(KZ_LOG_INFO, KZ_LOGNO(0034) "parts of a killed upload stay for the sweep: ",
               kz_stores_sweep_key(work->portal->stores, work->object,
                                   kz_clock_now() + work->portal->conf->store_timeout, work->pool));
}

/* Makes the spool a whole object. */
static kz_err_t *finish_spool(const kz_upload__work_t *work, const kz_upload__content_t *content)
{
    const kz_q_upload_complete_t *row = work->row;
    kz_seal_meta_t meta = {
        .firm = kz_grant_firm(work->grant),
        .document = row->id,
        .client = row->client,
        .matter = row->matter,
        .name = row->name,
        .type = content->type,
        .by = row->account,
        .at = row->created,
        .size = content->size,
    };

    memcpy(meta.sha256, content->sha256, sizeof meta.sha256);
    return kz_seal_spool_finish(work->spool, work->key, &meta, work->pool);
}

kz_err_t *kz_upload__store_begin(kz_stores_write_t **write, const kz_upload__work_t *work,
                                 const kz_upload__content_t *content)
{
    const kz_conf_t *conf = work->portal->conf;
    apr_time_t deadline =
        kz_clock_now() + conf->scan_time * 2 + kz_conf_store_time(conf, content->size) * 2;
    kz_store_source_t source = {.key = work->object, .given = 1};
    struct stat info;
    kz_err_t *err = NULL;

    KZ_TRY(finish_spool(work, content));
    source.fd = open(work->spool, O_RDONLY | O_CLOEXEC);
    if (source.fd < 0 || fstat(source.fd, &info) != 0)
        err = kz_err_status(KZ_ERR_STORE_DOWN, APR_FROM_OS_ERROR(errno), "spool");
    if (!err) {
        source.size = (apr_uint64_t)info.st_size;
        err = kz_stores_begin(write, work->portal->stores, &source, deadline, work->pool);
    }
    /* Before it is settled the spool must be flushed: finished anew after a crash, it would have
     * other bytes than what the stores hold. */
    if (!err && fdatasync(source.fd) != 0)
        err = kz_err_status(KZ_ERR_STORE_DOWN, APR_FROM_OS_ERROR(errno), "spool");
    if (source.fd >= 0)
        close(source.fd);
    return err;
}

kz_err_t *kz_upload__store_settle(unsigned char *held, kz_stores_write_t **write,
                                  const kz_upload__work_t *work,
                                  const kz_upload__content_t *content)
{
    kz_stores_write_t *settled = *write;

    *write = NULL;
    return kz_stores_settle(held, settled,
                            kz_clock_now() + kz_conf_store_time(work->portal->conf, content->size));
}

void kz_upload__store_drop(kz_stores_write_t **write)
{
    if (*write)
        kz_stores_drop(*write);
    *write = NULL;
}

kz_err_t *kz_upload__store_remove(const kz_upload__work_t *work)
{
    return kz_stores_remove(work->portal->stores, work->object,
                            kz_clock_now() + work->portal->conf->store_timeout, work->pool);
}
