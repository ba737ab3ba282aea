/* application/x-www-form-urlencoded: bodies and query strings. */
#include "http/multipart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <cmocka.h>

static apr_pool_t *pool;

static int add_pair(void *baton, const char *name, const char *value)
{
    char **all = baton;

    *all = apr_pstrcat(pool, *all, "<", name, "=", value, ">", NULL);
    return 1;
}

static const char *pairs(const char *data, size_t len, int max)
{
    apr_table_t *table = apr_table_make(pool, 4);
    char *copy = malloc(len ? len : 1), *all = apr_pstrdup(pool, "");
    kz_err_t *err;

    memcpy(copy, data, len);
    err = kz_urlencoded_parse(table, copy, len, max);
    free(copy);
    if (err) {
        const char *name = kz_err_name(kz_err_code(err));

        kz_err_free(err);
        return name;
    }
    apr_table_do(add_pair, &all, table, NULL);
    return all;
}

static void urlencoded(void **state)
{
    static const struct {
        const char *data;
        const char *expected;
    } samples[] = {
        {"", ""},
        {"a=1", "<a=1>"},
        {"a=1&b=2&a=3", "<a=1><b=2><a=3>"},
        {"a=b+c%20d%2Be", "<a=b c d+e>"},
        {"na+me=M%C3%BCller%26&x", "<na me=M\xc3\xbcller&><x=>"},
        {"&&a=1&&=b&", "<a=1><=b>"},
        {"a=b=c", "<a=b=c>"},
        {"a=%", "BAD_REQUEST"},
        {"a=%4", "BAD_REQUEST"},
        {"a=%4&b=1", "BAD_REQUEST"},
        {"a=%zz", "BAD_REQUEST"},
        {"%=1", "BAD_REQUEST"},
        {"a=%00", "BAD_REQUEST"},
        {"a=%25%30%30", "<a=%00>"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        assert_string_equal(pairs(samples[i].data, strlen(samples[i].data), 9),
                            samples[i].expected);
    assert_string_equal(pairs("a=\0b", 4, 9), "BAD_REQUEST");
    assert_string_equal(pairs("a=1&b=2", 7, 2), "<a=1><b=2>");
    assert_string_equal(pairs("a=1&b=2&c", 9, 2), "TOO_LARGE");
    assert_string_equal(pairs("a=1%20", 3, 2), "<a=1>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urlencoded),
    };
    int failed;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_pool_destroy(pool);
    apr_terminate();
    return failed;
}
