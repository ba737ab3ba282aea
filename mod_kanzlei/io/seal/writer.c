#include "base/log.h"
#include "io/seal/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <apr_strings.h>
#include <sodium.h>

#define FLUSH 64 /* chunks after which the disk begins, so that little is left at the end */

struct kz_seal_writer_t {
    apr_pool_t *pool; /* its own, below the caller's */
    const char *path;
    int fd;
    kz_seal__cipher_t *cipher;
    kz_seal__cipher_t *opener;
    apr_uint64_t index;    /* of the chunk in PLAIN */
    size_t fill;           /* bytes in PLAIN */
    int dirty;             /* the file doesn't end as it should yet */
    int rewrite;           /* the place of this chunk holds an older sealing of its first bytes */
    int failed;            /* a write has failed: the bytes in PLAIN can't be kept */
    int held;              /* the header says that what follows is not kept yet */
    int keep;              /* it is to be: the header is to say no more */
    unsigned char *plain;  /* KZ_SEAL_CHUNK */
    unsigned char *sealed; /* KZ_SEAL_STRIDE */
};

kz_err_t *kz_seal_spool_create(const char *path, const unsigned char *wrapped,
                               apr_pool_t *scratch_pool)
{
    unsigned char *header = apr_pcalloc(scratch_pool, KZ_SEAL_HEADER);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    kz_err_t *err;

    if (fd < 0)
        return kz_seal__io_error(errno, "making", path);
    kz_seal__clear_write(header, KZ_SEAL_SPOOL, NULL, wrapped);
    err = kz_seal__pwrite(fd, header, KZ_SEAL_HEADER, 0);
    close(fd);
    if (err)
        unlink(path);
    return kz_err_wrap(err, "%s", path);
}

/* Seals LEN bytes of PLAIN into the place of the current chunk, in one write. */
static kz_err_t *put_chunk(kz_seal_writer_t *writer, const unsigned char *plain, size_t len,
                           kz_seal_flag_t flag)
{
    apr_uint64_t slot = kz_seal__slot(writer->index);
    kz_err_t *err;

    kz_seal__cipher_chunk(writer->cipher, writer->index, flag);
    KZ_TRY(kz_seal__chunk_seal(writer->sealed, writer->cipher, plain, len));
    if (writer->rewrite &&
        fallocate(writer->fd, FALLOC_FL_KEEP_SIZE, (off_t)slot, (off_t)(len + KZ_SEAL_EXTRA)) !=
            0 &&
        (errno == ENOSPC || errno == EDQUOT))
        return kz_seal__io_error(errno, "writing", writer->path); /* the old sealing is whole */
    writer->rewrite = 0;
    writer->dirty = 1;
    err = kz_seal__pwrite(writer->fd, writer->sealed, len + KZ_SEAL_EXTRA, slot);
    if (err && ftruncate(writer->fd, (off_t)slot) != 0) /* else found torn by the next to open it */
        err = kz_err_wrap(err, "%s: not cut back", writer->path);
    return kz_err_wrap(err, "%s", writer->path);
}

/* Says in the header from where on bytes are held; ONE MORE than the offset, 0: none are. */
static kz_err_t *put_held(kz_seal_writer_t *writer, apr_uint64_t one_more)
{
    unsigned char mark[8];

    kz_seal__put_be(mark, one_more, sizeof mark);
    KZ_TRY(kz_err_wrap(kz_seal__pwrite(writer->fd, mark, sizeof mark, KZ_SEAL_HELD_AT), "%s",
                       writer->path));
    writer->held = one_more > 0;
    writer->keep = 0;
    return NULL;
}

