/* The shared vectors of model/proof/EVENTS.md, made by tests/unit/test_event_vectors.py. */
#include "scene.h"

#include <apr_general.h>
#include <jansson.h>
#include <sodium.h>

#include "io/seal/internal.h"
#include "model/proof/proof.h"

static apr_pool_t *pool;
static json_t *vectors;

static const char *text(const json_t *vector, const char *name)
{
    return json_string_value(json_object_get(vector, name)); /* NULL: null */
}

static apr_int64_t number(const json_t *vector, const char *name)
{
    assert_true(json_is_integer(json_object_get(vector, name)));
    return json_integer_value(json_object_get(vector, name));
}

static const unsigned char *bytes(const char *hex, size_t len)
{
    unsigned char *out = apr_palloc(pool, len);
    size_t got;

    assert_non_null(hex);
    assert_int_equal(sodium_hex2bin(out, len, hex, strlen(hex), NULL, &got, NULL), 0);
    assert_int_equal(got, len);
    return out;
}

static int setup(void **state)
{
    const char *source = getenv("KZ_SRC");
    json_error_t error;

    (void)state;
    if (sodium_init() < 0)
        return -1;
    apr_pool_create(&pool, NULL);
    assert_non_null(source);
    vectors = json_load_file(
        apr_pstrcat(pool, source, "/mod_kanzlei/model/proof/events.json", NULL), 0, &error);
    return vectors ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    json_decref(vectors);
    apr_pool_destroy(pool);
    return 0;
}

static void test_events(void **state)
{
    const json_t *vector;
    size_t i;

    (void)state;
    assert_true(json_array_size(json_object_get(vectors, "events")) >= 8);
    json_array_foreach(json_object_get(vectors, "events"), i, vector)
    {
        kz_proof_event_t event = {text(vector, "id"),      number(vector, "at"),
                                  text(vector, "kind"),    text(vector, "account"),
                                  text(vector, "client"),  text(vector, "document"),
                                  text(vector, "subject"), text(vector, "detail")};
        unsigned char hash[KZ_PROOF_HASH];

        kz_proof_event_hash(hash, (int)number(vector, "firm"), &event);
        assert_memory_equal(hash, bytes(text(vector, "hash"), sizeof hash), sizeof hash);
    }
}

/* A vector: message, hash and signature. */
static void check_seal(const json_t *vector, const kz_seal_signer_t *signer)
{
    kz_proof_seal_t seal = {.firm = (int)number(vector, "firm"),
                            .number = number(vector, "number"),
                            .at = number(vector, "at"),
                            .count = (int)number(vector, "count")};
    unsigned char message[KZ_PROOF_MESSAGE], hash[KZ_PROOF_HASH], signature[KZ_SEAL_SIGNATURE];
    crypto_hash_sha256_state all;
    const json_t *one;
    size_t i;

    crypto_hash_sha256_init(&all);
    json_array_foreach(json_object_get(vector, "hashes"), i, one) crypto_hash_sha256_update(
        &all, bytes(json_string_value(one), KZ_PROOF_HASH), KZ_PROOF_HASH);
    crypto_hash_sha256_final(&all, seal.events);
    memcpy(seal.previous, bytes(text(vector, "previous"), KZ_PROOF_HASH), KZ_PROOF_HASH);
    kz_proof_message(message, hash, &seal);
    assert_memory_equal(message, bytes(text(vector, "message"), sizeof message), sizeof message);
    assert_memory_equal(hash, bytes(text(vector, "hash"), sizeof hash), sizeof hash);
    kz_seal_sign(signature, signer, message, sizeof message);
    assert_memory_equal(signature, bytes(text(vector, "signature"), sizeof signature),
                        sizeof signature);
    assert_true(kz_seal_verify(signature, kz_seal_signer_public(signer), message, sizeof message));
    message[sizeof message - 1] ^= 1;
    assert_false(kz_seal_verify(signature, kz_seal_signer_public(signer), message, sizeof message));
}

static void test_seals(void **state)
{
    unsigned char key_bytes[KZ_SEAL_KEY];
    kz_seal_key_t key = {key_bytes};
    kz_seal_signer_t *signer;
    const json_t *vector;
    size_t i;

    (void)state;
    memcpy(key_bytes, bytes(text(vectors, "firm_key"), sizeof key_bytes), sizeof key_bytes);
    assert_ok(kz_seal_signer_open(&signer, &key, KZ_PROOF_PURPOSE, pool));
    assert_memory_equal(kz_seal_signer_public(signer), bytes(text(vectors, "key"), KZ_SEAL_PUBLIC),
                        KZ_SEAL_PUBLIC);
    assert_true(json_array_size(json_object_get(vectors, "seals")) >= 3);
    json_array_foreach(json_object_get(vectors, "seals"), i, vector) check_seal(vector, signer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_seals),
    };
    int failed;

    apr_initialize();
    failed = cmocka_run_group_tests(tests, setup, teardown);
    apr_terminate();
    return failed;
}
