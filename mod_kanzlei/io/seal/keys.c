#include "io/seal/internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <apr_tables.h>
#include <sodium.h>

#include "base/secret.h"

#define FIRM_LABEL       "kanzleipost/1/firm-key"
#define MASTER_LABEL     "kanzleipost/1/master-proof"
#define DOCUMENT_LABEL   "kanzleipost/1/document-key"
#define DERIVE_LABEL     "kanzleipost/1/derive/"
#define DOCUMENT_VERSION 1 /* of wrapped document keys */
#define MASTER_PREFIX    "master-"

#define NONCE_AT 4 /* in a wrapped key */
#define KEY_AT   28

typedef struct master_t {
    apr_uint32_t version;
    unsigned char *key;
} master_t;

struct kz_seal_keyring_t {
    apr_array_header_t *masters;  /* of master_t */
    apr_array_header_t *versions; /* of apr_uint32_t, in the same order */
    const master_t *newest;
};

/* What a wrapped key is bound to. */
typedef struct binding_t {
    unsigned char aad[64];
    size_t len;
} binding_t;

static binding_t bind_to(const char *label, apr_uint32_t version, const unsigned char *id,
                         size_t id_len)
{
    binding_t binding = {.len = strlen(label)};

    memcpy(binding.aad, label, binding.len);
    kz_seal__put_be(binding.aad + binding.len, version, 4);
    memcpy(binding.aad + binding.len + 4, id, id_len);
    binding.len += 4 + id_len;
    return binding;
}

static binding_t bind_firm(apr_uint32_t version, apr_int32_t firm)
{
    unsigned char id[4];

    kz_seal__put_be(id, (apr_uint32_t)firm, sizeof id);
    return bind_to(FIRM_LABEL, version, id, sizeof id);
}

static void wrap(unsigned char *wrapped, apr_uint32_t version, const unsigned char *key,
                 const unsigned char *by, const binding_t *binding)
{
    kz_seal__put_be(wrapped, version, 4);
    randombytes_buf(wrapped + NONCE_AT, KEY_AT - NONCE_AT);
    crypto_aead_xchacha20poly1305_ietf_encrypt(wrapped + KEY_AT, NULL, key, KZ_SEAL_KEY,
                                               binding->aad, binding->len, NULL, wrapped + NONCE_AT,
                                               by);
}

static kz_err_t *key_new(kz_seal_key_t **key, apr_pool_t *pool)
{
    void *bytes;

    KZ_TRY(kz_secret_alloc(&bytes, KZ_SEAL_KEY, pool));
    *key = apr_palloc(pool, sizeof **key);
    (*key)->bytes = bytes;
    return NULL;
}

static kz_err_t *unwrap(kz_seal_key_t **key, const unsigned char *wrapped, const unsigned char *by,
                        const binding_t *binding, apr_pool_t *pool)
{
    KZ_TRY(key_new(key, pool));
    if (crypto_aead_xchacha20poly1305_ietf_decrypt((*key)->bytes, NULL, NULL, wrapped + KEY_AT,
                                                   KZ_SEAL_WRAPPED - KEY_AT, binding->aad,
                                                   binding->len, wrapped + NONCE_AT, by) != 0)
        return kz_err_create(KZ_ERR_SEAL, "a wrapped key does not open");
    return NULL;
}

/* --- master keys --- */

/* The version in "master-<version>", or 0 if NAME is something else. */
static apr_uint32_t version_of(const char *name)
{
    const char *digits = name + sizeof MASTER_PREFIX - 1;
    apr_int64_t version;
    char *end;

    if (strncmp(name, MASTER_PREFIX, sizeof MASTER_PREFIX - 1) != 0 || *digits < '1' ||
        *digits > '9' || strlen(digits) > 10)
        return 0;
    version = apr_strtoi64(digits, &end, 10);
    return *end || version > APR_UINT32_MAX ? 0 : (apr_uint32_t)version;
}

static kz_err_t *masters_read(kz_seal_keyring_t *ring, DIR *dir, const char *path, apr_pool_t *pool)
{
    const struct dirent *entry;

    while ((entry = readdir(dir))) {
        apr_uint32_t version = version_of(entry->d_name);
        master_t *master;
        void *key;

        if (version == 0)
            continue;
        KZ_TRY(kz_secret_read(&key, KZ_SEAL_KEY, apr_pstrcat(pool, path, "/", entry->d_name, NULL),
                              pool));
        master = apr_array_push(ring->masters);
        master->version = version;
        master->key = key;
        APR_ARRAY_PUSH(ring->versions, apr_uint32_t) = version;
    }
    return NULL;
}