/* Seals the unfinished chunk and lets the file end behind it. */
static kz_err_t *put_tail(kz_seal_writer_t *writer)
{
    apr_uint64_t end = kz_seal__slot(writer->index);

    if (!writer->dirty || writer->failed)
        return NULL;
    if (writer->fill == KZ_SEAL_CHUNK) { /* stands there, as last */
        end += KZ_SEAL_STRIDE;
    } else if (writer->fill > 0) {
        KZ_TRY(put_chunk(writer, writer->plain, writer->fill, KZ_SEAL_TAIL));
        end += writer->fill + KZ_SEAL_EXTRA;
    }
    if (ftruncate(writer->fd, (off_t)end) != 0)
        return kz_seal__io_error(errno, "cutting", writer->path);
    writer->dirty = 0;
    return NULL;
}

/* Removes the mark last: until then the held bytes are cut off after a crash. */
static kz_err_t *put_end(kz_seal_writer_t *writer)
{
    KZ_TRY(put_tail(writer));
    return writer->held && writer->keep ? put_held(writer, 0) : NULL;
}

static apr_status_t writer_cleanup(void *baton)
{
    kz_seal_writer_t *writer = baton;

    kz_log_err(KZ_LOG_INFO, KZ_LOGNO(0017) "the last bytes of a broken upload are sent again: ",
               put_end(writer));
    sodium_memzero(writer->plain, KZ_SEAL_CHUNK);
    return APR_SUCCESS;
}

/* Cuts off bytes that were held and, because of a crash, never kept. */
static kz_err_t *cut_held(kz_seal_writer_t *writer, const unsigned char *header)
{
    apr_uint64_t one_more = kz_seal__get_be(header + KZ_SEAL_HELD_AT, 8);

    if (one_more == 0)
        return NULL;
    KZ_TRY(kz_seal_writer_cut(writer, one_more - 1));
    writer->held = writer->keep = 1;
    return put_end(writer);
}

static kz_err_t *writer_open(kz_seal_writer_t *writer, const kz_seal_key_t *key,
                             const char *document)
{
    unsigned char header[KZ_SEAL_HEADER];
    apr_pool_t *pool = writer->pool;
    kz_seal_state_t state;
    kz_seal__end_t end;

    KZ_TRY(kz_seal__spool_open(&writer->fd, header, writer->path, LOCK_EX, pool));
    KZ_TRY(kz_seal__clear_check(&state, header));
    if (state != KZ_SEAL_SPOOL)
        return kz_err_create(KZ_ERR_CONFLICT, "%s is finished", writer->path);
    KZ_TRY(kz_seal__cipher_create(&writer->opener, key, document, KZ_SEAL_OPEN, pool));
    KZ_TRY(kz_seal__cipher_create(&writer->cipher, key, document, KZ_SEAL_SEAL, pool));
    writer->plain = apr_palloc(pool, KZ_SEAL_CHUNK);
    writer->sealed = apr_palloc(pool, KZ_SEAL_STRIDE);
    KZ_TRY(kz_err_wrap(
        kz_seal__spool_end(&end, writer->fd, writer->opener, writer->plain, writer->sealed), "%s",
        writer->path));
    writer->index = end.index;
    writer->fill = end.fill;
    writer->dirty = end.torn;
    writer->rewrite = end.fill > 0;
    apr_pool_cleanup_register(pool, writer, writer_cleanup, apr_pool_cleanup_null);
    return cut_held(writer, header);
}

kz_err_t *kz_seal_writer_open(kz_seal_writer_t **writer, apr_uint64_t *offset, const char *path,
                              const kz_seal_key_t *key, const char *document, apr_pool_t *pool)
{
    kz_seal_writer_t *made;
    apr_pool_t *own;
    kz_err_t *err;

    apr_pool_create(&own, pool);
    made = apr_pcalloc(own, sizeof *made);
    made->pool = own;
    made->path = apr_pstrdup(own, path);
    err = writer_open(made, key, document);
    if (err) {
        apr_pool_destroy(own);
        return err;
    }
    *offset = made->index * KZ_SEAL_CHUNK + made->fill;
    *writer = made;
    return NULL;
}

