/* A store whose folder hangs, as a network file system does: every call ends at its deadline, the
 * next ones at once, and the store is well when it answers again. */
#include <dlfcn.h>
#include <stdlib.h>

#include "store_scene.h"

#define SHORT 100 /* milliseconds */

static int is_frozen;  /* the first store */
static int is_crowded; /* no thread is to be had */

/* In place of the C library's. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *baton)
{
    typedef int create_fn(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    create_fn *real = __extension__(create_fn *) dlsym(RTLD_NEXT, "pthread_create");

    return is_crowded ? EAGAIN : real(thread, attributes, run, baton);
}

/* Short where the call is to end by it. */
static apr_time_t limit(void)
{
    return is_frozen ? in_ms(SHORT) : soon();
}

static kz_err_t *count_key(void *count, const char *key, apr_uint64_t size)
{
    (void)key;
    (void)size;
    ++*(int *)count;
    return NULL;
}

static kz_err_t *call_check(void)
{
    return kz_stores_check(stores, 0, limit(), pool);
}

static kz_err_t *call_try(void)
{
    return kz_stores_try(stores, 0, limit(), pool);
}

static kz_err_t *call_initialise(void)
{
    return kz_stores_initialise(stores, limit(), pool);
}

static kz_err_t *call_head(void)
{
    apr_uint64_t size;

    return kz_stores_head(&size, stores, 0, KEY, limit(), pool);
}

static kz_err_t *call_list(void)
{
    int count = 0;

    return kz_stores_list(stores, 0, "", count_key, &count, limit());
}

static kz_err_t *call_remove(void)
{
    return kz_stores_remove(stores, "7/aa/other/1", limit(), pool);
}

static kz_err_t *call_sweep(void)
{
    return kz_stores_sweep(stores, limit(), pool);
}

static kz_err_t *call_sweep_key(void)
{
    return kz_stores_sweep_key(stores, "7/aa/other/1", limit(), pool);
}

/* Each call of the set ends in time; the one that follows does not wait, and no thread is added. */
static void test_each_call_ends(void **state)
{
    static kz_err_t *(*const calls[])(void) = {
        call_check, call_try,    call_initialise, call_head,
        call_list,  call_remove, call_sweep,      call_sweep_key,
    };
    unsigned char held[STORES];
    size_t i;
    int j;

    (void)state;
    assert_ok(put(held, KEY, 3000, 1, soon()));
    for (i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        assert_ok(calls[i]());
        freeze(0, is_frozen = 1);
        assert_code(calls[i](), KZ_ERR_STORE_DOWN);
        assert_well(0, 0);
        assert_int_equal(stores->one[0]->behind, 1);
        assert_code(calls[i](), KZ_ERR_STORE_DOWN);
        assert_code(call_head(), KZ_ERR_STORE_DOWN);
        assert_code(call_head(), KZ_ERR_STORE_DOWN);
        assert_in_range(stores->one[0]->behind, 1, 2); /* one that writes, one that reads */
        freeze(0, is_frozen = 0);
        for (j = 0; j < STORES; j++)
            await_idle(j); /* on a slow machine the others had too little time as well */
    }
    assert_ok(call_check());
    assert_well(0, 1);
}

/* Opening the set waits once for all stores that hang, and one of them is no error. */
static void test_opened_while_frozen(void **state)
{
    apr_time_t start = kz_clock_now();
    kz_stores_t *opened;
    int i;

    (void)state;
    for (i = 0; i < STORES; i++)
        freeze(i, 1);
    assert_ok(set_open(&opened, 2, INSTALLATION));
    assert_true(kz_clock_now() - start < apr_time_from_sec(14)); /* once 5 s, not for each */
    for (i = 0; i < STORES; i++) {
        char why[300];

        assert_int_equal(kz_stores_health(why, sizeof why, opened, i), 0);
        freeze(i, 0);
    }
    apr_sleep(apr_time_from_msec(50));
    for (i = 0; i < STORES; i++)
        while (kz_stores_check(opened, i, soon(), pool))
            apr_sleep(1000);
}

