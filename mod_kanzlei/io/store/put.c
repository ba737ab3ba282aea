/* Putting an object to all stores of a set, in one step or in two. */
#include "base/log.h"
#include "io/store/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sodium.h>

struct kz_stores_write_t {
    kz_stores_t *stores;
    kz_store__job_t *job; /* NULL: over */
    apr_pool_t *pool;
};

/* The error of a write that too few stores took: what the first of them said, and whether any of
 * them holds other bytes. */
static kz_err_t *too_few(kz_err_t *const *errs, const kz_stores_t *stores, int held)
{
    kz_err_code_t code = KZ_ERR_STORE_DOWN;
    const char *detail = "";
    int i;

    for (i = stores->count - 1; i >= 0; i--) {
        if (!errs[i])
            continue;
        detail = kz_err_detail(errs[i]);
        if (kz_err_code(errs[i]) == KZ_ERR_CONFLICT)
            code = KZ_ERR_CONFLICT;
    }
    return kz_err_create(code, "%d of %d stores have it, %d must: %s", held, stores->count,
                         stores->quorum, detail);
}

/* Which of them hold it; ends ERRS. What a store missed is put there by a job. */
static kz_err_t *count_held(unsigned char *held, kz_err_t **errs, const kz_stores_t *stores)
{
    kz_err_t *err = NULL;
    int i, count = 0;

    for (i = 0; i < stores->count; i++) {
        held[i] = !errs[i];
        count += !errs[i];
    }
    if (count < stores->quorum)
        err = too_few(errs, stores, count);
    for (i = 0; i < stores->count; i++)
        kz_log_err(KZ_LOG_INFO, KZ_LOGNO(0010) "a store missed an object: ", errs[i]);
    return err;
}

static unsigned all_of(const kz_stores_t *stores)
{
    return (1U << stores->count) - 1;
}

kz_err_t *kz_stores_put(unsigned char *held, kz_stores_t *stores, const char *key, int fd,
                        apr_uint64_t size, apr_time_t deadline)
{
    kz_store__write_t write = {.key = key, .fd = fd, .size = size, .deadline = deadline};
    kz_err_t *errs[KZ_STORES_MAX] = {NULL};

    memset(held, 0, (size_t)stores->count);
    KZ_TRY(kz_store_key_check(key));
    KZ_TRY(kz_store__write(errs, stores, all_of(stores), stores->quorum, &write));
    return count_held(held, errs, stores);
}

/* --- a trial --- */

static kz_err_t *write_probe(kz_stores_t *stores, int index, kz_store__write_t *probe)
{
    kz_err_t *errs[KZ_STORES_MAX] = {NULL};

    probe->fd = memfd_create("probe", MFD_CLOEXEC);
    if (probe->fd < 0 || write(probe->fd, "x", 1) != 1) {
        errs[index] = kz_store__io_error(errno, "preparing", probe->key);
    } else {
        kz_err_t *err = kz_store__write(errs, stores, 1U << index, 1, probe);

        errs[index] = err ? err : errs[index];
    }
    if (probe->fd >= 0)
        close(probe->fd);
    return errs[index];
}

kz_err_t *kz_stores_try(kz_stores_t *stores, int index, apr_time_t deadline,
                        apr_pool_t *scratch_pool)
{
    kz_store__ask_t gone = {.key = KZ_STORE_PROBE, .deadline = deadline};
    kz_store__write_t probe = {.key = gone.key, .size = 1, .deadline = deadline};
    unsigned char random[16];
    kz_store__one_t *one;

    (void)scratch_pool;
    KZ_TRY(kz_store__arguments(stores, index, NULL));
    one = stores->one[index];
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(gone.key + strlen(gone.key), 33, random, sizeof random);
    KZ_TRY(write_probe(stores, index, &probe));
    return kz_store__note(one, kz_store__ask(one, kz_store__remove_there, &gone));
}

/* --- in two steps --- */

static apr_status_t drop_cleanup(void *baton)
{
    kz_stores_drop(baton);
    return APR_SUCCESS;
}

kz_err_t *kz_stores_begin(kz_stores_write_t **write, kz_stores_t *stores,
                          const kz_store_source_t *source, apr_time_t deadline, apr_pool_t *pool)
{
    kz_store__write_t staged = {.key = source->key,
                                .fd = source->fd,
                                .size = source->size,
                                .given = source->given,
                                .staged = 1,
                                .deadline = deadline};
    kz_stores_write_t *made = apr_palloc(pool, sizeof *made);

    KZ_TRY(kz_store_key_check(source->key));
    made->stores = stores;
    made->pool = pool;
    KZ_TRY(kz_store__write_begin(&made->job, stores, all_of(stores), &staged));
    apr_pool_cleanup_register(pool, made, drop_cleanup, apr_pool_cleanup_null);
    *write = made;
    return NULL;
}

static void write_end(kz_err_t **errs, kz_stores_write_t *write, int quorum, kz_store__gate_t gate,
                      apr_time_t deadline)
{
    apr_pool_cleanup_kill(write->pool, write, drop_cleanup);
    kz_store__write_end(errs, write->job, write->stores, quorum, gate, deadline);
    write->job = NULL;
}

kz_err_t *kz_stores_settle(unsigned char *held, kz_stores_write_t *write, apr_time_t deadline)
{
    kz_err_t *errs[KZ_STORES_MAX] = {NULL};

    write_end(errs, write, write->stores->quorum, KZ_STORE_OPEN, deadline);
    return count_held(held, errs, write->stores);
}

void kz_stores_drop(kz_stores_write_t *write)
{
    kz_err_t *errs[KZ_STORES_MAX] = {NULL};
    int i;

    if (!write->job)
        return;
    write_end(errs, write, KZ_STORES_MAX + 1, KZ_STORE_DROPPED,
              kz_clock_now() + write->stores->grace);
    for (i = 0; i < write->stores->count; i++)
        kz_err_expected(errs[i]); /* nobody wants the object any more */
}
