#include "io/seal/internal.h"

#include <string.h>

#include <sodium.h>

#define ALGORITHM 1 /* AES-256-GCM */

static const char chunk_label[] = "kanzleipost/ch/1";
static const char meta_label[] = "kanzleipost/md/1";

static apr_status_t cipher_free(void *evp)
{
    EVP_CIPHER_CTX_free(evp);
    return APR_SUCCESS;
}

kz_err_t *kz_seal__cipher_create(kz_seal__cipher_t **cipher, const kz_seal_key_t *key,
                                 const char *document, kz_seal_way_t way, apr_pool_t *pool)
{
    kz_seal__cipher_t *made = apr_pcalloc(pool, sizeof *made);
    apr_uuid_t uuid;

    KZ_TRY(kz_seal__uuid(&uuid, document));
    memcpy(made->aad, chunk_label, 16);
    kz_seal__put_be(made->aad + 16, ALGORITHM, 2);
    memcpy(made->aad + 18, uuid.data, 16);
    made->evp = EVP_CIPHER_CTX_new();
    if (!made->evp)
        return kz_err_create(KZ_ERR_INTERNAL, "no memory for a cipher");
    apr_pool_cleanup_register(pool, made->evp, cipher_free, apr_pool_cleanup_null);
    if (!EVP_CipherInit_ex(made->evp, EVP_aes_256_gcm(), NULL, key->bytes, NULL, way))
        return kz_err_create(KZ_ERR_INTERNAL, "AES-256-GCM is not to be had");
    *cipher = made;
    return NULL;
}

void kz_seal__cipher_chunk(kz_seal__cipher_t *cipher, apr_uint64_t index, kz_seal_flag_t flag)
{
    kz_seal__put_be(cipher->aad + 34, index, 8);
    cipher->aad[42] = (unsigned char)flag;
}

/* One run of the cipher: nonce and associated data (in up to two parts), then LEN bytes. */
typedef struct run_t {
    const unsigned char *nonce, *aad, *aad2;
    int aad_len, aad2_len;
} run_t;

static int start(EVP_CIPHER_CTX *evp, const run_t *run)
{
    int out;

    return EVP_CipherInit_ex(evp, NULL, NULL, NULL, run->nonce, -1) &&
           EVP_CipherUpdate(evp, NULL, &out, run->aad, run->aad_len) &&
           (!run->aad2 || EVP_CipherUpdate(evp, NULL, &out, run->aad2, run->aad2_len));
}

static kz_err_t *seal(unsigned char *cipher_text, EVP_CIPHER_CTX *evp, const run_t *run,
                      const unsigned char *plain, size_t len)
{
    int out = 0, end = 0;

    if (!start(evp, run) ||
        (len > 0 && !EVP_CipherUpdate(evp, cipher_text, &out, plain, (int)len)) ||
        !EVP_CipherFinal_ex(evp, cipher_text + out, &end) || (size_t)(out + end) != len ||
        !EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_GCM_GET_TAG, KZ_SEAL_TAG, cipher_text + len))
        return kz_err_create(KZ_ERR_INTERNAL, "sealing %zu bytes failed", len);
    return NULL;
}

static kz_err_t *unseal(unsigned char *plain, EVP_CIPHER_CTX *evp, const run_t *run,
                        const unsigned char *cipher_text, size_t len)
{
    unsigned char tag[KZ_SEAL_TAG];
    int out = 0, end = 0;

    memcpy(tag, cipher_text + len, sizeof tag);
    if (!start(evp, run) ||
        (len > 0 && !EVP_CipherUpdate(evp, plain, &out, cipher_text, (int)len)) ||
        !EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_GCM_SET_TAG, KZ_SEAL_TAG, tag) ||
        EVP_CipherFinal_ex(evp, plain + out, &end) <= 0 || (size_t)(out + end) != len) {
        sodium_memzero(plain, len);
        return kz_err_create(KZ_ERR_SEAL, "%zu sealed bytes are not authentic", len);
    }
    return NULL;
}

static run_t chunk_run(const kz_seal__cipher_t *cipher, const unsigned char *nonce)
{
    return (run_t){nonce, cipher->aad, NULL, sizeof cipher->aad, 0};
}

static run_t meta_run(const unsigned char *header)
{
    return (run_t){header + KZ_SEAL_CLEAR, (const unsigned char *)meta_label, header, 16,
                   KZ_SEAL_CLEAR};
}

kz_err_t *kz_seal__chunk_seal_with(unsigned char *sealed, kz_seal__cipher_t *cipher,
                                   const unsigned char *plain, size_t len)
{
    run_t run = chunk_run(cipher, sealed);

    return seal(sealed + KZ_SEAL_NONCE, cipher->evp, &run, plain, len);
}

kz_err_t *kz_seal__chunk_seal(unsigned char *sealed, kz_seal__cipher_t *cipher,
                              const unsigned char *plain, size_t len)
{
    randombytes_buf(sealed, KZ_SEAL_NONCE);
    return kz_seal__chunk_seal_with(sealed, cipher, plain, len);
}

kz_err_t *kz_seal__chunk_open(unsigned char *plain, kz_seal__cipher_t *cipher,
                              const unsigned char *sealed, size_t len)
{
    run_t run = chunk_run(cipher, sealed);

    return unseal(plain, cipher->evp, &run, sealed + KZ_SEAL_NONCE, len);
}

kz_err_t *kz_seal__meta_seal(unsigned char *header, kz_seal__cipher_t *cipher,
                             const unsigned char *plain)
{
    run_t run = meta_run(header);

    return seal(header + KZ_SEAL_CLEAR + KZ_SEAL_NONCE, cipher->evp, &run, plain, KZ_SEAL_META);
}

kz_err_t *kz_seal__meta_open(unsigned char *plain, kz_seal__cipher_t *cipher,
                             const unsigned char *header)
{
    run_t run = meta_run(header);

    return unseal(plain, cipher->evp, &run, header + KZ_SEAL_CLEAR + KZ_SEAL_NONCE, KZ_SEAL_META);
}
