#include "io/seal/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

kz_err_t *kz_seal__io_error(int number, const char *what, const char *path)
{
    kz_err_code_t code = KZ_ERR_INTERNAL;

    if (number == ENOSPC || number == EDQUOT)
        code = KZ_ERR_NO_SPACE;
    else if (number == ENOENT)
        code = KZ_ERR_NOT_FOUND;
    else if (number == EEXIST)
        code = KZ_ERR_CONFLICT;
    return kz_err_status(code, APR_FROM_OS_ERROR(number), "%s %s", what, path);
}

apr_uint64_t kz_seal__slot(apr_uint64_t index)
{
    return KZ_SEAL_HEADER + index * KZ_SEAL_STRIDE;
}

kz_err_t *kz_seal__pread(int fd, void *buffer, size_t len, apr_uint64_t offset)
{
    unsigned char *to = buffer;

    while (len > 0) {
        ssize_t got = pread(fd, to, len, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return kz_seal__io_error(errno, "reading", "a spool file");
        if (got == 0)
            return kz_err_create(KZ_ERR_SEAL, "a spool file ends early");
        to += got;
        len -= (size_t)got;
        offset += (apr_uint64_t)got;
    }
    return NULL;
}

kz_err_t *kz_seal__pwrite(int fd, const void *buffer, size_t len, apr_uint64_t offset)
{
    const unsigned char *from = buffer;

    while (len > 0) {
        ssize_t put = pwrite(fd, from, len, (off_t)offset);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return kz_seal__io_error(errno, "writing", "a spool file");
        from += put;
        len -= (size_t)put;
        offset += (apr_uint64_t)put;
    }
    return NULL;
}

static apr_status_t fd_close(void *fd)
{
    close((int)(intptr_t)fd);
    return APR_SUCCESS;
}

kz_err_t *kz_seal__spool_open(int *fd, unsigned char *header, const char *path, int lock,
                              apr_pool_t *pool)
{
    kz_seal_state_t state;

    *fd = open(path, (lock == LOCK_SH ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    if (*fd < 0)
        return kz_seal__io_error(errno, "opening", path);
    apr_pool_cleanup_register(pool, (void *)(intptr_t)*fd, fd_close, apr_pool_cleanup_null);
    if (flock(*fd, lock | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? kz_err_create(KZ_ERR_LOCKED, "%s is being written to", path)
                                    : kz_seal__io_error(errno, "locking", path);
    KZ_TRY(kz_err_wrap(kz_seal__pread(*fd, header, KZ_SEAL_HEADER, 0), "%s", path));
    return kz_err_wrap(kz_seal__clear_check(&state, header), "%s", path);
}

/* Does chunk INDEX hold LEN bytes sealed with FLAG? If so, PLAIN has them. */
static kz_err_t *try_chunk(int *good, unsigned char *plain, kz_seal__cipher_t *opener,
                           const unsigned char *sealed, size_t len)
{
    kz_err_t *err = kz_seal__chunk_open(plain, opener, sealed, len);

    *good = !err;
    if (err && kz_err_code(err) != KZ_ERR_SEAL)
        return err;
    kz_err_expected(err); /* it is none: that was the question */
    return NULL;
}

/* Opens chunk INDEX of LEN bytes as USUAL (MIDDLE or TAIL) or as LAST. *GOOD is 0 if it is neither.
 */
static kz_err_t *try_end(kz_seal__end_t *end, int *good, kz_seal__cipher_t *opener,
                         unsigned char *plain, const unsigned char *sealed)
{
    kz_seal_flag_t usual = end->fill == KZ_SEAL_CHUNK ? KZ_SEAL_MIDDLE : KZ_SEAL_TAIL;

    end->flag = usual;
    kz_seal__cipher_chunk(opener, end->index, usual);
    KZ_TRY(try_chunk(good, plain, opener, sealed, end->fill));
    if (*good)
        return NULL;
    end->flag = KZ_SEAL_LAST;
    kz_seal__cipher_chunk(opener, end->index, KZ_SEAL_LAST);
    return try_chunk(good, plain, opener, sealed, end->fill);
}

kz_err_t *kz_seal__spool_end(kz_seal__end_t *end, int fd, kz_seal__cipher_t *opener,
                             unsigned char *plain, unsigned char *sealed)
{
    apr_uint64_t body, whole, i;
    struct stat info;
    int good = 0;

    if (fstat(fd, &info) != 0)
        return kz_seal__io_error(errno, "looking at", "a spool file");
    body = (apr_uint64_t)info.st_size - KZ_SEAL_HEADER;
    whole = body / KZ_SEAL_STRIDE;
    *end = (kz_seal__end_t){.index = whole};
    if (body % KZ_SEAL_STRIDE >= KZ_SEAL_EXTRA) {
        end->fill = body % KZ_SEAL_STRIDE - KZ_SEAL_EXTRA;
        KZ_TRY(kz_seal__pread(fd, sealed, end->fill + KZ_SEAL_EXTRA, kz_seal__slot(whole)));
        KZ_TRY(try_end(end, &good, opener, plain, sealed));
        if (good)
            return NULL;
    }
    end->torn = body % KZ_SEAL_STRIDE > 0;
    for (i = whole; i > 0; i--) { /* usually the first one is good */
        *end = (kz_seal__end_t){.index = i - 1, .fill = KZ_SEAL_CHUNK, .torn = end->torn};
        KZ_TRY(kz_seal__pread(fd, sealed, KZ_SEAL_STRIDE, kz_seal__slot(i - 1)));
        KZ_TRY(try_end(end, &good, opener, plain, sealed));
        if (good && end->flag == KZ_SEAL_LAST)
            return NULL;
        if (good)
            break;
        end->torn = 1;
    }
    if (i == 0 && whole > 0)
        return kz_err_create(KZ_ERR_SEAL, "no chunk of a spool file opens");
    *end = (kz_seal__end_t){.index = i, .flag = KZ_SEAL_MIDDLE, .torn = end->torn};
    return NULL;
}
