#include "http/checksum.h"

#include <string.h>

#include <openssl/evp.h>
#include <sodium.h>

#include "base/str.h"

struct kz_checksum_t {
    EVP_MD_CTX *hash; /* NULL: nothing was announced */
    unsigned char *wanted;
    size_t len;
};

static apr_status_t drop(void *hash)
{
    EVP_MD_CTX_free(hash);
    return APR_SUCCESS;
}

kz_err_t *kz_checksum_create(kz_checksum_t **checksum, const char *header, apr_pool_t *pool)
{
    kz_checksum_t *made = apr_pcalloc(pool, sizeof *made);
    const char *coded = header ? strchr(header, ' ') : NULL;
    const EVP_MD *kind = NULL;

    *checksum = made;
    if (!header)
        return NULL;
    if (strncmp(header, "sha256 ", 7) == 0)
        kind = EVP_sha256();
    else if (strncmp(header, "sha1 ", 5) == 0)
        kind = EVP_sha1();
    if (!kind)
        return kz_err_create(KZ_ERR_BAD_REQUEST, "Upload-Checksum is of an unknown kind");
    KZ_TRY(kz_str_base64_decode(&made->wanted, &made->len, coded + 1, strlen(coded + 1), pool));
    if (made->len != (size_t)EVP_MD_get_size(kind))
        return kz_err_create(KZ_ERR_BAD_REQUEST, "Upload-Checksum has a wrong length");
    made->hash = EVP_MD_CTX_new();
    apr_pool_cleanup_register(pool, made->hash, drop, apr_pool_cleanup_null);
    if (!made->hash || EVP_DigestInit_ex(made->hash, kind, NULL) != 1)
        return kz_err_create(KZ_ERR_INTERNAL, "the hash does not start");
    return NULL;
}

void kz_checksum_add(kz_checksum_t *checksum, const void *data, apr_size_t len)
{
    if (checksum->hash)
        EVP_DigestUpdate(checksum->hash, data, len);
}

int kz_checksum_announced(const kz_checksum_t *checksum)
{
    return checksum->hash != NULL;
}

kz_err_t *kz_checksum_verify(kz_checksum_t *checksum)
{
    unsigned char found[EVP_MAX_MD_SIZE];

    if (!checksum->hash)
        return NULL;
    EVP_DigestFinal_ex(checksum->hash, found, NULL);
    if (sodium_memcmp(found, checksum->wanted, checksum->len) == 0)
        return NULL;
    return kz_err_create(KZ_ERR_CHECKSUM, "the bytes are not those of Upload-Checksum");
}
