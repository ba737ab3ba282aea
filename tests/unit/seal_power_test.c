/* What a power loss or a crash leaves of a spool: what was acknowledged is there. */
#include "seal_scene.h"

#include <apr_general.h>

/* What a request that was not acknowledged has written may be on the disk to any length, or as
 * zeros: the bytes that were acknowledged before stay. */
static void test_torn(void **state)
{
    static const size_t kept[] = {0, 1, 65535, 65536, 65537, 140000};
    const size_t size = 4 * KZ_SEAL_CHUNK + 777;
    const unsigned char *data = pattern(size);
    size_t i, len;

    (void)state;
    for (i = 0; i < sizeof kept / sizeof *kept; i++) {
        const char *path = spool_make("spool", data, kept[i], 4096);
        disk_t before = disk_load(path), after;
        apr_uint64_t offset;

        spool_append(path, &offset, data + kept[i], size - kept[i], 50000);
        assert_int_equal(offset, kept[i]);
        after = disk_load(path);
        after.tail = before.tail;
        after.has_tail = before.has_tail;
        for (len = before.spool.len; len <= after.spool.len; len += 6130) {
            disk_write(path, &after, after.spool.len, len);
            spool_append(path, &offset, NULL, 0, 1);
            assert_true(offset >= kept[i]);
            assert_true(offset == kept[i] || (offset - 1) / KZ_SEAL_CHUNK <= len / KZ_SEAL_STRIDE);
            assert_holds(path, data, offset);
            disk_write(path, &after, len, len);
            spool_append(path, &offset, data + offset, 0, 1);
            assert_true(offset >= kept[i]);
            spool_append(path, &offset, data + offset, size - offset, 50000);
            assert_finishes(path, data, size);
        }
        assert_ok(kz_seal_spool_remove(path, pool));
    }
}

/* A hole in the middle of what was not acknowledged ends it: what lies behind never counts. */
static void test_hole(void **state)
{
    const size_t size = 5 * KZ_SEAL_CHUNK + 777;
    const unsigned char *data = pattern(size);
    const char *path = spool_make("spool", data, KZ_SEAL_CHUNK + 5, size);
    disk_t before = disk_load(path), after;
    apr_uint64_t offset;

    (void)state;
    spool_append(path, &offset, data + offset, 0, 1);
    spool_append(path, &offset, data + offset, size - offset, size);
    after = disk_load(path);
    after.tail = before.tail;
    memset(after.spool.data + KZ_SEAL_HEADER + 3 * KZ_SEAL_STRIDE - 4096, 0, 4096);
    disk_write(path, &after, after.spool.len, after.spool.len);
    spool_append(path, &offset, data + 2 * KZ_SEAL_CHUNK, size - 2 * KZ_SEAL_CHUNK, size);
    assert_int_equal(offset, 2 * KZ_SEAL_CHUNK);
    assert_finishes(path, data, size);
}

/* A crash at any byte while the end becomes the last chunk, which is in its place in the spool
 * already if that ends with a whole one. */
static void test_torn_while_finishing(void **state)
{
    static const size_t sizes[] = {5, 65536, 65537, 131072};
    size_t i, len;

    (void)state;
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const unsigned char *data = pattern(sizes[i]);
        const char *path = spool_make("spool", data, sizes[i], 4096);
        disk_t before = disk_load(path), after;
        size_t from = KZ_SEAL_HEADER + (sizes[i] - 1) / KZ_SEAL_CHUNK * KZ_SEAL_STRIDE;

        assert_finishes(path, data, sizes[i]);
        after = disk_load(path);
        for (len = from; len <= after.spool.len; len += 1021) {
            disk_t torn = {.spool = after.spool, .tail = after.tail, .has_tail = after.has_tail};

            memcpy(torn.spool.data, before.spool.data, KZ_SEAL_HEADER);
            disk_write(path, &torn, after.spool.len, len);
            assert_holds(path, data, sizes[i]);
            assert_finishes(path, data, sizes[i]);
        }
        assert_ok(kz_seal_spool_remove(path, pool));
    }
}

/* Older versions left the unfinished chunk in the spool itself: it goes on, and is not overwritten
 * before the tail has it. */
static void test_older_version(void **state)
{
    const unsigned char *data = pattern(200000);
    const char *path = spool_make("spool", data, 3 * KZ_SEAL_CHUNK, 4096);
    unsigned char sealed[KZ_SEAL_STRIDE];
    object_t spool = object_load(path);
    kz_seal__cipher_t *sealer;
    apr_uint64_t offset;

    (void)state;
    assert_ok(kz_seal__cipher_create(&sealer, key, DOCUMENT, KZ_SEAL_SEAL, pool));
    kz_seal__cipher_chunk(sealer, 3, KZ_SEAL_TAIL);
    assert_ok(kz_seal__chunk_seal(sealed, sealer, data + 3 * KZ_SEAL_CHUNK, 100));
    spool.data = memcpy(apr_palloc(pool, spool.len + 128), spool.data, spool.len);
    memcpy(spool.data + spool.len, sealed, 128);
    assert_ok(kz_seal_spool_remove(path, pool));
    scene_write(path, spool.data, spool.len + 128);
    assert_holds(path, data, 3 * KZ_SEAL_CHUNK + 100);
    spool_append(path, &offset, data + 3 * KZ_SEAL_CHUNK + 100, 1000, 1000);
    assert_int_equal(offset, 3 * KZ_SEAL_CHUNK + 100);
    assert_finishes(path, data, 3 * KZ_SEAL_CHUNK + 1100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_torn, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hole, setup, teardown),
        cmocka_unit_test_setup_teardown(test_torn_while_finishing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_older_version, setup, teardown),
    };

    apr_initialize();
    atexit(apr_terminate);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
