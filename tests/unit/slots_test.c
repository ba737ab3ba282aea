/* Slots: never more users at once than slots, never more waiters than allowed, and each waiter gets
 * a slot or an error. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <apr_general.h>
#include <apr_time.h>
#include <cmocka.h>

#include "base/slots.h"

#define THREADS 8
#define TURNS   2000
#define COUNT   3
#define WAITING 2

static apr_pool_t *pool;
static kz_slots_t *slots;
static int inside, most;
static const kz_slots_who_t anybody = {0, 0, 0};

static kz_slots_t *slots_of(int count, int waiting, int reserved, int each, int share)
{
    const kz_slots_bounds_t bounds = {count, waiting, reserved, each, share, NULL};
    kz_slots_t *made;

    assert_null(kz_slots_create(&made, &bounds, "a test", pool));
    return made;
}

static void *turn(void *baton)
{
    int i;

    for (i = 0; i < TURNS; i++) {
        int now, before;

        if (kz_slots_take(slots, &anybody, apr_time_from_sec(60)))
            return baton;
        now = __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);
        before = __atomic_load_n(&most, __ATOMIC_SEQ_CST);
        while (now > before && !__atomic_compare_exchange_n(&most, &before, now, 0,
                                                            __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            continue;
        __atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
        kz_slots_give(slots, &anybody);
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
        assert_null(kz_slots_take(slots, &anybody, 0));
    err = kz_slots_take(slots, &anybody, 1000);
    assert_non_null(err);
    assert_int_equal(kz_err_code(err), KZ_ERR_BUSY);
    kz_err_free(err);
    kz_slots_give(slots, &anybody);
    assert_null(kz_slots_take(slots, &anybody, 0));
    for (i = 0; i < COUNT; i++)
        kz_slots_give(slots, &anybody);
}

/* Takes a slot. Returns 1 if it was refused at once because enough others wait. */
static int is_full(kz_err_t **err, kz_slots_t *bounded, apr_interval_time_t wait)
{
    *err = kz_slots_take(bounded, &anybody, wait);
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
    kz_slots_give(baton, &anybody);
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
    bounded = slots_of(1, WAITING, 0, 1, KZ_SLOTS_ANY);
    assert_null(kz_slots_take(bounded, &anybody, 0));
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
    kz_slots_give(bounded, &anybody);
    for (i = 0; i < WAITING; i++) {
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_null(kz_slots_take(bounded, &anybody, 0));
    kz_slots_give(bounded, &anybody);
}

static void test_nobody_may_wait(void **state)
{
    kz_slots_t *none;
    kz_err_t *err;

    (void)state;
    none = slots_of(1, 0, 0, 1, KZ_SLOTS_ANY);
    assert_null(kz_slots_take(none, &anybody, 0));
    assert_true(is_full(&err, none, apr_time_from_sec(60)));
    assert_int_equal(kz_err_code(err), KZ_ERR_BUSY);
    kz_err_free(err);
    kz_slots_give(none, &anybody);
    assert_null(kz_slots_take(none, &anybody, 0));
    kz_slots_give(none, &anybody);
}

/* One who waits in a thread of his own. */
typedef struct waiter_t {
    kz_slots_t *slots;
    kz_slots_who_t who;
    int turn; /* its place among those who got a slot, from 1 on; 0: not yet */
    pthread_t thread;
} waiter_t;

static int turns;

static void *wait_in_line(void *baton)
{
    waiter_t *waiter = baton;

    if (kz_slots_take(waiter->slots, &waiter->who, apr_time_from_sec(60)))
        return baton;
    waiter->turn = __atomic_add_fetch(&turns, 1, __ATOMIC_SEQ_CST);
    kz_slots_give(waiter->slots, &waiter->who);
    return NULL;
}

/* Starts COUNT waiters, one after the other: the next begins when the one before stands in line,
 * which a try that may not wait tells. */
static void line_up(waiter_t *waiters, int count)
{
    int i;

    for (i = 0; i < count; i++) {
        assert_int_equal(pthread_create(&waiters[i].thread, NULL, wait_in_line, &waiters[i]), 0);
        while (kz_slots_waiting(waiters[i].slots) < i + 1)
            apr_sleep(1000);
    }
}

static void all_had_their_turn(const waiter_t *waiters, int count)
{
    void *failed;
    int i;

    for (i = 0; i < count; i++) {
        pthread_join(waiters[i].thread, &failed);
        assert_null(failed);
    }
}

static void test_who_has_few_goes_before_who_has_many(void **state)
{
    const kz_slots_who_t much = {1, 1, 0};
    kz_slots_t *fair = slots_of(2, 10, 0, 2, KZ_SLOTS_ANY);
    waiter_t waiters[] = {{.slots = fair, .who = {1, 1, 0}},
                          {.slots = fair, .who = {1, 2, 0}},
                          {.slots = fair, .who = {2, 1, 0}}};

    (void)state;
    turns = 0;
    assert_null(kz_slots_take(fair, &much, 0));
    assert_null(kz_slots_take(fair, &much, 0));
    line_up(waiters, 3);
    kz_slots_give(fair, &much);
    all_had_their_turn(waiters, 3);
    assert_int_equal(waiters[2].turn, 1); /* another group */
    assert_int_equal(waiters[1].turn, 2); /* another member of the same one */
    assert_int_equal(waiters[0].turn, 3);
    kz_slots_give(fair, &much);
}

static void test_one_member_never_has_more_than_its_own(void **state)
{
    const kz_slots_who_t one = {1, 1, 0}, other = {1, 2, 0};
    kz_slots_t *fair = slots_of(2, 10, 0, 1, KZ_SLOTS_ANY);
    kz_err_t *err;

    (void)state;
    assert_null(kz_slots_take(fair, &one, 0));
    err = kz_slots_take(fair, &one, 1000); /* though one is free */
    assert_int_equal(kz_err_code(err), KZ_ERR_BUSY);
    kz_err_free(err);
    assert_null(kz_slots_take(fair, &other, 0));
    kz_slots_give(fair, &one);
    kz_slots_give(fair, &other);
}

static void test_one_member_does_not_fill_the_line(void **state)
{
    const kz_slots_who_t one = {1, 1, 0};
    kz_slots_t *fair = slots_of(1, 10, 0, 1, 2);
    waiter_t waiters[] = {{.slots = fair, .who = {1, 1, 0}}, {.slots = fair, .who = {2, 1, 0}}};
    kz_err_t *err;

    (void)state;
    assert_null(kz_slots_take(fair, &one, 0));
    line_up(waiters, 1);
    err = kz_slots_take(fair, &one, apr_time_from_sec(60)); /* at once */
    assert_int_equal(kz_err_code(err), KZ_ERR_BUSY);
    kz_err_free(err);
    assert_int_equal(pthread_create(&waiters[1].thread, NULL, wait_in_line, &waiters[1]), 0);
    while (kz_slots_waiting(fair) < 2)
        apr_sleep(1000);
    kz_slots_give(fair, &one);
    all_had_their_turn(waiters, 2);
}

static void test_known_ones_have_places_and_go_first(void **state)
{
    const kz_slots_who_t one = {9, 9, 0};
    kz_slots_t *fair = slots_of(1, 2, 1, 1, KZ_SLOTS_ANY);
    waiter_t waiters[] = {{.slots = fair, .who = {1, 1, 0}}, {.slots = fair, .who = {9, 1, 1}}};
    kz_err_t *err;

    (void)state;
    turns = 0;
    assert_null(kz_slots_take(fair, &one, 0));
    line_up(waiters, 1);
    err = kz_slots_take(fair, &(kz_slots_who_t){3, 1, 0}, apr_time_from_sec(60));
    assert_int_equal(kz_err_code(err), KZ_ERR_BUSY); /* the place left is not for him */
    kz_err_free(err);
    assert_int_equal(pthread_create(&waiters[1].thread, NULL, wait_in_line, &waiters[1]), 0);
    while (kz_slots_waiting(fair) < 2)
        apr_sleep(1000);
    kz_slots_give(fair, &one);
    all_had_their_turn(waiters, 2);
    assert_int_equal(waiters[1].turn, 1);
}

static void test_while_others_go_first_there_is_one_fewer(void **state)
{
    const kz_slots_who_t one = {1, 1, 0}, other = {2, 1, 0};
    volatile apr_uint32_t first = 3;
    const kz_slots_bounds_t bounds = {2, 10, 0, 2, KZ_SLOTS_ANY, &first},
                            last = {1, 10, 0, 1, 2, &first};
    kz_slots_t *yielding, *single;
    waiter_t waiter = {.who = {3, 1, 0}};
    kz_err_t *err;

    (void)state;
    assert_null(kz_slots_create(&yielding, &bounds, "a test", pool));
    assert_null(kz_slots_take(yielding, &one, 0));
    err = kz_slots_take(yielding, &other, 1000);
    assert_int_equal(kz_err_code(err), KZ_ERR_BUSY);
    kz_err_free(err);
    waiter.slots = yielding;
    line_up(&waiter, 1);
    kz_slots_give(yielding, &one); /* the last one that may be had goes to who waits */
    all_had_their_turn(&waiter, 1);
    first = 0;
    assert_null(kz_slots_take(yielding, &one, 0));
    assert_null(kz_slots_take(yielding, &other, 0));
    first = 1;
    assert_null(kz_slots_create(&single, &last, "a test", pool)); /* not none at all */
    assert_null(kz_slots_take(single, &one, 0));
    kz_slots_give(single, &one);
    kz_slots_give(yielding, &one);
    kz_slots_give(yielding, &other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_wait_ends_without_a_slot),
        cmocka_unit_test(test_never_more_than_slots),
        cmocka_unit_test(test_only_so_many_wait),
        cmocka_unit_test(test_nobody_may_wait),
        cmocka_unit_test(test_who_has_few_goes_before_who_has_many),
        cmocka_unit_test(test_one_member_never_has_more_than_its_own),
        cmocka_unit_test(test_one_member_does_not_fill_the_line),
        cmocka_unit_test(test_known_ones_have_places_and_go_first),
        cmocka_unit_test(test_while_others_go_first_there_is_one_fewer),
    };
    int failed;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    slots = slots_of(COUNT, KZ_SLOTS_ANY, 0, COUNT, KZ_SLOTS_ANY);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_pool_destroy(pool);
    apr_terminate();
    return failed;
}
