/* The set of stores: marker, quorum, fail-over, and stores that hang or belong to somebody else. */
#include "store_scene.h"

#include <apr_general.h>

/* --- opening, marking --- */

static void test_bad_configuration(void **state)
{
    const kz_store_place_t good = {"a", "dir:/nowhere"}, bad = {"a", "ftp:/x"}, none = {"a", "dir"};
    kz_stores_t *set;

    (void)state;
    assert_code(kz_stores_open(&set, &good, 1, 2, INSTALLATION, pool), KZ_ERR_CONFIG);
    assert_code(kz_stores_open(&set, &good, 1, 0, INSTALLATION, pool), KZ_ERR_CONFIG);
    assert_code(kz_stores_open(&set, &good, 0, 0, INSTALLATION, pool), KZ_ERR_CONFIG);
    assert_code(kz_stores_open(&set, &good, 1, 1, "", pool), KZ_ERR_CONFIG);
    assert_code(kz_stores_open(&set, &bad, 1, 1, INSTALLATION, pool), KZ_ERR_CONFIG);
    assert_code(kz_stores_open(&set, &none, 1, 1, INSTALLATION, pool), KZ_ERR_CONFIG);
    assert_ok(kz_stores_open(&set, &good, 1, 1, INSTALLATION, pool)); /* not there, but no fault */
    assert_code(kz_stores_check(set, 0, soon(), pool), KZ_ERR_STORE_DOWN);
    assert_code(kz_stores_initialise(set, soon(), pool), KZ_ERR_STORE_DOWN);
}

/* Opening writes nothing; nothing is written before the operator has said so. */
static void test_marker_only_when_told(void **state)
{
    unsigned char held[STORES];
    int i;

    (void)state;
    for (i = 0; i < STORES; i++)
        assert_code(kz_stores_check(stores, i, soon(), pool), KZ_ERR_STORE_DOWN);
    assert_code(put(held, KEY, 10, 1, soon()), KZ_ERR_STORE_DOWN);
    assert_held(held, 0, 0, 0);
    for (i = 0; i < STORES; i++)
        assert_int_equal(rmdir(store_path(i, "")), 0); /* empty as it was */
    for (i = 0; i < STORES; i++)
        assert_int_equal(mkdir(store_path(i, ""), 0700), 0);
    assert_ok(kz_stores_initialise(stores, soon(), pool));
    assert_ok(kz_stores_initialise(stores, soon(), pool)); /* a second time: nothing to do */
    for (i = 0; i < STORES; i++) {
        assert_ok(kz_stores_check(stores, i, soon(), pool));
        assert_well(i, 1);
    }
    assert_ok(put(held, KEY, 10, 1, soon()));
    assert_held(held, 1, 1, 1);
}

static void test_another_installation(void **state)
{
    unsigned char held[STORES];
    kz_stores_t *set;

    (void)state;
    assert_code(set_open(&set, 2, ANOTHER), KZ_ERR_CONFIG);
    scene_write(store_path(1, "/" KZ_STORE_MARKER), ANOTHER "\n", 37); /* while it runs */
    assert_code(kz_stores_check(stores, 1, soon(), pool), KZ_ERR_CONFIG);
    assert_well(1, 0);
    assert_ok(put(held, KEY, 10, 1, soon()));
    assert_held(held, 1, 0, 1);
    assert_code(kz_stores_initialise(stores, soon(), pool), KZ_ERR_CONFIG);
    assert_int_equal(unlink(store_path(1, "/" KZ_STORE_MARKER)), 0);
    scene_write(store_path(1, "/file"), "x", 1);
    assert_code(kz_stores_initialise(stores, soon(), pool), KZ_ERR_CONFIG); /* not empty */
    scene_write(store_path(1, "/" KZ_STORE_MARKER), INSTALLATION "x", 37);
    assert_code(kz_stores_check(stores, 1, soon(), pool), KZ_ERR_CONFIG);
}

/* Another installation's disk appears in the place of ours, without any error before: nothing is
 * written to it, removed from it, or missed on it. */
