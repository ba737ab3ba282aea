/* Upload-Checksum: the first line is the header, the rest the body. Other libraries than the
 * tested one compute the body's hashes. */
#include "http/checksum.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_sha1.h>
#include <apr_strings.h>
#include <sodium.h>

static apr_pool_t *pool;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *header_of(const char *kind, const unsigned char *hash, size_t len)
{
    size_t room = sodium_base64_ENCODED_LEN(len, sodium_base64_VARIANT_ORIGINAL);
    char *text = apr_palloc(pool, room);

    sodium_bin2base64(text, room, hash, len, sodium_base64_VARIANT_ORIGINAL);
    return apr_pstrcat(pool, kind, " ", text, NULL);
}

/* The code of the error that HEADER and BODY end in, -1 for none. */
static int verify(const char *header, const uint8_t *body, size_t size)
{
    kz_checksum_t *checksum;
    kz_err_t *err = kz_checksum_create(&checksum, header, pool);
    int code;

    if (!err) {
        if (!kz_checksum_announced(checksum))
            abort();
        kz_checksum_add(checksum, body, size / 2);
        kz_checksum_add(checksum, body + size / 2, size - size / 2);
        err = kz_checksum_verify(checksum);
    }
    code = err ? (int)kz_err_code(err) : -1;
    kz_err_free(err);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *body = size ? memchr(data, '\n', size) : NULL;
    unsigned char sha256[crypto_hash_sha256_BYTES], sha1[APR_SHA1_DIGESTSIZE];
    const char *good[2], *header;
    apr_sha1_ctx_t context;
    int code;

    if (!body)
        return 0;
    if (!pool) {
        apr_initialize();
        apr_pool_create(&pool, NULL);
        if (sodium_init() < 0)
            abort();
    }
    header = apr_pstrmemdup(pool, (const char *)data, (size_t)(body - data));
    body++;
    size -= (size_t)(body - data);
    crypto_hash_sha256(sha256, body, size);
    apr_sha1_init(&context);
    apr_sha1_update_binary(&context, body, (unsigned int)size);
    apr_sha1_final(sha1, &context);
    good[0] = header_of("sha256", sha256, sizeof sha256);
    good[1] = header_of("sha1", sha1, sizeof sha1);

    code = verify(header, body, size);
    if ((code == -1) != (strcmp(header, good[0]) == 0 || strcmp(header, good[1]) == 0))
        abort();
    if (code != -1 && code != KZ_ERR_CHECKSUM && code != KZ_ERR_BAD_REQUEST)
        abort();
    if (verify(good[0], body, size) != -1 || verify(good[1], body, size) != -1)
        abort();
    sha1[size % sizeof sha1] ^= 1;
    if (verify(header_of("sha1", sha1, sizeof sha1), body, size) != KZ_ERR_CHECKSUM ||
        verify(header_of("sha1", sha1, sizeof sha1 - 1), body, size) != KZ_ERR_BAD_REQUEST)
        abort();
    apr_pool_clear(pool);
    return 0;
}
