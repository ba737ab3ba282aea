/* Writing in two steps: objects that are staged, but have no name yet. */
#include "store_scene.h"

#include <apr_general.h>
#include <dirent.h>

static kz_stores_write_t *begin(int fd, size_t size, int given)
{
    const kz_store_source_t source = {KEY, fd, size, given};
    kz_stores_write_t *write;

    assert_ok(kz_stores_begin(&write, stores, &source, soon(), pool));
    return write;
}

static kz_err_t *give(unsigned char *held, int fd, size_t size)
{
    return kz_stores_settle(held, begin(fd, size, 1), soon());
}

/* Returns the number of files in the folder of unfinished writes of store INDEX. */
static int unfinished(int index)
{
    DIR *dir = opendir(store_path(index, "/.tmp"));
    const struct dirent *entry;
    int count = 0;

    while (dir && (entry = readdir(dir)))
        count += entry->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return count;
}

static void await_unfinished(int index, int count)
{
    apr_time_t limit = soon();

    while (unfinished(index) != count && kz_clock_now() < limit)
        apr_sleep(1000);
    assert_int_equal(unfinished(index), count);
}

static void assert_absent(void)
{
    kz_store_object_t *object;
    apr_uint64_t size;

    assert_code(kz_stores_get(&object, &size, stores, KEY, soon(), pool), KZ_ERR_NOT_FOUND);
}

static int source(size_t size)
{
    int fd = memfd_create("staged", MFD_CLOEXEC);

    assert_int_equal(write(fd, pattern(size, 1), size), size);
    return fd;
}

/* One store takes over the file itself, the others get copies; the file's first name may be
 * removed. */
static void test_give(void **state)
{
    unsigned char *bytes = pattern(100000, 1), held[STORES];
    const char *path = apr_pstrcat(pool, folder, "/given", NULL);
    struct stat source, object;
    int fd, i, same = 0;

    (void)state;
    scene_write(path, bytes, 100000);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(fstat(fd, &source), 0);
    assert_ok(give(held, fd, 100000));
    assert_held(held, 1, 1, 1);
    for (i = 0; i < STORES; i++) {
        assert_int_equal(stat(store_path(i, "/" KEY), &object), 0);
        same += object.st_ino == source.st_ino;
    }
    assert_int_equal(same, 1);
    assert_ok(give(held, fd, 100000)); /* repeated */
    assert_held(held, 1, 1, 1);
    close(fd);
    assert_int_equal(unlink(path), 0);
    for (i = 0; i < STORES; i++)
        assert_whole(i, KEY, 100000, 1);
}

/* A store that was away gets a copy of its own, though the file is given again: another one has
 * that file. */
static void test_given_again(void **state)
{
    unsigned char *bytes = pattern(100000, 1), held[STORES];
    const char *path = apr_pstrcat(pool, folder, "/given", NULL);
    int fd, same, i, j;

    (void)state;
    scene_write(path, bytes, 100000);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    for (i = STORES - 1; i >= 0; i--) {
        for (j = 0; j < STORES; j++)
            faults[j].down = j < i;
        kz_err_expected(give(held, fd, 100000)); /* fewer than the quorum, at first */
    }
    assert_held(held, 1, 1, 1);
    close(fd);
    for (i = 0; i < STORES; i++) {
        for (j = 0; j < i; j++) {
            assert_ok(kz_stores_same(&same, stores, i, j, KEY));
            assert_int_equal(same, 0);
        }
    }
    assert_int_equal(unlink(store_path(2, "/" KEY)), 0);
    assert_int_equal(link(store_path(0, "/" KEY), store_path(2, "/" KEY)), 0);
    assert_ok(kz_stores_same(&same, stores, 0, 2, KEY));
    assert_int_equal(same, 1);
    assert_ok(kz_stores_replace(stores, 2, 0, KEY, folder, soon()));
    assert_ok(kz_stores_same(&same, stores, 0, 2, KEY));
    assert_int_equal(same, 0);
}

/* A file on another file system, or without a name, is copied. */
static void test_give_from_elsewhere(void **state)
{
    unsigned char held[STORES];
    int fd = memfd_create("given", MFD_CLOEXEC), i;

    (void)state;
    assert_int_equal(write(fd, pattern(100000, 1), 100000), 100000);
    assert_ok(give(held, fd, 100000));
    close(fd);
    assert_held(held, 1, 1, 1);
    for (i = 0; i < STORES; i++)
        assert_whole(i, KEY, 100000, 1);
}

/* The object is written completely, and nobody finds it before it gets its name. */
static void test_nothing_before_its_time(void **state)
{
    unsigned char held[STORES];
    int fd = source(100000), i;
    kz_stores_write_t *write = begin(fd, 100000, 0);

    (void)state;
    close(fd);
    for (i = 0; i < STORES; i++) {
        await_unfinished(i, 1);
        assert_int_equal(access(store_path(i, "/7"), F_OK), -1);
    }
    assert_absent();
    assert_ok(kz_stores_settle(held, write, soon()));
    assert_held(held, 1, 1, 1);
    for (i = 0; i < STORES; i++) {
        assert_whole(i, KEY, 100000, 1);
        assert_int_equal(unfinished(i), 0);
    }
}

