#include "io/seal/internal.h"

#include <sodium.h>

#include "base/secret.h"

struct kz_seal_signer_t {
    unsigned char *secret; /* crypto_sign_SECRETKEYBYTES, kz_secret memory */
    unsigned char open[KZ_SEAL_PUBLIC];
};

kz_err_t *kz_seal_signer_open(kz_seal_signer_t **signer, const kz_seal_key_t *firm_key,
                              const char *purpose, apr_pool_t *pool)
{
    kz_seal_signer_t *made = apr_palloc(pool, sizeof *made);
    void *seed, *secret;

    KZ_TRY(kz_secret_alloc(&seed, crypto_sign_SEEDBYTES, pool));
    KZ_TRY(kz_secret_alloc(&secret, crypto_sign_SECRETKEYBYTES, pool));
    made->secret = secret;
    kz_seal__derive(seed, firm_key->bytes, purpose);
    crypto_sign_seed_keypair(made->open, made->secret, seed);
    *signer = made;
    return NULL;
}

const unsigned char *kz_seal_signer_public(const kz_seal_signer_t *signer)
{
    return signer->open;
}

void kz_seal_sign(unsigned char *signature, const kz_seal_signer_t *signer, const void *message,
                  size_t len)
{
    crypto_sign_detached(signature, NULL, message, len, signer->secret);
}

int kz_seal_verify(const unsigned char *signature, const unsigned char *public_key,
                   const void *message, size_t len)
{
    return crypto_sign_verify_detached(signature, message, len, public_key) == 0;
}
