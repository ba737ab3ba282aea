/* The bytes of one write to a directory: copied, compared. */
#include "io/store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK  (1024 * 1024) /* copied between two looks at the clock */
#define FLUSH  (4 * BLOCK) /* bytes after which the disk begins to write, rather than at the end */
#define BUFFER 65536       /* for comparing, and for copying where sendfile can't */

typedef kz_store__dir_write_t write_t;

static kz_err_t *copy_slowly(int to, const write_t *write, apr_uint64_t offset)
{
    char *buffer = apr_palloc(write->pool, BUFFER);

    while (offset < write->size) {
        ssize_t got = pread(write->fd, buffer, BUFFER, (off_t)offset), put, done;

        KZ_TRY(kz_store__in_time(write->deadline));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return kz_err_create(KZ_ERR_INTERNAL, "the source of %s ends early", write->key);
        if ((apr_uint64_t)got > write->size - offset)
            got = (ssize_t)(write->size - offset);
        for (done = 0; done < got; done += put) {
            put = pwrite(to, buffer + done, (size_t)(got - done), (off_t)offset + done);
            if (put < 0)
                return kz_store__io_error(errno, "writing", write->key);
        }
        offset += (apr_uint64_t)got;
    }
    return NULL;
}

/* By sendfile, not copy_file_range: that may share the blocks with the source, and then two stores
 * on one file system have one copy. */
kz_err_t *kz_store__dir_copy(int to, const write_t *write)
{
    off_t offset = 0, begun = 0;

    while ((apr_uint64_t)offset < write->size) {
        apr_uint64_t left = write->size - (apr_uint64_t)offset;
        ssize_t sent = sendfile(to, write->fd, &offset, left < BLOCK ? (size_t)left : BLOCK);

        KZ_TRY(kz_store__in_time(write->deadline));
        if (sent < 0 && (errno == EINVAL || errno == ENOSYS))
            return copy_slowly(to, write, (apr_uint64_t)offset);
        if (sent < 0 && errno != EINTR)
            return kz_store__io_error(errno, "writing", write->key);
        if (sent == 0)
            return kz_err_create(KZ_ERR_INTERNAL, "the source of %s ends early", write->key);
        if (offset >= begun + FLUSH) {
            sync_file_range(to, begun, offset - begun, SYNC_FILE_RANGE_WRITE);
            begun = offset;
        }
    }
    return NULL;
}

static ssize_t pread_full(int fd, char *buffer, size_t len, off_t offset)
{
    size_t done = 0;

    while (done < len) {
        ssize_t got = pread(fd, buffer + done, len - done, offset + (off_t)done);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

kz_err_t *kz_store__dir_same(int *same, int fd, const write_t *write)
{
    char *there = apr_palloc(write->pool, BUFFER), *source = apr_palloc(write->pool, BUFFER);
    struct stat info;
    off_t offset;

    *same = 0;
    if (fstat(fd, &info) != 0)
        return kz_store__io_error(errno, "looking at", write->key);
    if (!S_ISREG(info.st_mode) || (apr_uint64_t)info.st_size != write->size)
        return NULL;
    for (offset = 0; offset < info.st_size; offset += BUFFER) {
        ssize_t got = pread_full(fd, there, BUFFER, offset);

        KZ_TRY(kz_store__in_time(write->deadline));
        if (got < 0)
            return kz_store__io_error(errno, "reading", write->key);
        if (pread_full(write->fd, source, (size_t)got, offset) != got ||
            memcmp(there, source, (size_t)got) != 0)
            return NULL;
    }
    *same = 1;
    return NULL;
}
