/* A set of three stores whose faults a test makes. "odd:" is a driver around the directory driver:
 * for the store whose folder ends in the digit n it looks at faults[n]. */
#ifndef KZ_TESTS_STORE_SCENE_H
#define KZ_TESTS_STORE_SCENE_H

#include "io/store/internal.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "scene.h"

#define INSTALLATION "01932c5e-0000-7abc-8def-0123456789ab"
#define ANOTHER      "01932c5e-0000-7abc-8def-0123456789ac"
#define KEY          "7/aa/document/1"
#define STORES       3

typedef struct fault_t {
    int down;                 /* every call fails */
    int read_breaks;          /* reads fail at and behind this offset, if it isn't 0 */
    int hang;                 /* put hangs until it is 0 */
    int frozen;               /* so does everything else */
    apr_interval_time_t slow; /* time that get takes */
    apr_interval_time_t slow_read;
    int gets, puts; /* number of calls */
} fault_t;

static fault_t faults[STORES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static apr_pool_t *pool;
static const char *folder;
static kz_stores_t *stores;

/* --- the driver with faults --- */

typedef struct odd_t {
    void *dir;
    fault_t *fault;
    void *object;
} odd_t;

static inline kz_err_t *odd_down(const odd_t *odd)
{
    int down;

    pthread_mutex_lock(&lock);
    while (odd->fault->frozen)
        pthread_cond_wait(&changed, &lock);
    down = odd->fault->down;
    pthread_mutex_unlock(&lock);
    return down ? kz_err_create(KZ_ERR_STORE_DOWN, "made to fail") : NULL;
}

static inline kz_err_t *odd_open(void **made, const char *rest, apr_pool_t *of)
{
    odd_t *odd = apr_pcalloc(of, sizeof *odd);

    odd->fault = &faults[rest[strlen(rest) - 1] - '0'];
    *made = odd;
    return kz_store__dir.open(&odd->dir, rest, of);
}

static inline kz_err_t *odd_mark(void *made, const char *text, apr_time_t deadline,
                                 apr_pool_t *scratch)
{
    KZ_TRY(odd_down(made));
    return kz_store__dir.mark(((odd_t *)made)->dir, text, deadline, scratch);
}

static inline kz_err_t *odd_put(void *made, const char *key, int fd, apr_uint64_t size,
                                apr_time_t deadline, apr_pool_t *scratch)
{
    odd_t *odd = made;

    pthread_mutex_lock(&lock);
    odd->fault->puts++;
    while (odd->fault->hang)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    KZ_TRY(odd_down(odd));
    return kz_store__dir.put(odd->dir, key, fd, size, deadline, scratch);
}

typedef struct odd_staged_t {
    const odd_t *odd;
    void *dir;
} odd_staged_t;

static inline kz_err_t *odd_stage(void **staged, void *made, const kz_store_source_t *source,
                                  apr_time_t deadline, apr_pool_t *of)
{
    odd_staged_t *both = apr_palloc(of, sizeof *both);
    odd_t *odd = made;

    pthread_mutex_lock(&lock);
    while (odd->fault->hang)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    both->odd = odd;
    *staged = both;
    KZ_TRY(odd_down(odd));
    return kz_store__dir.stage(&both->dir, odd->dir, source, deadline, of);
}

static inline kz_err_t *odd_name(void *staged)
{
    const odd_staged_t *both = staged;
    kz_err_t *err = odd_down(both->odd);

    if (!err)
        return kz_store__dir.name(both->dir);
    kz_store__dir.drop(both->dir);
    return err;
}

static inline void odd_drop(void *staged)
{
    kz_store__dir.drop(((odd_staged_t *)staged)->dir);
}

static inline kz_err_t *odd_replace(void *made, const char *key, int fd, apr_uint64_t size,
                                    apr_time_t deadline, apr_pool_t *scratch)
{
    KZ_TRY(odd_down(made));
    return kz_store__dir.replace(((odd_t *)made)->dir, key, fd, size, deadline, scratch);
}

static inline kz_err_t *odd_get(void **object, apr_uint64_t *size, void *made, const char *key,
                                apr_time_t deadline, apr_pool_t *of)
{
    odd_t *odd = made, *opened = apr_pmemdup(of, odd, sizeof *odd);

    if (strcmp(key, KZ_STORE_MARKER) != 0) {
        odd->fault->gets++;
        apr_sleep(odd->fault->slow);
    }
    KZ_TRY(odd_down(odd));
    *object = opened;
    return kz_store__dir.get(&opened->object, size, odd->dir, key, deadline, of);
}

static inline kz_err_t *odd_read(void *object, apr_uint64_t offset, void *buffer, size_t *len,
                                 apr_time_t deadline)
{
    odd_t *odd = object;

    KZ_TRY(odd_down(odd));
    apr_sleep(offset > 0 ? odd->fault->slow_read : 0);
    if (odd->fault->read_breaks && offset >= (apr_uint64_t)odd->fault->read_breaks)
        return kz_err_create(KZ_ERR_STORE_DOWN, "a bad sector");
    return kz_store__dir.read(odd->object, offset, buffer, len, deadline);
}

static inline kz_err_t *odd_identify(unsigned char id[KZ_STORE_IDENTITY], void *made,
                                     const char *key)
{
    KZ_TRY(odd_down(made));
    return kz_store__dir.identify(id, ((odd_t *)made)->dir, key);
}

static inline kz_err_t *odd_head(apr_uint64_t *size, void *made, const char *key,
                                 apr_time_t deadline, apr_pool_t *scratch)
{
    KZ_TRY(odd_down(made));
    return kz_store__dir.head(size, ((odd_t *)made)->dir, key, deadline, scratch);
}

static inline kz_err_t *odd_remove(void *made, const char *key, apr_time_t deadline,
                                   apr_pool_t *scratch)
{
    KZ_TRY(odd_down(made));
    return kz_store__dir.remove(((odd_t *)made)->dir, key, deadline, scratch);
}

static inline kz_err_t *odd_list(void *made, const char *prefix, kz_store_list_fn each, void *baton,
                                 apr_time_t deadline, apr_pool_t *scratch)
{
    KZ_TRY(odd_down(made));
    return kz_store__dir.list(((odd_t *)made)->dir, prefix, each, baton, deadline, scratch);
}

static inline kz_err_t *odd_sweep(void *made, const char *key, apr_time_t before,
                                  apr_time_t deadline, apr_pool_t *scratch)
{
    KZ_TRY(odd_down(made));
    return kz_store__dir.sweep(((odd_t *)made)->dir, key, before, deadline, scratch);
}

static const kz_store_driver_t odd_driver = {
    .scheme = "odd",
    .open = odd_open,
    .mark = odd_mark,
    .put = odd_put,
    .stage = odd_stage,
    .name = odd_name,
    .drop = odd_drop,
    .replace = odd_replace,
    .get = odd_get,
    .read = odd_read,
    .identify = odd_identify,
    .head = odd_head,
    .remove = odd_remove,
    .list = odd_list,
    .sweep = odd_sweep,
};

/* --- the scene --- */

static inline apr_time_t in_ms(int ms)
{
    return kz_clock_now() + apr_time_from_msec(ms);
}

/* A deadline that only a store that hangs exceeds. */
static inline apr_time_t soon(void)
{
    return in_ms(120000);
}

static inline const char *store_path(int index, const char *rest)
{
    return apr_psprintf(pool, "%s/store-%d%s", folder, index, rest);
}

static inline kz_err_t *set_open(kz_stores_t **opened, int quorum, const char *installation)
{
    static const char *const names[STORES] = {"first", "second", "third"};
    kz_store_place_t places[STORES];
    int i;

    for (i = 0; i < STORES; i++)
        places[i] =
            (kz_store_place_t){names[i], apr_pstrcat(pool, "odd:", store_path(i, ""), NULL)};
    return kz_stores_open(opened, places, STORES, quorum, installation, pool);
}

static inline int bare_setup(void **state)
{
    int i;

    (void)state;
    apr_pool_create(&pool, NULL);
    pthread_mutex_lock(&lock);
    memset(faults, 0, sizeof faults);
    pthread_mutex_unlock(&lock);
    folder = scene_folder(pool);
    for (i = 0; i < STORES; i++)
        assert_int_equal(mkdir(store_path(i, ""), 0700), 0);
    assert_ok(set_open(&stores, 2, INSTALLATION));
    stores->grace = apr_time_from_sec(120); /* however slow the disk is, no store is left behind */
    return 0;
}

static inline int setup(void **state)
{
    bare_setup(state);
    assert_ok(kz_stores_initialise(stores, soon(), pool));
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    return 0;
}

static inline int teardown_files(void **state)
{
    scene_remove(folder);
    return teardown(state);
}

static inline unsigned char *pattern(size_t size, int seed)
{
    unsigned char *data = apr_palloc(pool, size + 1);
    size_t i;

    for (i = 0; i < size; i++)
        data[i] = (unsigned char)(i % 239 + (size_t)seed);
    return data;
}

static inline kz_err_t *put(unsigned char *held, const char *key, size_t size, int seed,
                            apr_time_t deadline)
{
    int fd = memfd_create("source", MFD_CLOEXEC);
    kz_err_t *err;

    assert_int_equal(write(fd, pattern(size, seed), size), size);
    err = kz_stores_put(held, stores, key, fd, size, deadline);
    close(fd);
    return err;
}

static inline void assert_held(const unsigned char *held, int first, int second, int third)
{
    assert_int_equal(held[0], first);
    assert_int_equal(held[1], second);
    assert_int_equal(held[2], third);
}

/* Reads the rest of the object in pieces of STEP. */
static inline kz_err_t *read_rest(kz_store_object_t *object, size_t from, size_t size, int seed)
{
    unsigned char buffer[5000], *want = pattern(size, seed);

    for (;;) {
        size_t len = sizeof buffer;

        KZ_TRY(kz_stores_read(object, from, buffer, &len));
        if (len == 0)
            break;
        assert_true(from + len <= size);
        assert_memory_equal(buffer, want + from, len);
        from += len;
    }
    assert_int_equal(from, size);
    return NULL;
}

static inline void assert_whole(int index, const char *key, size_t size, int seed)
{
    kz_store_object_t *object;
    apr_uint64_t there;

    assert_ok(kz_stores_get_from(&object, &there, stores, index, key, pool));
    assert_int_equal(there, size);
    assert_int_equal(kz_stores_source(object), index);
    assert_ok(read_rest(object, 0, size, seed));
}

static inline void assert_well(int index, int well)
{
    char why[300];

    assert_int_equal(kz_stores_health(why, sizeof why, stores, index), well);
    if (!well)
        assert_non_null(strstr(why, kz_stores_name(stores, index)));
}

/* Makes writes to a store hang, so that puts leave it behind after the usual grace. */
static inline void hang(int index)
{
    pthread_mutex_lock(&lock);
    faults[index].hang = 1;
    pthread_mutex_unlock(&lock);
    stores->grace = KZ_STORE_GRACE;
}

/* Makes every call of a store hang, or lets all go on. */
static inline void freeze(int index, int frozen)
{
    pthread_mutex_lock(&lock);
    faults[index].frozen = frozen;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* Waits until no thread works with the store. */
static inline void await_idle(int index)
{
    kz_store__one_t *one = stores->one[index];
    apr_time_t limit = soon();
    int users;

    for (;;) {
        pthread_mutex_lock(&one->lock);
        users = one->users;
        pthread_mutex_unlock(&one->lock);
        if (users == 1 || kz_clock_now() > limit)
            break;
        apr_sleep(1000);
    }
    assert_int_equal(users, 1); /* the set */
}

/* Releases a hanging store, and waits until its thread has ended. */
static inline void release_hang(int index)
{
    pthread_mutex_lock(&lock);
    faults[index].hang = 0;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    await_idle(index);
}

#define TEST(test, setup) cmocka_unit_test_setup_teardown(test, setup, teardown_files)

#endif
