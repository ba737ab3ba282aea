#include "io/seal/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>
#include <sodium.h>

kz_err_t *kz_seal__io_error(int number, const char *what, const char *path)
{
    return kz_err_status(kz_err_errno(number), APR_FROM_OS_ERROR(number), "%s %s", what, path);
}

apr_uint64_t kz_seal__slot(apr_uint64_t index)
{
    return KZ_SEAL_HEADER + index * KZ_SEAL_STRIDE;
}

kz_err_t *kz_seal__pread(int fd, void *buffer, size_t len, apr_uint64_t offset)
{
    unsigned char *to = buffer;

    while (len > 0) {
        ssize_t got = pread(fd, to, len, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return kz_seal__io_error(errno, "reading", "a spool file");
        if (got == 0)
            return kz_err_create(KZ_ERR_SEAL, "a spool file ends early");
        to += got;
        len -= (size_t)got;
        offset += (apr_uint64_t)got;
    }
    return NULL;
}

kz_err_t *kz_seal__pwrite(int fd, const void *buffer, size_t len, apr_uint64_t offset)
{
    const unsigned char *from = buffer;

    while (len > 0) {
        ssize_t put = pwrite(fd, from, len, (off_t)offset);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return kz_seal__io_error(errno, "writing", "a spool file");
        from += put;
        len -= (size_t)put;
        offset += (apr_uint64_t)put;
    }
    return NULL;
}

static apr_status_t fd_close(void *fd)
{
    close((int)(intptr_t)fd);
    return APR_SUCCESS;
}

static apr_status_t plain_wipe(void *plain)
{
    sodium_memzero(plain, KZ_SEAL_CHUNK + KZ_SEAL_STRIDE);
    return APR_SUCCESS;
}

static kz_err_t *file_open(kz_seal__spool_t *spool, int lock)
{
    const char *path = spool->path;
    kz_seal_state_t state;

    spool->fd =
        open(path, (lock == LOCK_SH ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    if (spool->fd < 0)
        return kz_seal__io_error(errno, "opening", path);
    apr_pool_cleanup_register(spool->pool, (void *)(intptr_t)spool->fd, fd_close,
                              apr_pool_cleanup_null);
    if (flock(spool->fd, lock | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? kz_err_create(KZ_ERR_LOCKED, "%s is being written to", path)
                                    : kz_seal__io_error(errno, "locking", path);
    KZ_TRY(kz_err_wrap(kz_seal__pread(spool->fd, spool->header, KZ_SEAL_HEADER, 0), "%s", path));
    return kz_err_wrap(kz_seal__clear_check(&state, spool->header), "%s", path);
}

kz_err_t *kz_seal__spool_open(kz_seal__spool_t *spool, const char *path, int lock,
                              const kz_seal_key_t *key, const char *document, apr_pool_t *pool)
{
    *spool = (kz_seal__spool_t){.pool = pool, .path = apr_pstrdup(pool, path)};
    spool->header = apr_palloc(pool, KZ_SEAL_HEADER);
    spool->plain = apr_palloc(pool, KZ_SEAL_CHUNK + KZ_SEAL_STRIDE);
    spool->sealed = spool->plain + KZ_SEAL_CHUNK; /* opened in its place, too */
    apr_pool_cleanup_register(pool, spool->plain, plain_wipe, apr_pool_cleanup_null);
    KZ_TRY(file_open(spool, lock));
    KZ_TRY(kz_seal__cipher_create(&spool->opener, key, document, KZ_SEAL_OPEN, pool));
    KZ_TRY(kz_seal__cipher_create(&spool->sealer, key, document, KZ_SEAL_SEAL, pool));
    return kz_err_wrap(kz_seal__tail_find(spool), "%s", path);
}

kz_err_t *kz_seal__folder_flush(const char *path, apr_pool_t *scratch_pool)
{
    const char *slash = strrchr(path, '/');
    const char *folder =
        slash ? apr_pstrmemdup(scratch_pool, path, (apr_size_t)(slash - path + 1)) : ".";
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    kz_err_t *err = NULL;

    if (fd < 0 || fsync(fd) != 0)
        err = kz_seal__io_error(errno, "flushing", folder);
    if (fd >= 0)
        close(fd);
    return err;
}
