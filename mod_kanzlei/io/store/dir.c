#include "io/store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

typedef struct object_t {
    int fd;
    apr_uint64_t size;
    const char *key;
} object_t;

static kz_err_t *dir_open(void **driver, const char *rest_of_url, apr_pool_t *pool)
{
    kz_store__dir_t *dir = apr_pcalloc(pool, sizeof *dir);

    if (rest_of_url[0] != '/')
        return kz_err_create(KZ_ERR_CONFIG, "dir:%s: not an absolute path", rest_of_url);
    dir->root = apr_pstrdup(pool, rest_of_url);
    *driver = dir;
    return NULL;
}

static int dir_is_same(const void *driver, const void *other)
{
    const kz_store__dir_t *a = driver, *b = other;

    return a->inode && a->inode == b->inode && a->device == b->device;
}

kz_err_t *kz_store__dir_root(int *fd, kz_store__dir_t *dir, int marked)
{
    struct stat info;

    *fd = open(dir->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0)
        return kz_store__io_error(errno, "opening", dir->root);
    if (!dir->inode && fstat(*fd, &info) == 0) {
        dir->device = info.st_dev;
        dir->inode = info.st_ino;
    }
    if (marked && fstatat(*fd, KZ_STORE_MARKER, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        kz_err_t *err =
            errno == ENOENT
                ? kz_err_create(KZ_ERR_STORE_DOWN,
                                "%s has no marker: not mounted, or never initialised", dir->root)
                : kz_store__io_error(errno, "the marker in", dir->root);

        close(*fd);
        return err;
    }
    return NULL;
}

/* Opens the store's folder for a call about KEY. The marker itself may be read without being there.
 */
static kz_err_t *root_for(int *fd, void *driver, const char *key)
{
    KZ_TRY(kz_store_key_check(key));
    return kz_store__dir_root(fd, driver, strcmp(key, KZ_STORE_MARKER) != 0);
}

static kz_err_t *missing(int number, const char *what, const char *key)
{
    if (number == ENOENT || number == ENOTDIR)
        return kz_err_create(KZ_ERR_NOT_FOUND, "no object %s", key);
    return kz_store__io_error(number, what, key);
}

static apr_status_t fd_close(void *fd)
{
    close((int)(intptr_t)fd);
    return APR_SUCCESS;
}

static kz_err_t *dir_get(void **object, apr_uint64_t *size, void *driver, const char *key,
                         apr_time_t deadline, apr_pool_t *pool)
{
    object_t *opened = apr_palloc(pool, sizeof *opened);
    kz_err_t *err = NULL;
    struct stat info;
    int root;

    (void)deadline; /* a local disk is asked in line */
    KZ_TRY(root_for(&root, driver, key));
    opened->fd = openat(root, key, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (opened->fd < 0)
        err = missing(errno, "opening", key);
    close(root);
    if (err)
        return err;
    apr_pool_cleanup_register(pool, (void *)(intptr_t)opened->fd, fd_close, apr_pool_cleanup_null);
    if (fstat(opened->fd, &info) != 0)
        return kz_store__io_error(errno, "looking at", key);
    if (!S_ISREG(info.st_mode))
        return kz_err_create(KZ_ERR_NOT_FOUND, "no object %s", key);
    opened->key = apr_pstrdup(pool, key);
    opened->size = *size = (apr_uint64_t)info.st_size;
    *object = opened;
    return NULL;
}

static kz_err_t *dir_read(void *object, apr_uint64_t offset, void *buffer, size_t *len,
                          apr_time_t deadline)
{
    const object_t *opened = object;
    ssize_t got;

    (void)deadline;
    if (offset >= opened->size) {
        *len = 0;
        return NULL;
    }
    do {
        got = pread(opened->fd, buffer, *len, (off_t)offset);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return kz_store__io_error(errno, "reading", opened->key);
    if (got == 0 && *len > 0)
        return kz_err_create(KZ_ERR_STORE_DOWN, "%s has become shorter", opened->key);
    *len = (size_t)got;
    return NULL;
}

static kz_err_t *dir_identify(unsigned char id[KZ_STORE_IDENTITY], void *driver, const char *key)
{
    kz_err_t *err = NULL;
    struct stat info;
    int root;

    KZ_TRY(root_for(&root, driver, key));
    if (fstatat(root, key, &info, AT_SYMLINK_NOFOLLOW) != 0)
        err = missing(errno, "looking at", key);
    close(root);
    if (err)
        return err;
    memset(id, 0, KZ_STORE_IDENTITY);
    memcpy(id, &info.st_dev, sizeof info.st_dev);
    memcpy(id + sizeof info.st_dev, &info.st_ino, sizeof info.st_ino);
    return NULL;
}

static kz_err_t *dir_head(apr_uint64_t *size, void *driver, const char *key, apr_time_t deadline,
                          apr_pool_t *scratch_pool)
{
    kz_err_t *err = NULL;
    struct stat info;
    int root;

    (void)deadline;
    (void)scratch_pool;
    KZ_TRY(root_for(&root, driver, key));
    if (fstatat(root, key, &info, AT_SYMLINK_NOFOLLOW) != 0)
        err = missing(errno, "looking at", key);
    else if (!S_ISREG(info.st_mode))
        err = kz_err_create(KZ_ERR_NOT_FOUND, "no object %s", key);
    else
        *size = (apr_uint64_t)info.st_size;
    close(root);
    return err;
}

/* Removes the folders above the object that are empty now, and flushes that. */
static void prune(int root, char *path)
{
    char *slash;
    int fd;

    while ((slash = strrchr(path, '/'))) {
        *slash = 0;
        if (unlinkat(root, path, AT_REMOVEDIR) != 0)
            break;
    }
    fd = slash ? openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : dup(root);
    if (fd >= 0) {
        fsync(fd); /* should it fail, an object comes back that a check will find */
        close(fd);
    }
}

static kz_err_t *dir_remove(void *driver, const char *key, apr_time_t deadline,
                            apr_pool_t *scratch_pool)
{
    kz_err_t *err = NULL;
    int root;

    (void)deadline;
    KZ_TRY(root_for(&root, driver, key));
    if (strcmp(key, KZ_STORE_MARKER) == 0)
        err = kz_err_create(KZ_ERR_INVALID, "the marker is not to be removed");
    else if (unlinkat(root, key, 0) == 0)
        prune(root, apr_pstrdup(scratch_pool, key));
    else if (errno != ENOENT && errno != ENOTDIR)
        err = kz_store__io_error(errno, "removing", key);
    close(root);
    return err;
}

const kz_store_driver_t kz_store__dir = {
    .scheme = "dir",
    .open = dir_open,
    .is_same = dir_is_same,
    .mark = kz_store__dir_mark,
    .put = kz_store__dir_put,
    .stage = kz_store__dir_stage,
    .name = kz_store__dir_name,
    .drop = kz_store__dir_drop,
    .replace = kz_store__dir_replace,
    .get = dir_get,
    .read = dir_read,
    .identify = dir_identify,
    .head = dir_head,
    .remove = dir_remove,
    .list = kz_store__dir_list,
    .sweep = kz_store__dir_sweep,
};
