/* Times in the notation of machines and of people, and days from forms, across changes of the
 * clock. */
#include "base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <apr_general.h>
#include <cmocka.h>

#define HOUR (APR_USEC_PER_SEC * 3600)

static apr_pool_t *pool;

static void zone(const char *name)
{
    setenv("TZ", name, 1);
    tzset();
}

static void iso(void **state)
{
    (void)state;
    zone("Europe/Berlin");
    assert_string_equal(kz_time_iso(0, pool), "1970-01-01T00:00:00Z");
    assert_string_equal(kz_time_iso(-1, pool), "1969-12-31T23:59:59Z");
    assert_string_equal(kz_time_iso(apr_time_from_sec(1794467645) + 999999, pool),
                        "2026-11-12T07:14:05Z");
    assert_string_equal(kz_time_iso(apr_time_from_sec(951782399), pool), "2000-02-28T23:59:59Z");
}

/* Number of calendar days between the moment last shown and NOW. */
static long days_ago(const kz_time_parts_t *seen, apr_time_t now)
{
    return kz_time_day_number(now) - seen->day_number;
}

static void parts(void **state)
{
    apr_time_t now =
        apr_time_from_sec(1794467645); /* Thursday, 12 November 2026, 08:14:05 in Berlin */
    kz_time_parts_t seen;

    (void)state;
    zone("Europe/Berlin");
    kz_time_parts(&seen, now);
    assert_int_equal(seen.year, 2026);
    assert_int_equal(seen.month, 11);
    assert_int_equal(seen.day, 12);
    assert_int_equal(seen.hour, 8);
    assert_int_equal(seen.minute, 14);
    assert_int_equal(seen.second, 5);
    assert_int_equal(seen.weekday, 4);
    assert_int_equal(days_ago(&seen, now), 0);
    kz_time_parts(&seen, now - 9 * HOUR); /* 23:14 of the day before */
    assert_int_equal(days_ago(&seen, now), 1);
    assert_int_equal(seen.hour, 23);
    kz_time_parts(&seen, now + 16 * HOUR);
    assert_int_equal(days_ago(&seen, now), -1);
    kz_time_parts(&seen, now - 365 * 24 * HOUR);
    assert_int_equal(days_ago(&seen, now), 365);
    zone("UTC");
    kz_time_parts(&seen, now - 9 * HOUR);
    assert_int_equal(seen.hour, 22);
    assert_int_equal(days_ago(&seen, now), 1);
}

/* Around the 25 hours of 25 October 2026 and the 23 of 29 March. */
static void days_ago_across_changes_of_the_clock(void **state)
{
    apr_time_t start, end;
    kz_time_parts_t seen;

    (void)state;
    zone("Europe/Berlin");
    assert_null(kz_time_day(&start, &end, "2026-10-25"));
    assert_true(end - start == 25 * HOUR);
    kz_time_parts(&seen, start);
    assert_int_equal(days_ago(&seen, end - 1), 0);
    kz_time_parts(&seen, start - 1);
    assert_int_equal(days_ago(&seen, end - 1), 1);
    assert_null(kz_time_day(&start, &end, "2026-03-29"));
    assert_true(end - start == 23 * HOUR);
    kz_time_parts(&seen, start);
    assert_int_equal(days_ago(&seen, end), 1);
}

static void days(void **state)
{
    apr_time_t start, end;

    (void)state;
    zone("Europe/Berlin");
    assert_null(kz_time_day(&start, &end, "2026-11-12"));
    assert_string_equal(kz_time_iso(start, pool), "2026-11-11T23:00:00Z");
    assert_string_equal(kz_time_iso(end, pool), "2026-11-12T23:00:00Z");
    assert_null(kz_time_day(&start, NULL, "2026-07-01"));
    assert_string_equal(kz_time_iso(start, pool), "2026-06-30T22:00:00Z");
    assert_null(kz_time_day(NULL, &end, "2024-02-29"));
    assert_string_equal(kz_time_iso(end, pool), "2024-02-29T23:00:00Z");
    assert_null(kz_time_day(NULL, &end, "2026-12-31"));
    assert_string_equal(kz_time_iso(end, pool), "2026-12-31T23:00:00Z");
    /* Where the clocks went from 00:00 to 01:00, the day starts at 01:00. */
    zone("America/Sao_Paulo");
    assert_null(kz_time_day(&start, &end, "2018-11-04"));
    assert_string_equal(kz_time_iso(start, pool), "2018-11-04T03:00:00Z");
    assert_true(end - start == 23 * HOUR);
}

static void what_is_no_day(void **state)
{
    static const char *const dates[] = {
        "",           "2026",        "2026-11-1",  "2026-1-012", "26-11-2026",  "12.11.2026",
        "2026-11-31", "2026-02-29",  "2026-00-10", "2026-13-01", "2026-11-00",  "2026-11-32",
        "2026/11/12", "2026-11-12 ", " 026-11-12", "2026-11-1x", "2026-11-12T", "-026-11-12",
        "2026--1-12", "+026-11-12",  "2026-1112-",
    };

    (void)state;
    zone("Europe/Berlin");
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        kz_err_t *err = kz_time_day(NULL, NULL, dates[i]);

        if (!err)
            fail_msg("taken for a day: %s", dates[i]);
        assert_int_equal(kz_err_code(err), KZ_ERR_INVALID);
        kz_err_free(err);
    }
    kz_err_free(kz_time_day(NULL, NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(iso),
        cmocka_unit_test(parts),
        cmocka_unit_test(days_ago_across_changes_of_the_clock),
        cmocka_unit_test(days),
        cmocka_unit_test(what_is_no_day),
    };
    int failed;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_pool_destroy(pool);
    apr_terminate();
    return failed;
}
