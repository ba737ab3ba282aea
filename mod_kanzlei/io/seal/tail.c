/* Where a spool ends. What a request ends with, up to a chunk, is a sealed file of its own beside
 * the spool and never changed: the next request writes another one, which then takes its name. So
 * no acknowledged byte is ever overwritten. FORMAT.md, "Spool". */
#include "io/seal/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#define HEAD 24 /* bytes before the sealed chunk: magic 8, index 8, flag 1, zero 7 */

static const char magic[] = "\x89KZTAIL\n";

static const char *tail_name(const char *path, const char *more, apr_pool_t *pool)
{
    return apr_pstrcat(pool, path, KZ_SEAL_TAIL_NAME, more, NULL);
}

/* --- reading --- */

static kz_err_t *head_read(kz_seal__end_t *end, int fd)
{
    unsigned char head[HEAD];
    struct stat info;

    if (fstat(fd, &info) != 0)
        return kz_seal__io_error(errno, "looking at", "a tail");
    KZ_TRY(kz_seal__pread(fd, head, HEAD, 0));
    end->index = kz_seal__get_be(head + 8, 8);
    end->flag = (kz_seal_flag_t)head[16];
    if (memcmp(head, magic, 8) != 0 || (end->flag != KZ_SEAL_TAIL && end->flag != KZ_SEAL_HELD) ||
        end->index > KZ_SEAL_SIZE_MAX / KZ_SEAL_CHUNK || info.st_size < HEAD + KZ_SEAL_EXTRA ||
        info.st_size > HEAD + KZ_SEAL_STRIDE)
        return kz_err_create(KZ_ERR_SEAL, "not the tail of a spool");
    end->fill = (size_t)info.st_size - HEAD - KZ_SEAL_EXTRA;
    return NULL;
}

static kz_err_t *take(kz_seal__spool_t *spool, int fd)
{
    kz_seal__end_t *end = &spool->end;

    KZ_TRY(head_read(end, fd));
    KZ_TRY(kz_seal__pread(fd, spool->sealed, end->fill + KZ_SEAL_EXTRA, HEAD));
    kz_seal__cipher_chunk(spool->opener, end->index, end->flag);
    return kz_seal__chunk_open(spool->plain, spool->opener, spool->sealed, end->fill);
}

kz_err_t *kz_seal__tail_read(kz_seal__spool_t *spool)
{
    const char *name = tail_name(spool->path, "", spool->pool);
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    kz_err_t *err;

    spool->end = (kz_seal__end_t){.flag = KZ_SEAL_MIDDLE};
    if (fd < 0)
        return errno == ENOENT ? NULL : kz_seal__io_error(errno, "opening", name);
    err = take(spool, fd);
    close(fd);
    return kz_err_wrap(err, "%s", name);
}

/* --- writing --- */

static kz_err_t *put(int fd, const kz_seal__spool_t *spool)
{
    const kz_seal__end_t *end = &spool->end;
    unsigned char head[HEAD] = {0};

    memcpy(head, magic, 8);
    kz_seal__put_be(head + 8, end->index, 8);
    head[16] = (unsigned char)end->flag;
    kz_seal__cipher_chunk(spool->sealer, end->index, end->flag);
    KZ_TRY(kz_seal__chunk_seal(spool->sealed, spool->sealer, spool->plain, end->fill));
    KZ_TRY(kz_seal__pwrite(fd, head, HEAD, 0));
    KZ_TRY(kz_seal__pwrite(fd, spool->sealed, end->fill + KZ_SEAL_EXTRA, HEAD));
    return fsync(fd) == 0 ? NULL : kz_seal__io_error(errno, "flushing", "a tail");
}

static kz_err_t *replace(const kz_seal__spool_t *spool, apr_pool_t *pool)
{
    const char *name = tail_name(spool->path, "", pool);
    const char *fresh = tail_name(spool->path, KZ_SEAL_FRESH_NAME, pool);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    kz_err_t *err;

    if (fd < 0)
        return kz_seal__io_error(errno, "making", fresh);
    err = put(fd, spool);
    if (close(fd) != 0 && !err)
        err = kz_seal__io_error(errno, "closing", fresh);
    if (!err && rename(fresh, name) != 0)
        err = kz_seal__io_error(errno, "naming", name);
    if (err) {
        unlink(fresh);
        return err;
    }
    return kz_seal__folder_flush(name, pool);
}