static void test_another_disk_in_its_place(void **state)
{
    unsigned char held[STORES];
    kz_store_object_t *object;
    apr_uint64_t size;

    (void)state;
    assert_ok(put(held, KEY, 1000, 1, soon()));
    assert_int_equal(rename(store_path(0, ""), store_path(0, ".away")), 0);
    assert_int_equal(mkdir(store_path(0, ""), 0700), 0);
    scene_write(store_path(0, "/" KZ_STORE_MARKER), ANOTHER "\n", 37);
    assert_ok(put(held, "7/bb/document/1", 1000, 1, soon()));
    assert_held(held, 0, 1, 1);
    assert_int_equal(access(store_path(0, "/7"), F_OK), -1);
    assert_ok(kz_stores_get(&object, &size, stores, KEY, soon(), pool));
    assert_int_equal(kz_stores_missed(object, 0), 0);
    assert_int_equal(mkdir(store_path(0, "/.tmp"), 0700), 0);
    scene_write(store_path(0, "/.tmp/theirs"), "x", 1);
    assert_code(kz_stores_remove(stores, KEY, soon(), pool), KZ_ERR_CONFIG);
    assert_int_equal(access(store_path(0, "/.tmp/theirs"), F_OK), 0);
}

static kz_err_t *count_each(void *baton, const char *key, apr_uint64_t size)
{
    (void)key;
    (void)size;
    ++*(int *)baton;
    return NULL;
}

/* A store that can be read only is not good, and one that is good has nothing more afterwards. */
static void test_tried(void **state)
{
    int i, count = 0;

    (void)state;
    for (i = 0; i < STORES; i++)
        assert_ok(kz_stores_try(stores, i, soon(), pool));
    assert_int_equal(access(store_path(1, "/probe"), F_OK), -1);
    assert_int_equal(rmdir(store_path(1, "/" KZ_STORE_TEMPORARY)), 0);
    scene_write(store_path(1, "/" KZ_STORE_TEMPORARY), "", 0); /* nothing can be written there */
    assert_ok(kz_stores_check(stores, 1, soon(), pool));
    assert_code(kz_stores_try(stores, 1, soon(), pool), KZ_ERR_STORE_DOWN);
    assert_well(1, 0);
    assert_int_equal(mkdir(store_path(0, "/probe"), 0700), 0); /* of one that was killed */
    scene_write(store_path(0, "/probe/0a"), "x", 1);
    assert_ok(kz_stores_list(stores, 0, "", count_each, &count, soon()));
    assert_int_equal(count, 0);
}

/* The disk disappears and comes back: no restart is needed. */
static void test_comes_back(void **state)
{
    unsigned char held[STORES];

    (void)state;
    assert_int_equal(rename(store_path(1, ""), store_path(1, ".away")), 0);
    assert_int_equal(mkdir(store_path(1, ""), 0700), 0);
    assert_ok(put(held, KEY, 1000, 1, soon()));
    assert_held(held, 1, 0, 1);
    assert_well(1, 0);
    assert_int_equal(rmdir(store_path(1, "")), 0);
    assert_int_equal(rename(store_path(1, ".away"), store_path(1, "")), 0);
    assert_ok(put(held, KEY, 1000, 1, soon())); /* repeated: the others have it */
    assert_held(held, 1, 1, 1);
    assert_well(1, 1);
}

/* --- writing --- */

static void test_quorum(void **state)
{
    unsigned char held[STORES];

    (void)state;
    faults[0].down = 1;
    assert_ok(put(held, KEY, 100000, 1, soon()));
    assert_held(held, 0, 1, 1);
    faults[2].down = 1;
    assert_code(put(held, "7/aa/other/1", 100000, 1, soon()), KZ_ERR_STORE_DOWN);
    assert_held(held, 0, 1, 0);
    faults[0].down = faults[2].down = 0;
    assert_ok(put(held, "7/aa/other/1", 100000, 1, soon()));
    assert_held(held, 1, 1, 1);
    assert_code(put(held, "7/aa/other/1", 100000, 2, soon()), KZ_ERR_CONFLICT);
    assert_held(held, 0, 0, 0);
    assert_code(put(held, "../x", 1, 1, soon()), KZ_ERR_INVALID);
    assert_whole(0, "7/aa/other/1", 100000, 1);
}

/* A store hangs: the answer comes when the others have the object. Its thread is left behind, no
 * second one is started, and the object that it writes in the end is whole. */
static void test_hanging_store(void **state)
{
    apr_time_t start = kz_clock_now();
    unsigned char held[STORES];
    apr_uint64_t size;

    (void)state;
    hang(1);
    assert_ok(put(held, KEY, 50000, 1, soon()));
    assert_held(held, 1, 0, 1);
    assert_true(kz_clock_now() - start < apr_time_from_sec(60)); /* not until the deadline */
    assert_well(1, 0);
    assert_ok(put(held, "7/aa/next/1", 50000, 2, soon()));
    assert_held(held, 1, 0, 1);
    assert_int_equal(faults[1].puts, 1);
    release_hang(1);
    assert_well(1, 1);
    assert_whole(1, KEY, 50000, 1); /* the source was closed long ago */
    assert_code(kz_stores_head(&size, stores, 1, "7/aa/next/1", soon(), pool), KZ_ERR_NOT_FOUND);
}

