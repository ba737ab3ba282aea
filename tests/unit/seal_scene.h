/* Helpers for the tests of sealing: keys in a folder, spools of a pattern, objects in memory. */
#ifndef KZ_TESTS_SEAL_SCENE_H
#define KZ_TESTS_SEAL_SCENE_H

#include "io/seal/internal.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sodium.h>

#include "scene.h"

#define DOCUMENT "01932c5e-7d1a-7abc-8def-0123456789ab"
#define OTHER    "01932c5e-7d1a-7abc-8def-0123456789ac"

static apr_pool_t *pool;
static const char *folder; /* of the running test, empty at its start */
static kz_seal_keyring_t *ring;
static kz_seal_key_t *firm_key, *key;
static unsigned char firm_wrapped[KZ_SEAL_WRAPPED], wrapped[KZ_SEAL_WRAPPED];

static inline const char *in_folder(const char *name)
{
    return apr_pstrcat(pool, folder, "/", name, NULL);
}

static inline void master_write(const char *dir, const char *name, int byte, mode_t mode)
{
    unsigned char bytes[KZ_SEAL_KEY];

    memset(bytes, byte, sizeof bytes);
    scene_write(apr_pstrcat(pool, dir, "/", name, NULL), bytes, sizeof bytes);
    assert_int_equal(chmod(apr_pstrcat(pool, dir, "/", name, NULL), mode), 0);
}

static inline int setup(void **state)
{
    (void)state;
    apr_pool_create(&pool, NULL);
    folder = scene_folder(pool);
    assert_int_equal(mkdir(in_folder("keys"), 0700), 0);
    master_write(in_folder("keys"), "master-2", 2, 0600);
    assert_ok(kz_seal_keyring_open(&ring, in_folder("keys"), pool));
    assert_ok(kz_seal_firm_create(firm_wrapped, ring, 7, pool));
    assert_ok(kz_seal_firm_open(&firm_key, ring, 7, firm_wrapped, pool));
    assert_ok(kz_seal_document_create(wrapped, firm_key, DOCUMENT, pool));
    assert_ok(kz_seal_document_open(&key, firm_key, DOCUMENT, wrapped, pool));
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    scene_remove(folder);
    apr_pool_destroy(pool);
    return 0;
}

/* --- objects in memory --- */

typedef struct object_t {
    unsigned char *data;
    size_t len;
    size_t most; /* the most bytes that one call returns, 0: no bound */
} object_t;

static inline kz_err_t *object_read(void *baton, apr_uint64_t offset, void *buffer, size_t *len)
{
    const object_t *object = baton;
    size_t left = offset < object->len ? object->len - (size_t)offset : 0;

    if (*len > left)
        *len = left;
    if (object->most && *len > object->most)
        *len = object->most;
    memcpy(buffer, object->data + offset, *len);
    return NULL;
}

static inline object_t object_load(const char *path)
{
    object_t object = {0};

    object.data = scene_read(&object.len, path, pool);
    return object;
}

static inline unsigned char *pattern(size_t size)
{
    unsigned char *data = apr_palloc(pool, size + 1);
    size_t i;

    for (i = 0; i < size; i++)
        data[i] = (unsigned char)(i % 251 + i / 65536);
    return data;
}

static inline kz_seal_meta_t meta_of(const unsigned char *data, size_t size)
{
    kz_seal_meta_t meta = {.firm = 7,
                           .document = DOCUMENT,
                           .matter = OTHER,
                           .by = OTHER,
                           .name = "Jahresabschlu\xc3\x9f \"2025\".pdf",
                           .type = "application/pdf",
                           .at = APR_INT64_C(1732351234567890),
                           .size = size};

    crypto_hash_sha256(meta.sha256, data, size);
    return meta;
}

/* Appends DATA to the spool in pieces of STEP bytes; *OFFSET becomes its size before. */
static inline void spool_append(const char *path, apr_uint64_t *offset, const unsigned char *data,
                                size_t len, size_t step)
{
    kz_seal_writer_t *writer;
    size_t at;

    assert_ok(kz_seal_writer_open(&writer, offset, path, key, DOCUMENT, pool));
    for (at = 0; at < len; at += step)
        assert_ok(kz_seal_write(writer, data + at, len - at < step ? len - at : step));
    assert_ok(kz_seal_writer_close(writer));
}

static inline const char *spool_make(const char *name, const unsigned char *data, size_t len,
                                     size_t step)
{
    const char *path = in_folder(name);
    apr_uint64_t offset;

    assert_ok(kz_seal_spool_create(path, wrapped, pool));
    spool_append(path, &offset, data, len, step);
    assert_int_equal(offset, 0);
    return path;
}

static inline object_t object_make(const char *name, size_t size)
{
    const unsigned char *data = pattern(size);
    const char *path = spool_make(name, data, size, 70000);
    kz_seal_meta_t meta = meta_of(data, size);

    assert_ok(kz_seal_spool_finish(path, key, &meta, pool));
    return object_load(path);
}

/* Opens the object and reads it from FROM on; checks that it gives DATA from there. */
static inline kz_err_t *read_all(object_t *object, const unsigned char *data, size_t size,
                                 size_t from)
{
    const unsigned char *piece;
    kz_seal_reader_t *reader;
    size_t len;

    KZ_TRY(kz_seal_reader_open(&reader, object_read, object, key, DOCUMENT, pool));
    assert_int_equal(kz_seal_reader_meta(reader)->size, size);
    KZ_TRY(kz_seal_seek(reader, from));
    do {
        KZ_TRY(kz_seal_read(&piece, &len, reader));
        assert_true(len <= size - from && len <= KZ_SEAL_CHUNK);
        if (len > 0)
            assert_memory_equal(piece, data + from, len);
        from += len;
    } while (len > 0);
    assert_int_equal(from, size);
    return NULL;
}

/* Checks that the spool at PATH holds the first *LEN bytes of DATA. */
static inline void assert_holds(const char *path, const unsigned char *data, apr_uint64_t len)
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
static inline void assert_finishes(const char *path, const unsigned char *data, size_t size)
{
    kz_seal_meta_t meta = meta_of(data, size);
    object_t object;

    assert_ok(kz_seal_spool_finish(path, key, &meta, pool));
    object = object_load(path);
    assert_int_equal(object.len, kz_seal_object_size(size));
    assert_ok(read_all(&object, data, size, 0));
    assert_holds(path, data, size);
}

/* The files of a spool, as they are on the disk. */
typedef struct disk_t {
    object_t spool, tail;
    int has_tail;
} disk_t;

static inline disk_t disk_load(const char *path)
{
    const char *tail = apr_pstrcat(pool, path, KZ_SEAL_TAIL_NAME, NULL);
    disk_t disk = {.spool = object_load(path), .has_tail = access(tail, F_OK) == 0};

    if (disk.has_tail)
        disk.tail = object_load(tail);
    return disk;
}

/* A spool with TAIL of which LEN bytes are on the disk, those from KEPT on as zeros. */
static inline void disk_write(const char *path, const disk_t *disk, size_t len, size_t kept)
{
    const char *tail = apr_pstrcat(pool, path, KZ_SEAL_TAIL_NAME, NULL);
    unsigned char *data = apr_pcalloc(pool, len + 1);

    memcpy(data, disk->spool.data, kept);
    scene_write(path, data, len);
    unlink(tail);
    if (disk->has_tail)
        scene_write(tail, disk->tail.data, disk->tail.len);
}

#endif
