/* Sealing: keys, round trips and every kind of damage. Spools that are continued and cut are in
 * seal_spool_test.c, the format itself is compared with a second implementation in
 * seal_vectors_test.c. */
#include "seal_scene.h"

#include <apr_general.h>

/* --- keys --- */

static void test_wrapped_keys_open_only_their_own(void **state)
{
    unsigned char damaged[KZ_SEAL_WRAPPED];
    kz_seal_keyring_t *other;
    kz_seal_key_t *opened;
    int i;

    (void)state;
    assert_code(kz_seal_firm_open(&opened, ring, 8, firm_wrapped, pool), KZ_ERR_SEAL);
    assert_code(kz_seal_document_open(&opened, firm_key, OTHER, wrapped, pool), KZ_ERR_SEAL);
    assert_code(kz_seal_document_open(&opened, key, DOCUMENT, wrapped, pool), KZ_ERR_SEAL);
    assert_code(kz_seal_document_open(&opened, firm_key, "nonsense", wrapped, pool),
                KZ_ERR_INVALID);
    for (i = 0; i < KZ_SEAL_WRAPPED; i++) {
        memcpy(damaged, wrapped, sizeof damaged);
        damaged[i] ^= 1;
        assert_code(kz_seal_document_open(&opened, firm_key, DOCUMENT, damaged, pool), KZ_ERR_SEAL);
        memcpy(damaged, firm_wrapped, sizeof damaged);
        damaged[i] ^= 1;
        assert_code(kz_seal_firm_open(&opened, ring, 7, damaged, pool), KZ_ERR_SEAL);
    }
    assert_int_equal(mkdir(in_folder("others"), 0700), 0);
    master_write(in_folder("others"), "master-2", 9, 0400);
    assert_ok(kz_seal_keyring_open(&other, in_folder("others"), pool));
    assert_code(kz_seal_firm_open(&opened, other, 7, firm_wrapped, pool), KZ_ERR_SEAL);
}

static void test_rotation(void **state)
{
    unsigned char again[KZ_SEAL_WRAPPED];
    kz_seal_keyring_t *rotated;
    kz_seal_key_t *opened;

    (void)state;
    assert_int_equal(kz_seal_keyring_version(ring), 2);
    master_write(in_folder("keys"), "master-10", 10, 0600);
    assert_ok(kz_seal_keyring_open(&rotated, in_folder("keys"), pool));
    assert_int_equal(kz_seal_keyring_version(rotated), 10);
    assert_ok(kz_seal_firm_rewrap(again, rotated, 7, firm_wrapped, pool));
    assert_int_equal(again[3], 10);
    assert_ok(kz_seal_firm_open(&opened, rotated, 7, again, pool));
    assert_memory_equal(opened->bytes, firm_key->bytes, KZ_SEAL_KEY);
    assert_ok(kz_seal_firm_open(&opened, rotated, 7, firm_wrapped, pool));
    assert_memory_equal(opened->bytes, firm_key->bytes, KZ_SEAL_KEY);
    assert_code(kz_seal_firm_open(&opened, ring, 7, again, pool), KZ_ERR_SEAL);
}

static void test_a_box_opens_only_as_what_it_is(void **state)
{
    unsigned char sealed[16 + KZ_SEAL_BOX_EXTRA], twice[sizeof sealed];
    char plain[16];
    size_t i;

    (void)state;
    assert_ok(kz_seal_box(sealed, firm_key, "a purpose", DOCUMENT, "0123456789abcdef", 16));
    assert_ok(kz_seal_box_open(plain, firm_key, "a purpose", DOCUMENT, sealed, sizeof sealed));
    assert_memory_equal(plain, "0123456789abcdef", 16);
    assert_ok(kz_seal_box(twice, firm_key, "a purpose", DOCUMENT, "0123456789abcdef", 16));
    assert_memory_not_equal(sealed, twice, sizeof sealed);
    assert_code(kz_seal_box_open(plain, firm_key, "another", DOCUMENT, sealed, sizeof sealed),
                KZ_ERR_SEAL);
    assert_code(kz_seal_box_open(plain, firm_key, "a purpose", OTHER, sealed, sizeof sealed),
                KZ_ERR_SEAL);
    assert_code(kz_seal_box_open(plain, key, "a purpose", DOCUMENT, sealed, sizeof sealed),
                KZ_ERR_SEAL);
    assert_code(kz_seal_box(twice, firm_key, "a purpose", "nonsense", "x", 1), KZ_ERR_INVALID);
    for (i = 0; i < sizeof sealed; i++) {
        assert_code(kz_seal_box_open(plain, firm_key, "a purpose", DOCUMENT, sealed, i),
                    KZ_ERR_SEAL);
        sealed[i] ^= 1;
        assert_code(kz_seal_box_open(plain, firm_key, "a purpose", DOCUMENT, sealed, sizeof sealed),
                    KZ_ERR_SEAL);
        sealed[i] ^= 1;
    }
}

