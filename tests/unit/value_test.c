/* Trees of values: each value that was set is found, whichever call has set it. */
#include "template/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <cmocka.h>

static apr_pool_t *pool;

static void set(kz_value_t object, const char *name, apr_int64_t number)
{
    *kz_value_member(object.object, name, pool) =
        (kz_value_t){.kind = KZ_VALUE_INTEGER, .integer = number};
}

static void assert_json(const kz_value_t *value, const char *expected)
{
    json_t *json = kz_value_json(value);
    char *text = json_dumps(json, JSON_COMPACT);
    int i;

    assert_string_equal(text, expected);
    for (i = 0; i < value->list->count; i++) /* JSON would hide a name that occurs twice */
        assert_int_equal(value->list->items[i].object->count,
                         json_object_size(json_array_get(json, (size_t)i)));
    free(text);
    json_decref(json);
}

/* The next rows are expected to have the first row's names, but need not. */
static void rows_of_other_names(void **state)
{
    static const char a[] = "a", b[] = "b", c[] = "c";
    kz_value_t list = kz_value_list(pool), row;

    (void)state;
    row = kz_value_row(list.list, pool);
    set(row, a, 1), set(row, b, 2);
    row = kz_value_row(list.list, pool);
    set(row, a, 3), set(row, b, 4);
    row = kz_value_row(list.list, pool);
    set(row, b, 5), set(row, b, 6), set(row, a, 7);
    row = kz_value_row(list.list, pool);
    set(row, c, 8), set(row, a, 9), set(row, c, 10), set(row, b, 11);
    row = kz_value_row(list.list, pool);
    row = kz_value_row(list.list, pool);
    set(row, a, 12);
    assert_json(&list, "[{\"a\":1,\"b\":2},{\"a\":3,\"b\":4},{\"b\":6,\"a\":7},"
                       "{\"c\":10,\"a\":9,\"b\":11},{},{\"a\":12}]");
}

static void many_names(void **state)
{
    kz_value_t object = kz_value_object(pool);
    int i;

    (void)state;
    for (i = 0; i < 2000; i++) {
        const char *name = apr_psprintf(pool, "name_%d", i);

        assert_null(kz_value_named(&object, name));
        set(object, name, i);
    }
    for (i = 0; i < 2000; i++) {
        const kz_value_t *found = kz_value_named(&object, apr_psprintf(pool, "name_%d", i));

        assert_non_null(found);
        assert_int_equal(found->integer, i);
    }
    assert_int_equal(object.object->count, 2000);
    assert_null(kz_value_named(&object, "name_2000"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_other_names),
        cmocka_unit_test(many_names),
    };
    int failed;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_pool_destroy(pool);
    apr_terminate();
    return failed;
}
