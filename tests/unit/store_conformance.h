/* What every store driver must do. A driver's own test includes this, and calls conformance_run
 * with an empty store of its kind; the driver may be for a real server. */
#ifndef KZ_TESTS_STORE_CONFORMANCE_H
#define KZ_TESTS_STORE_CONFORMANCE_H

#include "base/clock.h"
#include "io/store/store.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "scene.h"

#define CONFORMANCE_INSTALLATION "01932c5e-0000-7abc-8def-0123456789ab"

static const kz_store_driver_t *driver;
static const char *driver_rest; /* scheme of the URL */
static void *store;             /* opened for each test */
static apr_pool_t *pool;

static inline apr_time_t soon(void)
{
    return kz_clock_now() + apr_time_from_sec(30);
}

/* Returns a source of SIZE bytes that depend on SEED. */
static inline int source_make(size_t size, int seed)
{
    unsigned char *data = apr_palloc(pool, size + 1);
    int fd = memfd_create("source", MFD_CLOEXEC);
    size_t i;

    for (i = 0; i < size; i++)
        data[i] = (unsigned char)(i % 241 + i / 4096 + (size_t)seed);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), size);
    return fd;
}

static inline kz_err_t *put_seeded(const char *key, size_t size, int seed)
{
    int fd = source_make(size, seed);
    kz_err_t *err = driver->put(store, key, fd, size, soon(), pool);

    close(fd);
    return err;
}

/* Checks that the object is the SIZE bytes of SEED, read whole and in pieces. */
static inline void assert_object(const char *key, size_t size, int seed)
{
    unsigned char *want = apr_palloc(pool, size + 1), *got = apr_palloc(pool, size + 100);
    int fd = source_make(size, seed);
    apr_uint64_t there = 12345;
    size_t at = 0, len;
    void *object;

    assert_int_equal(pread(fd, want, size, 0), size);
    close(fd);
    assert_ok(driver->head(&there, store, key, soon(), pool));
    assert_int_equal(there, size);
    assert_ok(driver->get(&object, &there, store, key, soon(), pool));
    assert_int_equal(there, size);
    do {
        len = size + 100 - at;
        assert_ok(driver->read(object, at, got + at, &len, soon()));
        at += len;
    } while (len > 0);
    assert_int_equal(at, size);
    assert_memory_equal(got, want, size);
    if (size > 10) {
        len = 7;
        assert_ok(driver->read(object, size / 2, got, &len, soon()));
        assert_in_range(len, 1, 7);
        assert_memory_equal(got, want + size / 2, len);
        len = 7;
        assert_ok(driver->read(object, 1, got, &len, soon())); /* backwards, too */
        assert_memory_equal(got, want + 1, len);
    }
    len = 1;
    assert_ok(driver->read(object, size + 1000, got, &len, soon()));
    assert_int_equal(len, 0);
}

static inline kz_err_t *collect_keys(void *baton, const char *key, apr_uint64_t size)
{
    char **keys = baton;

    *keys = apr_psprintf(pool, "%s%s=%d ", *keys, key, (int)size);
    return NULL;
}

static inline const char *listed(const char *prefix)
{
    char *keys = apr_pstrdup(pool, "");

    assert_ok(driver->list(store, prefix, collect_keys, &keys, soon(), pool));
    return keys;
}

static inline int conformance_setup(void **state)
{
    (void)state;
    apr_pool_create(&pool, NULL);
    assert_ok(driver->open(&store, driver_rest, pool));
    return 0;
}

static inline int conformance_teardown(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    return 0;
}

/* Runs first, while the store is empty and has no marker. */
static inline void conform_marker(void **state)
{
    char text[64] = {0};
    size_t len = sizeof text - 1;
    apr_uint64_t size;
    void *object;

    (void)state;
    assert_code(driver->get(&object, &size, store, KZ_STORE_MARKER, soon(), pool),
                KZ_ERR_NOT_FOUND);
    assert_code(put_seeded("1/aa/x/1", 10, 1), KZ_ERR_STORE_DOWN);
    assert_code(driver->get(&object, &size, store, "1/aa/x/1", soon(), pool), KZ_ERR_STORE_DOWN);
    assert_code(driver->head(&size, store, "1/aa/x/1", soon(), pool), KZ_ERR_STORE_DOWN);
    assert_code(driver->remove(store, "1/aa/x/1", soon(), pool), KZ_ERR_STORE_DOWN);
    assert_ok(driver->mark(store, CONFORMANCE_INSTALLATION "\n", soon(), pool));
    assert_code(driver->mark(store, "another", soon(), pool), KZ_ERR_CONFLICT);
    assert_ok(driver->get(&object, &size, store, KZ_STORE_MARKER, soon(), pool));
    assert_ok(driver->read(object, 0, text, &len, soon()));
    assert_string_equal(text, CONFORMANCE_INSTALLATION "\n");
}

