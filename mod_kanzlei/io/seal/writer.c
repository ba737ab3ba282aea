#include "base/log.h"
#include "io/seal/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#define FLUSH 64 /* chunks after which the disk begins, so that little is left at the end */
#define NOTE  (FLUSH * 16) /* chunks after which they are kept, though more are still to come */

struct kz_seal_writer_t {
    kz_seal__spool_t spool; /* its pool is the writer's own, its end where the writer stands */
    kz_seal__end_t noted;   /* as the tail says; MIDDLE: there is none */
    int failed;             /* a write has failed: the bytes in PLAIN can't be kept */
    int held;               /* what follows NOTED is not to be kept */
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
    if (!err && fsync(fd) != 0)
        err = kz_seal__io_error(errno, "flushing", path);
    close(fd);
    if (!err)
        err = kz_seal__folder_flush(path, scratch_pool);
    if (err)
        unlink(path);
    return kz_err_wrap(err, "%s", path);
}

/* --- what counts --- */

/* Lets the spool end before the chunk at which the writer stands, on the disk. */
static kz_err_t *flush_chunks(const kz_seal__spool_t *spool)
{
    off_t end = (off_t)kz_seal__slot(spool->end.index);
    struct stat info;

    if (fstat(spool->fd, &info) != 0)
        return kz_seal__io_error(errno, "looking at", spool->path);
    if (info.st_nlink == 0)
        return kz_err_create(KZ_ERR_NOT_FOUND, "%s was removed", spool->path);
    if (info.st_size > end && ftruncate(spool->fd, end) != 0)
        return kz_seal__io_error(errno, "cutting", spool->path);
    return fsync(spool->fd) == 0 ? NULL : kz_seal__io_error(errno, "flushing", spool->path);
}

/* All bytes up to the end count from now on, whatever crashes. */
static kz_err_t *note(kz_seal_writer_t *writer, kz_seal_flag_t flag)
{
    kz_seal__end_t *end = &writer->spool.end, *noted = &writer->noted;

    end->flag = flag;
    if (noted->flag == flag && noted->index == end->index && noted->fill == end->fill)
        return kz_seal__folder_flush(writer->spool.path, writer->spool.pool);
    if (noted->flag == KZ_SEAL_MIDDLE && flag == KZ_SEAL_TAIL && end->index == 0 && end->fill == 0)
        return NULL; /* nothing has come yet */
    KZ_TRY(flush_chunks(&writer->spool));
    KZ_TRY(kz_seal__tail_write(&writer->spool));
    *noted = *end;
    return NULL;
}

/* Keeps bytes that stand where a whole chunk will. */
static kz_err_t *note_in_place(kz_seal_writer_t *writer)
{
    if (fsync(writer->spool.fd) != 0)
        return kz_seal__io_error(errno, "flushing", writer->spool.path);
    writer->spool.end.flag = KZ_SEAL_TAIL;
    KZ_TRY(kz_seal__tail_write(&writer->spool));
    writer->noted = writer->spool.end;
    return NULL;
}

static kz_err_t *note_end(kz_seal_writer_t *writer)
{
    if (writer->failed) /* the whole chunks are found by the next one */
        return NULL;
    if (writer->held)
        KZ_TRY(kz_seal__tail_read(&writer->spool));
    return note(writer, KZ_SEAL_TAIL);
}

static apr_status_t writer_cleanup(void *baton)
{
    kz_log_err(KZ_LOG_INFO, KZ_LOGNO(0017) "the last bytes of a broken upload are sent again: ",
               note_end(baton));
    return APR_SUCCESS;
}

/* --- writing --- */

static kz_err_t *writer_open(kz_seal_writer_t *writer, const char *path, const kz_seal_key_t *key,
                             const char *document, apr_pool_t *own)
{
    kz_seal__spool_t *spool = &writer->spool;
    kz_seal_state_t state;

    KZ_TRY(kz_seal__spool_open(spool, path, LOCK_EX, key, document, own));
    KZ_TRY(kz_seal__clear_check(&state, spool->header));
    if (state != KZ_SEAL_SPOOL)
        return kz_err_create(KZ_ERR_CONFLICT, "%s is finished", path);
    if (kz_seal__get_be(spool->header + KZ_SEAL_CLEAR, 8) != 0)
        return kz_err_create(KZ_ERR_SEAL, "%s: an older version has verified a part only", path);
    if (spool->end.flag == KZ_SEAL_TAIL || spool->end.flag == KZ_SEAL_HELD)
        writer->noted = spool->end;
    else if (spool->end.fill > 0)
        KZ_TRY(note_in_place(writer));
    writer->held = spool->end.flag == KZ_SEAL_HELD;
    apr_pool_cleanup_register(own, writer, writer_cleanup, apr_pool_cleanup_null);
    return NULL;
}

