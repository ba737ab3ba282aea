/* Threads that yield: they, and those that they start, have a higher nice value; who asks for the
 * work keeps his own. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/background.h"
#include "base/log.h"

typedef struct seen_t {
    int nice, started; /* of the thread, and of one that it starts */
    pid_t thread;
    void *context;
} seen_t;

static int nice_of_this(void)
{
    return getpriority(PRIO_PROCESS, (id_t)gettid());
}

static void *look(void *baton)
{
    *(int *)baton = nice_of_this();
    return NULL;
}

static kz_err_t *work(void *baton)
{
    seen_t *seen = baton;
    pthread_t thread;

    seen->nice = nice_of_this();
    seen->thread = gettid();
    seen->context = kz_log_context();
    pthread_create(&thread, NULL, look, &seen->started);
    pthread_join(thread, NULL);
    return kz_err_create(KZ_ERR_BUSY, "its own error");
}

static void test_work_yields_and_who_asks_does_not(void **state)
{
    int before = nice_of_this();
    seen_t seen = {0};
    kz_err_t *err;

    (void)state;
    kz_log_context_set(&seen);
    err = kz_background_run(work, &seen);
    assert_int_equal(kz_err_code(err), KZ_ERR_BUSY);
    kz_err_free(err);
    assert_int_equal(seen.nice, before > KZ_BACKGROUND_NICE ? before : KZ_BACKGROUND_NICE);
    assert_int_equal(seen.started, seen.nice);
    assert_int_not_equal(seen.thread, gettid());
    assert_ptr_equal(seen.context, &seen);
    assert_int_equal(nice_of_this(), before);
    kz_log_context_set(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_work_yields_and_who_asks_does_not)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
