#include "model/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/log.h"
#include "base/str.h"
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

#define PLACE                                                                                      \
    KZ_STR_UUID_SIZE /* bytes of a place in the file: a UUID or blanks, and a line feed            \
                      */

static kz_err_t *put_place(const kz_portal_t *portal, int place, const char *id)
{
    char text[PLACE + 1];

    apr_snprintf(text, sizeof text, "%-36s\n", id);
    if (pwrite(portal->alive, text, PLACE, (off_t)place * PLACE) == PLACE)
        return NULL;
    return kz_err_status(KZ_ERR_STORE_DOWN, APR_FROM_OS_ERROR(errno), "writing %s",
                         portal->alive_file);
}

/* Room for all places from the start, so that a full disk refuses none. */
static kz_err_t *make_places(const kz_portal_t *portal)
{
    int i;

    for (i = 0; i < KZ_PORTAL_CLAIMS; i++)
        KZ_TRY(put_place(portal, i, portal->claimed[i] ? "?" : ""));
    return NULL;
}

/* --- whose spool it is --- */

/* Reads whose spool PATH marks. 0: nobody's yet. */
static int read_marker(char *text, size_t size, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t got = fd < 0 ? -1 : read(fd, text, size - 1);

    if (fd >= 0)
        close(fd);
    text[got > 0 ? got : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return fd >= 0;
}

/* Marks a spool that has no marker, whole or not at all. Who was faster has marked it. */
static kz_err_t *write_marker(const char *path, const char *text, apr_pool_t *pool)
{
    char *temporary = apr_pstrcat(pool, path, "-XXXXXX", NULL);
    int fd = mkostemp(temporary, O_CLOEXEC), status = -1;

    if (fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && fsync(fd) == 0)
        status = link(temporary, path) == 0 || errno == EEXIST ? 0 : -1;
    if (fd >= 0) {
        int saved = errno;

        close(fd);
        unlink(temporary);
        errno = saved;
    }
    return status == 0 ? NULL
                       : kz_err_status(kz_err_errno(errno) == KZ_ERR_NO_SPACE ? KZ_ERR_NO_SPACE
                                                                              : KZ_ERR_STORE_DOWN,
                                       APR_FROM_OS_ERROR(errno), "marking %s", path);
}

kz_err_t *kz_worker_marker(const kz_conf_t *conf, apr_pool_t *scratch_pool)
{
    const char *path = apr_pstrcat(scratch_pool, conf->spool, "/" KZ_STORE_MARKER, NULL);
    char text[64];

    if (!read_marker(text, sizeof text, path) || strcmp(text, conf->installation) == 0)
        return NULL;
    return kz_err_create(KZ_ERR_CONFIG, "KanzleiSpool: %s belongs to another installation: %.36s",
                         conf->spool, text);
}

static kz_err_t *mark(const kz_conf_t *conf, apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, conf->spool, "/" KZ_STORE_MARKER, NULL);
    char text[64];

    if (!read_marker(text, sizeof text, path))
        KZ_TRY(write_marker(path, apr_pstrcat(pool, conf->installation, "\n", NULL), pool));
    return kz_worker_marker(conf, pool);
}

/* Another installation's spool is as good as none: STORE_DOWN, until ours is there. */
static kz_err_t *own_spool(const kz_portal_t *portal)
{
    apr_pool_t *pool;
    kz_err_t *err, *down;

    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS)
        return kz_err_create(KZ_ERR_INTERNAL, "no memory for a pool");
    err = mark(portal->conf, pool);
    apr_pool_destroy(pool);
    if (!err || kz_err_code(err) != KZ_ERR_CONFIG)
        return err;
    down = kz_err_create(KZ_ERR_STORE_DOWN, "%s", kz_err_detail(err));
    kz_err_expected(err);
    return down;
}

