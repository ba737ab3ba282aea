#include "model/upload/upload.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/log.h"
#include "base/str.h"
#include "model/upload/internal.h"
#include "model/worker.h"
#include "queries.h"

#define KZ_UPLOAD_SPARE (64 << 20) /* bytes of the spool's disk that no upload may use */
#define KZ_UPLOAD_FIRM  20         /* shares of an account that a firm has */
#define KZ_UPLOAD_LOOK  (8 << 20)  /* bytes between two checks of the disk's free space */

struct kz_upload_t {
    kz_seal_writer_t *writer;
    apr_uint64_t left; /* bytes that may still come */
    const kz_conf_t *conf;
    apr_uint64_t unseen; /* bytes since the last check of the disk */
};

const char *kz_upload__spool(const kz_portal_t *portal, const char *id, apr_pool_t *pool)
{
    return apr_pstrcat(pool, portal->conf->spool, "/", id, NULL);
}

void kz_upload__spool_remove(const char *spool, apr_pool_t *pool)
{
    kz_log_err(KZ_LOG_INFO,
               KZ_LOGNO(0201) "a file in the spool stays: ", kz_seal_spool_remove(spool, pool));
}

kz_err_t *kz_upload__see_spool(apr_time_t *since, kz_err_t *err, kz_portal_t *portal,
                               const char *path)
{
    kz_err_t *away;

    if (!err || kz_err_code(err) != KZ_ERR_NOT_FOUND)
        return err;
    away = kz_worker_spool(since, portal);
    if (!away && access(path, F_OK) == 0)
        away = kz_err_create(KZ_ERR_STORE_DOWN, "the spool was away, and is there again");
    if (!away)
        return err;
    kz_err_expected(err); /* nothing can be found in a folder that is away */
    return away;
}

/* Checks that the disk can take SIZE bytes more, so that a refusal comes before the first byte
 * where the size is known. */
static kz_err_t *check_room(const kz_conf_t *conf, apr_uint64_t size)
{
    struct statvfs disk;

    if (size > (apr_uint64_t)conf->max_size)
        return kz_err_create(KZ_ERR_TOO_LARGE, "%" APR_UINT64_T_FMT " bytes", size);
    if (statvfs(conf->spool, &disk) != 0)
        return kz_err_status(KZ_ERR_STORE_DOWN, APR_FROM_OS_ERROR(errno), "spool");
    if ((apr_uint64_t)disk.f_bavail * disk.f_frsize < kz_seal_object_size(size) + KZ_UPLOAD_SPARE)
        return kz_err_create(KZ_ERR_NO_SPACE, "spool: no room for %" APR_UINT64_T_FMT " bytes",
                             size);
    return NULL;
}

/* Refuses what is over the share of the account, or of its firm: what one has announced is room
 * that the others don't have. */
static kz_err_t *check_share(kz_grant_t *grant, apr_uint64_t size)
{
    const kz_conf_t *conf = kz_grant_services(grant)->conf;
    kz_q_upload_announced_args_t args = {KZ_UPLOAD_FIRM * conf->uploads_open};
    kz_q_upload_announced_t *row;
    kz_q_upload_lock_t *lock;
    kz_db_t *db = kz_grant_db(grant);
    apr_pool_t *pool = kz_grant_pool(grant);
    apr_int64_t bytes = (apr_int64_t)size;

    KZ_TRY(kz_q_upload_lock_send(db));
    KZ_TRY(kz_q_upload_announced_send(db, &args));
    KZ_TRY(kz_q_upload_lock_read(&lock, db, pool));
    KZ_TRY(kz_q_upload_announced_read(&row, db, pool));
    if (row->mine < conf->uploads_open && row->mine_bytes + bytes <= conf->uploads_bytes &&
        row->firm < args.most && row->firm_bytes + bytes <= KZ_UPLOAD_FIRM * conf->uploads_bytes)
        return NULL;
    return kz_err_tell(kz_err_create(KZ_ERR_TOO_MANY,
                                     "%" APR_INT64_T_FMT
                                     " uploads of the account and %" APR_INT64_T_FMT
                                     " of its firm are under way",
                                     row->mine, row->firm),
                       "err.uploads");
}

