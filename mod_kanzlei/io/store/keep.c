/* Keeps the stores alike: replaces, removes, lists and sweeps objects. */
#include "base/log.h"
#include "io/store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#define BUFFER 65536

/* A pool for one call, in memory of its own. */
static kz_err_t *own_pool(apr_pool_t **pool)
{
    *pool = NULL;
    if (apr_pool_create_unmanaged_ex(pool, NULL, NULL) != APR_SUCCESS)
        return kz_err_create(KZ_ERR_INTERNAL, "no memory for a pool");
    return NULL;
}

kz_err_t *kz_stores_head(apr_uint64_t *size, kz_stores_t *stores, int index, const char *key,
                         apr_time_t deadline, apr_pool_t *scratch_pool)
{
    kz_store__one_t *one;
    kz_err_t *err;

    KZ_TRY(kz_store__arguments(stores, index, key));
    one = stores->one[index];
    err = kz_store__verify(one, deadline, scratch_pool);
    if (!err)
        err = one->driver->head(size, one->instance, key, deadline, scratch_pool);
    return kz_store__note(one, err);
}

kz_err_t *kz_stores_same(int *same, kz_stores_t *stores, int one, int other, const char *key)
{
    const kz_store__one_t *a, *b;
    unsigned char ids[2][KZ_STORE_IDENTITY];

    *same = 0;
    KZ_TRY(kz_store__arguments(stores, one, key));
    KZ_TRY(kz_store__arguments(stores, other, key));
    a = stores->one[one];
    b = stores->one[other];
    if (a->driver != b->driver || !a->driver->identify)
        return NULL;
    KZ_TRY(a->driver->identify(ids[0], a->instance, key));
    KZ_TRY(b->driver->identify(ids[1], b->instance, key));
    *same = memcmp(ids[0], ids[1], sizeof ids[0]) == 0;
    return NULL;
}

/* --- replacement --- */

static kz_err_t *spool_open(int *fd, const char *spool, apr_pool_t *pool)
{
    char *name = apr_pstrcat(pool, spool, "/repair-XXXXXX", NULL);

    *fd = open(spool, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (*fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT)) {
        *fd = mkostemp(name, O_CLOEXEC);
        if (*fd >= 0)
            unlink(name);
    }
    return *fd < 0 ? kz_store__io_error(errno, "a temporary file in", spool) : NULL;
}

static kz_err_t *spool_fill(int fd, kz_store_object_t *object, apr_time_t deadline,
                            apr_pool_t *pool)
{
    char *buffer = apr_palloc(pool, BUFFER);
    apr_uint64_t offset = 0, size = kz_store__size(object);

    while (offset < size) {
        size_t len = BUFFER, done = 0;

        KZ_TRY(kz_store__in_time(deadline));
        KZ_TRY(kz_stores_read(object, offset, buffer, &len));
        if (len == 0)
            return kz_err_create(KZ_ERR_STORE_DOWN, "an object ends early");
        while (done < len) {
            ssize_t put = pwrite(fd, buffer + done, len - done, (off_t)(offset + done));

            if (put < 0 && errno != EINTR)
                return kz_store__io_error(errno, "writing", "a temporary file");
            done += put > 0 ? (size_t)put : 0;
        }
        offset += len;
    }
    return NULL;
}

/* Where a copy comes from, goes to, and how. */
typedef struct transfer_t {
    int from, to;
    const char *spool;
    kz_store__write_t write;
} transfer_t;

static kz_err_t *transfer_via(kz_stores_t *stores, transfer_t *transfer, apr_pool_t *pool)
{
    kz_err_t *errs[KZ_STORES_MAX] = {0};
    kz_store__write_t *write = &transfer->write;
    kz_store_object_t *object;

    KZ_TRY(
        kz_store__open(&object, stores, 1U << transfer->from, write->key, write->deadline, pool));
    KZ_TRY(spool_fill(write->fd, object, write->deadline, pool));
    write->size = kz_store__size(object);
    KZ_TRY(kz_store__write(errs, stores, 1U << transfer->to, 1, write));
    return errs[transfer->to];
}

static kz_err_t *transfer_do(kz_stores_t *stores, transfer_t *transfer, apr_pool_t *pool)
{
    kz_err_t *err;

    KZ_TRY(spool_open(&transfer->write.fd, transfer->spool, pool));
    err = transfer_via(stores, transfer, pool);
    close(transfer->write.fd);
    return err;
}

