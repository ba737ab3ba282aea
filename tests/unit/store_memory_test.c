/* A second driver, "memory:", is made of the contract in io/store/store.h alone: it passes the
 * conformance suite, and the set works with it once it is registered. It can't stage, and leaves
 * nothing to sweep. */
#include "base/clock.h"
#include "store_conformance.h"

#include <stdlib.h>

#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_tables.h>

/* The content of one object. It is never changed, and lives as long as KEPT, so that a reader is
 * not disturbed. */
typedef struct blob_t {
    apr_uint64_t size;
    unsigned char data[];
} blob_t;

static apr_pool_t *kept;
static apr_hash_t *rooms; /* of each store: an apr_hash_t of blobs by key */
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;

static kz_err_t *in_time(apr_time_t deadline)
{
    return kz_clock_now() < deadline ? NULL : kz_err_create(KZ_ERR_STORE_DOWN, "too late");
}

static kz_err_t *memory_open(void **made, const char *rest, apr_pool_t *of)
{
    apr_hash_t *room;

    (void)of;
    if (!*rest)
        return kz_err_create(KZ_ERR_CONFIG, "a store in memory has a name");
    pthread_mutex_lock(&guard);
    room = apr_hash_get(rooms, rest, APR_HASH_KEY_STRING);
    if (!room) {
        room = apr_hash_make(kept);
        apr_hash_set(rooms, apr_pstrdup(kept, rest), APR_HASH_KEY_STRING, room);
    }
    pthread_mutex_unlock(&guard);
    *made = room;
    return NULL;
}

static const blob_t *find(apr_hash_t *room, const char *key)
{
    const blob_t *blob;

    pthread_mutex_lock(&guard);
    blob = apr_hash_get(room, key, APR_HASH_KEY_STRING);
    pthread_mutex_unlock(&guard);
    return blob;
}

/* Begins each call except mark, and get of the marker. */
static kz_err_t *ready(apr_hash_t *room, const char *key, apr_time_t deadline)
{
    KZ_TRY(in_time(deadline));
    if (!find(room, KZ_STORE_MARKER))
        return kz_err_create(KZ_ERR_STORE_DOWN, "there is no marker");
    if (key && strcmp(key, KZ_STORE_MARKER) == 0)
        return kz_err_create(KZ_ERR_INVALID, "the marker is no object");
    return key ? kz_store_key_check(key) : NULL;
}

static blob_t *blob_make(size_t size)
{
    blob_t *blob;

    pthread_mutex_lock(&guard);
    blob = apr_palloc(kept, sizeof *blob + size + 1);
    pthread_mutex_unlock(&guard);
    blob->size = size;
    return blob;
}

static kz_err_t *memory_mark(void *room, const char *text, apr_time_t deadline, apr_pool_t *scratch)
{
    blob_t *blob = blob_make(strlen(text));
    int taken;

    (void)scratch;
    KZ_TRY(in_time(deadline));
    memcpy(blob->data, text, blob->size);
    pthread_mutex_lock(&guard);
    taken = apr_hash_count(room) > 0;
    if (!taken)
        apr_hash_set(room, KZ_STORE_MARKER, APR_HASH_KEY_STRING, blob);
    pthread_mutex_unlock(&guard);
    return taken ? kz_err_create(KZ_ERR_CONFLICT, "something is in it") : NULL;
}

/* Reads the source into *BLOB. */
static kz_err_t *take(blob_t **blob, int fd, apr_uint64_t size, apr_time_t deadline)
{
    apr_uint64_t at = 0;

    *blob = blob_make(size);
    while (at < size) {
        ssize_t got = pread(fd, (*blob)->data + at, size - at, (off_t)at);

        if (got <= 0)
            return kz_err_create(KZ_ERR_INTERNAL, "the source is shorter than was said");
        at += (apr_uint64_t)got;
    }
    return in_time(deadline);
}

static kz_err_t *write_blob(apr_hash_t *room, const char *key, const blob_t *blob, int replace)
{
    const blob_t *there;

    pthread_mutex_lock(&guard);
    there = replace ? NULL : apr_hash_get(room, key, APR_HASH_KEY_STRING);
    if (!there)
        apr_hash_set(room, apr_pstrdup(kept, key), APR_HASH_KEY_STRING, blob);
    pthread_mutex_unlock(&guard);
    if (there && (there->size != blob->size || memcmp(there->data, blob->data, blob->size) != 0))
        return kz_err_create(KZ_ERR_CONFLICT, "%s holds other bytes", key);
    return NULL;
}

static kz_err_t *memory_put(void *room, const char *key, int fd, apr_uint64_t size,
                            apr_time_t deadline, apr_pool_t *scratch)
{
    blob_t *blob;

    (void)scratch;
    KZ_TRY(ready(room, key, deadline));
    KZ_TRY(take(&blob, fd, size, deadline));
    return write_blob(room, key, blob, 0);
}

static kz_err_t *memory_replace(void *room, const char *key, int fd, apr_uint64_t size,
                                apr_time_t deadline, apr_pool_t *scratch)
{
    blob_t *blob;

    (void)scratch;
    KZ_TRY(ready(room, key, deadline));
    KZ_TRY(take(&blob, fd, size, deadline));
    return write_blob(room, key, blob, 1);
}

