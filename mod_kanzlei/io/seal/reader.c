#include "io/seal/internal.h"

#include <string.h>

struct kz_seal_reader_t {
    kz_seal_source_t source;
    void *baton;
    kz_seal__cipher_t *cipher;
    kz_seal_meta_t meta;
    apr_uint64_t position; /* of the next plaintext byte */
    apr_uint64_t loaded;   /* chunk in BUFFER, or NONE */
    unsigned char *buffer; /* KZ_SEAL_STRIDE; the plaintext replaces the ciphertext in its place */
};

#define NONE APR_UINT64_MAX

static apr_uint64_t chunks(apr_uint64_t size)
{
    return size == 0 ? 1 : (size - 1) / KZ_SEAL_CHUNK + 1;
}

apr_uint64_t kz_seal_object_size(apr_uint64_t size)
{
    return KZ_SEAL_HEADER + size + chunks(size) * KZ_SEAL_EXTRA;
}

/* Reads exactly LEN bytes at OFFSET. */
static kz_err_t *fetch(kz_seal_source_t source, void *baton, apr_uint64_t offset,
                       unsigned char *buffer, size_t len)
{
    while (len > 0) {
        size_t got = len;

        KZ_TRY(source(baton, offset, buffer, &got));
        if (got == 0 || got > len)
            return kz_err_create(KZ_ERR_SEAL, "an object ends early, at byte %" APR_UINT64_T_FMT,
                                 offset);
        buffer += got;
        offset += got;
        len -= got;
    }
    return NULL;
}

kz_err_t *kz_seal_peek_wrapped(unsigned char *wrapped, kz_seal_source_t source, void *baton)
{
    unsigned char clear[KZ_SEAL_CLEAR];
    kz_seal_state_t state;

    KZ_TRY(fetch(source, baton, 0, clear, sizeof clear));
    KZ_TRY(kz_seal__clear_check(&state, clear));
    memcpy(wrapped, clear + KZ_SEAL_WRAPPED_AT, KZ_SEAL_WRAPPED);
    return NULL;
}

static kz_err_t *read_header(kz_seal_reader_t *reader, const char *document, apr_pool_t *pool)
{
    unsigned char header[KZ_SEAL_HEADER], plain[KZ_SEAL_META];
    apr_uuid_t asked, sealed;
    kz_seal_state_t state;

    KZ_TRY(fetch(reader->source, reader->baton, 0, header, sizeof header));
    KZ_TRY(kz_seal__clear_check(&state, header));
    if (state != KZ_SEAL_FINISHED)
        return kz_err_create(KZ_ERR_SEAL, "an unfinished spool");
    KZ_TRY(kz_seal__meta_open(plain, reader->cipher, header));
    KZ_TRY(kz_seal__meta_decode(&reader->meta, plain, pool));
    KZ_TRY(kz_seal__uuid(&asked, document));
    KZ_TRY(kz_seal__uuid(&sealed, reader->meta.document));
    if (memcmp(&asked, &sealed, sizeof asked) != 0 || memcmp(asked.data, header + 24, 16) != 0)
        return kz_err_create(KZ_ERR_SEAL, "another document");
    return NULL;
}

static kz_err_t *check_end(const kz_seal_reader_t *reader)
{
    unsigned char extra;
    size_t len = 1;

    KZ_TRY(reader->source(reader->baton, kz_seal_object_size(reader->meta.size), &extra, &len));
    if (len != 0)
        return kz_err_create(KZ_ERR_SEAL, "bytes behind the end of the object");
    return NULL;
}

/* Bytes of chunk INDEX. */
static size_t chunk_len(const kz_seal_reader_t *reader, apr_uint64_t index)
{
    apr_uint64_t left = reader->meta.size - index * KZ_SEAL_CHUNK;

    return left < KZ_SEAL_CHUNK ? (size_t)left : KZ_SEAL_CHUNK;
}

static kz_err_t *load(kz_seal_reader_t *reader, apr_uint64_t index)
{
    size_t len = chunk_len(reader, index);
    int last = index + 1 == chunks(reader->meta.size);

    if (reader->loaded == index)
        return NULL;
    reader->loaded = NONE;
    KZ_TRY(fetch(reader->source, reader->baton, kz_seal__slot(index), reader->buffer,
                 len + KZ_SEAL_EXTRA));
    kz_seal__cipher_chunk(reader->cipher, index, last ? KZ_SEAL_LAST : KZ_SEAL_MIDDLE);
    KZ_TRY(kz_err_wrap(
        kz_seal__chunk_open(reader->buffer + KZ_SEAL_NONCE, reader->cipher, reader->buffer, len),
        "chunk %" APR_UINT64_T_FMT " of document %s", index, reader->meta.document));
    reader->loaded = index;
    return NULL;
}

kz_err_t *kz_seal_reader_open(kz_seal_reader_t **reader, kz_seal_source_t source, void *baton,
                              const kz_seal_key_t *key, const char *document, apr_pool_t *pool)
{
    kz_seal_reader_t *made = apr_pcalloc(pool, sizeof *made);

    made->source = source;
    made->baton = baton;
    made->loaded = NONE;
    KZ_TRY(kz_seal__cipher_create(&made->cipher, key, document, KZ_SEAL_OPEN, pool));
    KZ_TRY(kz_err_wrap(read_header(made, document, pool), "document %s", document));
    KZ_TRY(kz_err_wrap(check_end(made), "document %s", document));
    made->buffer = apr_palloc(pool, KZ_SEAL_STRIDE);
    if (made->meta.size == 0)
        KZ_TRY(load(made, 0));
    *reader = made;
    return NULL;
}

const kz_seal_meta_t *kz_seal_reader_meta(const kz_seal_reader_t *reader)
{
    return &reader->meta;
}

kz_err_t *kz_seal_seek(kz_seal_reader_t *reader, apr_uint64_t offset)
{
    if (offset > reader->meta.size)
        return kz_err_create(KZ_ERR_RANGE, "byte %" APR_UINT64_T_FMT " is behind the end", offset);
    reader->position = offset;
    return NULL;
}

kz_err_t *kz_seal_read(const unsigned char **data, size_t *len, kz_seal_reader_t *reader)
{
    apr_uint64_t index = reader->position / KZ_SEAL_CHUNK;
    size_t skip = reader->position % KZ_SEAL_CHUNK;

    *len = 0;
    if (reader->position >= reader->meta.size)
        return NULL;
    KZ_TRY(load(reader, index));
    *data = reader->buffer + KZ_SEAL_NONCE + skip;
    *len = chunk_len(reader, index) - skip;
    reader->position += *len;
    return NULL;
}
