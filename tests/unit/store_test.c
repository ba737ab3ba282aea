/* The directory driver: the conformance suite, and faults that only a directory can have. */
#include "store_conformance.h"

#include <utime.h>

#include <apr_general.h>

#include "io/store/internal.h"

static const char *folder;

static int dir_setup(void **state)
{
    (void)state;
    apr_pool_create(&pool, NULL);
    folder = scene_folder(pool);
    assert_ok(driver->open(&store, folder, pool));
    return 0;
}

static int marked_setup(void **state)
{
    dir_setup(state);
    assert_ok(driver->mark(store, CONFORMANCE_INSTALLATION "\n", soon(), pool));
    return 0;
}

static int dir_teardown(void **state)
{
    (void)state;
    umount2(folder, MNT_DETACH); /* left by a test that has failed */
    scene_remove(folder);
    apr_pool_destroy(pool);
    return 0;
}

static const char *in_folder(const char *name)
{
    return apr_pstrcat(pool, folder, "/", name, NULL);
}

static void assert_nothing_unfinished(void)
{
    assert_true(rmdir(in_folder(".tmp")) == 0 || errno == ENOENT);
}

static void test_only_absolute(void **state)
{
    void *opened;

    (void)state;
    assert_code(driver->open(&opened, "relative/path", pool), KZ_ERR_CONFIG);
    assert_code(driver->open(&opened, "", pool), KZ_ERR_CONFIG);
}

static void test_marks_only_what_is_empty(void **state)
{
    (void)state;
    scene_write(in_folder("something"), "x", 1);
    assert_code(driver->mark(store, "id\n", soon(), pool), KZ_ERR_CONFLICT);
    assert_int_equal(unlink(in_folder("something")), 0);
    assert_int_equal(mkdir(in_folder("lost+found"), 0700), 0); /* a fresh disk */
    assert_int_equal(mkdir(in_folder(".tmp"), 0700), 0);
    scene_write(in_folder(".tmp/interrupted"), "x", 1);
    assert_ok(driver->mark(store, "id\n", soon(), pool));
}

/* The empty mount point of a disk that is not mounted: nothing is written to it, and no object is
 * called missing. */
static void test_unmounted(void **state)
{
    const char *away = apr_pstrcat(pool, folder, ".away", NULL);
    apr_uint64_t size;
    void *object;

    (void)state;
    assert_ok(put_seeded("1/aa/x/1", 100, 1));
    assert_int_equal(rename(folder, away), 0);
    assert_code(put_seeded("1/aa/y/1", 100, 1), KZ_ERR_STORE_DOWN); /* even the folder is gone */
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_code(put_seeded("1/aa/y/1", 100, 1), KZ_ERR_STORE_DOWN);
    assert_code(driver->get(&object, &size, store, "1/aa/x/1", soon(), pool), KZ_ERR_STORE_DOWN);
    assert_code(driver->head(&size, store, "1/aa/x/1", soon(), pool), KZ_ERR_STORE_DOWN);
    assert_code(driver->remove(store, "1/aa/x/1", soon(), pool), KZ_ERR_STORE_DOWN);
    assert_code(driver->list(store, "", collect_keys, NULL, soon(), pool), KZ_ERR_STORE_DOWN);
    assert_code(driver->sweep(store, NULL, apr_time_now(), soon(), pool), KZ_ERR_STORE_DOWN);
    assert_int_equal(rmdir(folder), 0); /* still empty */
    assert_int_equal(rename(away, folder), 0);
    assert_object("1/aa/x/1", 100, 1);
}

static void test_full(void **state)
{
    int fd;

    (void)state;
    if (!scene_mount(folder, "size=256k"))
        skip();
    assert_ok(driver->mark(store, "id\n", soon(), pool));
    assert_ok(put_seeded("1/aa/small/1", 1000, 1));
    assert_code(put_seeded("1/aa/big/1", 1000000, 1), KZ_ERR_NO_SPACE);
    assert_string_equal(listed("1/"), "1/aa/small/1=1000 ");
    fd = source_make(1000000, 2);
    assert_code(driver->replace(store, "1/aa/small/1", fd, 1000000, soon(), pool), KZ_ERR_NO_SPACE);
    close(fd);
    assert_object("1/aa/small/1", 1000, 1);
    assert_nothing_unfinished();
}

