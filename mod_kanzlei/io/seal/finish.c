#include "io/seal/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <sodium.h>

/* The spool of one call: both buffers, its end. */
typedef struct spool_t {
    int fd;
    unsigned char *header, *plain, *sealed;
    kz_seal__cipher_t *opener;
    kz_seal__end_t end;
} spool_t;

static apr_status_t spool_wipe(void *plain)
{
    sodium_memzero(plain, KZ_SEAL_CHUNK);
    return APR_SUCCESS;
}

static kz_err_t *spool_open(spool_t *spool, const char *path, int lock, const kz_seal_key_t *key,
                            const char *document, apr_pool_t *pool)
{
    spool->header = apr_palloc(pool, KZ_SEAL_HEADER);
    spool->plain = apr_palloc(pool, KZ_SEAL_CHUNK);
    spool->sealed = apr_palloc(pool, KZ_SEAL_STRIDE);
    apr_pool_cleanup_register(pool, spool->plain, spool_wipe, apr_pool_cleanup_null);
    KZ_TRY(kz_seal__spool_open(&spool->fd, spool->header, path, lock, pool));
    KZ_TRY(kz_seal__cipher_create(&spool->opener, key, document, KZ_SEAL_OPEN, pool));
    KZ_TRY(kz_err_wrap(
        kz_seal__spool_end(&spool->end, spool->fd, spool->opener, spool->plain, spool->sealed),
        "%s", path));
    if (spool->end.torn)
        return kz_err_create(KZ_ERR_SEAL, "%s: its end is torn", path);
    return NULL;
}

/* --- finishing --- */

/* Takes the last whole chunk as the last one, if the spool ends exactly behind it. */
static kz_err_t *load_last(spool_t *spool)
{
    kz_seal__end_t *end = &spool->end;

    if (end->fill > 0 || end->flag == KZ_SEAL_LAST || end->index == 0)
        return NULL;
    end->index--;
    end->fill = KZ_SEAL_CHUNK;
    kz_seal__cipher_chunk(spool->opener, end->index, KZ_SEAL_MIDDLE);
    KZ_TRY(kz_seal__pread(spool->fd, spool->sealed, KZ_SEAL_STRIDE, kz_seal__slot(end->index)));
    return kz_seal__chunk_open(spool->plain, spool->opener, spool->sealed, KZ_SEAL_CHUNK);
}

static kz_err_t *put_last(spool_t *spool, const kz_seal_meta_t *meta, kz_seal__cipher_t *sealer)
{
    const kz_seal__end_t *end = &spool->end;

    if (end->index * KZ_SEAL_CHUNK + end->fill != meta->size)
        return kz_err_create(KZ_ERR_SEAL,
                             "the spool holds %" APR_UINT64_T_FMT " bytes, not %" APR_UINT64_T_FMT,
                             end->index * KZ_SEAL_CHUNK + end->fill, meta->size);
    if (end->flag == KZ_SEAL_LAST)
        return NULL;
    kz_seal__cipher_chunk(sealer, end->index, KZ_SEAL_LAST);
    KZ_TRY(kz_seal__chunk_seal(spool->sealed, sealer, spool->plain, end->fill));
    return kz_seal__pwrite(spool->fd, spool->sealed, end->fill + KZ_SEAL_EXTRA,
                           kz_seal__slot(end->index));
}

static kz_err_t *put_header(spool_t *spool, const kz_seal_meta_t *meta, kz_seal__cipher_t *sealer)
{
    unsigned char wrapped[KZ_SEAL_WRAPPED], *plain = spool->plain;
    apr_uuid_t uuid;

    KZ_TRY(kz_seal__uuid(&uuid, meta->document));
    KZ_TRY(kz_seal__meta_encode(plain, meta));
    memcpy(wrapped, spool->header + KZ_SEAL_WRAPPED_AT, sizeof wrapped);
    kz_seal__clear_write(spool->header, KZ_SEAL_FINISHED, &uuid, wrapped);
    randombytes_buf(spool->header + KZ_SEAL_CLEAR, KZ_SEAL_NONCE);
    KZ_TRY(kz_seal__meta_seal(spool->header, sealer, plain));
    return kz_seal__pwrite(spool->fd, spool->header, KZ_SEAL_HEADER, 0);
}

