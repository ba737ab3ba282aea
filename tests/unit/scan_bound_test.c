/* The bound on plaintext under scan: it is never exceeded, waiters take turns, and every wait ends.
 */
#include "io/scan/scan.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

#define SUM    1000
#define ONE    600
#define SECOND APR_USEC_PER_SEC

static apr_time_t in(double seconds)
{
    return kz_clock_now() + (apr_time_t)(seconds * SECOND);
}

static int reserve(apr_uint64_t size)
{
    int fd = -1;

    assert_null(kz_scan_reserve(&fd, size, in(60)));
    assert_true(fd >= 0);
    return fd;
}

static int code_of(apr_uint64_t size, double seconds)
{
    int fd = 77, code = -1;
    kz_err_t *err = kz_scan_reserve(&fd, size, in(seconds));

    if (err) {
        code = (int)kz_err_code(err);
        assert_int_equal(fd, -1);
        kz_err_free(err);
    }
    kz_scan_release(fd, size); /* after an error: does nothing */
    return code;
}

static void test_one_document(void **state)
{
    (void)state;
    assert_int_equal(code_of(ONE, 60), -1);
    assert_int_equal(code_of(0, 60), -1);
    assert_int_equal(code_of(ONE + 1, 60), KZ_ERR_TOO_LARGE);
    assert_int_equal(code_of(UINT64_MAX, 60), KZ_ERR_TOO_LARGE);
}

static void test_the_sum(void **state)
{
    int a = reserve(ONE), b = reserve(SUM - ONE);

    (void)state;
    assert_int_equal(code_of(1, 0.05), KZ_ERR_BUSY);
    assert_int_equal(code_of(1, -1), KZ_ERR_BUSY); /* a deadline that is over */
    assert_int_equal(code_of(0, 60), -1);          /* an empty one needs no room */
    kz_scan_release(a, ONE);
    assert_int_equal(code_of(ONE, 60), -1);
    assert_int_equal(code_of(ONE, 60), -1); /* the room given up early is free again */
    kz_scan_release(b, SUM - ONE);
}

typedef struct {
    apr_uint64_t size;
    int order; /* number of its turn */
} turn_t;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int turns;

static void *take_turn(void *data)
{
    turn_t *turn = data;
    int fd = reserve(turn->size);

    pthread_mutex_lock(&mutex);
    turn->order = ++turns;
    pthread_mutex_unlock(&mutex);
    kz_scan_release(fd, turn->size);
    return NULL;
}

/* Small documents for which there is room do not overtake a large one that waits. */
static void test_waiters_take_turns(void **state)
{
    turn_t large = {ONE, 0}, small = {1, 0};
    int held = reserve(ONE);
    pthread_t first, second;

    (void)state;
    turns = 0;
    pthread_create(&first, NULL, take_turn, &large);
    while (code_of(1, 0.02) != KZ_ERR_BUSY) /* until the large one waits */
        continue;
    pthread_create(&second, NULL, take_turn, &small);
    usleep(50000);
    pthread_mutex_lock(&mutex);
    assert_int_equal(turns, 0);
    pthread_mutex_unlock(&mutex);
    kz_scan_release(held, ONE);
    pthread_join(first, NULL);
    pthread_join(second, NULL);
    assert_true(large.order && small.order);
}

/* A waiter that gives up lets those behind it pass. */
static void test_giving_up(void **state)
{
    turn_t small = {SUM - ONE, 0};
    int held = reserve(ONE);
    pthread_t thread;

    (void)state;
    turns = 0;
    assert_int_equal(code_of(ONE, 0.05), KZ_ERR_BUSY);
    pthread_create(&thread, NULL, take_turn, &small);
    pthread_join(thread, NULL);
    assert_int_equal(small.order, 1);
    kz_scan_release(held, ONE);
}

static int in_use, most;

static void *hammer(void *data)
{
    unsigned seed = (unsigned)(size_t)data;

    for (int i = 0; i < 300; i++) {
        int size = rand_r(&seed) % (ONE + 1), fd = reserve((apr_uint64_t)size);

        pthread_mutex_lock(&mutex);
        in_use += size;
        most = in_use > most ? in_use : most;
        pthread_mutex_unlock(&mutex);
        usleep(rand_r(&seed) % 100);
        pthread_mutex_lock(&mutex);
        in_use -= size;
        pthread_mutex_unlock(&mutex);
        kz_scan_release(fd, (apr_uint64_t)size);
    }
    return NULL;
}

static void test_never_exceeded(void **state)
{
    pthread_t threads[8];

    (void)state;
    for (size_t i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, hammer, (void *)(i + 1));
    for (size_t i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    assert_in_range(most, ONE, SUM);
    assert_int_equal(in_use, 0);
    assert_int_equal(code_of(ONE, 60), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_document),       cmocka_unit_test(test_the_sum),
        cmocka_unit_test(test_waiters_take_turns), cmocka_unit_test(test_giving_up),
        cmocka_unit_test(test_never_exceeded),
    };

    kz_scan_bound(SUM, ONE);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
