#include "base/log.h"
#include "io/store/internal.h"

#include <string.h>

#include <apr_strings.h>

struct kz_store_object_t {
    kz_stores_t *stores;
    const char *key;
    unsigned left;    /* stores not tried yet, or left because they were slow */
    unsigned missed;  /* those that have no such object */
    int index;        /* the store that is read from, -1: none */
    apr_pool_t *pool; /* the object's */
    apr_pool_t *own;  /* of the object open at that store, unmanaged; NULL: none */
    void *handle;     /* the driver's */
    void *buffer;     /* of reads, in OWN; NULL: not yet */
    size_t room;      /* bytes of it */
    apr_uint64_t size;
    int sized; /* SIZE is known: another store's copy must have it, too */
};

/* The next store to ask: the first that is well, or else the first. -1 if none is left. */
static int choose(const kz_store_object_t *object)
{
    int i, spare = -1;

    for (i = 0; i < object->stores->count; i++) {
        if (!(object->left & 1U << i))
            continue;
        if (!kz_store__shunned(object->stores->one[i]))
            return i;
        if (spare < 0)
            spare = i;
    }
    return spare;
}

/* How long a store may take: half of the time while there is another one, which gets the rest. */
static apr_time_t share_of(const kz_store_object_t *object, apr_time_t deadline)
{
    apr_time_t now = kz_clock_now();

    return choose(object) < 0 || deadline <= now ? deadline : now + (deadline - now) / 2;
}

static void leave(kz_store_object_t *object)
{
    if (object->own)
        apr_pool_destroy(object->own);
    object->own = NULL;
    object->index = -1;
}

static apr_status_t object_close(void *object)
{
    leave(object);
    return APR_SUCCESS;
}

/* ERR as it is to be told: a store in whose place there is another one misses nothing. */
static kz_err_t *is_missing(kz_store__one_t *one, kz_store__ask_t *what, kz_err_t *err,
                            apr_pool_t *pool)
{
    kz_err_t *foreign = kz_store__verify_anew(one, what->deadline, pool);

    if (!foreign) {
        what->missed = 1;
        return err;
    }
    kz_err_expected(err); /* it can't be known */
    return foreign;
}

static kz_err_t *open_there(kz_store__one_t *one, kz_store__ask_t *what, apr_pool_t *pool)
{
    kz_err_t *err = kz_store__verify(one, what->deadline, pool);

    if (!err)
        err = one->driver->get(&what->handle, &what->size, one->instance, what->key, what->deadline,
                               pool);
    if (err && kz_err_code(err) == KZ_ERR_NOT_FOUND)
        err = is_missing(one, what, err, pool);
    return err;
}

/* Asks ONE with the pool of the object that is open there, which is lost with a store that hangs.
 */
static kz_err_t *ask_object(kz_store_object_t *object, kz_store__one_t *one, kz_store__ask_fn ask,
                            kz_store__ask_t *what)
{
    kz_store__call_t *call;

    KZ_TRY(kz_store__ask_begin(&call, one, ask, what, object->own));
    return kz_store__ask_end(&object->own, what, call, what->deadline);
}

static kz_err_t *open_at(kz_store_object_t *object, int index, apr_time_t deadline)
{
    kz_store__one_t *one = object->stores->one[index];
    kz_store__ask_t what = {.deadline = deadline};
    apr_time_t start = kz_clock_now();
    kz_err_t *err;

    leave(object);
    apr_cpystrn(what.key, object->key, sizeof what.key);
    err = ask_object(object, one, open_there, &what);
    if (!err && object->sized && what.size != object->size)
        err = kz_err_create(KZ_ERR_STORE_CORRUPT, "%s is of another size", object->key);
    object->missed |= what.missed ? 1U << index : 0;
    err = kz_store__note(one, err);
    KZ_TIME(STORE_OPEN, start);
    kz_store__slow(one, kz_clock_now() - start);
    if (err) {
        leave(object);
        return err;
    }
    object->index = index;
    object->handle = what.handle;
    object->buffer = NULL;
    object->size = what.size;
    object->sized = 1;
    return NULL;
}

/* Opens the object at the next store that has it. Errors: NOT_FOUND if all that were asked said so,
 * else STORE_DOWN. */
static kz_err_t *open_next(kz_store_object_t *object, apr_time_t deadline)
{
    kz_err_t *worst = NULL;
    int index;

    while ((index = choose(object)) >= 0) {
        kz_err_t *err;

        object->left &= ~(1U << index);
        err = open_at(object, index, share_of(object, deadline));
        if (!err) {
            kz_log_err(KZ_LOG_INFO, KZ_LOGNO(0012) "read from the next store: ", worst);
            return NULL;
        }
        if (kz_err_code(err) == KZ_ERR_NOT_FOUND)
            kz_err_expected(err); /* it missed the object: the next one is asked */
        else
            worst = kz_log_second(worst, err);
    }
    if (!worst)
        return kz_err_create(KZ_ERR_NOT_FOUND, "no store has %s", object->key);
    if (kz_err_code(worst) != KZ_ERR_STORE_DOWN) {
        kz_err_t *down = kz_err_create(KZ_ERR_STORE_DOWN, "%s", kz_err_detail(worst));

        kz_err_free(worst);
        return down;
    }
    return worst;
}