/* 1 if it was finished before with this very description. Its bytes must stay then: sealed anew
 * they would differ, and a store that has them already would see a conflict. */
static kz_err_t *was_finished(int *was, spool_t *spool, const kz_seal_meta_t *meta,
                              apr_pool_t *pool)
{
    unsigned char *wanted = apr_palloc(pool, KZ_SEAL_META);
    kz_seal_state_t state;
    kz_err_t *err;

    *was = 0;
    KZ_TRY(kz_seal__clear_check(&state, spool->header));
    if (state != KZ_SEAL_FINISHED || spool->end.flag != KZ_SEAL_LAST)
        return NULL;
    KZ_TRY(kz_seal__meta_encode(wanted, meta));
    err = kz_seal__meta_open(spool->plain, spool->opener, spool->header);
    *was = !err && memcmp(spool->plain, wanted, KZ_SEAL_META) == 0;
    kz_err_expected(err); /* a damaged description is written again */
    return NULL;
}

static kz_err_t *finish(spool_t *spool, const char *path, const kz_seal_key_t *key,
                        const kz_seal_meta_t *meta, apr_pool_t *pool)
{
    kz_seal__cipher_t *sealer;
    int was;

    KZ_TRY(spool_open(spool, path, LOCK_EX, key, meta->document, pool));
    KZ_TRY(was_finished(&was, spool, meta, pool));
    if (!was) {
        KZ_TRY(kz_seal__cipher_create(&sealer, key, meta->document, KZ_SEAL_SEAL, pool));
        KZ_TRY(load_last(spool));
        KZ_TRY(put_last(spool, meta, sealer));
        KZ_TRY(put_header(spool, meta, sealer));
    }
    return NULL;
}

kz_err_t *kz_seal_spool_finish(const char *path, const kz_seal_key_t *key,
                               const kz_seal_meta_t *meta, apr_pool_t *scratch_pool)
{
    spool_t spool;
    apr_pool_t *own;
    kz_err_t *err;

    apr_pool_create(&own, scratch_pool);
    err = finish(&spool, path, key, meta, own);
    apr_pool_destroy(own); /* ends the lock */
    return kz_err_wrap(err, "finishing %s", path);
}

/* --- reading the whole once --- */

static kz_err_t *write_out(int fd, const unsigned char *from, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, from, len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return kz_seal__io_error(errno, "writing", "the copy to scan");
        from += put;
        len -= (size_t)put;
    }
    return NULL;
}

static kz_err_t *take_plain(EVP_MD_CTX *digest, int out_fd, const unsigned char *plain, size_t len)
{
    if (digest && !EVP_DigestUpdate(digest, plain, len))
        return kz_err_create(KZ_ERR_INTERNAL, "SHA-256 failed");
    return out_fd < 0 ? NULL : write_out(out_fd, plain, len);
}

static kz_err_t *copy_chunks(spool_t *spool, apr_uint64_t count, EVP_MD_CTX *digest, int out_fd)
{
    apr_uint64_t i;

    for (i = 0; i < count; i++) {
        kz_seal__cipher_chunk(spool->opener, i, KZ_SEAL_MIDDLE);
        KZ_TRY(kz_seal__pread(spool->fd, spool->sealed, KZ_SEAL_STRIDE, kz_seal__slot(i)));
        KZ_TRY(kz_seal__chunk_open(spool->plain, spool->opener, spool->sealed, KZ_SEAL_CHUNK));
        KZ_TRY(take_plain(digest, out_fd, spool->plain, KZ_SEAL_CHUNK));
    }
    return NULL;
}