/* A dropped object leaves nothing, and no store counts as failed. */
static void test_dropped(void **state)
{
    const char *path = apr_pstrcat(pool, folder, "/given", NULL);
    int fd, given, i;

    (void)state;
    scene_write(path, pattern(100000, 1), 100000);
    for (given = 0; given < 2; given++) {
        fd = open(path, O_RDONLY | O_CLOEXEC);
        kz_stores_drop(begin(fd, 100000, given));
        close(fd);
        for (i = 0; i < STORES; i++) {
            assert_int_equal(unfinished(i), 0);
            assert_int_equal(access(store_path(i, "/7"), F_OK), -1);
            assert_well(i, 1);
        }
    }
    assert_absent();
    assert_int_equal(access(path, F_OK), 0);
}

static void test_dropped_with_its_pool(void **state)
{
    const kz_store_source_t source_of = {KEY, source(1000), 1000, 0};
    kz_stores_write_t *write;
    apr_pool_t *own;

    (void)state;
    apr_pool_create(&own, pool);
    assert_ok(kz_stores_begin(&write, stores, &source_of, soon(), own));
    apr_pool_destroy(own);
    close(source_of.fd);
    assert_absent();
    assert_int_equal(unfinished(0) + unfinished(1) + unfinished(2), 0);
}

/* A second writer of an object removes what a killed process has left of it. */
static void test_swept_by_key(void **state)
{
    const kz_store_source_t other = {"7/aa/another/1", source(1000), 1000, 0};
    kz_stores_write_t *lost = begin(other.fd, 1000, 0), *write;
    unsigned char held[STORES];
    int i;

    (void)state;
    assert_ok(kz_stores_begin(&write, stores, &other, soon(), pool));
    for (i = 0; i < STORES; i++)
        await_unfinished(i, 2);
    assert_ok(kz_stores_sweep_key(stores, KEY, soon(), pool));
    for (i = 0; i < STORES; i++)
        assert_int_equal(unfinished(i), 1);
    assert_ok(kz_stores_settle(held, write, soon()));
    assert_held(held, 1, 1, 1);
    kz_stores_drop(lost);
    close(other.fd);
    assert_absent();
}

/* The caller never says whether to name the object: no thread waits for ever. */
static void test_caller_never_decides(void **state)
{
    const kz_store_source_t source_of = {KEY, source(1000), 1000, 0};
    unsigned char held[STORES];
    kz_stores_write_t *write;
    int i;

    (void)state;
    assert_ok(kz_stores_begin(&write, stores, &source_of, in_ms(200), pool));
    for (i = 0; i < STORES; i++) {
        await_idle(i);
        assert_int_equal(unfinished(i), 0);
    }
    assert_code(kz_stores_settle(held, write, soon()), KZ_ERR_STORE_DOWN);
    assert_held(held, 0, 0, 0);
    close(source_of.fd);
    assert_absent();
}

/* A store that fails between both steps counts as one that fails in the first. */
static void test_fails_in_between(void **state)
{
    unsigned char held[STORES];
    int fd = source(1000), i;
    kz_stores_write_t *write = begin(fd, 1000, 0);

    (void)state;
    close(fd);
    for (i = 0; i < STORES; i++)
        await_unfinished(i, 1);
    pthread_mutex_lock(&lock);
    faults[1].down = 1;
    pthread_mutex_unlock(&lock);
    assert_ok(kz_stores_settle(held, write, soon()));
    assert_held(held, 1, 0, 1);
    assert_well(1, 0);
}

/* Dropping does not wait for a store that hangs, and starts no second write in it. */
static void test_dropped_while_one_hangs(void **state)
{
    unsigned char held[STORES];
    apr_time_t start = kz_clock_now();
    int fd = source(1000);

    (void)state;
    hang(2);
    kz_stores_drop(begin(fd, 1000, 0));
    assert_true(kz_clock_now() - start < apr_time_from_sec(60)); /* not until the deadline */
    assert_well(2, 0);
    assert_ok(kz_stores_settle(held, begin(fd, 1000, 0), soon()));
    assert_held(held, 1, 1, 0);
    close(fd);
    release_hang(2);
    assert_well(2, 1);
    assert_int_equal(unfinished(2), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_give, setup),
        TEST(test_given_again, setup),
        TEST(test_give_from_elsewhere, setup),
        TEST(test_nothing_before_its_time, setup),
        TEST(test_dropped, setup),
        TEST(test_dropped_with_its_pool, setup),
        TEST(test_swept_by_key, setup),
        TEST(test_caller_never_decides, setup),
        TEST(test_fails_in_between, setup),
        TEST(test_dropped_while_one_hangs, setup),
    };

    apr_initialize();
    atexit(apr_terminate);
    if (kz_stores_register(&odd_driver))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
