/* Object stores: one driver interface, and the set of all configured stores with its write quorum.
 * Objects are opaque sealed bytes under a key ("<firm>/<first two of document>/<document>/<version>",
 * characters [a-z0-9/-], at most 200); an object is never overwritten. */
#ifndef KZ_IO_STORE_H
#define KZ_IO_STORE_H

#include <stddef.h>

#include <apr_pools.h>
#include <apr_time.h>

#include "base/err.h"

typedef struct kz_store_t kz_store_t;
typedef struct kz_store_object_t kz_store_object_t; /* an open object, for ranged reads */
typedef struct kz_stores_t kz_stores_t;             /* the set */

/* Called for each key, in order; an error ends the listing and is returned. */
typedef kz_err_t *(*kz_store_list_fn)(void *baton, const char *key, apr_uint64_t size);

/* What a driver does. Every call returns by DEADLINE (absolute). NOT_FOUND where there is no such
 * object, CONFLICT where put finds the key taken by other bytes (same size and content is success:
 * put is repeatable), STORE_DOWN for everything that another try may mend, NO_SPACE. */
typedef struct kz_store_driver_t {
    const char *scheme; /* "dir" */
    kz_err_t *(*open)(void **driver, const char *rest_of_url, apr_pool_t *pool);
    kz_err_t *(*put)(void *driver, const char *key, int fd, apr_uint64_t size, apr_time_t deadline,
                     apr_pool_t *scratch_pool);
    kz_err_t *(*get)(void **object, apr_uint64_t *size, void *driver, const char *key,
                     apr_time_t deadline, apr_pool_t *pool);
    kz_err_t *(*read)(void *object, apr_uint64_t offset, void *buffer, size_t *len,
                      apr_time_t deadline);
    kz_err_t *(*head)(apr_uint64_t *size, void *driver, const char *key, apr_time_t deadline,
                      apr_pool_t *scratch_pool);
    kz_err_t *(*remove)(void *driver, const char *key, apr_time_t deadline, /* absent: success */
                        apr_pool_t *scratch_pool);
    kz_err_t *(*list)(void *driver, const char *prefix, kz_store_list_fn each, void *baton,
                      apr_time_t deadline, apr_pool_t *scratch_pool);
} kz_store_driver_t;

/* --- the set ------------------------------------------------------------------------------------ */

/* Opens COUNT stores by URL ("dir:/var/lib/kanzleipost/store-1"); NAMES are short words that
 * object_copy rows name a store by. A write needs QUORUM of them. Checks (and on first use, writes)
 * the marker object "kanzleipost-installation" with INSTALLATION (a UUID): a store that belongs to
 * another installation is refused with CONFIG; a store that can't be reached is no error. */
kz_err_t *kz_stores_open(kz_stores_t **stores, const char *const *names, const char *const *urls,
                         int count, int quorum, const char *installation, apr_pool_t *pool);
int kz_stores_count(const kz_stores_t *stores);
const char *kz_stores_name(const kz_stores_t *stores, int index);

/* Puts the object to all stores at once (a thread each), from FD's start. HELD[i] becomes 1 where
 * store i has it. Errors: STORE_DOWN when fewer than the quorum do; HELD is valid then too. */
kz_err_t *kz_stores_put(unsigned char *held, kz_stores_t *stores, const char *key, int fd,
                        apr_uint64_t size, apr_time_t deadline, apr_pool_t *scratch_pool);

/* Opens the object at the first healthy store that has it; a read that fails goes on at the next
 * store, at the same offset, unseen by the caller. Errors: NOT_FOUND when every store answered and
 * none has it, STORE_DOWN. */
kz_err_t *kz_stores_get(kz_store_object_t **object, apr_uint64_t *size, kz_stores_t *stores,
                        const char *key, apr_time_t deadline, apr_pool_t *pool);
/* Fits kz_seal_source_t (baton: the object). Each call waits at most the set's read time-out. */
kz_err_t *kz_stores_read(void *object, apr_uint64_t offset, void *buffer, size_t *len);

/* For repair and checks: one store of the set, by index. */
kz_err_t *kz_stores_get_from(kz_store_object_t **object, apr_uint64_t *size, kz_stores_t *stores,
                             int index, const char *key, apr_time_t deadline, apr_pool_t *pool);
kz_err_t *kz_stores_head(apr_uint64_t *size, kz_stores_t *stores, int index, const char *key,
                         apr_time_t deadline, apr_pool_t *scratch_pool);
/* Copies the object from whichever other store has it whole to store INDEX, through a temporary
 * file in SPOOL (sealed bytes). */
kz_err_t *kz_stores_repair(kz_stores_t *stores, int index, const char *key, const char *spool,
                           apr_time_t deadline, apr_pool_t *scratch_pool);
/* Replaces what store INDEX holds under KEY, known to be damaged, by another store's copy. */
kz_err_t *kz_stores_replace(kz_stores_t *stores, int index, const char *key, const char *spool,
                            apr_time_t deadline, apr_pool_t *scratch_pool);
/* Removes the object from every store; all are tried, the first error is returned. */
kz_err_t *kz_stores_remove(kz_stores_t *stores, const char *key, apr_time_t deadline,
                           apr_pool_t *scratch_pool);
kz_err_t *kz_stores_list(kz_stores_t *stores, int index, const char *prefix, kz_store_list_fn each,
                         void *baton, apr_time_t deadline, apr_pool_t *scratch_pool);

#endif