static void test_read_only(void **state)
{
    (void)state;
    if (!scene_mount(folder, "size=256k"))
        skip();
    assert_ok(driver->mark(store, "id\n", soon(), pool));
    assert_ok(put_seeded("1/aa/x/1", 1000, 1));
    assert_int_equal(mount(NULL, folder, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    assert_code(put_seeded("1/aa/y/1", 1000, 1), KZ_ERR_STORE_DOWN);
    assert_code(driver->remove(store, "1/aa/x/1", soon(), pool), KZ_ERR_STORE_DOWN);
    assert_object("1/aa/x/1", 1000, 1);
}

/* Folders are private, objects as well, and empty folders don't pile up. */
static void test_what_is_on_disk(void **state)
{
    struct stat info;

    (void)state;
    assert_ok(put_seeded("7/aa/x/1", 10, 1));
    assert_int_equal(stat(in_folder("7/aa/x/1"), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(stat(in_folder("7/aa"), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
    assert_nothing_unfinished();
    assert_ok(put_seeded("7/ab/x/1", 10, 1));
    assert_ok(driver->remove(store, "7/aa/x/1", soon(), pool));
    assert_int_equal(stat(in_folder("7/aa"), &info), -1);
    assert_int_equal(stat(in_folder("7/ab/x"), &info), 0);
    assert_ok(driver->remove(store, "7/ab/x/1", soon(), pool));
    assert_int_equal(stat(in_folder("7"), &info), -1);
}

/* An object is a regular file: the driver follows no link, and opens or waits for no other kind. */
static void test_strange_files(void **state)
{
    apr_uint64_t size;
    void *object;

    (void)state;
    assert_ok(put_seeded("7/aa/x/1", 10, 1));
    assert_int_equal(symlink(in_folder("7/aa/x/1"), in_folder("7/aa/x/2")), 0);
    assert_int_equal(mkfifo(in_folder("7/aa/x/3"), 0600), 0);
    scene_write(in_folder("7/aa/x/UPPER"), "x", 1);
    assert_code(driver->get(&object, &size, store, "7/aa/x/2", soon(), pool), KZ_ERR_STORE_DOWN);
    assert_code(driver->get(&object, &size, store, "7/aa/x/3", soon(), pool), KZ_ERR_NOT_FOUND);
    assert_code(put_seeded("7/aa/x/3", 0, 1), KZ_ERR_CONFLICT);
    assert_code(put_seeded("7/aa/x/1/4", 1, 1), KZ_ERR_STORE_DOWN); /* below a file */
    assert_string_equal(listed("7/"), "7/aa/x/1=10 ");
}

static void test_sweep(void **state)
{
    struct utimbuf old = {1000, 1000};
    struct stat info;

    (void)state;
    mkdir(in_folder(".tmp"), 0700);
    scene_write(in_folder(".tmp/old"), "x", 1);
    scene_write(in_folder(".tmp/new"), "x", 1);
    assert_int_equal(utime(in_folder(".tmp/old"), &old), 0);
    assert_ok(driver->sweep(store, NULL, apr_time_now() - apr_time_from_sec(60), soon(), pool));
    assert_int_equal(stat(in_folder(".tmp/old"), &info), -1);
    assert_int_equal(stat(in_folder(".tmp/new"), &info), 0);
}

/* An object gets shorter while it is read: that is an error, not an early end. */
static void test_cut_while_read(void **state)
{
    char buffer[100];
    size_t len = 100;
    apr_uint64_t size;
    void *object;

    (void)state;
    assert_ok(put_seeded("7/aa/x/1", 1000, 1));
    assert_ok(driver->get(&object, &size, store, "7/aa/x/1", soon(), pool));
    assert_int_equal(truncate(in_folder("7/aa/x/1"), 500), 0);
    assert_code(driver->read(object, 600, buffer, &len, soon()), KZ_ERR_STORE_DOWN);
}

static char flushed[1000]; /* the store's folders that were flushed, with a blank after each */
static int watched;

/* Replaces the C library's fsync(). */
int fsync(int fd)
{
    char link[40], path[500];
    ssize_t len;
    struct stat info;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    len = readlink(link, path, sizeof path - 1);
    assert_true(len > 0);
    path[len] = 0;
    if (watched && fstat(fd, &info) == 0 && S_ISDIR(info.st_mode))
        strncat(strncat(flushed, path + strlen(folder), 200), " ", 2);
    return fdatasync(fd);
}

static void assert_flushes(const char *key, const char *folders)
{
    flushed[0] = 0;
    watched = 1;
    assert_ok(put_seeded(key, 10, 1));
    watched = 0;
    assert_string_equal(flushed, folders);
}

/* A write flushes each folder in which it makes an entry, and those that another write may just
 * have made. */
static void test_flushes_folders(void **state)
{
    (void)state;
    assert_flushes("1/ab/one/1", "/1/ab/one /1/ab /1  ");
    assert_flushes("1/ab/two/1", "/1/ab/two /1/ab ");
    assert_flushes("1/ab/two/2", "/1/ab/two ");
    assert_flushes("1/cd/one/1", "/1/cd/one /1/cd /1 ");
    assert_flushes("1/ab/two/2", "/1/ab/two /1/ab /1  ");
}

int main(void)
{
#define TEST(test, setup) cmocka_unit_test_setup_teardown(test, setup, dir_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_only_absolute, dir_setup),     TEST(test_marks_only_what_is_empty, dir_setup),
        TEST(test_unmounted, marked_setup),      TEST(test_full, dir_setup),
        TEST(test_read_only, dir_setup),         TEST(test_what_is_on_disk, marked_setup),
        TEST(test_strange_files, marked_setup),  TEST(test_sweep, marked_setup),
        TEST(test_cut_while_read, marked_setup), TEST(test_flushes_folders, marked_setup),
    };
    apr_pool_t *whole;
    int failed;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&whole, NULL);
    folder = scene_folder(whole);
    failed = conformance_run(&kz_store__dir, folder);
    scene_remove(folder);
    apr_pool_destroy(whole);
    return failed + cmocka_run_group_tests_name("directory", tests, NULL, NULL);
}
