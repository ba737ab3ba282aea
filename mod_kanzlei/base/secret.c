#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_errno.h>
#include <sodium.h>

#include "base/log.h"

static apr_status_t wipe(void *secret)
{
    sodium_free(secret);
    return APR_SUCCESS;
}

kz_err_t *kz_secret_alloc(void **secret, size_t size, apr_pool_t *pool)
{
    /* Harmless when repeated; without it sodium_malloc ends the process. */
    *secret = sodium_init() < 0 ? NULL : sodium_malloc(size);
    if (!*secret)
        return kz_err_create(KZ_ERR_INTERNAL, "no locked memory for a key of %zu bytes", size);
    sodium_memzero(*secret, size);
    apr_pool_cleanup_register(pool, *secret, wipe, apr_pool_cleanup_null);
    return NULL;
}

void kz_secret_lock(const void *secret, size_t size)
{
    static int told;

    if (sodium_mlock((void *)(uintptr_t)secret, size) == 0 || told)
        return;
    told = 1;
    KZ_LOG(KZ_LOG_WARNING,
           KZ_LOGNO(0043) "keys may be swapped out, as memory can't be locked: %s; raise "
                          "RLIMIT_MEMLOCK (systemd: LimitMEMLOCK)",
           strerror(errno));
}

kz_err_t *kz_secret_read(void **secret, size_t size, const char *path, apr_pool_t *pool)
{
    struct stat info;
    kz_err_t *err = NULL;
    unsigned char extra;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return kz_err_status(KZ_ERR_CONFIG, APR_FROM_OS_ERROR(errno), "%s", path);
    if (fstat(fd, &info) != 0 || (info.st_mode & 077) != 0 || !S_ISREG(info.st_mode))
        err = kz_err_create(KZ_ERR_CONFIG, "%s must be a file that its owner alone may read", path);
    else
        err = kz_secret_alloc(secret, size, pool);
    if (!err && (read(fd, *secret, size) != (ssize_t)size || read(fd, &extra, 1) != 0))
        err = kz_err_create(KZ_ERR_CONFIG, "%s must hold exactly %zu bytes", path, size);
    close(fd);
    return err;
}