static inline void conform_round_trip(void **state)
{
    static const size_t sizes[] = {0, 1, 4096, 65536, 1048577, 5000000};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const char *key = apr_psprintf(pool, "1/aa/round-%d/1", (int)i);

        assert_ok(put_seeded(key, sizes[i], (int)i));
        assert_object(key, sizes[i], (int)i);
        assert_ok(driver->remove(store, key, soon(), pool));
    }
}

/* The source is read by offset, wherever its own offset is, and only as far as it is told. */
static inline void conform_source(void **state)
{
    int fd = source_make(1000, 5);

    (void)state;
    assert_int_equal(lseek(fd, 500, SEEK_SET), 500);
    assert_ok(driver->put(store, "1/aa/source/1", fd, 900, soon(), pool));
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 500);
    assert_object("1/aa/source/1", 900, 5);
    assert_code(driver->put(store, "1/aa/source/2", fd, 1001, soon(), pool), KZ_ERR_INTERNAL);
    assert_int_equal(close(fd), 0);
    assert_string_equal(listed("1/aa/source/"), "1/aa/source/1=900 ");
    assert_ok(driver->remove(store, "1/aa/source/1", soon(), pool));
}

static inline void conform_never_overwritten(void **state)
{
    (void)state;
    assert_ok(put_seeded("1/aa/kept/1", 100000, 1));
    assert_ok(put_seeded("1/aa/kept/1", 100000, 1)); /* the same again */
    assert_code(put_seeded("1/aa/kept/1", 100000, 2), KZ_ERR_CONFLICT);
    assert_code(put_seeded("1/aa/kept/1", 99999, 1), KZ_ERR_CONFLICT);
    assert_object("1/aa/kept/1", 100000, 1);
    assert_ok(driver->remove(store, "1/aa/kept/1", soon(), pool));
}

static inline void conform_replaced(void **state)
{
    int fd = source_make(5000, 3);
    apr_uint64_t size;
    unsigned char byte;
    size_t len = 1;
    void *before;

    (void)state;
    assert_ok(put_seeded("1/aa/replaced/1", 4000, 9));
    assert_ok(driver->get(&before, &size, store, "1/aa/replaced/1", soon(), pool));
    assert_ok(driver->replace(store, "1/aa/replaced/1", fd, 5000, soon(), pool));
    assert_object("1/aa/replaced/1", 5000, 3);
    assert_ok(driver->replace(store, "1/aa/replaced/2", fd, 5000, soon(), pool)); /* new */
    assert_object("1/aa/replaced/2", 5000, 3);
    close(fd);
    kz_err_free(driver->read(before, 0, &byte, &len, soon())); /* a byte or an error: no crash */
    assert_ok(driver->remove(store, "1/aa/replaced/1", soon(), pool));
    assert_ok(driver->remove(store, "1/aa/replaced/2", soon(), pool));
}

static inline void conform_missing(void **state)
{
    apr_uint64_t size;
    void *object;

    (void)state;
    assert_code(driver->get(&object, &size, store, "1/aa/none/1", soon(), pool), KZ_ERR_NOT_FOUND);
    assert_code(driver->head(&size, store, "1/aa/none/1", soon(), pool), KZ_ERR_NOT_FOUND);
    assert_ok(driver->remove(store, "1/aa/none/1", soon(), pool));
    assert_ok(put_seeded("1/aa/parent/1", 1, 1));
    assert_code(driver->get(&object, &size, store, "1/aa/parent", soon(), pool), KZ_ERR_NOT_FOUND);
    assert_code(driver->head(&size, store, "1/aa/parent", soon(), pool), KZ_ERR_NOT_FOUND);
    assert_code(driver->get(&object, &size, store, "1/aa/parent/1/2", soon(), pool),
                KZ_ERR_NOT_FOUND);
    assert_ok(driver->remove(store, "1/aa/parent/1/2", soon(), pool));
    assert_ok(driver->remove(store, "1/aa/parent/1", soon(), pool));
    assert_code(driver->head(&size, store, "1/aa/parent/1", soon(), pool), KZ_ERR_NOT_FOUND);
}

