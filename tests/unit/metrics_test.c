/* Counters and timings: many threads count, and waits for a slot are timed. */
#include "base/metrics.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include <apr_general.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/slots.h"
#include "scene.h"

#define THREADS 8
#define TURNS   20000

static kz_timing_t timing;

static void *count(void *baton)
{
    int i;

    (void)baton;
    for (i = 0; i < TURNS; i++) {
        KZ_COUNT(DB_BUSY);
        kz_metrics_time(&timing, kz_clock_now());
    }
    return NULL;
}

static void test_threads_lose_nothing(void **state)
{
    unsigned long long before = kz_metrics_counted(KZ_COUNTER_DB_BUSY);
    pthread_t threads[THREADS];
    kz_timing_sum_t sum;
    int i;

    (void)state;
    for (i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count, NULL), 0);
    for (i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(kz_metrics_counted(KZ_COUNTER_DB_BUSY) - before, THREADS * TURNS);
    kz_metrics_sum(&sum, &timing);
    assert_int_equal(sum.count, THREADS * TURNS);
}

/* START lies in the past: the test does not depend on speed. */
static void test_buckets(void **state)
{
    kz_timing_t own = {0};
    kz_timing_sum_t sum;

    (void)state;
    kz_metrics_time(&own, kz_clock_now() - 2 * APR_USEC_PER_SEC);
    kz_metrics_time(&own, kz_clock_now() - 3600 * APR_USEC_PER_SEC);
    kz_metrics_sum(&sum, &own);
    assert_int_equal(sum.count, 2);
    assert_true(sum.sum >= 3602ULL * APR_USEC_PER_SEC);
    assert_int_equal(sum.bucket[5], 1); /* at most 10 s */
    assert_int_equal(sum.bucket[6], 1);
    assert_int_equal(kz_metrics_bound(5), 10 * APR_USEC_PER_SEC);
    assert_int_equal(kz_metrics_bound(6), 0);
}

static void test_names(void **state)
{
    int i, j;

    (void)state;
    for (i = 0; i < KZ_TIMINGS; i++) {
        for (j = 0; j < i; j++)
            assert_string_not_equal(kz_metrics_timing_name(i), kz_metrics_timing_name(j));
        for (j = 0; j < KZ_COUNTERS; j++)
            assert_string_not_equal(kz_metrics_timing_name(i), kz_metrics_counter_name(j));
    }
    assert_string_equal(kz_metrics_timing_name(KZ_TIMING_SLOTS_WAIT), "slots_wait");
}

/* If no slot is free, the wait is timed and its end counted; a slot at once counts as no wait. */
static void test_waits_for_a_slot(void **state)
{
    kz_timing_sum_t before, after;
    unsigned long long busy = kz_metrics_counted(KZ_COUNTER_SLOTS_BUSY);
    const kz_slots_bounds_t bounds = {1, KZ_SLOTS_ANY, 0, 1, KZ_SLOTS_ANY, NULL};
    const kz_slots_who_t anybody = {0, 0, 0};
    kz_slots_t *slots;
    apr_pool_t *pool;

    (void)state;
    apr_pool_create(&pool, NULL);
    kz_metrics_sum(&before, kz_metrics_timing(KZ_TIMING_SLOTS_WAIT));
    assert_ok(kz_slots_create(&slots, &bounds, "a test", pool));
    assert_ok(kz_slots_take(slots, &anybody, 0));
    kz_metrics_sum(&after, kz_metrics_timing(KZ_TIMING_SLOTS_WAIT));
    assert_int_equal(after.count, before.count);
    assert_code(kz_slots_take(slots, &anybody, 1000), KZ_ERR_BUSY);
    kz_metrics_sum(&after, kz_metrics_timing(KZ_TIMING_SLOTS_WAIT));
    assert_int_equal(after.count, before.count + 1);
    assert_int_equal(kz_metrics_counted(KZ_COUNTER_SLOTS_BUSY), busy + 1);
    apr_pool_destroy(pool);
}

static void hear(void *baton, kz_log_level_t level, const char *file, int line, void *context,
                 const char *text)
{
    (void)baton;
    (void)level;
    (void)file;
    (void)line;
    (void)context;
    (void)text;
}

static void test_errors_of_the_log(void **state)
{
    unsigned long long before = kz_metrics_counted(KZ_COUNTER_LOG_ERRORS);

    (void)state;
    kz_log_hook_set(hear, NULL, KZ_LOG_INFO);
    KZ_LOG(KZ_LOG_WARNING, "no error");
    KZ_LOG(KZ_LOG_ERR, "an error");
    kz_log_hook_set(NULL, NULL, KZ_LOG_INFO);
    assert_int_equal(kz_metrics_counted(KZ_COUNTER_LOG_ERRORS), before + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_lose_nothing),
        cmocka_unit_test(test_buckets),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_waits_for_a_slot),
        cmocka_unit_test(test_errors_of_the_log),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
