#include "io/seal/internal.h"

#include <string.h>

#include <sodium.h>

#define BOX_VERSION 1
#define NONCE_AT    1 /* behind the version */
#define CIPHER_AT   (NONCE_AT + crypto_aead_xchacha20poly1305_ietf_NPUBBYTES)

_Static_assert(CIPHER_AT + crypto_aead_xchacha20poly1305_ietf_ABYTES == KZ_SEAL_BOX_EXTRA,
               "what a box adds");

kz_err_t *kz_seal_box(unsigned char *sealed, const kz_seal_key_t *firm_key, const char *purpose,
                      const char *id, const void *plain, size_t len)
{
    unsigned char key[KZ_SEAL_KEY];
    apr_uuid_t uuid;

    KZ_TRY(kz_seal__uuid(&uuid, id));
    sealed[0] = BOX_VERSION;
    randombytes_buf(sealed + NONCE_AT, CIPHER_AT - NONCE_AT);
    kz_seal__derive(key, firm_key->bytes, purpose);
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + CIPHER_AT, NULL, plain, len, uuid.data,
                                               sizeof uuid.data, NULL, sealed + NONCE_AT, key);
    sodium_memzero(key, sizeof key);
    return NULL;
}

kz_err_t *kz_seal_box_open(void *plain, const kz_seal_key_t *firm_key, const char *purpose,
                           const char *id, const unsigned char *sealed, size_t len)
{
    unsigned char key[KZ_SEAL_KEY];
    apr_uuid_t uuid;
    int wrong;

    KZ_TRY(kz_seal__uuid(&uuid, id));
    if (len < KZ_SEAL_BOX_EXTRA || sealed[0] != BOX_VERSION)
        return kz_err_create(KZ_ERR_SEAL, "a sealed %s has no known form", purpose);
    kz_seal__derive(key, firm_key->bytes, purpose);
    wrong = crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, sealed + CIPHER_AT,
                                                       len - CIPHER_AT, uuid.data, sizeof uuid.data,
                                                       sealed + NONCE_AT, key);
    sodium_memzero(key, sizeof key);
    return wrong ? kz_err_create(KZ_ERR_SEAL, "a sealed %s does not open", purpose) : NULL;
}