kz_err_t *kz_upload_create(const char **id, kz_grant_t *grant, const char *matter, const char *name,
                           const char *type, apr_uint64_t size)
{
    kz_portal_t *portal = kz_grant_services(grant);
    apr_pool_t *pool = kz_grant_pool(grant);
    char *uuid = apr_palloc(pool, KZ_STR_UUID_SIZE);
    unsigned char wrapped[KZ_SEAL_WRAPPED];
    kz_seal_key_t *firm_key;
    const char *spool;
    int added;
    kz_q_upload_add_args_t args = {
        .id = uuid,
        .matter = matter,
        .name = name,
        .type = type,
        .size = (apr_int64_t)size,
        .key = {wrapped, sizeof wrapped},
    };

    KZ_TRY(check_room(portal->conf, size));
    KZ_TRY(kz_worker_spool(NULL, portal));
    KZ_TRY(check_share(grant, size));
    kz_str_uuid_v7(uuid);
    spool = kz_upload__spool(portal, uuid, pool);
    KZ_TRY(kz_grant_firm_key(&firm_key, grant));
    KZ_TRY(kz_seal_document_create(wrapped, firm_key, uuid, pool));
    KZ_TRY(kz_q_upload_add_send(kz_grant_db(grant), &args));
    KZ_TRY(kz_seal_spool_create(spool, wrapped, pool)); /* a file without a row is swept */
    KZ_TRY(kz_grant_commit_send(grant));
    KZ_TRY(kz_q_upload_add_read(&added, kz_grant_db(grant)));
    KZ_TRY(kz_grant_commit(grant));
    if (added == 0) {
        kz_upload__spool_remove(spool, pool);
        return kz_err_create(KZ_ERR_NOT_FOUND, "no such matter");
    }
    *id = uuid;
    return NULL;
}

static kz_err_t *open_key(kz_seal_key_t **key, kz_grant_t *grant, const char *id,
                          kz_db_bytes_t wrapped)
{
    kz_seal_key_t *firm_key;

    if (wrapped.len != KZ_SEAL_WRAPPED)
        return kz_err_create(KZ_ERR_SEAL, "upload %s has no key", id);
    KZ_TRY(kz_grant_firm_key(&firm_key, grant));
    return kz_seal_document_open(key, firm_key, id, wrapped.data, kz_grant_pool(grant));
}

/* An upload whose bytes can't be read any more is none: who sends it begins anew. */
static kz_err_t *unless_damaged(kz_err_t *err)
{
    if (!err || kz_err_code(err) != KZ_ERR_SEAL)
        return err;
    kz_log_err(KZ_LOG_ERR, KZ_LOGNO(0202) "what came of an upload can't be read any more: ", err);
    return kz_err_create(KZ_ERR_NOT_FOUND, "the bytes that came are damaged");
}

/* Reads the row, and lets the connection go. */
static kz_err_t *read_row(kz_upload_info_t *info, kz_seal_key_t **key, kz_grant_t *grant,
                          const char *id)
{
    kz_portal_t *portal = kz_grant_services(grant);
    apr_pool_t *pool = kz_grant_pool(grant);
    kz_q_upload_t *row;

    KZ_TRY(kz_q_upload(&row, kz_grant_db(grant), &(kz_q_upload_args_t){id}, pool));
    KZ_TRY(open_key(key, grant, id, row->key));
    kz_grant_rest(grant);
    info->id = row->id;
    info->name = row->name;
    info->state = row->state;
    info->what = row->what;
    info->size = info->offset = (apr_uint64_t)row->size;
    info->expires =
        strcmp(row->state, "receiving") == 0 ? row->touched + portal->conf->upload_life : 0;
    return NULL;
}

/* The file could not be opened, as ERR says: somebody else may have sent the last byte since the
 * row was read, and then the file is being stored, or gone, and the row says how it is. */
static kz_err_t *look_again(kz_err_t *err, kz_upload_info_t *info, kz_grant_t *grant,
                            const char *id)
{
    kz_err_code_t code = kz_err_code(err);
    kz_upload_info_t now;
    kz_seal_key_t *key;
    kz_err_t *second;

    if (code != KZ_ERR_LOCKED && code != KZ_ERR_CONFLICT && code != KZ_ERR_NOT_FOUND)
        return err;
    second = kz_grant_again(grant);
    if (!second)
        second = read_row(&now, &key, grant, id);
    if (!second && now.expires)
        return err; /* it is being received as before */
    kz_err_expected(err);
    if (!second)
        *info = now;
    return second;
}