kz_err_t *kz_seal_writer_open(kz_seal_writer_t **writer, apr_uint64_t *offset, const char *path,
                              const kz_seal_key_t *key, const char *document, apr_pool_t *pool)
{
    kz_seal_writer_t *made;
    apr_pool_t *own;
    kz_err_t *err;

    apr_pool_create(&own, pool);
    made = apr_pcalloc(own, sizeof *made);
    err = writer_open(made, path, key, document, own);
    if (!err && made->held) /* a crash came before they were kept */
        err = note(made, KZ_SEAL_TAIL);
    if (err) {
        made->failed = 1;
        apr_pool_destroy(own);
        return err;
    }
    made->held = 0;
    *offset = made->spool.end.index * KZ_SEAL_CHUNK + made->spool.end.fill;
    *writer = made;
    return NULL;
}

/* Seals a whole chunk into its place, in one write; PLAIN is the writer's own, or the caller's
 * bytes as they are. */
static kz_err_t *put_chunk(const kz_seal__spool_t *spool, const unsigned char *plain)
{
    apr_uint64_t slot = kz_seal__slot(spool->end.index);
    kz_err_t *err;

    kz_seal__cipher_chunk(spool->sealer, spool->end.index, KZ_SEAL_MIDDLE);
    KZ_TRY(kz_seal__chunk_seal(spool->sealed, spool->sealer, plain, KZ_SEAL_CHUNK));
    err = kz_seal__pwrite(spool->fd, spool->sealed, KZ_SEAL_STRIDE, slot);
    if (err && ftruncate(spool->fd, (off_t)slot) != 0) /* else it is dropped by the next open */
        err = kz_err_wrap(err, "%s: not cut back", spool->path);
    return kz_err_wrap(err, "%s", spool->path);
}

static kz_err_t *put_whole(kz_seal_writer_t *writer, const unsigned char *plain)
{
    kz_seal__spool_t *spool = &writer->spool;

    KZ_TRY(put_chunk(spool, plain));
    spool->end.index++;
    spool->end.fill = 0;
    if (spool->end.index % FLUSH == 0)
        sync_file_range(spool->fd, (off_t)kz_seal__slot(spool->end.index - FLUSH),
                        FLUSH * KZ_SEAL_STRIDE, SYNC_FILE_RANGE_WRITE);
    return spool->end.index % NOTE == 0 && !writer->held ? note(writer, KZ_SEAL_TAIL) : NULL;
}

/* Takes up to a chunk of FROM, *LEN bytes: into the buffer, or sealed from where it is. */
static kz_err_t *take_piece(size_t *len, kz_seal_writer_t *writer, const unsigned char *from)
{
    kz_seal__spool_t *spool = &writer->spool;
    size_t room;

    if (spool->end.fill ==
        KZ_SEAL_CHUNK) /* was the last one, of a document that goes on after all */
        KZ_TRY(put_whole(writer, spool->plain));
    if (spool->end.index >= KZ_SEAL_SIZE_MAX / KZ_SEAL_CHUNK)
        return kz_err_create(KZ_ERR_TOO_LARGE, "%s is full", spool->path);
    room = KZ_SEAL_CHUNK - spool->end.fill;
    if (*len > room)
        *len = room;
    if (*len == KZ_SEAL_CHUNK)
        return put_whole(writer, from);
    memcpy(spool->plain + spool->end.fill, from, *len);
    spool->end.fill += *len;
    return spool->end.fill == KZ_SEAL_CHUNK ? put_whole(writer, spool->plain) : NULL;
}

kz_err_t *kz_seal_write(kz_seal_writer_t *writer, const void *data, size_t len)
{
    const unsigned char *from = data;

    if (writer->failed)
        return kz_err_create(KZ_ERR_INTERNAL, "%s: a write has failed before", writer->spool.path);
    writer->failed = 1;
    while (len > 0) {
        size_t taken = len;

        KZ_TRY(take_piece(&taken, writer, from));
        from += taken;
        len -= taken;
    }
    writer->failed = 0;
    return NULL;
}

kz_err_t *kz_seal_writer_hold(kz_seal_writer_t *writer)
{
    KZ_TRY(note(writer, KZ_SEAL_HELD));
    writer->held = 1;
    return NULL;
}

void kz_seal_writer_keep(kz_seal_writer_t *writer)
{
    writer->held = 0;
}

kz_err_t *kz_seal_writer_close(kz_seal_writer_t *writer)
{
    kz_err_t *err;

    apr_pool_cleanup_kill(writer->spool.pool, writer, writer_cleanup);
    err = note_end(writer);
    apr_pool_destroy(writer->spool.pool);
    return err;
}
