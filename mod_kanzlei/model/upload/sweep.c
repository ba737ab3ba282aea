/* Uploads that nobody works on any more: resumed, or given up. */
#include "model/upload/internal.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/log.h"
#include "base/str.h"
#include "model/worker.h"

#define KZ_SWEEP_STRAY 600 /* seconds after which a file without a row is removed */

static kz_err_t *remove_upload(kz_portal_t *portal, const char *id, apr_pool_t *pool)
{
    kz_q_upload_known_t *row;
    kz_db_t *db;
    kz_err_t *err;

    KZ_TRY(kz_db_begin(&db, portal->db, pool));
    err = kz_q_upload_known(&row, db, &(kz_q_upload_known_args_t){id}, pool);
    kz_db_end(db);
    if (!err && !row->known)
        kz_upload__spool_remove(kz_upload__spool(portal, id, pool), pool);
    return err;
}

static kz_err_t *remove_stray(kz_portal_t *portal, const char *name, apr_pool_t *pool)
{
    size_t prefix = strlen(KZ_WORKER_FILE), len = KZ_STR_UUID_SIZE - 1;
    const char *id = apr_pstrndup(pool, name, len);
    int is_tail = strncmp(name + strlen(id), KZ_SEAL_TAIL_NAME, strlen(KZ_SEAL_TAIL_NAME)) == 0;

    if (kz_str_is_uuid(id) && (!name[len] || is_tail))
        return remove_upload(portal, id, pool);
    if (strncmp(name, KZ_STORE_MARKER "-", sizeof KZ_STORE_MARKER) == 0) /* half a marker */
        kz_upload__spool_remove(kz_upload__spool(portal, name, pool), pool);
    if (strncmp(name, KZ_WORKER_FILE, prefix) == 0 && kz_str_is_uuid(name + prefix))
        return kz_worker_bury_one(portal, name + prefix, pool);
    return NULL;
}

/* Removes files that no upload knows (a crash came between file and row, or between row and
 * unlink), and those of dead workers that had taken nothing. */
static void remove_strays(kz_portal_t *portal, apr_pool_t *pool)
{
    DIR *dir = opendir(portal->conf->spool);
    struct dirent *entry;

    while (dir && (entry = readdir(dir)) != NULL) {
        const char *path = kz_upload__spool(portal, entry->d_name, pool);
        struct stat info;

        if (stat(path, &info) == 0 &&
            apr_time_sec(apr_time_now()) - info.st_mtime >= KZ_SWEEP_STRAY)
            kz_log_err(KZ_LOG_INFO, KZ_LOGNO(0035) "a file in the spool stays: ",
                       remove_stray(portal, entry->d_name, pool));
    }
    if (dir)
        closedir(dir);
}

kz_err_t *kz_upload_sweep(int *found, kz_portal_t *portal, int look, apr_pool_t *pool)
{
    kz_q_upload_taken_args_t args = {portal->worker, kz_upload__lease(portal->conf),
                                     apr_time_as_msec(portal->conf->upload_life)};
    kz_q_upload_taken_t *row;
    kz_db_t *db;

    *found = 0;
    KZ_TRY(kz_worker_spool(NULL, portal)); /* elsewhere nothing is to be given up or removed */
    if (look)
        remove_strays(portal, pool);
    KZ_TRY(kz_db_begin(&db, portal->db, pool));
    KZ_TRY(kz_q_upload_taken(&row, db, &args, pool));
    KZ_TRY(kz_db_commit(db));
    if (!row)
        return NULL;
    *found = 1;
    if (strcmp(row->state, "receiving") == 0)
        return kz_upload__give_up(portal, row, pool);
    return kz_upload__resume(portal, row, pool);
}