static inline void conform_bad_keys(void **state)
{
    char longest[KZ_STORE_KEY_MAX + 2];
    const char *bad[] = {"",      "/a", "a/",   "a//b",   "..",    "a/../b",
                         "a/./b", "A",  "a b",  "a\nb",   "a%2fb", "\xc3\xa4",
                         "a.b",   "~",  "a\\b", ".tmp/x", longest, KZ_STORE_MARKER};
    size_t i, count = sizeof bad / sizeof *bad;
    apr_uint64_t size;
    void *object;

    (void)state;
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    for (i = 0; i < count; i++) {
        assert_code(put_seeded(bad[i], 1, 1), KZ_ERR_INVALID);
        assert_code(driver->remove(store, bad[i], soon(), pool), KZ_ERR_INVALID);
        if (i + 1 < count) { /* the marker can be read */
            assert_code(driver->get(&object, &size, store, bad[i], soon(), pool), KZ_ERR_INVALID);
            assert_code(driver->head(&size, store, bad[i], soon(), pool), KZ_ERR_INVALID);
        }
    }
    longest[KZ_STORE_KEY_MAX] = 0;
    longest[1] = '/';
    assert_ok(put_seeded(longest, 3, 1));
    assert_object(longest, 3, 1);
    assert_ok(driver->remove(store, longest, soon(), pool));
}

static inline kz_err_t *stop_second(void *baton, const char *key, apr_uint64_t size)
{
    (void)key;
    (void)size;
    return ++*(int *)baton == 2 ? kz_err_create(KZ_ERR_COMPLETE, "enough") : NULL;
}

