/* Slots: never more users at once than slots, never more waiters than allowed, and each waiter gets
 * a slot or an error. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <apr_general.h>
#include <cmocka.h>

#include "base/slots.h"

#define THREADS 8
#define TURNS   2000
#define COUNT   3
#define WAITING 2

static apr_pool_t *pool;
static kz_slots_t *slots;
static int inside, most;

static void *turn(void *baton)
{
    int i;

    for (i = 0; i < TURNS; i++) {
        int now, before;

        if (kz_slots_take(slots, apr_time_from_sec(60)))
            return baton;
        now = __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);
        before = __atomic_load_n(&most, __ATOMIC_SEQ_CST);
        while (now > before && !__atomic_compare_exchange_n(&most, &before, now, 0,
                                                            __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            continue;
        __atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
        kz_slots_give(slots);
    }
    return NULL;
}

static void test_never_more_than_slots(void **state)
{
    pthread_t threads[THREADS];
    void *failed;
    int i;

    (void)state;
    for (i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, turn, &inside), 0);
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_in_range(most, 1, COUNT);
}

static void test_a_wait_ends_without_a_slot(void **state)
{
    kz_err_t *err;
    int i;

    (void)state;
    for (i = 0; i < COUNT; i++)
        assert_null(kz_slots_take(slots, 0));
    err = kz_slots_take(slots, 1000);
    assert_non_null(err);
    assert_int_equal(kz_err_code(err), KZ_ERR_BUSY);
    kz_err_free(err);
    kz_slots_give(slots);
    assert_null(kz_slots_take(slots, 0));
    for (i = 0; i < COUNT; i++)
        kz_slots_give(slots);
}

/* Takes a slot. Returns 1 if it was refused at once because enough others wait. */
static int is_full(kz_err_t **err, kz_slots_t *bounded, apr_interval_time_t wait)
{
    *err = kz_slots_take(bounded, wait);
    return *err && strstr(kz_err_detail(*err), "already");
}

static void *wait_for_one(void *baton)
{
    kz_err_t *err;

    while (is_full(&err, baton, apr_time_from_sec(60)))
        kz_err_free(err); /* the main thread waits for a moment, too */
    __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);
    if (err)
        return baton;
    kz_slots_give(baton);
    return NULL;
}

static void test_only_so_many_wait(void **state)
{
    pthread_t threads[WAITING];
    kz_slots_t *bounded;
    kz_err_t *err;
    void *failed;
    int i, full;

    (void)state;
    assert_null(kz_slots_create(&bounded, 1, WAITING, "a test", pool));
    assert_null(kz_slots_take(bounded, 0));
    inside = 0;
    for (i = 0; i < WAITING; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, wait_for_one, bounded), 0);
    do { /* not yet waiting while a thread is starting */
        full = is_full(&err, bounded, 1000);
        assert_non_null(err);
        assert_int_equal(kz_err_code(err), KZ_ERR_BUSY);
        kz_err_free(err);
    } while (!full && __atomic_load_n(&inside, __ATOMIC_SEQ_CST) == 0);
    assert_true(full);
    kz_slots_give(bounded);
    for (i = 0; i < WAITING; i++) {
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_null(kz_slots_take(bounded, 0));
    kz_slots_give(bounded);
}

static void test_nobody_may_wait(void **state)
{
    kz_slots_t *none;
    kz_err_t *err;

    (void)state;
    assert_null(kz_slots_create(&none, 1, 0, "a test", pool));
    assert_null(kz_slots_take(none, 0));
    assert_true(is_full(&err, none, apr_time_from_sec(60)));
    assert_int_equal(kz_err_code(err), KZ_ERR_BUSY);
    kz_err_free(err);
    kz_slots_give(none);
    assert_null(kz_slots_take(none, 0));
    kz_slots_give(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_wait_ends_without_a_slot),
        cmocka_unit_test(test_never_more_than_slots),
        cmocka_unit_test(test_only_so_many_wait),
        cmocka_unit_test(test_nobody_may_wait),
    };
    int failed;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (kz_slots_create(&slots, COUNT, KZ_SLOTS_ANY, "a test", pool))
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_pool_destroy(pool);
    apr_terminate();
    return failed;
}