/* Reads the row, lets the connection go, and opens the writer when it is being received. */
static kz_err_t *look(kz_seal_writer_t **writer, kz_upload_info_t *info, kz_grant_t *grant,
                      const char *id)
{
    kz_portal_t *portal = kz_grant_services(grant);
    apr_pool_t *pool = kz_grant_pool(grant);
    const char *spool = kz_upload__spool(portal, id, pool);
    kz_seal_key_t *key;
    kz_err_t *err;

    *writer = NULL;
    KZ_TRY(read_row(info, &key, grant, id));
    if (!info->expires)
        return NULL;
    err = kz_upload__see_spool(
        NULL, kz_seal_writer_open(writer, &info->offset, spool, key, id, pool), portal, spool);
    return err ? unless_damaged(look_again(err, info, grant, id)) : NULL;
}

/* All bytes are there, and a crash came before anybody noted that. (The size of what a form sends
 * is known at its end only.) */
static int is_forgotten(const kz_upload_info_t *info)
{
    return info->size > 0 && info->offset == info->size;
}

/* A client that is told that all bytes came sends nothing again: a job must know of it. */
static kz_err_t *leave_forgotten(kz_upload_info_t *info, kz_grant_t *grant)
{
    kz_upload_end_t end;

    KZ_TRY(kz_upload__leave(&end, grant, info->id, info->size, kz_grant_pool(grant)));
    info->state = end.outcome == KZ_UPLOAD_OVER ? end.state : "scanning";
    info->what = end.outcome == KZ_UPLOAD_OVER ? end.what : info->what;
    info->expires = 0;
    return NULL;
}

kz_err_t *kz_upload_stat(kz_upload_info_t *info, kz_grant_t *grant, const char *id)
{
    kz_seal_writer_t *writer;

    KZ_TRY(look(&writer, info, grant, id));
    if (!writer)
        return NULL;
    KZ_TRY(kz_seal_writer_close(writer));
    return is_forgotten(info) ? leave_forgotten(info, grant) : NULL;
}

kz_err_t *kz_upload_open(kz_upload_t **upload, kz_upload_info_t *info, kz_grant_t *grant,
                         const char *id)
{
    kz_upload_t *made = apr_pcalloc(kz_grant_pool(grant), sizeof *made);

    KZ_TRY(look(&made->writer, info, grant, id));
    if (!made->writer)
        return kz_err_create(KZ_ERR_COMPLETE, "upload %s is %s", id, info->state);
    made->left = info->size > info->offset ? info->size - info->offset : 0;
    made->conf = kz_grant_services(grant)->conf;
    made->unseen = KZ_UPLOAD_LOOK;
    *upload = made;
    return NULL;
}

void kz_upload_allow(kz_upload_t *upload, apr_uint64_t bytes)
{
    upload->left = bytes;
}

kz_err_t *kz_upload_write(kz_upload_t *upload, const void *data, apr_size_t len)
{
    if (len > upload->left)
        return kz_err_create(KZ_ERR_TOO_LARGE, "more bytes than were announced");
    upload->left -= len;
    upload->unseen += len;
    if (upload->unseen >= KZ_UPLOAD_LOOK) { /* others write too, and a form announces nothing */
        upload->unseen = 0;
        KZ_TRY(check_room(upload->conf, 0));
    }
    return kz_seal_write(upload->writer, data, len);
}

kz_err_t *kz_upload_hold(kz_upload_t *upload)
{
    return kz_seal_writer_hold(upload->writer);
}

void kz_upload_keep(kz_upload_t *upload)
{
    kz_seal_writer_keep(upload->writer);
}

kz_err_t *kz_upload_close(kz_upload_t **upload)
{
    kz_upload_t *open = *upload;

    *upload = NULL;
    return open ? kz_seal_writer_close(open->writer) : NULL;
}

kz_err_t *kz_upload_remove(kz_grant_t *grant, const char *id)
{
    kz_portal_t *portal = kz_grant_services(grant);
    int removed;

    KZ_TRY(kz_q_upload_remove(&removed, kz_grant_db(grant), &(kz_q_upload_remove_args_t){id}));
    KZ_TRY(kz_grant_commit(grant));
    if (removed == 0)
        return kz_err_create(KZ_ERR_COMPLETE, "upload %s is not being received", id);
    kz_upload__spool_remove(kz_upload__spool(portal, id, kz_grant_pool(grant)),
                            kz_grant_pool(grant));
    return NULL;
}

kz_err_t *kz_upload_drop(const kz_grant_t *grant, const char *id)
{
    kz_grant_t *portal;

    KZ_TRY(kz_grant_portal(&portal, kz_grant_services(grant), kz_grant_firm(grant),
                           kz_grant_pool(grant)));
    return kz_upload_remove(portal, id);
}