static inline void conform_list(void **state)
{
    static const char *const keys[] = {"2/b/x/1", "2/a-b/1", "2/a/2", "2/a/10",
                                       "2/a/1",   "20/a/1",  "2/c"};
    size_t i;
    int seen = 0;

    (void)state;
    for (i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_ok(put_seeded(keys[i], i, 1));
    assert_string_equal(listed("2/"), "2/a-b/1=1 2/a/1=4 2/a/10=3 2/a/2=2 2/b/x/1=0 2/c=6 ");
    assert_string_equal(listed("2/a/"), "2/a/1=4 2/a/10=3 2/a/2=2 ");
    assert_string_equal(listed("2/a"), "2/a-b/1=1 2/a/1=4 2/a/10=3 2/a/2=2 ");
    assert_string_equal(listed("2/a/1"), "2/a/1=4 2/a/10=3 ");
    assert_string_equal(listed("20"), "20/a/1=5 ");
    assert_string_equal(listed("3"), "");
    assert_non_null(strstr(listed(""), "2/c=6 "));
    assert_code(driver->list(store, "2/", stop_second, &seen, soon(), pool), KZ_ERR_COMPLETE);
    assert_int_equal(seen, 2);
    for (i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_ok(driver->remove(store, keys[i], soon(), pool));
    assert_string_equal(listed("2"), "");
}

static inline void conform_deadline(void **state)
{
    int fd = source_make(3000000, 1);

    (void)state;
    assert_code(driver->put(store, "1/aa/late/1", fd, 3000000, kz_clock_now() - 1, pool),
                KZ_ERR_STORE_DOWN);
    close(fd);
    assert_string_equal(listed("1/aa/late/"), "");
}

typedef struct racer_t {
    pthread_t thread;
    int fd;
    const char *key;
    apr_pool_t *pool;
    kz_err_t *err;
} racer_t;

static inline void *race(void *baton)
{
    racer_t *racer = baton;

    racer->err = driver->put(store, racer->key, racer->fd, 200000, soon(), racer->pool);
    return NULL;
}

static inline void racer_start(racer_t *racer, const char *key, int seed)
{
    apr_pool_create_unmanaged_ex(&racer->pool, NULL, NULL);
    racer->key = key;
    racer->fd = source_make(200000, seed);
    assert_int_equal(pthread_create(&racer->thread, NULL, race, racer), 0);
}

static inline kz_err_t *racer_end(racer_t *racer)
{
    pthread_join(racer->thread, NULL);
    close(racer->fd);
    apr_pool_destroy(racer->pool);
    return racer->err;
}

/* Of several writers of different bytes to one key at once, exactly one wins. */
static inline void conform_race(void **state)
{
    racer_t racers[4];
    int round, i, won, winner = 0;

    (void)state;
    for (round = 0; round < 5; round++) {
        const char *key = apr_psprintf(pool, "1/aa/race-%d/1", round);

        for (won = 0, i = 0; i < 4; i++)
            racer_start(&racers[i], key, i);
        for (i = 0; i < 4; i++) {
            kz_err_t *err = racer_end(&racers[i]);

            if (!err)
                winner = i;
            won += !err;
            if (err)
                assert_code(err, KZ_ERR_CONFLICT);
        }
        assert_int_equal(won, 1);
        assert_object(key, 200000, winner);
        assert_ok(driver->remove(store, key, soon(), pool));
    }
}

/* Writes while a removal prunes the same folders. */
static inline void conform_put_beside_remove(void **state)
{
    racer_t racer;
    int round;

    (void)state;
    for (round = 0; round < 30; round++) {
        assert_ok(put_seeded("1/ab/beside/1", 10, 1));
        racer_start(&racer, "1/ab/beside/2", 1);
        assert_ok(driver->remove(store, "1/ab/beside/1", soon(), pool));
        assert_ok(racer_end(&racer));
        assert_object("1/ab/beside/2", 200000, 1);
        assert_ok(driver->remove(store, "1/ab/beside/2", soon(), pool));
    }
}

static inline kz_err_t *stage_seeded(void **staged, const char *key, size_t size, int seed)
{
    const kz_store_source_t source = {key, source_make(size, seed), size, 0};
    kz_err_t *err = driver->stage(staged, store, &source, soon(), pool);

    close(source.fd); /* staged, all of it is there */
    return err;
}

/* Writes in two steps, if the driver can: nobody finds the object in between. */
static inline void conform_staged(void **state)
{
    const char *key = "1/ab/staged/1";
    apr_uint64_t size;
    void *staged;

    (void)state;
    if (!driver->stage)
        return;
    assert_ok(stage_seeded(&staged, key, 200000, 1));
    assert_code(driver->head(&size, store, key, soon(), pool), KZ_ERR_NOT_FOUND);
    driver->drop(staged);
    assert_code(driver->head(&size, store, key, soon(), pool), KZ_ERR_NOT_FOUND);
    assert_ok(stage_seeded(&staged, key, 200000, 2));
    assert_ok(driver->name(staged));
    assert_object(key, 200000, 2);
    assert_ok(stage_seeded(&staged, key, 200000, 2)); /* repeatable */
    assert_ok(driver->name(staged));
    assert_ok(stage_seeded(&staged, key, 200000, 2));
    driver->drop(staged); /* the earlier object stays */
    assert_object(key, 200000, 2);
    assert_code(stage_seeded(&staged, key, 200000, 3), KZ_ERR_CONFLICT);
    assert_object(key, 200000, 2);
    assert_ok(driver->remove(store, key, soon(), pool));
}

static inline int conformance_run(const kz_store_driver_t *tested, const char *rest_of_url)
{
#define CONFORM(test) cmocka_unit_test_setup_teardown(test, conformance_setup, conformance_teardown)
    const struct CMUnitTest tests[] = {
        CONFORM(conform_marker),
        CONFORM(conform_round_trip),
        CONFORM(conform_source),
        CONFORM(conform_never_overwritten),
        CONFORM(conform_replaced),
        CONFORM(conform_missing),
        CONFORM(conform_bad_keys),
        CONFORM(conform_list),
        CONFORM(conform_deadline),
        CONFORM(conform_race),
        CONFORM(conform_put_beside_remove),
        CONFORM(conform_staged),
    };
#undef CONFORM

    driver = tested;
    driver_rest = rest_of_url;
    return cmocka_run_group_tests_name("store driver conformance", tests, NULL, NULL);
}

#endif
