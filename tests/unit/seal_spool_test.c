/* The spool: continued, cut short by a crash, on a full disk, used by two at once. */
#include "seal_scene.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>

#include <apr_general.h>

static void test_continued(void **state)
{
    static const size_t pieces[] = {1, 0, 65535, 65536, 10, 65526, 100000, 3, 200000};
    const char *path = in_folder("spool");
    const unsigned char *data = pattern(600000);
    apr_uint64_t offset;
    size_t i, size = 0;

    (void)state;
    assert_ok(kz_seal_spool_create(path, wrapped, pool));
    assert_code(kz_seal_spool_create(path, wrapped, pool), KZ_ERR_CONFLICT);
    for (i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        spool_append(path, &offset, data + size, pieces[i], 4096);
        assert_int_equal(offset, size);
        size += pieces[i];
        assert_holds(path, data, size);
    }
    assert_finishes(path, data, size);
}

/* A request that ends early destroys its pool: the written bytes are kept. */
static void test_closed_by_pool(void **state)
{
    const char *path = in_folder("spool");
    const unsigned char *data = pattern(70000);
    kz_seal_writer_t *writer;
    apr_uint64_t offset;
    apr_pool_t *request;

    (void)state;
    assert_ok(kz_seal_spool_create(path, wrapped, pool));
    apr_pool_create(&request, pool);
    assert_ok(kz_seal_writer_open(&writer, &offset, path, key, DOCUMENT, request));
    assert_ok(kz_seal_write(writer, data, 70000));
    apr_pool_destroy(request);
    assert_holds(path, data, 70000);
}

/* What was held and not kept is dropped, wherever it was, and other bytes take its place. */
static void test_dropped(void **state)
{
    static const size_t starts[] = {0, 1, 65535, 65536, 65537, 140000};
    static const size_t wrongs[] = {0, 1, 65536, 65537, 200000};
    const unsigned char *data = pattern(400000), *wrong = data + 7;
    const char *path = in_folder("spool");
    kz_seal_writer_t *writer;
    apr_uint64_t offset;
    size_t i, j;

    (void)state;
    for (i = 0; i < sizeof starts / sizeof *starts; i++) {
        for (j = 0; j < sizeof wrongs / sizeof *wrongs; j++) {
            spool_make("spool", data, starts[i], 4096);
            assert_ok(kz_seal_writer_open(&writer, &offset, path, key, DOCUMENT, pool));
            assert_ok(kz_seal_writer_hold(writer));
            assert_ok(kz_seal_write(writer, wrong, wrongs[j]));
            assert_ok(kz_seal_writer_close(writer));
            assert_holds(path, data, starts[i]);
            if (j % 2)
                spool_append(path, &offset, data + starts[i], 66000, 66000);
            assert_finishes(path, data, starts[i] + (j % 2 ? 66000 : 0));
            assert_ok(kz_seal_spool_remove(path, pool));
        }
    }
}

static void test_wrong_key_drops_nothing(void **state)
{
    const unsigned char *data = pattern(100000);
    const char *path = spool_make("spool", data, 100000, 100000);
    kz_seal_writer_t *writer;
    apr_uint64_t offset;

    (void)state;
    assert_code(kz_seal_writer_open(&writer, &offset, path, firm_key, DOCUMENT, pool), KZ_ERR_SEAL);
    assert_code(kz_seal_writer_open(&writer, &offset, path, key, OTHER, pool), KZ_ERR_SEAL);
    assert_holds(path, data, 100000);
}

/* A crash between the two steps of finishing: the last chunk is sealed so, the header isn't. */
static void test_half_finished(void **state)
{
    static const size_t sizes[] = {0, 5, 65536, 65537, 131072};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const unsigned char *data = pattern(sizes[i] + 100);
        const char *path = spool_make("spool", data, sizes[i], 4096);
        object_t before = object_load(path), after;
        apr_uint64_t offset;

        assert_finishes(path, data, sizes[i]);
        after = object_load(path);
        memcpy(after.data, before.data, KZ_SEAL_HEADER);
        scene_write(path, after.data, after.len);
        assert_holds(path, data, sizes[i]);
        assert_finishes(path, data, sizes[i]);
        scene_write(path, after.data, after.len);
        spool_append(path, &offset, data + sizes[i], 100, 100); /* the upload resumes after all */
        assert_int_equal(offset, sizes[i]);
        assert_finishes(path, data, sizes[i] + 100);
        assert_ok(kz_seal_spool_remove(path, pool));
    }
}

