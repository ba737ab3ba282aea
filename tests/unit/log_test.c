/* The log: which lines reach the hook, and with which context. */
#include "base/log.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include <apr_general.h>

#include "scene.h"

static struct {
    int lines;
    kz_log_level_t level;
    char file[64], text[1200];
    int line;
    void *context;
} said;

static void hear(void *baton, kz_log_level_t level, const char *file, int line, void *context,
                 const char *text)
{
    assert_ptr_equal(baton, &said);
    said.lines++;
    said.level = level;
    said.line = line;
    said.context = context;
    strncpy(said.file, file, sizeof said.file - 1);
    strncpy(said.text, text, sizeof said.text - 1);
}

static int listen_to_info(void **state)
{
    (void)state;
    memset(&said, 0, sizeof said);
    kz_log_hook_set(hear, &said, KZ_LOG_INFO);
    return 0;
}

static int stop_listening(void **state)
{
    (void)state;
    kz_log_hook_set(NULL, NULL, KZ_LOG_DEBUG);
    kz_log_context_set(NULL);
    return 0;
}

static void test_a_line(void **state)
{
    (void)state;
    KZ_LOG(KZ_LOG_WARNING, KZ_LOGNO(9999) "%d of %s", 3, "four");
    assert_int_equal(said.line, __LINE__ - 1);
    assert_int_equal(said.level, KZ_LOG_WARNING);
    assert_string_equal(said.text, "KZ9999: 3 of four");
    assert_null(said.context);
}

static void test_a_line_below_the_level_is_dropped(void **state)
{
    (void)state;
    KZ_LOG(KZ_LOG_DEBUG, "nothing");
    assert_int_equal(said.lines, 0);
    stop_listening(state);
    KZ_LOG(KZ_LOG_CRIT, "nobody listens");
    assert_int_equal(said.lines, 0);
}

static void test_the_context_of_the_thread(void **state)
{
    int request;

    (void)state;
    kz_log_context_set(&request);
    KZ_LOG(KZ_LOG_INFO, "at work");
    assert_ptr_equal(said.context, &request);
    kz_log_context_set(NULL);
    KZ_LOG(KZ_LOG_INFO, "over");
    assert_null(said.context);
}

static void test_an_error_says_where_it_began(void **state)
{
    kz_err_t *err = kz_err_create(KZ_ERR_NOT_FOUND, "matter %d", 7);
    int line = __LINE__ - 1;
    char wanted[100];

    (void)state;
    err = kz_err_wrap(err, "looking");
    assert_int_equal(kz_err_line(err), line);
    snprintf(wanted, sizeof wanted, "KZ9998: x: NOT_FOUND: looking: matter 7 (%s:%d)",
             kz_err_file(err), line);
    kz_log_err(KZ_LOG_ERR, KZ_LOGNO(9998) "x: ", err);
    assert_string_equal(said.text, wanted);
    assert_int_equal(said.line, line);
    assert_non_null(strstr(said.file, "log_test.c"));
    kz_log_err(KZ_LOG_ERR, "nothing", NULL);
    assert_int_equal(said.lines, 1);
}

static void test_the_second_of_two_errors_is_logged(void **state)
{
    kz_err_t *first = kz_err_create(KZ_ERR_DB_DOWN, "first"), *err;

    (void)state;
    assert_null(kz_log_second(NULL, NULL));
    assert_ptr_equal(kz_log_second(first, NULL), first);
    assert_ptr_equal(kz_log_second(NULL, first), first);
    assert_int_equal(said.lines, 0);
    err = kz_log_second(first, kz_err_create(KZ_ERR_INTERNAL, "second"));
    assert_ptr_equal(err, first);
    assert_non_null(strstr(said.text, "INTERNAL: second"));
    kz_err_free(err);
}

static kz_err_t *only_even(int number)
{
    KZ_ASSERT(number % 2 == 0);
    return NULL;
}

static void test_an_assertion_is_an_error_with_its_place(void **state)
{
    kz_err_t *err = only_even(3);

    (void)state;
    assert_null(only_even(2));
    assert_int_equal(kz_err_code(err), KZ_ERR_INTERNAL);
    assert_string_equal(kz_err_detail(err), "assertion failed: number % 2 == 0");
    assert_non_null(strstr(kz_err_file(err), "log_test.c"));
    kz_err_free(err);
}

static void test_a_failed_condition_is_logged(void **state)
{
    int three = 3;

    (void)state;
    assert_true(KZ_HOLDS(three == 3));
    assert_int_equal(said.lines, 0);
    assert_false(KZ_HOLDS(three == 4));
    assert_int_equal(said.level, KZ_LOG_ERR);
    assert_non_null(strstr(said.text, "assertion failed: three == 4 ("));
}

static atomic_int heard;

static void count_lines(void *baton, kz_log_level_t level, const char *file, int line,
                        void *context, const char *text)
{
    (void)level;
    (void)file;
    (void)line;
    (void)context;
    (void)text;
    (void)baton;
    heard++;
}

static void *go_on_saying(void *ended)
{
    while (!*(atomic_int *)ended)
        KZ_LOG(KZ_LOG_INFO, KZ_LOGNO(9999) "%d of %s", 3, "four");
    return NULL;
}

/* A write to a hanging store may end at any time, even while its process ends. */
static void test_a_thread_may_log_while_the_hook_is_removed(void **state)
{
    atomic_int ended = 0;
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, go_on_saying, &ended), 0);
    while (heard < 100000) {
        kz_log_hook_set(count_lines, NULL, KZ_LOG_INFO);
        kz_log_hook_set(NULL, NULL, KZ_LOG_CRIT);
    }
    ended = 1;
    assert_int_equal(pthread_join(thread, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_line, listen_to_info, stop_listening),
        cmocka_unit_test_setup_teardown(test_a_line_below_the_level_is_dropped, listen_to_info,
                                        stop_listening),
        cmocka_unit_test_setup_teardown(test_the_context_of_the_thread, listen_to_info,
                                        stop_listening),
        cmocka_unit_test_setup_teardown(test_an_error_says_where_it_began, listen_to_info,
                                        stop_listening),
        cmocka_unit_test_setup_teardown(test_the_second_of_two_errors_is_logged, listen_to_info,
                                        stop_listening),
        cmocka_unit_test_setup_teardown(test_a_failed_condition_is_logged, listen_to_info,
                                        stop_listening),
        cmocka_unit_test(test_an_assertion_is_an_error_with_its_place),
        cmocka_unit_test(test_a_thread_may_log_while_the_hook_is_removed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