void kz_seal_keyring_lock(const kz_seal_keyring_t *ring)
{
    int i;

    for (i = 0; i < ring->masters->nelts; i++)
        kz_secret_lock(APR_ARRAY_IDX(ring->masters, i, master_t).key, KZ_SEAL_KEY);
}

kz_err_t *kz_seal_keyring_open(kz_seal_keyring_t **ring, const char *dir, apr_pool_t *pool)
{
    kz_seal_keyring_t *made = apr_pcalloc(pool, sizeof *made);
    kz_err_t *err;
    DIR *handle;
    int i;

    if (sodium_init() < 0)
        return kz_err_create(KZ_ERR_CONFIG, "libsodium does not start");
    handle = opendir(dir);
    if (!handle)
        return kz_err_status(KZ_ERR_CONFIG, APR_FROM_OS_ERROR(errno), "master keys in %s", dir);
    made->masters = apr_array_make(pool, 2, sizeof(master_t));
    made->versions = apr_array_make(pool, 2, sizeof(apr_uint32_t));
    err = masters_read(made, handle, dir, pool);
    closedir(handle);
    if (err)
        return err;
    if (made->masters->nelts == 0)
        return kz_err_create(KZ_ERR_CONFIG, "no file master-<version> in %s", dir);
    made->newest = &APR_ARRAY_IDX(made->masters, 0, master_t);
    for (i = 1; i < made->masters->nelts; i++)
        if (APR_ARRAY_IDX(made->masters, i, master_t).version > made->newest->version)
            made->newest = &APR_ARRAY_IDX(made->masters, i, master_t);
    *ring = made;
    return NULL;
}

apr_uint32_t kz_seal_keyring_version(const kz_seal_keyring_t *ring)
{
    return ring->newest->version;
}

const apr_uint32_t *kz_seal_keyring_versions(int *count, const kz_seal_keyring_t *ring)
{
    *count = ring->versions->nelts;
    return (const apr_uint32_t *)(const void *)ring->versions->elts;
}

/* The master key VERSION, or NULL. */
static const master_t *master_find(const kz_seal_keyring_t *ring, apr_uint32_t version)
{
    int i;

    for (i = 0; i < ring->masters->nelts; i++) {
        const master_t *master = &APR_ARRAY_IDX(ring->masters, i, master_t);

        if (master->version == version)
            return master;
    }
    return NULL;
}

/* Finds the master key VERSION, and the binding of its proof to the installation. */
static kz_err_t *master_bound(const master_t **master, binding_t *binding,
                              const kz_seal_keyring_t *ring, apr_uint32_t version,
                              const char *installation)
{
    apr_uuid_t uuid;

    *master = master_find(ring, version);
    if (!*master)
        return kz_err_create(KZ_ERR_NOT_FOUND, "there is no master-%u", version);
    KZ_TRY(kz_seal__uuid(&uuid, installation));
    *binding = bind_to(MASTER_LABEL, version, uuid.data, sizeof uuid.data);
    return NULL;
}

kz_err_t *kz_seal_master_proof(unsigned char *proof, const kz_seal_keyring_t *ring,
                               apr_uint32_t version, const char *installation,
                               apr_pool_t *scratch_pool)
{
    const master_t *master;
    kz_seal_key_t *random;
    binding_t binding;

    KZ_TRY(master_bound(&master, &binding, ring, version, installation));
    KZ_TRY(key_new(&random, scratch_pool));
    randombytes_buf(random->bytes, KZ_SEAL_KEY);
    wrap(proof, version, random->bytes, master->key, &binding);
    return NULL;
}

kz_err_t *kz_seal_master_check(const unsigned char *proof, const kz_seal_keyring_t *ring,
                               const char *installation, apr_pool_t *scratch_pool)
{
    apr_uint32_t version = (apr_uint32_t)kz_seal__get_be(proof, 4);
    const master_t *master;
    kz_seal_key_t *random;
    binding_t binding;

    KZ_TRY(master_bound(&master, &binding, ring, version, installation));
    return unwrap(&random, proof, master->key, &binding, scratch_pool);
}

void kz_seal__derive(unsigned char *derived, const unsigned char *by, const char *purpose)
{
    crypto_generichash_state state;

    crypto_generichash_init(&state, by, KZ_SEAL_KEY, KZ_SEAL_KEY);
    crypto_generichash_update(&state, (const unsigned char *)DERIVE_LABEL, sizeof DERIVE_LABEL - 1);
    crypto_generichash_update(&state, (const unsigned char *)purpose, strlen(purpose));
    crypto_generichash_final(&state, derived, KZ_SEAL_KEY);
    sodium_memzero(&state, sizeof state);
}