static void test_damage_is_seen(void **state)
{
    const unsigned char *data = pattern(200000);
    const char *path = spool_make("spool", data, 200000, 200000);
    unsigned char sha256[KZ_SEAL_SHA256];
    object_t spool = object_load(path);
    kz_seal_reader_t *reader;
    apr_uint64_t size;

    (void)state;
    assert_code(kz_seal_reader_open(&reader, object_read, &spool, key, DOCUMENT, pool),
                KZ_ERR_SEAL); /* unfinished */
    spool.data[KZ_SEAL_HEADER + 100] ^= 1;
    scene_write(path, spool.data, spool.len);
    assert_code(kz_seal_scan_copy(&size, sha256, path, -1, key, DOCUMENT), KZ_ERR_SEAL);
    spool.data[KZ_SEAL_HEADER + 100] ^= 1;
    scene_write(path, spool.data,
                spool.len - 1); /* the torn end must not pass as a shorter document */
    assert_code(kz_seal_scan_copy(&size, sha256, path, -1, key, DOCUMENT), KZ_ERR_SEAL);
    scene_write(path, "nothing of the kind", 19);
    assert_code(kz_seal_scan_copy(&size, sha256, path, -1, key, DOCUMENT), KZ_ERR_SEAL);
    assert_ok(kz_seal_spool_remove(path, pool));
    assert_code(kz_seal_scan_copy(&size, sha256, path, -1, key, DOCUMENT), KZ_ERR_NOT_FOUND);
}

/* A tail in the place of the last chunk is no end of a document. */
static void test_tail_is_not_last(void **state)
{
    const unsigned char *data = pattern(70000);
    const char *path = spool_make("spool", data, 70000, 70000);
    size_t len = 70000 - KZ_SEAL_CHUNK + KZ_SEAL_EXTRA;
    object_t tail = disk_load(path).tail, object;

    (void)state;
    assert_finishes(path, data, 70000);
    object = object_load(path);
    memcpy(object.data + object.len - len, tail.data + tail.len - len, len);
    assert_code(read_all(&object, data, 70000, 0), KZ_ERR_SEAL);
}

static void test_only_one_writer(void **state)
{
    const char *path = spool_make("spool", pattern(10), 10, 10);
    kz_seal_meta_t meta = meta_of(pattern(10), 10);
    unsigned char sha256[KZ_SEAL_SHA256];
    kz_seal_writer_t *writer, *second;
    apr_uint64_t offset;

    (void)state;
    assert_ok(kz_seal_writer_open(&writer, &offset, path, key, DOCUMENT, pool));
    assert_code(kz_seal_writer_open(&second, &offset, path, key, DOCUMENT, pool), KZ_ERR_LOCKED);
    assert_code(kz_seal_spool_finish(path, key, &meta, pool), KZ_ERR_LOCKED);
    assert_code(kz_seal_scan_copy(&offset, sha256, path, -1, key, DOCUMENT), KZ_ERR_LOCKED);
    assert_ok(kz_seal_writer_close(writer));
    assert_ok(kz_seal_spool_finish(path, key, &meta, pool));
    assert_code(kz_seal_writer_open(&writer, &offset, path, key, DOCUMENT, pool), KZ_ERR_CONFLICT);
    assert_ok(kz_seal_spool_finish(path, key, &meta, pool)); /* a refusal leaves no lock behind */
}

/* Held bytes count only once they are kept: a crash in between leaves the spool as it was. */
static void test_held(void **state)
{
    static const size_t before[] = {0, 1000, 65536, 100000};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof before / sizeof *before; i++) {
        const unsigned char *data = pattern(before[i] + 200000);
        const char *path = spool_make("spool", data, before[i], 4096);
        kz_seal_writer_t *writer;
        apr_uint64_t offset;
        disk_t crashed;

        assert_ok(kz_seal_writer_open(&writer, &offset, path, key, DOCUMENT, pool));
        assert_ok(kz_seal_writer_hold(writer));
        assert_ok(kz_seal_write(writer, data + before[i], 150000));
        crashed = disk_load(path);
        assert_true(crashed.spool.len > kz_seal_object_size(before[i]));
        assert_ok(kz_seal_writer_close(writer)); /* nobody has kept it */
        assert_ok(kz_seal_writer_open(&writer, &offset, path, key, DOCUMENT, pool));
        assert_int_equal(offset, before[i]);
        assert_ok(kz_seal_writer_close(writer));
        disk_write(path, &crashed, crashed.spool.len, crashed.spool.len);
        assert_ok(kz_seal_writer_open(&writer, &offset, path, key, DOCUMENT, pool));
        assert_int_equal(offset, before[i]);
        assert_ok(kz_seal_writer_hold(writer));
        assert_ok(kz_seal_write(writer, data + before[i], 100000));
        kz_seal_writer_keep(writer);
        assert_ok(kz_seal_writer_close(writer));
        spool_append(path, &offset, data + before[i] + 100000, 100000, 4096);
        assert_int_equal(offset, before[i] + 100000);
        assert_finishes(path, data, before[i] + 200000);
        assert_ok(kz_seal_spool_remove(path, pool));
    }
}

