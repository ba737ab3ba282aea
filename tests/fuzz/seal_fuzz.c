/* Fuzzes what reads sealed bytes. The first byte of the input says how:
 *   0  the rest is an object from a store: any bytes, read with a fixed key
 *   1  the rest is the plaintext of a description, as it stands behind the seal
 *   2  the rest is a script: a real spool is written, closed, torn, damaged and finished by it, and
 *      what is read back must be what was written, or an error
 * The document of the corpus is 01932c5e-7d1a-7abc-8def-0123456789ab, its key 32 bytes of 'k'. */
#include "io/seal/internal.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <sodium.h>

#define DOCUMENT "01932c5e-7d1a-7abc-8def-0123456789ab"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct bytes_t {
    const uint8_t *data;
    size_t len;
} bytes_t;

static unsigned char key_bytes[KZ_SEAL_KEY];
static const kz_seal_key_t key = {key_bytes};
static const unsigned char wrapped[KZ_SEAL_WRAPPED] = "wrapped";

static void must(int truth, const char *what)
{
    if (!truth) {
        fprintf(stderr, "broken: %s\n", what);
        abort();
    }
}

static void must_not_fail(kz_err_t *err, const char *what)
{
    if (err)
        fprintf(stderr, "%s\n", kz_err_detail(err));
    must(!err, what);
}

static kz_err_t *source(void *baton, apr_uint64_t offset, void *buffer, size_t *len)
{
    const bytes_t *bytes = baton;
    size_t left = offset < bytes->len ? bytes->len - (size_t)offset : 0;

    if (*len > left)
        *len = left;
    if (*len > 0)
        memcpy(buffer, bytes->data + offset, *len);
    return NULL;
}

/* --- mode 0 and 1 --- */

static void read_object(const uint8_t *data, size_t size, apr_pool_t *pool)
{
    bytes_t bytes = {data, size};
    unsigned char peeked[KZ_SEAL_WRAPPED];
    kz_seal_reader_t *reader;
    const unsigned char *piece;
    kz_err_t *err;
    size_t len;

    kz_err_free(kz_seal_peek_wrapped(peeked, source, &bytes));
    err = kz_seal_reader_open(&reader, source, &bytes, &key, DOCUMENT, pool);
    if (!err)
        must(strlen(kz_seal_reader_meta(reader)->name) <= 255, "a name that is too long");
    for (len = 1; !err && len > 0;)
        err = kz_seal_read(&piece, &len, reader);
    kz_err_free(err);
}

static void read_description(const uint8_t *data, size_t size, apr_pool_t *pool)
{
    unsigned char plain[KZ_SEAL_META] = {0}, again[KZ_SEAL_META];
    kz_seal_meta_t meta, second;
    kz_err_t *err;

    memcpy(plain, data, size < sizeof plain ? size : sizeof plain);
    err = kz_seal__meta_decode(&meta, plain, pool);
    if (err) {
        kz_err_free(err);
        return;
    }
    must_not_fail(kz_seal__meta_encode(again, &meta), "a description written again");
    must_not_fail(kz_seal__meta_decode(&second, again, pool), "a description read again");
    must(strcmp(meta.name, second.name) == 0 && meta.size == second.size, "a description kept");
}

/* --- mode 2 --- */

typedef struct script_t {
    char path[64];
    unsigned char *plain; /* the bytes written so far */
    size_t len, room;
    apr_uint64_t least; /* bytes that must still be there */
    int damaged;        /* a byte was changed: an error is right */
    apr_pool_t *pool;
} script_t;

static void append(script_t *script, size_t len, unsigned char fill)
{
    kz_seal_writer_t *writer;
    apr_uint64_t offset;
    kz_err_t *err;

    err = kz_seal_writer_open(&writer, &offset, script->path, &key, DOCUMENT, script->pool);
    if (err) {
        must(script->damaged, "a spool that doesn't open");
        kz_err_free(err);
        return;
    }
    must(offset <= script->len, "bytes from nowhere");
    must(script->damaged || offset >= script->least, "bytes lost");
    script->len = (size_t)offset;
    if (len > script->room - script->len)
        len = script->room - script->len;
    memset(script->plain + script->len, fill, len);
    must_not_fail(kz_seal_write(writer, script->plain + script->len, len / 3), "a write");
    must_not_fail(kz_seal_write(writer, script->plain + script->len + len / 3, len - len / 3),
                  "a second write");
    must_not_fail(kz_seal_writer_close(writer), "a close");
    script->len += len;
    script->least = script->len;
}