static kz_err_t *memory_get(void **object, apr_uint64_t *size, void *room, const char *key,
                            apr_time_t deadline, apr_pool_t *of)
{
    const blob_t *blob;

    if (strcmp(key, KZ_STORE_MARKER) != 0)
        KZ_TRY(ready(room, key, deadline));
    blob = find(room, key);
    if (!blob)
        return kz_err_create(KZ_ERR_NOT_FOUND, "%s is not there", key);
    *object = apr_pmemdup(of, &blob, sizeof blob);
    *size = blob->size;
    return NULL;
}

static kz_err_t *memory_read(void *object, apr_uint64_t offset, void *buffer, size_t *len,
                             apr_time_t deadline)
{
    const blob_t *blob = *(const blob_t *const *)object;
    apr_uint64_t left = offset < blob->size ? blob->size - offset : 0;

    KZ_TRY(in_time(deadline));
    if (*len > left)
        *len = left;
    memcpy(buffer, blob->data + (left ? offset : 0), *len);
    return NULL;
}

static kz_err_t *memory_head(apr_uint64_t *size, void *room, const char *key, apr_time_t deadline,
                             apr_pool_t *scratch)
{
    const blob_t *blob;

    (void)scratch;
    KZ_TRY(ready(room, key, deadline));
    blob = find(room, key);
    if (!blob)
        return kz_err_create(KZ_ERR_NOT_FOUND, "%s is not there", key);
    *size = blob->size;
    return NULL;
}

static kz_err_t *memory_remove(void *room, const char *key, apr_time_t deadline,
                               apr_pool_t *scratch)
{
    (void)scratch;
    KZ_TRY(ready(room, key, deadline));
    pthread_mutex_lock(&guard);
    apr_hash_set(room, key, APR_HASH_KEY_STRING, NULL);
    pthread_mutex_unlock(&guard);
    return NULL;
}

static int by_key(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* The keys are taken at once, so that EACH may call the store. */
static kz_err_t *memory_list(void *room, const char *prefix, kz_store_list_fn each, void *baton,
                             apr_time_t deadline, apr_pool_t *scratch)
{
    apr_array_header_t *keys = apr_array_make(scratch, 16, sizeof(const char *));
    apr_hash_index_t *at;
    int i;

    KZ_TRY(ready(room, NULL, deadline));
    pthread_mutex_lock(&guard);
    for (at = apr_hash_first(scratch, room); at; at = apr_hash_next(at)) {
        const char *key = apr_hash_this_key(at);

        if (strncmp(key, prefix, strlen(prefix)) == 0 && strcmp(key, KZ_STORE_MARKER) != 0)
            APR_ARRAY_PUSH(keys, const char *) = key;
    }
    pthread_mutex_unlock(&guard);
    qsort(keys->elts, (size_t)keys->nelts, sizeof(const char *), by_key);
    for (i = 0; i < keys->nelts; i++) {
        const char *key = APR_ARRAY_IDX(keys, i, const char *);
        const blob_t *blob = find(room, key);

        if (blob)
            KZ_TRY(each(baton, key, blob->size));
    }
    return NULL;
}

static const kz_store_driver_t memory = {
    .scheme = "memory",
    .open = memory_open,
    .mark = memory_mark,
    .put = memory_put,
    .replace = memory_replace,
    .get = memory_get,
    .read = memory_read,
    .head = memory_head,
    .remove = memory_remove,
    .list = memory_list,
};

/* A set of it and a directory: an object is put to both, and read from the one that is left. */
static void test_in_a_set(void **state)
{
    const char *folder = scene_folder(pool), *key = "1/aa/both/1";
    const kz_store_place_t places[] = {
        {"memory", "memory:set"},
        {"disk", apr_pstrcat(pool, "dir:", folder, NULL)},
    };
    unsigned char held[2], byte[10];
    size_t len = sizeof byte;
    kz_store_object_t *object;
    kz_stores_t *stores;
    apr_uint64_t size;
    int fd = source_make(10, 1);

    (void)state;
    assert_code(kz_stores_open(&stores, places, 2, 2, CONFORMANCE_INSTALLATION, pool),
                KZ_ERR_CONFIG);
    assert_ok(kz_stores_register(&memory));
    assert_ok(kz_stores_open(&stores, places, 2, 2, CONFORMANCE_INSTALLATION, pool));
    assert_ok(kz_stores_initialise(stores, soon(), pool));
    assert_ok(kz_stores_put(held, stores, key, fd, 10, soon()));
    assert_int_equal(held[0] && held[1], 1);
    assert_ok(kz_stores_get_from(&object, &size, stores, 0, key, pool));
    assert_int_equal(size, 10);
    scene_remove(folder);
    assert_ok(kz_stores_get(&object, &size, stores, key, soon(), pool));
    assert_ok(kz_stores_read(object, 0, byte, &len));
    assert_int_equal(kz_stores_source(object), 0);
    assert_int_equal(len, 10);
    close(fd);
}

static int set_setup(void **state)
{
    (void)state;
    return apr_pool_create(&pool, NULL) != APR_SUCCESS;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_in_a_set, set_setup, conformance_teardown),
    };
    int failed;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&kept, NULL);
    rooms = apr_hash_make(kept);
    failed = conformance_run(&memory, "alone");
    failed += cmocka_run_group_tests_name("a second driver in a set", tests, NULL, NULL);
    apr_pool_destroy(kept);
    return failed;
}