/* The chunks before the end, then the end once more, from the file: PLAIN is one buffer. */
static kz_err_t *copy_all(spool_t *spool, EVP_MD_CTX *digest, int out_fd)
{
    const kz_seal__end_t *end = &spool->end;

    KZ_TRY(copy_chunks(spool, end->index, digest, out_fd));
    if (end->fill == 0)
        return NULL;
    kz_seal__cipher_chunk(spool->opener, end->index, end->flag);
    KZ_TRY(kz_seal__pread(spool->fd, spool->sealed, end->fill + KZ_SEAL_EXTRA,
                          kz_seal__slot(end->index)));
    KZ_TRY(kz_seal__chunk_open(spool->plain, spool->opener, spool->sealed, end->fill));
    return take_plain(digest, out_fd, spool->plain, end->fill);
}

static kz_err_t *digest_begin(EVP_MD_CTX **digest)
{
    *digest = EVP_MD_CTX_new();
    if (*digest && EVP_DigestInit_ex(*digest, EVP_sha256(), NULL))
        return NULL;
    return kz_err_create(KZ_ERR_INTERNAL, "SHA-256 is not to be had");
}

/* Frees DIGEST, and gives its result unless ERR came first. */
static kz_err_t *digest_end(unsigned char *sha256, EVP_MD_CTX *digest, kz_err_t *err)
{
    if (!err && !EVP_DigestFinal_ex(digest, sha256, NULL))
        err = kz_err_create(KZ_ERR_INTERNAL, "SHA-256 failed");
    EVP_MD_CTX_free(digest);
    return err;
}

static kz_err_t *scan_copy(spool_t *spool, unsigned char *sha256, int out_fd)
{
    EVP_MD_CTX *digest;
    kz_err_t *err;

    if (!sha256)
        return copy_all(spool, NULL, out_fd);
    err = digest_begin(&digest);
    if (!err)
        err = copy_all(spool, digest, out_fd);
    return digest_end(sha256, digest, err);
}

kz_err_t *kz_seal_scan_copy(apr_uint64_t *size, unsigned char *sha256, const char *path, int out_fd,
                            const kz_seal_key_t *key, const char *document)
{
    spool_t spool;
    apr_pool_t *own;
    kz_err_t *err;

    if (apr_pool_create_unmanaged_ex(&own, NULL, NULL) != APR_SUCCESS)
        return kz_err_create(KZ_ERR_INTERNAL, "no memory to read %s", path);
    err = spool_open(&spool, path, LOCK_SH, key, document, own);
    if (!err)
        err = scan_copy(&spool, sha256, out_fd);
    if (!err)
        *size = spool.end.index * KZ_SEAL_CHUNK + spool.end.fill;
    apr_pool_destroy(own);
    return kz_err_wrap(err, "reading %s", path);
}

static kz_err_t *hash_file(EVP_MD_CTX *digest, int fd, unsigned char *plain)
{
    off_t offset = 0;
    ssize_t got;

    while ((got = pread(fd, plain, KZ_SEAL_CHUNK, offset)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return kz_seal__io_error(errno, "reading", "the copy to scan");
        KZ_TRY(take_plain(digest, -1, plain, (size_t)got));
        offset += got;
    }
    return NULL;
}

kz_err_t *kz_seal_scan_hash(unsigned char *sha256, int fd, apr_pool_t *scratch_pool)
{
    unsigned char *plain;
    EVP_MD_CTX *digest;
    apr_pool_t *own;
    kz_err_t *err;

    apr_pool_create(&own, scratch_pool);
    plain = apr_palloc(own, KZ_SEAL_CHUNK);
    apr_pool_cleanup_register(own, plain, spool_wipe, apr_pool_cleanup_null);
    err = digest_begin(&digest);
    if (!err)
        err = hash_file(digest, fd, plain);
    err = digest_end(sha256, digest, err);
    apr_pool_destroy(own);
    return err;
}
