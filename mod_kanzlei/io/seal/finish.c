#include "io/seal/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

/* --- finishing --- */

/* Takes the last whole chunk as the last one, if the spool ends exactly behind it. It is to be
 * sealed anew in its place: until that is on the disk, the tail has it. */
static kz_err_t *load_last(kz_seal__spool_t *spool)
{
    kz_seal__end_t *end = &spool->end;

    if (end->fill > 0 || end->index == 0)
        return NULL;
    end->index--;
    end->fill = KZ_SEAL_CHUNK;
    kz_seal__cipher_chunk(spool->opener, end->index, KZ_SEAL_MIDDLE);
    KZ_TRY(kz_seal__pread(spool->fd, spool->sealed, KZ_SEAL_STRIDE, kz_seal__slot(end->index)));
    return kz_seal__chunk_open(spool->plain, spool->opener, spool->sealed, KZ_SEAL_CHUNK);
}

static kz_err_t *keep_last(kz_seal__spool_t *spool)
{
    kz_seal_flag_t was = spool->end.flag;

    KZ_TRY(load_last(spool));
    if (spool->end.fill == 0 || (was == KZ_SEAL_TAIL && spool->end.fill < KZ_SEAL_CHUNK))
        return NULL;
    spool->end.flag = KZ_SEAL_TAIL;
    return kz_seal__tail_write(spool);
}

static kz_err_t *put_last(kz_seal__spool_t *spool)
{
    const kz_seal__end_t *end = &spool->end;

    kz_seal__cipher_chunk(spool->sealer, end->index, KZ_SEAL_LAST);
    KZ_TRY(kz_seal__chunk_seal(spool->sealed, spool->sealer, spool->plain, end->fill));
    return kz_seal__pwrite(spool->fd, spool->sealed, end->fill + KZ_SEAL_EXTRA,
                           kz_seal__slot(end->index));
}

static kz_err_t *put_header(kz_seal__spool_t *spool, const kz_seal_meta_t *meta)
{
    unsigned char wrapped[KZ_SEAL_WRAPPED], *plain = spool->plain;
    apr_uuid_t uuid;

    KZ_TRY(kz_seal__uuid(&uuid, meta->document));
    KZ_TRY(kz_seal__meta_encode(plain, meta));
    memcpy(wrapped, spool->header + KZ_SEAL_WRAPPED_AT, sizeof wrapped);
    kz_seal__clear_write(spool->header, KZ_SEAL_FINISHED, &uuid, wrapped);
    randombytes_buf(spool->header + KZ_SEAL_CLEAR, KZ_SEAL_NONCE);
    KZ_TRY(kz_seal__meta_seal(spool->header, spool->sealer, plain));
    return kz_seal__pwrite(spool->fd, spool->header, KZ_SEAL_HEADER, 0);
}

/* 1 if it was finished before with this very description. Its bytes must stay then: sealed anew
 * they would differ, and a store that has them already would see a conflict. */
static kz_err_t *was_finished(int *was, kz_seal__spool_t *spool, const kz_seal_meta_t *meta,
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

/* Writes what makes an object of the spool; its bytes before the end stay as they are. */
static kz_err_t *put_end(kz_seal__spool_t *spool, const kz_seal_meta_t *meta)
{
    struct stat info;

    if (fstat(spool->fd, &info) != 0)
        return kz_seal__io_error(errno, "looking at", spool->path);
    if (info.st_nlink > 1)
        return kz_err_create(KZ_ERR_CONFLICT, "a store has it already, with another description");
    if (spool->end.flag != KZ_SEAL_LAST) {
        KZ_TRY(keep_last(spool));
        KZ_TRY(put_last(spool));
    }
    if (ftruncate(spool->fd, (off_t)kz_seal_object_size(meta->size)) != 0)
        return kz_seal__io_error(errno, "cutting", spool->path);
    return put_header(spool, meta);
}

static kz_err_t *finish(const char *path, const kz_seal_key_t *key, const kz_seal_meta_t *meta,
                        apr_pool_t *pool)
{
    kz_seal__spool_t spool;
    apr_uint64_t size;
    int was;

    KZ_TRY(kz_seal__spool_open(&spool, path, LOCK_EX, key, meta->document, pool));
    size = spool.end.index * KZ_SEAL_CHUNK + spool.end.fill;
    if (size != meta->size)
        return kz_err_create(KZ_ERR_SEAL,
                             "the spool holds %" APR_UINT64_T_FMT " bytes, not %" APR_UINT64_T_FMT,
                             size, meta->size);
    KZ_TRY(was_finished(&was, &spool, meta, pool));
    return was ? NULL : put_end(&spool, meta);
}

kz_err_t *kz_seal_spool_finish(const char *path, const kz_seal_key_t *key,
                               const kz_seal_meta_t *meta, apr_pool_t *scratch_pool)
{
    apr_pool_t *own;
    kz_err_t *err;

    apr_pool_create(&own, scratch_pool);
    err = finish(path, key, meta, own);
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

static kz_err_t *copy_chunk(const kz_seal__spool_t *spool, apr_uint64_t index, EVP_MD_CTX *digest,
                            int out_fd)
{
    unsigned char *plain = spool->sealed + KZ_SEAL_NONCE;

    kz_seal__cipher_chunk(spool->opener, index, KZ_SEAL_MIDDLE);
    KZ_TRY(kz_seal__pread(spool->fd, spool->sealed, KZ_SEAL_STRIDE, kz_seal__slot(index)));
    KZ_TRY(kz_seal__chunk_open(plain, spool->opener, spool->sealed, KZ_SEAL_CHUNK));
    return take_plain(digest, out_fd, plain, KZ_SEAL_CHUNK);
}

/* The chunks before the end, from the file, then the end, which PLAIN has. */
static kz_err_t *copy_all(const kz_seal__spool_t *spool, EVP_MD_CTX *digest, int out_fd)
{
    apr_uint64_t i;
    kz_err_t *err = NULL;

    for (i = 0; i < spool->end.index && !err; i++)
        err = copy_chunk(spool, i, digest, out_fd);
    return err ? err : take_plain(digest, out_fd, spool->plain, spool->end.fill);
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

static kz_err_t *scan_copy(const kz_seal__spool_t *spool, unsigned char *sha256, int out_fd)
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
    kz_seal__spool_t spool;
    apr_pool_t *own;
    kz_err_t *err;

    if (apr_pool_create_unmanaged_ex(&own, NULL, NULL) != APR_SUCCESS)
        return kz_err_create(KZ_ERR_INTERNAL, "no memory to read %s", path);
    err = kz_seal__spool_open(&spool, path, LOCK_SH, key, document, own);
    if (!err)
        err = scan_copy(&spool, sha256, out_fd);
    if (!err)
        *size = spool.end.index * KZ_SEAL_CHUNK + spool.end.fill;
    apr_pool_destroy(own);
    return kz_err_wrap(err, "reading %s", path);
}

static apr_status_t plain_wipe(void *plain)
{
    sodium_memzero(plain, KZ_SEAL_CHUNK);
    return APR_SUCCESS;
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
    apr_pool_cleanup_register(own, plain, plain_wipe, apr_pool_cleanup_null);
    err = digest_begin(&digest);
    if (!err)
        err = hash_file(digest, fd, plain);
    err = digest_end(sha256, digest, err);
    apr_pool_destroy(own);
    return err;
}