kz_err_t *kz_stores_replace(kz_stores_t *stores, int index, int from, const char *key,
                            const char *spool, apr_time_t deadline)
{
    transfer_t transfer = {
        .from = from,
        .to = index,
        .spool = spool,
        .write = {.key = key, .deadline = deadline, .replace = 1},
    };
    apr_pool_t *pool;
    kz_err_t *err;

    KZ_TRY(kz_store__arguments(stores, index, key));
    if (from < 0 || from >= stores->count || from == index)
        return kz_err_create(KZ_ERR_INVALID, "store %d can't mend store %d", from, index);
    KZ_TRY(own_pool(&pool));
    err = transfer_do(stores, &transfer, pool);
    apr_pool_destroy(pool);
    return err;
}

/* --- removal and sweeping --- */

typedef kz_err_t *(*each_store_t)(const kz_store__one_t *one, const char *key, apr_time_t deadline,
                                  apr_pool_t *scratch_pool);

static kz_err_t *for_each(kz_stores_t *stores, each_store_t call, const char *key,
                          apr_time_t deadline, apr_pool_t *scratch_pool)
{
    kz_err_t *first = NULL;
    int i;

    for (i = 0; i < stores->count; i++) {
        kz_store__one_t *one = stores->one[i];
        kz_err_t *err = kz_store__verify_anew(one, deadline, scratch_pool);

        if (!err)
            err = call(one, key, deadline, scratch_pool);
        err = kz_store__note(one, err);
        first = kz_log_second(first, err);
    }
    return first;
}

static kz_err_t *remove_one(const kz_store__one_t *one, const char *key, apr_time_t deadline,
                            apr_pool_t *scratch_pool)
{
    return one->driver->remove(one->instance, key, deadline, scratch_pool);
}

static kz_err_t *sweep_one(const kz_store__one_t *one, const char *key, apr_time_t deadline,
                           apr_pool_t *scratch_pool)
{
    apr_time_t before = key ? INT64_MAX : apr_time_now() - KZ_STORE_LEFTOVER;

    if (!one->driver->sweep)
        return NULL;
    return one->driver->sweep(one->instance, key, before, deadline, scratch_pool);
}

kz_err_t *kz_stores_remove(kz_stores_t *stores, const char *key, apr_time_t deadline,
                           apr_pool_t *scratch_pool)
{
    KZ_TRY(kz_store_key_check(key));
    return for_each(stores, remove_one, key, deadline, scratch_pool);
}

kz_err_t *kz_stores_sweep(kz_stores_t *stores, apr_time_t deadline, apr_pool_t *scratch_pool)
{
    return for_each(stores, sweep_one, NULL, deadline, scratch_pool);
}

kz_err_t *kz_stores_sweep_key(kz_stores_t *stores, const char *key, apr_time_t deadline,
                              apr_pool_t *scratch_pool)
{
    KZ_TRY(kz_store_key_check(key));
    return for_each(stores, sweep_one, key, deadline, scratch_pool);
}

/* --- listing --- */

typedef struct listing_t {
    kz_store_list_fn each;
    void *baton;
    kz_err_t *stopped; /* the caller's own error: none of the store's */
} listing_t;

static kz_err_t *list_each(void *baton, const char *key, apr_uint64_t size)
{
    listing_t *listing = baton;

    if (strcmp(key, KZ_STORE_MARKER) == 0 ||
        strncmp(key, KZ_STORE_PROBE, strlen(KZ_STORE_PROBE)) == 0)
        return NULL;
    listing->stopped = listing->each(listing->baton, key, size);
    return listing->stopped;
}

kz_err_t *kz_stores_list(kz_stores_t *stores, int index, const char *prefix, kz_store_list_fn each,
                         void *baton, apr_time_t deadline)
{
    listing_t listing = {.each = each, .baton = baton};
    kz_store__one_t *one;
    apr_pool_t *pool;
    kz_err_t *err;

    KZ_TRY(kz_store__arguments(stores, index, NULL));
    KZ_TRY(own_pool(&pool));
    one = stores->one[index];
    err = kz_store__verify_anew(one, deadline, pool);
    if (!err)
        err = one->driver->list(one->instance, prefix, list_each, &listing, deadline, pool);
    apr_pool_destroy(pool);
    return listing.stopped ? err : kz_store__note(one, err);
}
