/* Memory for keys: sodium_malloc (guarded, locked where allowed, not in core dumps), wiped and
 * freed with a pool. */
#ifndef KZ_BASE_SECRET_H
#define KZ_BASE_SECRET_H

#include <stddef.h>

#include <apr_pools.h>

#include "base/err.h"

/* SIZE bytes of secret memory, zeroed; never NULL without an error. Lives as long as POOL. */
kz_err_t *kz_secret_alloc(void **secret, size_t size, apr_pool_t *pool);

/* Locks SIZE bytes at SECRET in this process's memory, after a fork: mlock(2) is not inherited
 * (MADV_DONTDUMP is). Like kz_secret_alloc() it leaves them unlocked where locking is not allowed,
 * and logs that, once in a process. Called before there are other threads. */
void kz_secret_lock(const void *secret, size_t size);

/* Reads exactly SIZE bytes from the file at PATH, which must be readable by its owner alone
 * (mode 0600 or 0400). Errors: CONFIG. */
kz_err_t *kz_secret_read(void **secret, size_t size, const char *path, apr_pool_t *pool);

#endif