/* Two of three stores hang: a put waits for them until its deadline. The next one knows that they
 * hang, so it needs no deadline to say which store has the object. */
static void test_deadline(void **state)
{
    unsigned char held[STORES];
    apr_time_t start = kz_clock_now();

    (void)state;
    hang(1);
    hang(2);
    assert_code(put(held, KEY, 5000, 1, in_ms(300)), KZ_ERR_STORE_DOWN);
    assert_held(held, held[0], 0, 0); /* a slow disk may be too late, too */
    assert_true(kz_clock_now() - start >= apr_time_from_msec(300));
    await_idle(0);
    start = kz_clock_now();
    assert_code(put(held, KEY, 5000, 1, soon()), KZ_ERR_STORE_DOWN);
    assert_held(held, 1, 0, 0);
    assert_true(kz_clock_now() - start < apr_time_from_sec(60)); /* not until the deadline */
    release_hang(1);
    release_hang(2);
}

/* The set is closed while a thread hangs: it keeps what it uses. */
static void test_closed_while_hanging(void **state)
{
    const char *object = store_path(1, "/" KEY);
    char path[200], old[200];
    unsigned char held[STORES];
    apr_time_t limit = soon();
    struct stat info;

    apr_cpystrn(path, object, sizeof path);
    apr_cpystrn(old, folder, sizeof old);
    hang(1);
    assert_ok(put(held, KEY, 5000, 1, soon()));
    teardown(state);
    pthread_mutex_lock(&lock);
    faults[1].hang = 0;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    while (stat(path, &info) != 0 && kz_clock_now() < limit)
        apr_sleep(10000);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, 5000);
    apr_sleep(50000); /* for the thread's last steps: a leak checker runs at the end */
    scene_remove(old);
    bare_setup(state);
}

/* --- reading --- */

static void test_fails_over_while_reading(void **state)
{
    unsigned char held[STORES], buffer[100];
    kz_store_object_t *object;
    apr_uint64_t size;
    size_t len = 100;

    (void)state;
    assert_ok(put(held, KEY, 100000, 1, soon()));
    faults[0].read_breaks = 40000;
    assert_ok(kz_stores_get(&object, &size, stores, KEY, soon(), pool));
    assert_int_equal(size, 100000);
    assert_int_equal(kz_stores_source(object), 0);
    assert_ok(read_rest(object, 0, 100000, 1)); /* doesn't notice */
    assert_int_equal(kz_stores_source(object), 1);
    faults[1].down = faults[2].down = 1;
    assert_code(kz_stores_read(object, 5, buffer, &len), KZ_ERR_STORE_DOWN);
    assert_int_equal(kz_stores_source(object), -1);
    assert_code(kz_stores_read(object, 5, buffer, &len), KZ_ERR_STORE_DOWN);
}

static void test_found_missing_down(void **state)
{
    unsigned char held[STORES];
    kz_store_object_t *object;
    apr_uint64_t size;

    (void)state;
    assert_code(kz_stores_get(&object, &size, stores, KEY, soon(), pool), KZ_ERR_NOT_FOUND);
    faults[0].down = 1;
    assert_code(kz_stores_get(&object, &size, stores, KEY, soon(), pool), KZ_ERR_STORE_DOWN);
    assert_ok(put(held, KEY, 100, 1, soon()));
    faults[0].down = 0;
    stores->one[0]->shun = 0;
    assert_ok(kz_stores_get(&object, &size, stores, KEY, soon(), pool)); /* store 0 has missed it */
    assert_ok(read_rest(object, 0, 100, 1));
    assert_int_equal(kz_stores_missed(object, 0), 1);
    assert_int_equal(kz_stores_missed(object, 1), 0);
    assert_code(kz_stores_get(&object, &size, stores, "/etc/passwd", soon(), pool), KZ_ERR_INVALID);
    assert_code(kz_stores_get_from(&object, &size, stores, 0, KEY, pool), KZ_ERR_NOT_FOUND);
    assert_code(kz_stores_get_from(&object, &size, stores, 3, KEY, pool), KZ_ERR_INVALID);
}

/* A store that has failed or been slow since START is read last for some seconds; here for an hour,
 * however slow the machine is. */