static void test_keyring_refuses(void **state)
{
    const char *dir = in_folder("bad");
    kz_seal_keyring_t *opened;

    (void)state;
    assert_code(kz_seal_keyring_open(&opened, dir, pool), KZ_ERR_CONFIG); /* no folder */
    assert_int_equal(mkdir(dir, 0700), 0);
    master_write(dir, "master-0", 1, 0600);
    master_write(dir, "master-01", 1, 0600);
    master_write(dir, "master-1.bak", 1, 0600);
    master_write(dir, "master-4294967296", 1, 0600);
    assert_code(kz_seal_keyring_open(&opened, dir, pool), KZ_ERR_CONFIG); /* no key */
    master_write(dir, "master-4294967295", 1, 0600);
    assert_ok(kz_seal_keyring_open(&opened, dir, pool));
    assert_int_equal(kz_seal_keyring_version(opened), 4294967295U);
    master_write(dir, "master-1", 1, 0640);
    assert_code(kz_seal_keyring_open(&opened, dir, pool), KZ_ERR_CONFIG); /* others may read it */
    assert_int_equal(unlink(apr_pstrcat(pool, dir, "/master-1", NULL)), 0);
    scene_write(apr_pstrcat(pool, dir, "/master-2", NULL), "short", 5);
    assert_code(kz_seal_keyring_open(&opened, dir, pool), KZ_ERR_CONFIG);
}

static void test_derived_keys(void **state)
{
    const unsigned char *const *one, *const *again, *const *other;

    (void)state;
    assert_ok(kz_seal_derive(&one, ring, "csrf", pool));
    assert_ok(kz_seal_derive(&again, ring, "csrf", pool));
    assert_ok(kz_seal_derive(&other, ring, "csrg", pool));
    assert_memory_equal(one[0], again[0], KZ_SEAL_KEY);
    assert_memory_not_equal(one[0], other[0], KZ_SEAL_KEY);
}

/* The newest master key's comes first, those of the others behind it. */
static void test_derived_keys_of_several_masters(void **state)
{
    const char *dir = in_folder("several");
    const unsigned char *const *one, *const *all;
    kz_seal_keyring_t *opened;

    (void)state;
    assert_int_equal(mkdir(dir, 0700), 0);
    master_write(dir, "master-9", 9, 0600);
    assert_ok(kz_seal_keyring_open(&opened, dir, pool));
    assert_ok(kz_seal_derive(&one, opened, "csrf", pool));
    assert_null(one[1]);
    master_write(dir, "master-10", 10, 0600);
    master_write(dir, "master-1", 1, 0600);
    assert_ok(kz_seal_keyring_open(&opened, dir, pool));
    assert_ok(kz_seal_derive(&all, opened, "csrf", pool));
    assert_memory_not_equal(all[0], one[0], KZ_SEAL_KEY);
    assert_true(memcmp(all[1], one[0], KZ_SEAL_KEY) == 0 ||
                memcmp(all[2], one[0], KZ_SEAL_KEY) == 0);
    assert_null(all[3]);
}

/* --- writing and reading --- */

