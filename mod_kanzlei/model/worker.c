#include "model/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "queries.h"

static const char *file_of(const kz_portal_t *portal, const char *worker, apr_pool_t *pool)
{
    return apr_pstrcat(pool, portal->conf->spool, "/" KZ_WORKER_FILE, worker, NULL);
}

/* Drops the lock. The file stays, by which others see that this worker is dead: it may not have
 * been able to give back all that it had taken. */
static apr_status_t leave(void *baton)
{
    kz_portal_t *portal = baton;

    if (portal->alive < 0)
        return APR_SUCCESS;
    close(portal->alive);
    portal->alive = -1;
    return APR_SUCCESS;
}

kz_err_t *kz_worker_prepare(kz_portal_t *portal, apr_pool_t *pool)
{
    if (apr_thread_mutex_create(&portal->alive_lock, APR_THREAD_MUTEX_DEFAULT, pool) != APR_SUCCESS)
        return kz_err_create(KZ_ERR_INTERNAL, "no lock for a worker");
    portal->alive = -1;
    portal->alive_file = file_of(portal, portal->worker, pool);
    apr_pool_cleanup_register(pool, portal, leave, apr_pool_cleanup_null);
    return NULL;
}

/* After a power loss, too, the file is to show that this worker is dead. */
static int flush_name(const kz_portal_t *portal)
{
    int fd = open(portal->conf->spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int status = fd < 0 ? -1 : fsync(fd);

    if (fd >= 0)
        close(fd);
    return status;
}

static kz_err_t *come_alive(kz_portal_t *portal)
{
    int fd = open(portal->alive_file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat folder;

    if (fd < 0)
        return kz_err_status(kz_err_errno(errno) == KZ_ERR_NO_SPACE ? KZ_ERR_NO_SPACE
                                                                    : KZ_ERR_STORE_DOWN,
                             APR_FROM_OS_ERROR(errno), "making %s", portal->alive_file);
    if (stat(portal->conf->spool, &folder) != 0 || flock(fd, LOCK_EX | LOCK_NB) != 0 ||
        flush_name(portal) != 0) {
        kz_err_t *err = kz_err_status(KZ_ERR_STORE_DOWN, APR_FROM_OS_ERROR(errno), "locking %s",
                                      portal->alive_file);

        close(fd);
        return err;
    }
    portal->alive = fd;
    portal->alive_since = apr_time_now();
    portal->alive_device = folder.st_dev;
    portal->alive_folder = folder.st_ino;
    return NULL;
}

kz_err_t *kz_worker_live(kz_portal_t *portal)
{
    kz_err_t *err = NULL;

    apr_thread_mutex_lock(portal->alive_lock);
    if (portal->alive < 0)
        err = come_alive(portal);
    apr_thread_mutex_unlock(portal->alive_lock);
    return err;
}

/* Either proves it: the file, because a new mount may give the folder other numbers; the folder's
 * numbers, because another host may have removed the file of a process that it could not see. */
kz_err_t *kz_worker_spool(apr_time_t *since, kz_portal_t *portal)
{
    struct stat info;

    KZ_TRY(kz_worker_live(portal));
    if (since)
        *since = portal->alive_since;
    if (stat(portal->alive_file, &info) == 0)
        return NULL;
    if (stat(portal->conf->spool, &info) != 0)
        return kz_err_status(KZ_ERR_STORE_DOWN, APR_FROM_OS_ERROR(errno), "the spool %s",
                             portal->conf->spool);
    if (info.st_dev == portal->alive_device && info.st_ino == portal->alive_folder)
        return NULL;
    return kz_err_create(KZ_ERR_STORE_DOWN,
                         "%s is not the spool in which this process began: not mounted?",
                         portal->conf->spool);
}

static int is_dead(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    int dead = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;

    if (fd >= 0)
        close(fd);
    return dead;
}

/* A worker without a file is left to its lease: nothing shows that it is dead. */
kz_err_t *kz_worker_bury_one(kz_portal_t *portal, const char *worker, apr_pool_t *pool)
{
    const char *path = file_of(portal, worker, pool);
    kz_q_worker_bury_t *row;
    kz_db_t *db;

    if (!is_dead(path))
        return NULL;
    KZ_TRY(kz_db_begin(&db, portal->db, pool));
    KZ_TRY(kz_q_worker_bury(&row, db, &(kz_q_worker_bury_args_t){worker}, pool));
    KZ_TRY(kz_db_commit(db));
    unlink(path);
    return NULL;
}

kz_err_t *kz_worker_bury(kz_portal_t *portal, apr_pool_t *pool)
{
    kz_q_workers_t *rows;
    kz_db_t *db;
    int n, i;

    KZ_TRY(kz_db_begin(&db, portal->db, pool));
    KZ_TRY(kz_q_workers(&rows, &n, db, pool));
    kz_db_end(db);
    for (i = 0; i < n; i++)
        KZ_TRY(kz_worker_bury_one(portal, rows[i].worker, pool));
    return NULL;
}