/* An object that is being read goes on at another store; one that is opened comes from there. */
static void test_reader_goes_on(void **state)
{
    unsigned char held[STORES], buffer[1000], *want = pattern(3000, 1);
    kz_store_object_t *object;
    size_t len = sizeof buffer;
    apr_uint64_t size;

    (void)state;
    assert_ok(put(held, KEY, 3000, 1, soon()));
    assert_ok(kz_stores_get(&object, &size, stores, KEY, soon(), pool));
    assert_int_equal(kz_stores_source(object), 0);
    assert_ok(kz_stores_read(object, 0, buffer, &len));
    freeze(0, 1);
    assert_ok(read_rest(object, len, 3000, 1)); /* after the set's time-out for reads */
    assert_memory_equal(buffer, want, len);
    assert_true(kz_stores_source(object) != 0);
    assert_ok(kz_stores_get(&object, &size, stores, KEY, soon(), pool));
    assert_true(kz_stores_source(object) != 0);
    freeze(0, 0);
    await_idle(0);
    assert_whole(0, KEY, 3000, 1);
}

/* More keys than one batch, and a caller who wants no more. */
static kz_err_t *stop_at_ten(void *count, const char *key, apr_uint64_t size)
{
    (void)count_key(count, key, size);
    return *(int *)count < 10 ? NULL : kz_err_create(KZ_ERR_RANGE, "ten");
}

static void test_long_list(void **state)
{
    unsigned char held[STORES];
    int i, count = 0;

    (void)state;
    for (i = 0; i < 450; i++)
        assert_ok(put(held, apr_psprintf(pool, "7/aa/d%d/1", i), 10, 1, soon()));
    assert_ok(kz_stores_list(stores, 0, "7/", count_key, &count, soon()));
    assert_int_equal(count, 450);
    count = 0;
    assert_code(kz_stores_list(stores, 0, "", stop_at_ten, &count, soon()), KZ_ERR_RANGE);
    assert_int_equal(count, 10);
    await_idle(0);
    assert_well(0, 1);
}

/* Where no thread is to be had, a list, whose thread would wait for its caller, says so. */
static void test_without_threads(void **state)
{
    unsigned char held[STORES];
    int count = 0;

    (void)state;
    assert_ok(put(held, KEY, 3000, 1, soon()));
    is_crowded = 1;
    assert_code(kz_stores_list(stores, 0, "", count_key, &count, soon()), KZ_ERR_STORE_DOWN);
    assert_ok(call_head());
    is_crowded = 0;
    assert_ok(call_check());
    assert_ok(kz_stores_list(stores, 0, "", count_key, &count, soon()));
    assert_int_equal(count, 1);
}

/* The set is closed while a call hangs: its thread keeps what it uses. */
static void test_closed_while_frozen(void **state)
{
    kz_stores_t *opened;
    apr_pool_t *outer = pool;

    (void)state;
    apr_pool_create(&pool, NULL);
    assert_ok(set_open(&opened, 2, INSTALLATION));
    freeze(0, 1);
    assert_code(kz_stores_check(opened, 0, in_ms(SHORT), pool), KZ_ERR_STORE_DOWN);
    apr_pool_destroy(pool);
    pool = outer;
    freeze(0, 0);
    apr_sleep(apr_time_from_msec(50)); /* sanitizers see what the thread uses */
}

/* A call that has answered holds its store no more: a program that closes the set and ends then
 * leaves nothing behind. */
static void test_answered_calls_let_go(void **state)
{
    unsigned char held[STORES];
    int i, round, users;

    (void)state;
    for (round = 0; round < 200; round++) {
        assert_ok(put(held, KEY, 10, 1, soon()));
        for (i = 0; i < STORES; i++) {
            assert_ok(kz_stores_check(stores, i, soon(), pool));
            pthread_mutex_lock(&stores->one[i]->lock);
            users = stores->one[i]->users;
            pthread_mutex_unlock(&stores->one[i]->lock);
            assert_int_equal(users, 1); /* the set */
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_call_ends, setup),        TEST(test_opened_while_frozen, setup),
        TEST(test_reader_goes_on, setup),        TEST(test_long_list, setup),
        TEST(test_without_threads, setup),       TEST(test_closed_while_frozen, setup),
        TEST(test_answered_calls_let_go, setup),
    };

    apr_initialize();
    atexit(apr_terminate);
    if (kz_stores_register(&odd_driver))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