/* Leaves BYTES behind the end, as a crash does in the middle of a write. */
static void tear(script_t *script, size_t bytes)
{
    int fd = open(script->path, O_WRONLY | O_APPEND | O_CLOEXEC);
    uint8_t *torn = apr_pcalloc(script->pool, bytes + 1);

    memset(torn, (int)(bytes % 256), bytes);
    must(fd >= 0 && write(fd, torn, bytes) == (ssize_t)bytes, "a torn write");
    close(fd);
}

static void flip(script_t *script, size_t at)
{
    int fd = open(script->path, O_RDWR | O_CLOEXEC);
    struct stat info;
    uint8_t byte;

    must(fd >= 0 && fstat(fd, &info) == 0, "the spool");
    at %= (size_t)info.st_size;
    must(pread(fd, &byte, 1, (off_t)at) == 1, "a byte");
    byte ^= 1;
    must(pwrite(fd, &byte, 1, (off_t)at) == 1, "a byte");
    close(fd);
    script->damaged = 1;
}

/* Finishes and reads back: gives exactly the written bytes, or, after damage, an error. */
static void finish(script_t *script)
{
    kz_seal_meta_t meta = {.document = DOCUMENT, .name = "n", .type = "t", .size = script->len};
    unsigned char sha256[KZ_SEAL_SHA256];
    kz_seal_reader_t *reader;
    const unsigned char *piece;
    apr_uint64_t size;
    struct stat info;
    bytes_t object;
    size_t len = 1, at = 0;
    kz_err_t *err;
    int fd;

    append(script, 0, 0); /* drops the torn end */
    meta.size = script->len;
    err = kz_seal_scan_copy(&size, sha256, script->path, -1, &key, DOCUMENT);
    if (!err) {
        must(script->damaged || size == script->len, "the size");
        script->len =
            (size_t)size; /* less, if the header's state was damaged and the end is torn */
        crypto_hash_sha256(meta.sha256, script->plain, script->len);
        must(memcmp(sha256, meta.sha256, sizeof sha256) == 0, "the content");
        err = kz_seal_spool_finish(script->path, &key, &meta, script->pool);
    }
    fd = open(script->path, O_RDONLY | O_CLOEXEC);
    must(fd >= 0 && fstat(fd, &info) == 0, "the object");
    object.len = (size_t)info.st_size;
    object.data = apr_palloc(script->pool, object.len);
    must(read(fd, (void *)(uintptr_t)object.data, object.len) == info.st_size, "the object");
    close(fd);
    if (!err)
        err = kz_seal_reader_open(&reader, source, &object, &key, DOCUMENT, script->pool);
    while (!err && len > 0) {
        err = kz_seal_read(&piece, &len, reader);
        must(at + len <= script->len && (len == 0 || !memcmp(piece, script->plain + at, len)),
             "what was written is read");
        at += len;
    }
    must(err || at == script->len, "the whole is read");
    must(!err || script->damaged, "an undamaged spool");
    kz_err_free(err);
}

static void run_script(const uint8_t *data, size_t size, apr_pool_t *pool)
{
    script_t script = {.room = 300000, .pool = pool};
    size_t i;

    snprintf(script.path, sizeof script.path, "/dev/shm/kz-seal-fuzz-%d", (int)getpid());
    script.plain = apr_palloc(pool, script.room);
    must_not_fail(kz_seal_spool_remove(script.path, pool), "no spool");
    must_not_fail(kz_seal_spool_create(script.path, wrapped, pool), "a new spool");
    for (i = 0; i + 3 <= size && i < 36; i += 3) {
        size_t number = (size_t)data[i + 1] << 8 | data[i + 2];

        switch (data[i] % 4) {
        case 0:
            append(&script, number, data[i]);
            break;
        case 1:
            append(&script, KZ_SEAL_CHUNK - 2 + number % 5, data[i]);
            break;
        case 2:
            tear(&script, number);
            break;
        default:
            if (data[i] > 0xf0)
                flip(&script, number);
        }
    }
    finish(&script);
    must_not_fail(kz_seal_spool_remove(script.path, pool), "the end");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int started;
    apr_pool_t *pool;

    if (!started) {
        apr_initialize();
        must(sodium_init() >= 0, "libsodium");
        memset(key_bytes, 'k', sizeof key_bytes);
        started = 1;
    }
    if (size == 0)
        return 0;
    apr_pool_create(&pool, NULL);
    if (data[0] % 3 == 0)
        read_object(data + 1, size - 1, pool);
    else if (data[0] % 3 == 1)
        read_description(data + 1, size - 1, pool);
    else
        run_script(data + 1, size - 1, pool);
    apr_pool_destroy(pool);
    return 0;
}
