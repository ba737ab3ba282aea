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

/* What a call about KEY needs. KEY was checked: it fits. */
static kz_store__ask_t ask_about(const char *key, apr_time_t deadline)
{
    kz_store__ask_t what = {.deadline = deadline};

    apr_cpystrn(what.key, key, sizeof what.key);
    return what;
}

static kz_err_t *head_there(kz_store__one_t *one, kz_store__ask_t *what, apr_pool_t *pool)
{
    KZ_TRY(kz_store__verify(one, what->deadline, pool));
    return one->driver->head(&what->size, one->instance, what->key, what->deadline, pool);
}

kz_err_t *kz_stores_head(apr_uint64_t *size, kz_stores_t *stores, int index, const char *key,
                         apr_time_t deadline, apr_pool_t *scratch_pool)
{
    kz_store__ask_t what;
    kz_err_t *err;

    (void)scratch_pool;
    KZ_TRY(kz_store__arguments(stores, index, key));
    what = ask_about(key, deadline);
    err = kz_store__ask(stores->one[index], head_there, &what);
    *size = what.size;
    return kz_store__note(stores->one[index], err);
}

static kz_err_t *identify_there(kz_store__one_t *one, kz_store__ask_t *what, apr_pool_t *pool)
{
    (void)pool;
    return one->driver->identify(what->id, one->instance, what->key);
}

kz_err_t *kz_stores_same(int *same, kz_stores_t *stores, int one, int other, const char *key)
{
    kz_store__one_t *a, *b;
    kz_store__ask_t at_a, at_b;

    *same = 0;
    KZ_TRY(kz_store__arguments(stores, one, key));
    KZ_TRY(kz_store__arguments(stores, other, key));
    a = stores->one[one];
    b = stores->one[other];
    if (a->driver != b->driver || !a->driver->identify)
        return NULL;
    at_a = at_b = ask_about(key, kz_clock_now() + KZ_STORE_READ_TIMEOUT);
    KZ_TRY(kz_store__ask(a, identify_there, &at_a));
    KZ_TRY(kz_store__ask(b, identify_there, &at_b));
    *same = memcmp(at_a.id, at_b.id, sizeof at_a.id) == 0;
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

static kz_err_t *for_each(kz_stores_t *stores, kz_store__ask_fn ask, const kz_store__ask_t *about)
{
    kz_err_t *first = NULL;
    int i;

    for (i = 0; i < stores->count; i++) {
        kz_store__ask_t what = *about;
        kz_err_t *err = kz_store__ask(stores->one[i], ask, &what);

        first = kz_log_second(first, kz_store__note(stores->one[i], err));
    }
    return first;
}

kz_err_t *kz_store__remove_there(kz_store__one_t *one, kz_store__ask_t *what, apr_pool_t *pool)
{
    KZ_TRY(kz_store__verify_anew(one, what->deadline, pool));
    KZ_TRY(kz_store__in_time(what->deadline)); /* nobody may want that any more */
    return one->driver->remove(one->instance, what->key, what->deadline, pool);
}

static kz_err_t *sweep_there(kz_store__one_t *one, kz_store__ask_t *what, apr_pool_t *pool)
{
    KZ_TRY(kz_store__verify_anew(one, what->deadline, pool));
    if (!one->driver->sweep)
        return NULL;
    return one->driver->sweep(one->instance, *what->key ? what->key : NULL, what->before,
                              what->deadline, pool);
}

kz_err_t *kz_stores_remove(kz_stores_t *stores, const char *key, apr_time_t deadline,
                           apr_pool_t *scratch_pool)
{
    kz_store__ask_t what;

    (void)scratch_pool;
    KZ_TRY(kz_store_key_check(key));
    what = ask_about(key, deadline);
    return for_each(stores, kz_store__remove_there, &what);
}

kz_err_t *kz_stores_sweep(kz_stores_t *stores, apr_time_t deadline, apr_pool_t *scratch_pool)
{
    kz_store__ask_t what = ask_about("", deadline);

    (void)scratch_pool;
    what.before = apr_time_now() - KZ_STORE_LEFTOVER;
    return for_each(stores, sweep_there, &what);
}

kz_err_t *kz_stores_sweep_key(kz_stores_t *stores, const char *key, apr_time_t deadline,
                              apr_pool_t *scratch_pool)
{
    kz_store__ask_t what;

    (void)scratch_pool;
    KZ_TRY(kz_store_key_check(key));
    what = ask_about(key, deadline);
    what.before = INT64_MAX;
    return for_each(stores, sweep_there, &what);
}