kz_err_t *kz_seal_derive(const unsigned char *const **keys, const kz_seal_keyring_t *ring,
                         const char *purpose, apr_pool_t *pool)
{
    int count = ring->masters->nelts, i, at = 1;
    const unsigned char **made = apr_pcalloc(pool, ((apr_size_t)count + 1) * sizeof *made);

    for (i = 0; i < count; i++) {
        const master_t *master = &APR_ARRAY_IDX(ring->masters, i, master_t);
        kz_seal_key_t *derived;

        KZ_TRY(key_new(&derived, pool));
        kz_seal__derive(derived->bytes, master->key, purpose);
        made[master == ring->newest ? 0 : at++] = derived->bytes;
    }
    *keys = made;
    return NULL;
}

/* --- firms and documents --- */

static void firm_wrap(unsigned char *wrapped, const kz_seal_keyring_t *ring, apr_int32_t firm,
                      const kz_seal_key_t *key)
{
    binding_t binding = bind_firm(ring->newest->version, firm);

    wrap(wrapped, ring->newest->version, key->bytes, ring->newest->key, &binding);
}

kz_err_t *kz_seal_firm_create(unsigned char *wrapped, const kz_seal_keyring_t *ring,
                              apr_int32_t firm, apr_pool_t *scratch_pool)
{
    kz_seal_key_t *key;

    KZ_TRY(key_new(&key, scratch_pool));
    randombytes_buf(key->bytes, KZ_SEAL_KEY);
    firm_wrap(wrapped, ring, firm, key);
    return NULL;
}

kz_err_t *kz_seal_firm_open(kz_seal_key_t **key, const kz_seal_keyring_t *ring, apr_int32_t firm,
                            const unsigned char *wrapped, apr_pool_t *pool)
{
    apr_uint32_t version = (apr_uint32_t)kz_seal__get_be(wrapped, 4);
    binding_t binding = bind_firm(version, firm);
    const master_t *master = master_find(ring, version);

    if (!master)
        return kz_err_create(KZ_ERR_SEAL, "key of firm %d: master key %u is not there", firm,
                             version);
    return kz_err_wrap(unwrap(key, wrapped, master->key, &binding, pool),
                       "key of firm %d, by master key %u", firm, version);
}

kz_err_t *kz_seal_firm_rewrap(unsigned char *rewrapped, const kz_seal_keyring_t *ring,
                              apr_int32_t firm, const unsigned char *wrapped,
                              apr_pool_t *scratch_pool)
{
    kz_seal_key_t *key;

    KZ_TRY(kz_seal_firm_open(&key, ring, firm, wrapped, scratch_pool));
    firm_wrap(rewrapped, ring, firm, key);
    return NULL;
}

kz_err_t *kz_seal_document_create(unsigned char *wrapped, const kz_seal_key_t *firm_key,
                                  const char *document, apr_pool_t *scratch_pool)
{
    kz_seal_key_t *key;
    binding_t binding;
    apr_uuid_t uuid;

    KZ_TRY(kz_seal__uuid(&uuid, document));
    KZ_TRY(key_new(&key, scratch_pool));
    randombytes_buf(key->bytes, KZ_SEAL_KEY);
    binding = bind_to(DOCUMENT_LABEL, DOCUMENT_VERSION, uuid.data, sizeof uuid.data);
    wrap(wrapped, DOCUMENT_VERSION, key->bytes, firm_key->bytes, &binding);
    return NULL;
}

kz_err_t *kz_seal_document_open(kz_seal_key_t **key, const kz_seal_key_t *firm_key,
                                const char *document, const unsigned char *wrapped,
                                apr_pool_t *pool)
{
    binding_t binding;
    apr_uuid_t uuid;

    KZ_TRY(kz_seal__uuid(&uuid, document));
    if (kz_seal__get_be(wrapped, 4) != DOCUMENT_VERSION)
        return kz_err_create(KZ_ERR_SEAL, "key of document %s: unknown version", document);
    binding = bind_to(DOCUMENT_LABEL, DOCUMENT_VERSION, uuid.data, sizeof uuid.data);
    return kz_err_wrap(unwrap(key, wrapped, firm_key->bytes, &binding, pool), "key of document %s",
                       document);
}