/* Seals one whole chunk; PLAIN is the writer's own, or the caller's bytes as they are. */
static kz_err_t *put_whole(kz_seal_writer_t *writer, const unsigned char *plain)
{
    kz_err_t *err = put_chunk(writer, plain, KZ_SEAL_CHUNK, KZ_SEAL_MIDDLE);

    if (err) {
        writer->failed = 1;
        return err;
    }
    writer->index++;
    writer->fill = 0;
    if (writer->index % FLUSH == 0)
        sync_file_range(writer->fd, (off_t)kz_seal__slot(writer->index - FLUSH),
                        FLUSH * KZ_SEAL_STRIDE, SYNC_FILE_RANGE_WRITE);
    return NULL;
}

/* Takes up to a chunk of FROM, *LEN bytes: into the buffer, or sealed from where it is. */
static kz_err_t *take_piece(size_t *len, kz_seal_writer_t *writer, const unsigned char *from)
{
    if (writer->fill == KZ_SEAL_CHUNK) /* was the last one, of a document that goes on after all */
        KZ_TRY(put_whole(writer, writer->plain));
    if (writer->index >= KZ_SEAL_SIZE_MAX / KZ_SEAL_CHUNK)
        return kz_err_create(KZ_ERR_TOO_LARGE, "%s is full", writer->path);
    if (*len > KZ_SEAL_CHUNK - writer->fill)
        *len = KZ_SEAL_CHUNK - writer->fill;
    if (*len == KZ_SEAL_CHUNK)
        return put_whole(writer, from);
    memcpy(writer->plain + writer->fill, from, *len);
    writer->fill += *len;
    writer->dirty = 1;
    return writer->fill == KZ_SEAL_CHUNK ? put_whole(writer, writer->plain) : NULL;
}

kz_err_t *kz_seal_write(kz_seal_writer_t *writer, const void *data, size_t len)
{
    const unsigned char *from = data;

    if (writer->failed)
        return kz_err_create(KZ_ERR_INTERNAL, "%s: a write has failed before", writer->path);
    while (len > 0) {
        size_t taken = len;

        KZ_TRY(take_piece(&taken, writer, from));
        from += taken;
        len -= taken;
    }
    return NULL;
}

kz_err_t *kz_seal_writer_cut(kz_seal_writer_t *writer, apr_uint64_t offset)
{
    apr_uint64_t index = offset / KZ_SEAL_CHUNK;
    size_t fill = (size_t)(offset % KZ_SEAL_CHUNK);

    if (offset >= writer->index * KZ_SEAL_CHUNK + writer->fill)
        return NULL;
    if (index < writer->index && fill > 0) {
        KZ_TRY(kz_err_wrap(
            kz_seal__pread(writer->fd, writer->sealed, KZ_SEAL_STRIDE, kz_seal__slot(index)), "%s",
            writer->path));
        kz_seal__cipher_chunk(writer->opener, index, KZ_SEAL_MIDDLE);
        KZ_TRY(kz_err_wrap(
            kz_seal__chunk_open(writer->plain, writer->opener, writer->sealed, KZ_SEAL_CHUNK), "%s",
            writer->path));
    }
    if (index < writer->index)
        writer->failed = 0; /* PLAIN is what it should be */
    writer->index = index;
    writer->fill = fill;
    writer->rewrite = fill > 0;
    writer->dirty = 1;
    return NULL;
}

kz_err_t *kz_seal_writer_hold(kz_seal_writer_t *writer)
{
    KZ_TRY(put_held(writer, writer->index * KZ_SEAL_CHUNK + writer->fill + 1));
    if (fdatasync(writer->fd) != 0)
        return kz_seal__io_error(errno, "flushing", writer->path);
    return NULL;
}

void kz_seal_writer_keep(kz_seal_writer_t *writer)
{
    writer->keep = 1;
}

kz_err_t *kz_seal_writer_close(kz_seal_writer_t *writer)
{
    kz_err_t *err = put_end(writer);

    if (!err && fsync(writer->fd) != 0)
        err = kz_seal__io_error(errno, "flushing", writer->path);
    apr_pool_destroy(writer->pool);
    return err;
}
