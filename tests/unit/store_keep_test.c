/* Replacement, removal and listing, which keep the stores of a set alike. */
#include "store_scene.h"

#include <apr_general.h>

static void test_replace_missing(void **state)
{
    unsigned char held[STORES];
    apr_uint64_t size;

    (void)state;
    faults[1].down = 1;
    assert_ok(put(held, KEY, 300000, 1, soon()));
    assert_code(kz_stores_replace(stores, 1, 0, KEY, folder, soon()), KZ_ERR_STORE_DOWN);
    faults[1].down = 0;
    assert_code(kz_stores_head(&size, stores, 1, KEY, soon(), pool), KZ_ERR_NOT_FOUND);
    assert_code(kz_stores_replace(stores, 0, 1, KEY, folder, soon()), KZ_ERR_NOT_FOUND);
    assert_whole(0, KEY, 300000, 1);
    assert_code(kz_stores_replace(stores, 1, 0, KEY, "/no/such/folder", soon()), KZ_ERR_STORE_DOWN);
    assert_ok(kz_stores_replace(stores, 1, 0, KEY, folder, soon()));
    assert_whole(1, KEY, 300000, 1);
    assert_ok(kz_stores_replace(stores, 1, 0, KEY, folder, soon())); /* repeatable */
}

static void test_replace_damaged(void **state)
{
    unsigned char held[STORES];

    (void)state;
    assert_ok(put(held, KEY, 300000, 1, soon()));
    scene_write(store_path(0, "/" KEY), "damaged", 7);
    assert_code(kz_stores_replace(stores, 0, 0, KEY, folder, soon()), KZ_ERR_INVALID);
    assert_code(kz_stores_replace(stores, 0, -1, KEY, folder, soon()), KZ_ERR_INVALID);
    assert_code(kz_stores_replace(stores, 0, STORES, KEY, folder, soon()), KZ_ERR_INVALID);
    assert_ok(kz_stores_replace(stores, 0, 2, KEY, folder, soon()));
    assert_whole(0, KEY, 300000, 1);
    scene_write(store_path(1, "/" KEY), pattern(300000, 5), 300000); /* of the same size */
    assert_ok(kz_stores_replace(stores, 1, 0, KEY, folder, soon()));
    assert_whole(1, KEY, 300000, 1);
}

static void test_remove(void **state)
{
    unsigned char held[STORES];
    apr_uint64_t size;
    int i;

    (void)state;
    assert_ok(put(held, KEY, 10, 1, soon()));
    faults[0].down = 1;
    assert_code(kz_stores_remove(stores, KEY, soon(), pool), KZ_ERR_STORE_DOWN);
    assert_code(kz_stores_head(&size, stores, 1, KEY, soon(), pool), KZ_ERR_NOT_FOUND);
    faults[0].down = 0;
    assert_ok(kz_stores_remove(stores, KEY, soon(), pool));
    assert_ok(kz_stores_remove(stores, KEY, soon(), pool));
    for (i = 0; i < STORES; i++)
        assert_code(kz_stores_head(&size, stores, i, KEY, soon(), pool), KZ_ERR_NOT_FOUND);
    assert_ok(kz_stores_sweep(stores, soon(), pool));
}

static kz_err_t *join(void *baton, const char *key, apr_uint64_t size)
{
    char **keys = baton;

    *keys = apr_psprintf(pool, "%s%s=%d ", *keys, key, (int)size);
    return size == 13 ? kz_err_create(KZ_ERR_STORE_DOWN, "the caller's own") : NULL;
}

static void test_list(void **state)
{
    char *keys = apr_pstrdup(pool, "");
    unsigned char held[STORES];

    (void)state;
    assert_ok(put(held, "8/aa/x/1", 1, 1, soon()));
    assert_ok(put(held, "7/aa/x/1", 2, 1, soon()));
    assert_ok(kz_stores_list(stores, 1, "", join, &keys, soon())); /* without the marker */
    assert_string_equal(keys, "7/aa/x/1=2 8/aa/x/1=1 ");
    assert_ok(put(held, "7/aa/x/0", 13, 1, soon()));
    assert_code(kz_stores_list(stores, 1, "", join, &keys, soon()), KZ_ERR_STORE_DOWN);
    assert_well(1, 1); /* the store did nothing wrong */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_replace_missing, setup),
        TEST(test_replace_damaged, setup),
        TEST(test_remove, setup),
        TEST(test_list, setup),
    };

    apr_initialize();
    atexit(apr_terminate);
    if (kz_stores_register(&odd_driver))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