/* Finishing a finished spool changes no byte of it: a store may have it already. */
static void test_finished_twice(void **state)
{
    static const size_t sizes[] = {0, 5, 65536, 65537};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const unsigned char *data = pattern(sizes[i]);
        const char *path = spool_make("spool", data, sizes[i], 4096);
        kz_seal_meta_t meta = meta_of(data, sizes[i]);
        object_t first, second;

        assert_finishes(path, data, sizes[i]);
        first = object_load(path);
        assert_finishes(path, data, sizes[i]);
        second = object_load(path);
        assert_int_equal(first.len, second.len);
        assert_memory_equal(first.data, second.data, first.len);
        meta.name = "anders.txt"; /* another description changes the file */
        assert_ok(kz_seal_spool_finish(path, key, &meta, pool));
        second = object_load(path);
        assert_memory_not_equal(first.data, second.data, KZ_SEAL_HEADER);
        second.data[KZ_SEAL_CLEAR + 20] ^= 1; /* torn */
        scene_write(path, second.data, second.len);
        assert_finishes(path, data, sizes[i]);
        assert_ok(kz_seal_spool_remove(path, pool));
    }
}

/* No place is ever sealed twice under one nonce, whatever is rewritten. */
static void test_fresh_nonces(void **state)
{
    unsigned char seen[40][KZ_SEAL_NONCE];
    const char *path = in_folder("spool");
    const unsigned char *data = pattern(400);
    kz_seal_meta_t meta = meta_of(data, 390);
    apr_uint64_t offset;
    int i, j;

    (void)state;
    assert_ok(kz_seal_spool_create(path, wrapped, pool));
    for (i = 0; i < 40; i++) {
        object_t spool;

        if (i < 39)
            spool_append(path, &offset, data + 10 * i, 10, 10);
        else
            assert_ok(kz_seal_spool_finish(path, key, &meta, pool));
        spool = i < 39 ? disk_load(path).tail : object_load(path);
        memcpy(seen[i], spool.data + (i < 39 ? 24 : KZ_SEAL_HEADER), KZ_SEAL_NONCE);
        for (j = 0; j < i; j++)
            assert_memory_not_equal(seen[i], seen[j], KZ_SEAL_NONCE);
    }
}

static void test_copy_for_the_scanner(void **state)
{
    const unsigned char *data = pattern(150000);
    const char *path = spool_make("spool", data, 150000, 150000), *copy = in_folder("copy");
    int fd = open(copy, O_RDWR | O_CREAT, 0600);
    unsigned char sha256[KZ_SEAL_SHA256];
    apr_uint64_t size;
    object_t plain;

    (void)state;
    assert_ok(kz_seal_scan_copy(&size, sha256, path, fd, key, DOCUMENT));
    close(fd);
    plain = object_load(copy);
    assert_int_equal(plain.len, 150000);
    assert_memory_equal(plain.data, data, 150000);
}

/* A full disk loses no byte written before, and the spool continues when there is room. */
static void test_full_disk(void **state)
{
    const char *mount_point = in_folder("small"), *path = in_folder("small/spool");
    const unsigned char *data = pattern(2000000);
    kz_seal_writer_t *writer;
    apr_uint64_t offset;
    int written = 0;
    kz_err_t *err = NULL;

    (void)state;
    assert_int_equal(mkdir(mount_point, 0700), 0);
    if (!scene_mount(mount_point, "size=512k"))
        skip();
    assert_ok(kz_seal_spool_create(path, wrapped, pool));
    spool_append(path, &offset, data, 30000, 30000); /* the tail that must survive */
    scene_write(in_folder("small/other"), data, 470000);
    assert_ok(kz_seal_writer_open(&writer, &offset, path, key, DOCUMENT, pool));
    assert_code(kz_seal_write(writer, data + 30000, 50000), KZ_ERR_NO_SPACE);
    assert_code(kz_seal_write(writer, data + 80000, 1), KZ_ERR_INTERNAL);
    assert_ok(kz_seal_writer_close(writer));
    assert_holds(path, data, 30000);

    assert_int_equal(unlink(in_folder("small/other")), 0);
    assert_ok(kz_seal_writer_open(&writer, &offset, path, key, DOCUMENT, pool));
    assert_int_equal(offset, 30000);
    for (written = 30000; !err && written < 2000000; written += 10000)
        err = kz_seal_write(writer, data + written, 10000);
    assert_code(err, KZ_ERR_NO_SPACE);
    assert_ok(kz_seal_writer_close(writer));
    spool_append(path, &offset, NULL, 0, 1);
    assert_true(offset >= 2 * KZ_SEAL_CHUNK && offset % KZ_SEAL_CHUNK == 0);
    assert_int_equal(mount("tmpfs", mount_point, "tmpfs", MS_REMOUNT, "size=1m"), 0);
    assert_finishes(path, data, offset);
    umount2(mount_point, MNT_DETACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_continued, setup, teardown),
        cmocka_unit_test_setup_teardown(test_closed_by_pool, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_key_drops_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_half_finished, setup, teardown),
        cmocka_unit_test_setup_teardown(test_finished_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(test_held, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damage_is_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tail_is_not_last, setup, teardown),
        cmocka_unit_test_setup_teardown(test_only_one_writer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fresh_nonces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_copy_for_the_scanner, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
    };

    apr_initialize();
    atexit(apr_terminate);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