kz_err_t *kz_store__open(kz_store_object_t **object, kz_stores_t *stores, unsigned mask,
                         const char *key, apr_time_t deadline, apr_pool_t *pool)
{
    kz_store_object_t *made = apr_pcalloc(pool, sizeof *made);

    KZ_TRY(kz_store_key_check(key));
    made->stores = stores;
    made->key = apr_pstrdup(pool, key);
    made->left = mask & ((1U << stores->count) - 1);
    made->index = -1;
    made->pool = pool;
    apr_pool_cleanup_register(pool, made, object_close, apr_pool_cleanup_null);
    KZ_TRY(open_next(made, deadline));
    *object = made;
    return NULL;
}

apr_uint64_t kz_store__size(const kz_store_object_t *object)
{
    return object->size;
}

kz_err_t *kz_stores_get(kz_store_object_t **object, apr_uint64_t *size, kz_stores_t *stores,
                        const char *key, apr_time_t deadline, apr_pool_t *pool)
{
    KZ_TRY(kz_store__open(object, stores, ~0U, key, deadline, pool));
    *size = (*object)->size;
    return NULL;
}

kz_err_t *kz_stores_get_from(kz_store_object_t **object, apr_uint64_t *size, kz_stores_t *stores,
                             int index, const char *key, apr_pool_t *pool)
{
    apr_time_t deadline = kz_clock_now() + KZ_STORE_READ_TIMEOUT;

    KZ_TRY(kz_store__arguments(stores, index, key));
    KZ_TRY(kz_store__open(object, stores, 1U << index, key, deadline, pool));
    *size = (*object)->size;
    return NULL;
}

int kz_stores_source(const kz_store_object_t *object)
{
    return object->index;
}

int kz_stores_missed(const kz_store_object_t *object, int index)
{
    return (object->missed & 1U << index) != 0;
}

kz_err_t *kz_stores_next(kz_store_object_t *object)
{
    kz_err_t *err;

    leave(object);
    err = open_next(object, kz_clock_now() + KZ_STORE_READ_TIMEOUT);
    if (err && kz_err_code(err) == KZ_ERR_NOT_FOUND) {
        kz_err_expected(err);
        return kz_err_create(KZ_ERR_STORE_CORRUPT, "no store has a good copy of %s", object->key);
    }
    return err;
}

static kz_err_t *read_there(kz_store__one_t *one, kz_store__ask_t *what, apr_pool_t *pool)
{
    (void)pool;
    return one->driver->read(what->handle, what->offset, what->buffer, &what->len, what->deadline);
}

/* Reads into memory that belongs to the call, not to the caller. */
static kz_err_t *read_here(kz_store_object_t *object, apr_uint64_t offset, void *buffer,
                           size_t *len, apr_time_t deadline)
{
    kz_store__ask_t what = {.deadline = deadline, .offset = offset, .len = *len};
    kz_store__one_t *one;
    apr_time_t start = kz_clock_now();
    kz_err_t *err;

    if (object->index < 0)
        return kz_err_create(KZ_ERR_STORE_DOWN, "no store is left that gives %s", object->key);
    one = object->stores->one[object->index];
    if (!object->buffer || object->room < *len) {
        object->buffer = apr_palloc(object->own, *len);
        object->room = *len;
    }
    what.handle = object->handle;
    what.buffer = object->buffer;
    err = ask_object(object, one, read_there, &what);
    if (!err) {
        memcpy(buffer, what.buffer, what.len);
        *len = what.len;
    }
    KZ_TIME(STORE_READ, start);
    kz_store__slow(one, kz_clock_now() - start);
    return err ? kz_store__note(one, err) : NULL;
}

/* Leaves a store that has become slow, if another one is well. */
static void leave_slow(kz_store_object_t *object, apr_time_t deadline)
{
    int slow = object->index, other;
    kz_err_t *err;

    if (slow < 0 || !kz_store__shunned(object->stores->one[slow]))
        return;
    other = choose(object);
    if (other < 0 || kz_store__shunned(object->stores->one[other]))
        return;
    object->left &= ~(1U << other);
    err = open_at(object, other, deadline);
    if (!err) {
        object->left |= 1U << slow;
        return;
    }
    kz_log_err(KZ_LOG_INFO, KZ_LOGNO(0203) "a slow store is read on: ", err);
    kz_log_err(KZ_LOG_INFO, KZ_LOGNO(0204) "", open_at(object, slow, deadline));
}

kz_err_t *kz_stores_read(void *object, apr_uint64_t offset, void *buffer, size_t *len)
{
    kz_store_object_t *from = object;
    const size_t wanted = *len;

    for (;;) {
        apr_time_t deadline = kz_clock_now() + KZ_STORE_READ_TIMEOUT;
        kz_err_t *err, *second;

        leave_slow(from, deadline);
        err = read_here(from, offset, buffer, len, share_of(from, deadline));
        if (!err)
            return NULL;
        leave(from);
        second = open_next(from, deadline);
        if (second) /* no other store is left: returns the first one's reason */
            return kz_log_second(err, second);
        kz_log_err(KZ_LOG_INFO, KZ_LOGNO(0013) "a store broke off, the next one goes on: ", err);
        *len = wanted;
    }
}