static void test_round_trip(void **state)
{
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 131072, 200000};
    static const size_t steps[] = {1021, 65536, 65537, 300000};
    size_t i, s;

    (void)state;
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (s = 0; s < sizeof steps / sizeof *steps; s++) {
            const unsigned char *data = pattern(sizes[i]);
            const char *path = spool_make("spool", data, sizes[i], steps[s]);
            kz_seal_meta_t meta = meta_of(data, sizes[i]);
            object_t object;

            assert_ok(kz_seal_spool_finish(path, key, &meta, pool));
            assert_ok(kz_seal_spool_finish(path, key, &meta, pool)); /* repeatable */
            object = object_load(path);
            assert_int_equal(object.len, kz_seal_object_size(sizes[i]));
            assert_ok(read_all(&object, data, sizes[i], 0));
            object.most = 1000;
            assert_ok(read_all(&object, data, sizes[i], sizes[i] / 2));
            assert_ok(kz_seal_spool_remove(path, pool));
        }
}

static void test_any_range(void **state)
{
    static const size_t from[] = {0, 1, 65535, 65536, 65537, 131071, 131072, 199999, 200000};
    object_t object = object_make("spool", 200000);
    const unsigned char *data = pattern(200000);
    kz_seal_reader_t *reader;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof from / sizeof *from; i++)
        assert_ok(read_all(&object, data, 200000, from[i]));
    assert_ok(kz_seal_reader_open(&reader, object_read, &object, key, DOCUMENT, pool));
    assert_code(kz_seal_seek(reader, 200001), KZ_ERR_RANGE);
}

static void test_description(void **state)
{
    unsigned char peeked[KZ_SEAL_WRAPPED];
    object_t object = object_make("spool", 12345);
    kz_seal_meta_t want = meta_of(pattern(12345), 12345);
    const kz_seal_meta_t *meta;
    kz_seal_reader_t *reader;

    (void)state;
    assert_ok(kz_seal_reader_open(&reader, object_read, &object, key, DOCUMENT, pool));
    meta = kz_seal_reader_meta(reader);
    assert_int_equal(meta->firm, 7);
    assert_string_equal(meta->document, DOCUMENT);
    assert_null(meta->client);
    assert_string_equal(meta->matter, OTHER);
    assert_string_equal(meta->by, OTHER);
    assert_string_equal(meta->name, want.name);
    assert_string_equal(meta->type, want.type);
    assert_int_equal(meta->at, want.at);
    assert_memory_equal(meta->sha256, want.sha256, KZ_SEAL_SHA256);
    assert_ok(kz_seal_peek_wrapped(peeked, object_read, &object));
    assert_memory_equal(peeked, wrapped, KZ_SEAL_WRAPPED);
    assert_null(memmem(object.data, object.len, "Jahres", 6));
}

static void test_description_refused(void **state)
{
    const char *path = spool_make("spool", pattern(10), 10, 10);
    kz_seal_meta_t good = meta_of(pattern(10), 10), meta = good;
    char name[257];

    (void)state;
    memset(name, 1, 256); /* written as \u0001: six times as long */
    name[256] = 0;
    meta.name = name;
    assert_code(kz_seal_spool_finish(path, key, &meta, pool), KZ_ERR_INVALID);
    meta.name = "not \xff UTF-8";
    assert_code(kz_seal_spool_finish(path, key, &meta, pool), KZ_ERR_INVALID);
    meta = good;
    meta.client = "no UUID";
    assert_code(kz_seal_spool_finish(path, key, &meta, pool), KZ_ERR_INVALID);
    meta = good;
    meta.size = 11;
    assert_code(kz_seal_spool_finish(path, key, &meta, pool), KZ_ERR_SEAL);
    meta = good;
    name[255] = 0;
    meta.name = name;
    name[127] = 0;
    meta.type = apr_pstrdup(pool, name);
    name[127] = 1;
    assert_ok(kz_seal_spool_finish(path, key, &meta, pool));
    meta.size = 9;
    assert_code(kz_seal_spool_finish(path, key, &meta, pool), KZ_ERR_SEAL);
}

/* --- damage --- */