static void assert_shunned(int index, apr_time_t start)
{
    assert_true(stores->one[index]->shun >= start + KZ_STORE_SHUN);
    stores->one[index]->shun += apr_time_from_sec(3600);
}

/* A store that has failed or was slow is read last. */
static void test_asked_last(void **state)
{
    unsigned char held[STORES];
    kz_store_object_t *object;
    apr_uint64_t size;
    apr_time_t start;
    int gets;

    (void)state;
    assert_ok(put(held, KEY, 100, 1, soon()));
    faults[0].down = 1;
    start = kz_clock_now();
    assert_ok(kz_stores_get(&object, &size, stores, KEY, soon(), pool));
    assert_shunned(0, start);
    gets = faults[0].gets;
    assert_ok(kz_stores_get(&object, &size, stores, KEY, soon(), pool));
    assert_int_equal(kz_stores_source(object), 1);
    assert_int_equal(faults[0].gets, gets);
    faults[1].slow = KZ_STORE_SLOW + 100000;
    start = kz_clock_now();
    assert_ok(kz_stores_get(&object, &size, stores, KEY, soon(), pool));
    assert_int_equal(kz_stores_source(object), 1);
    assert_well(1, 0);
    assert_shunned(1, start);
    assert_ok(kz_stores_get(&object, &size, stores, KEY, soon(), pool));
    assert_int_equal(kz_stores_source(object), 2);
    faults[0].down = 0;
    faults[2].down = 1; /* a shunned store is better than none */
    assert_ok(kz_stores_get(&object, &size, stores, KEY, soon(), pool));
    assert_int_equal(kz_stores_source(object), 0);
}

/* A reader leaves a store that becomes slow, and goes on at the same byte; that store is still
 * there when the other one fails. */
static void test_leaves_a_slow_store(void **state)
{
    unsigned char held[STORES], buffer[100];
    kz_store_object_t *object;
    apr_uint64_t size;
    size_t len = sizeof buffer;

    (void)state;
    assert_ok(put(held, KEY, 1000, 1, soon()));
    assert_ok(kz_stores_get(&object, &size, stores, KEY, soon(), pool));
    assert_ok(kz_stores_read(object, 100, buffer, &len));
    assert_int_equal(kz_stores_source(object), 0);
    faults[0].slow_read = KZ_STORE_SLOW + 100000;
    assert_ok(kz_stores_read(object, 200, buffer, &len));
    assert_int_equal(kz_stores_source(object), 0);
    faults[0].slow_read = 0;
    stores->one[0]->shun += apr_time_from_sec(3600);
    assert_ok(kz_stores_read(object, 300, buffer, &len));
    assert_int_equal(kz_stores_source(object), 1);
    assert_memory_equal(buffer, pattern(1000, 1) + 300, len);
    faults[1].down = faults[2].down = 1;
    assert_ok(kz_stores_read(object, 400, buffer, &len));
    assert_int_equal(kz_stores_source(object), 0);
    assert_memory_equal(buffer, pattern(1000, 1) + 400, len);
}

/* A reader that finds wrong bytes continues with another copy. */
static void test_next_copy(void **state)
{
    unsigned char held[STORES];
    kz_store_object_t *object;
    apr_uint64_t size;

    (void)state;
    assert_ok(put(held, KEY, 1000, 1, soon()));
    scene_write(store_path(0, "/" KEY), pattern(1000, 9), 1000);
    scene_write(store_path(1, "/" KEY), pattern(999, 1), 999); /* shorter: not used at all */
    assert_ok(kz_stores_get(&object, &size, stores, KEY, soon(), pool));
    assert_ok(kz_stores_next(object));
    assert_int_equal(kz_stores_source(object), 2);
    assert_ok(read_rest(object, 0, 1000, 1));
    assert_code(kz_stores_next(object), KZ_ERR_STORE_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bad_configuration, setup),
        TEST(test_marker_only_when_told, bare_setup),
        TEST(test_another_installation, setup),
        TEST(test_another_disk_in_its_place, setup),
        TEST(test_tried, setup),
        TEST(test_comes_back, setup),
        TEST(test_quorum, setup),
        TEST(test_hanging_store, setup),
        TEST(test_deadline, setup),
        TEST(test_closed_while_hanging, setup),
        TEST(test_fails_over_while_reading, setup),
        TEST(test_found_missing_down, setup),
        TEST(test_asked_last, setup),
        TEST(test_leaves_a_slow_store, setup),
        TEST(test_next_copy, setup),
    };

    apr_initialize();
    atexit(apr_terminate);
    if (kz_stores_register(&odd_driver))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