static kz_err_t *begin_alive(kz_portal_t *portal)
{
    int fd = open(portal->alive_file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat folder;
    kz_err_t *err;

    if (fd < 0)
        return kz_err_status(kz_err_errno(errno) == KZ_ERR_NO_SPACE ? KZ_ERR_NO_SPACE
                                                                    : KZ_ERR_STORE_DOWN,
                             APR_FROM_OS_ERROR(errno), "making %s", portal->alive_file);
    if (stat(portal->conf->spool, &folder) != 0 || flock(fd, LOCK_EX | LOCK_NB) != 0 ||
        flush_name(portal) != 0) {
        err = kz_err_status(KZ_ERR_STORE_DOWN, APR_FROM_OS_ERROR(errno), "locking %s",
                            portal->alive_file);
        close(fd);
        return err;
    }
    portal->alive = fd;
    err = make_places(portal);
    if (err) {
        portal->alive = -1;
        close(fd);
        return err;
    }
    portal->alive_since = apr_time_now();
    portal->alive_device = folder.st_dev;
    portal->alive_folder = folder.st_ino;
    return NULL;
}

static kz_err_t *come_alive(kz_portal_t *portal)
{
    KZ_TRY(own_spool(portal));
    return begin_alive(portal);
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

kz_err_t *kz_worker_claim(int *place, kz_portal_t *portal, const char *id)
{
    kz_err_t *err;
    int i;

    KZ_TRY(kz_worker_live(portal));
    apr_thread_mutex_lock(portal->alive_lock);
    for (i = 0; i < KZ_PORTAL_CLAIMS && portal->claimed[i]; i++)
        continue;
    err = i < KZ_PORTAL_CLAIMS
              ? put_place(portal, i, id)
              : kz_err_create(KZ_ERR_BUSY, "%d uploads are being finished already", i);
    if (!err)
        portal->claimed[i] = 1;
    apr_thread_mutex_unlock(portal->alive_lock);
    *place = i;
    return err;
}

void kz_worker_unclaim(kz_portal_t *portal, int place)
{
    apr_thread_mutex_lock(portal->alive_lock);
    kz_log_err(KZ_LOG_WARNING, KZ_LOGNO(0207) "an upload may wait for the end of its lease: ",
               put_place(portal, place, ""));
    portal->claimed[place] = 0;
    apr_thread_mutex_unlock(portal->alive_lock);
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

/* --- others --- */

static int is_dead(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    int dead = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;

    if (fd >= 0)
        close(fd);
    return dead;
}

/* The places in the file of WORKER. NULL: it can't be read, or an older version has written
 * nothing. */
static const char *places_of(const char *path, apr_pool_t *pool)
{
    size_t room = (size_t)PLACE * KZ_PORTAL_CLAIMS;
    char *text = apr_palloc(pool, room + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t len = fd < 0 ? -1 : pread(fd, text, room, 0);

    if (fd >= 0)
        close(fd);
    if (len <= 0)
        return NULL;
    text[len] = '\0';
    return text;
}

/* Frees what a worker that lives had taken, and does not work on: it could not give it back. Its
 * file is read last: it names an upload before that is taken. */
static kz_err_t *free_left(kz_portal_t *portal, const char *worker, const char *path,
                           apr_pool_t *pool)
{
    kz_q_worker_uploads_t *rows;
    kz_q_upload_free_t *freed;
    const char *places;
    kz_db_t *db;
    int n, i;

    KZ_TRY(kz_db_begin(&db, portal->db, pool));
    KZ_TRY(kz_q_worker_uploads(&rows, &n, db, &(kz_q_worker_uploads_args_t){worker}, pool));
    places = places_of(path, pool);
    for (i = 0; places && i < n; i++) {
        kz_q_upload_free_args_t args = {rows[i].firm, rows[i].id, worker, rows[i].lease};

        if (!strstr(places, rows[i].id))
            KZ_TRY(kz_q_upload_free(&freed, db, &args, pool));
    }
    return kz_db_commit(db);
}

/* A worker without a file is left to its lease: nothing shows that it is dead. */
kz_err_t *kz_worker_bury_one(kz_portal_t *portal, const char *worker, apr_pool_t *pool)
{
    const char *path = file_of(portal, worker, pool);
    kz_q_worker_bury_t *row;
    kz_db_t *db;

    if (!is_dead(path))
        return free_left(portal, worker, path, pool);
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