kz_err_t *kz_seal__tail_write(const kz_seal__spool_t *spool)
{
    apr_pool_t *own;
    kz_err_t *err;

    apr_pool_create(&own, spool->pool);
    err = replace(spool, own);
    apr_pool_destroy(own);
    return kz_err_wrap(err, "the tail of %s", spool->path);
}

kz_err_t *kz_seal_spool_remove(const char *path, apr_pool_t *scratch_pool)
{
    const char *names[] = {tail_name(path, KZ_SEAL_FRESH_NAME, scratch_pool),
                           tail_name(path, "", scratch_pool), path};
    int i;

    for (i = 0; i < 3; i++)
        if (unlink(names[i]) != 0 && errno != ENOENT)
            return kz_seal__io_error(errno, "removing", names[i]);
    return NULL;
}

/* --- the end of the spool --- */

/* Do the LEN bytes at the end's place open as FLAG? They are left in SEALED then. */
static kz_err_t *try_chunk(int *good, const kz_seal__spool_t *spool, kz_seal_flag_t flag,
                           size_t len)
{
    kz_err_t *err;

    KZ_TRY(kz_seal__pread(spool->fd, spool->sealed, len + KZ_SEAL_EXTRA,
                          kz_seal__slot(spool->end.index)));
    kz_seal__cipher_chunk(spool->opener, spool->end.index, flag);
    err = kz_seal__chunk_open(spool->sealed + KZ_SEAL_NONCE, spool->opener, spool->sealed, len);
    *good = !err;
    if (err && kz_err_code(err) != KZ_ERR_SEAL)
        return err;
    kz_err_expected(err); /* it is none: that was the question */
    return NULL;
}

/* Takes the bytes behind the whole chunks where they are sealed as the last ones; or, in a spool
 * without a tail, as older versions left them there. */
static kz_err_t *take_in_place(kz_seal__spool_t *spool, size_t len)
{
    kz_seal__end_t *end = &spool->end;
    kz_seal_flag_t flag = KZ_SEAL_LAST;
    int good;

    KZ_TRY(try_chunk(&good, spool, KZ_SEAL_LAST, len));
    if (!good && end->flag == KZ_SEAL_MIDDLE && len < KZ_SEAL_CHUNK) {
        flag = KZ_SEAL_MIDDLE;
        KZ_TRY(try_chunk(&good, spool, KZ_SEAL_TAIL, len));
    }
    if (!good || len < end->fill)
        return NULL;
    memcpy(spool->plain, spool->sealed + KZ_SEAL_NONCE, len);
    end->fill = len;
    end->flag = flag;
    return NULL;
}

kz_err_t *kz_seal__tail_find(kz_seal__spool_t *spool)
{
    kz_seal__end_t *end = &spool->end;
    struct stat info;
    apr_uint64_t left;
    int good = 1;

    KZ_TRY(kz_seal__tail_read(spool));
    if (end->flag == KZ_SEAL_HELD)
        return NULL;
    if (fstat(spool->fd, &info) != 0)
        return kz_seal__io_error(errno, "looking at", spool->path);
    while (good && (apr_uint64_t)info.st_size >= kz_seal__slot(end->index + 1)) {
        KZ_TRY(try_chunk(&good, spool, KZ_SEAL_MIDDLE, KZ_SEAL_CHUNK));
        if (good)
            *end = (kz_seal__end_t){.index = end->index + 1, .flag = KZ_SEAL_MIDDLE};
    }
    if ((apr_uint64_t)info.st_size < kz_seal__slot(end->index) + KZ_SEAL_EXTRA)
        return NULL;
    left = (apr_uint64_t)info.st_size - kz_seal__slot(end->index) - KZ_SEAL_EXTRA;
    return left > KZ_SEAL_CHUNK ? NULL : take_in_place(spool, (size_t)left);
}