static void test_every_header_byte_counts(void **state)
{
    object_t object = object_make("spool", 100);
    kz_seal_reader_t *reader;
    size_t i;

    (void)state;
    for (i = 0; i < object.len; i++) {
        object.data[i] ^= 0x40;
        assert_code(read_all(&object, pattern(100), 100, 0), KZ_ERR_SEAL);
        object.data[i] ^= 0x40;
    }
    for (i = 0; i < object.len; i++) {
        object_t cut = {object.data, i, 0};

        assert_code(read_all(&cut, pattern(100), 100, 0), KZ_ERR_SEAL);
    }
    assert_code(kz_seal_reader_open(&reader, object_read, &object, key, OTHER, pool), KZ_ERR_SEAL);
    assert_code(kz_seal_reader_open(&reader, object_read, &object, firm_key, DOCUMENT, pool),
                KZ_ERR_SEAL);
    assert_ok(read_all(&object, pattern(100), 100, 0));
}

static void test_chunks_stay_in_place(void **state)
{
    const size_t size = 3 * KZ_SEAL_CHUNK;
    object_t object = object_make("spool", size), longer = object_make("second", size);
    unsigned char *first = object.data + KZ_SEAL_HEADER, *second = first + KZ_SEAL_STRIDE;
    unsigned char *kept = apr_pmemdup(pool, object.data, object.len);

    (void)state;
    memcpy(first, second, KZ_SEAL_STRIDE);
    assert_code(read_all(&object, pattern(size), size, 0), KZ_ERR_SEAL);
    memcpy(first, kept + KZ_SEAL_HEADER, KZ_SEAL_STRIDE);
    object.len -= KZ_SEAL_STRIDE; /* cut at a chunk's end */
    assert_code(read_all(&object, pattern(size), size, 0), KZ_ERR_SEAL);
    object.len += KZ_SEAL_STRIDE;
    memcpy(second, second + KZ_SEAL_STRIDE, KZ_SEAL_STRIDE); /* the last one in the middle */
    assert_code(read_all(&object, pattern(size), size, 0), KZ_ERR_SEAL);
    memcpy(second, kept + (second - object.data), KZ_SEAL_STRIDE);
    assert_ok(read_all(&object, pattern(size), size, 0));
    longer.data = apr_palloc(pool, longer.len + KZ_SEAL_STRIDE);
    memcpy(longer.data, object.data, object.len);
    memcpy(longer.data + object.len, second, KZ_SEAL_STRIDE);
    longer.len = object.len + 1;
    assert_code(read_all(&longer, pattern(size), size, 0), KZ_ERR_SEAL);
}

static void test_reader_can_be_asked_again(void **state)
{
    object_t object = object_make("spool", 200000);
    const unsigned char *data = pattern(200000), *piece;
    kz_seal_reader_t *reader;
    size_t len;

    (void)state;
    object.data[KZ_SEAL_HEADER + KZ_SEAL_STRIDE + 99] ^= 1;
    assert_ok(kz_seal_reader_open(&reader, object_read, &object, key, DOCUMENT, pool));
    assert_ok(kz_seal_read(&piece, &len, reader));
    assert_code(kz_seal_read(&piece, &len, reader), KZ_ERR_SEAL);
    assert_int_equal(len, 0);
    object.data[KZ_SEAL_HEADER + KZ_SEAL_STRIDE + 99] ^= 1;
    assert_ok(kz_seal_read(&piece, &len, reader));
    assert_int_equal(len, KZ_SEAL_CHUNK);
    assert_memory_equal(piece, data + KZ_SEAL_CHUNK, len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_wrapped_keys_open_only_their_own, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rotation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_box_opens_only_as_what_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keyring_refuses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_derived_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_derived_keys_of_several_masters, setup, teardown),
        cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_any_range, setup, teardown),
        cmocka_unit_test_setup_teardown(test_description, setup, teardown),
        cmocka_unit_test_setup_teardown(test_description_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_header_byte_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_chunks_stay_in_place, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reader_can_be_asked_again, setup, teardown),
    };

    apr_initialize();
    atexit(apr_terminate);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
