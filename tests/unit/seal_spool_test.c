/* The spool: continued, cut short by a crash, on a full disk, used by two at once. */
#include "seal_scene.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>

#include <apr_general.h>

/* Checks that the spool at PATH holds the first *LEN bytes of DATA. */
static void assert_holds(const char *path, const unsigned char *data, apr_uint64_t len)
{
    unsigned char sha256[KZ_SEAL_SHA256], want[KZ_SEAL_SHA256];
    int fd = memfd_create("copy", MFD_CLOEXEC);
    apr_uint64_t size;

    assert_ok(kz_seal_scan_copy(&size, sha256, path, -1, key, DOCUMENT));
    assert_int_equal(size, len);
    crypto_hash_sha256(want, data, len);
    assert_memory_equal(sha256, want, sizeof want);
    assert_ok(kz_seal_scan_copy(&size, NULL, path, fd, key, DOCUMENT));
    assert_int_equal(size, len);
    memset(sha256, 0, sizeof sha256);
    assert_ok(kz_seal_scan_hash(sha256, fd, pool));
    assert_memory_equal(sha256, want, sizeof want);
    close(fd);
}

/* Finishes the spool and reads it back. */
static void assert_finishes(const char *path, const unsigned char *data, size_t size)
{
    kz_seal_meta_t meta = meta_of(data, size);
    object_t object;

    assert_ok(kz_seal_spool_finish(path, key, &meta, pool));
    object = object_load(path);
    assert_int_equal(object.len, kz_seal_object_size(size));
    assert_ok(read_all(&object, data, size, 0));
    assert_holds(path, data, size);
}

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

/* What has come since the writer was opened is dropped, wherever that was, and other bytes take its
 * place. */
static void test_cut(void **state)
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
            unlink(path);
            spool_make("spool", data, starts[i], 4096);
            assert_ok(kz_seal_writer_open(&writer, &offset, path, key, DOCUMENT, pool));
            assert_ok(kz_seal_write(writer, wrong, wrongs[j]));
            assert_ok(kz_seal_writer_cut(writer, starts[i] + 300000));
            assert_ok(kz_seal_writer_cut(writer, offset));
            if (j % 2)
                assert_ok(kz_seal_write(writer, data + starts[i], 66000));
            assert_ok(kz_seal_writer_close(writer));
            assert_holds(path, data, starts[i] + (j % 2 ? 66000 : 0));
            assert_finishes(path, data, starts[i] + (j % 2 ? 66000 : 0));
        }
    }
}

/* A crash leaves the file at any length: complete chunks stay, the rest is sent again. */
static void test_torn(void **state)
{
    const size_t size = 2 * KZ_SEAL_CHUNK + 777;
    const unsigned char *data = pattern(size);
    const char *whole = spool_make("whole", data, size, size), *path = in_folder("spool");
    object_t full = object_load(whole);
    size_t len;

    (void)state;
    for (len = KZ_SEAL_HEADER; len < full.len; len += 613) {
        apr_uint64_t offset;

        scene_write(path, full.data, len);
        spool_append(path, &offset, NULL, 0, 1);
        assert_int_equal(offset,
                         (len - KZ_SEAL_HEADER) / KZ_SEAL_STRIDE * (apr_uint64_t)KZ_SEAL_CHUNK);
        assert_holds(path, data, offset);
        spool_append(path, &offset, data + offset, size - offset, 50000);
        assert_finishes(path, data, size);
    }
}

/* After a crash a file system may have the length on disk, but zeros instead of the bytes. */
static void test_torn_to_zeros(void **state)
{
    const size_t size = 3 * KZ_SEAL_CHUNK + 777;
    const unsigned char *data = pattern(size);
    const char *path = spool_make("spool", data, size, size);
    object_t spool = object_load(path);
    apr_uint64_t offset;

    (void)state;
    memset(spool.data + KZ_SEAL_HEADER + 2 * KZ_SEAL_STRIDE - 4096, 0,
           spool.len - KZ_SEAL_HEADER - 2 * KZ_SEAL_STRIDE + 4096);
    scene_write(path, spool.data, spool.len);
    spool_append(path, &offset, data + KZ_SEAL_CHUNK, size - KZ_SEAL_CHUNK, size);
    assert_int_equal(offset, KZ_SEAL_CHUNK);
    assert_finishes(path, data, size);
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
        scene_write(path, after.data, after.len);
        if (sizes[i] % KZ_SEAL_CHUNK == 0) { /* torn after the last chunk, and left alone */
            assert_int_equal(truncate(path, (off_t)after.len + 5), 0);
            spool_append(path, &offset, NULL, 0, 1);
            assert_finishes(path, data, sizes[i]);
        }
        assert_int_equal(unlink(path), 0);
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
    assert_int_equal(unlink(path), 0);
    assert_code(kz_seal_scan_copy(&size, sha256, path, -1, key, DOCUMENT), KZ_ERR_NOT_FOUND);
}

/* A tail with the header of a finished object is no end of a document. */
static void test_tail_is_not_last(void **state)
{
    const unsigned char *data = pattern(70000);
    const char *path = spool_make("spool", data, 70000, 70000);
    object_t spool = object_load(path), object;

    (void)state;
    assert_finishes(path, data, 70000);
    object = object_load(path);
    memcpy(object.data + KZ_SEAL_HEADER, spool.data + KZ_SEAL_HEADER, spool.len - KZ_SEAL_HEADER);
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
        object_t crashed;

        assert_ok(kz_seal_writer_open(&writer, &offset, path, key, DOCUMENT, pool));
        assert_ok(kz_seal_writer_hold(writer));
        assert_ok(kz_seal_write(writer, data + before[i], 150000));
        crashed = object_load(path);
        assert_true(crashed.len > kz_seal_object_size(before[i]));
        assert_ok(kz_seal_writer_close(writer)); /* nobody has kept it */
        assert_ok(kz_seal_writer_open(&writer, &offset, path, key, DOCUMENT, pool));
        assert_int_equal(offset, before[i]);
        assert_ok(kz_seal_writer_close(writer));
        scene_write(path, crashed.data, crashed.len);
        assert_ok(kz_seal_writer_open(&writer, &offset, path, key, DOCUMENT, pool));
        assert_int_equal(offset, before[i]);
        assert_ok(kz_seal_writer_hold(writer));
        assert_ok(kz_seal_write(writer, data + before[i], 100000));
        kz_seal_writer_keep(writer);
        assert_ok(kz_seal_writer_close(writer));
        spool_append(path, &offset, data + before[i] + 100000, 100000, 4096);
        assert_int_equal(offset, before[i] + 100000);
        assert_finishes(path, data, before[i] + 200000);
        assert_int_equal(unlink(path), 0);
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
        assert_int_equal(unlink(path), 0);
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
        spool = object_load(path);
        memcpy(seen[i], spool.data + KZ_SEAL_HEADER, KZ_SEAL_NONCE);
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
    assert_finishes(path, data, offset);
    umount2(mount_point, MNT_DETACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_continued, setup, teardown),
        cmocka_unit_test_setup_teardown(test_closed_by_pool, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_torn, setup, teardown),
        cmocka_unit_test_setup_teardown(test_torn_to_zeros, setup, teardown),
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
