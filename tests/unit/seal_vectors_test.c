/* The shared vectors of io/seal/FORMAT.md, made by tests/unit/test_seal_vectors.py: both
 * implementations must agree with them, and so with each other. */
#include "seal_scene.h"

#include <apr_general.h>
#include <jansson.h>

static json_t *vectors;

static const char *text(const json_t *vector, const char *name)
{
    const char *value = json_string_value(json_object_get(vector, name));

    if (!value)
        fail_msg("a vector without %s", name);
    return value;
}

static apr_int64_t number(const json_t *vector, const char *name)
{
    assert_true(json_is_integer(json_object_get(vector, name)));
    return json_integer_value(json_object_get(vector, name));
}

/* Bytes from hexadecimal text. */
static unsigned char *bytes(size_t *len, const char *hex)
{
    unsigned char *out = apr_palloc(pool, strlen(hex) / 2 + 1);
    size_t got;

    assert_int_equal(sodium_hex2bin(out, strlen(hex) / 2 + 1, hex, strlen(hex), NULL, &got, NULL),
                     0);
    assert_int_equal(got, strlen(hex) / 2);
    if (len)
        *len = got;
    return out;
}

static const json_t *list(const char *name, size_t least)
{
    const json_t *array = json_object_get(vectors, name);

    assert_true(json_is_array(array) && json_array_size(array) >= least);
    return array;
}

static kz_seal_flag_t flag_of(const char *name)
{
    return strcmp(name, "last") == 0   ? KZ_SEAL_LAST
           : strcmp(name, "tail") == 0 ? KZ_SEAL_TAIL
                                       : KZ_SEAL_MIDDLE;
}

static int vectors_setup(void **state)
{
    const char *source = getenv("KZ_SRC");
    json_error_t error;

    (void)state;
    apr_pool_create(&pool, NULL);
    folder = scene_folder(pool);
    assert_non_null(source);
    vectors = json_load_file(apr_pstrcat(pool, source, "/mod_kanzlei/io/seal/vectors.json", NULL),
                             JSON_REJECT_DUPLICATES, &error);
    if (!vectors)
        fail_msg("vectors.json: %s", error.text);
    return 0;
}

static int vectors_teardown(void **state)
{
    json_decref(vectors);
    return teardown(state);
}

/* A keyring with the one master key that a vector names. */
static kz_seal_keyring_t *keyring_of(const char *name, const char *hex, apr_int64_t version)
{
    const char *dir = in_folder(name);
    kz_seal_keyring_t *opened;

    assert_int_equal(mkdir(dir, 0700), 0);
    scene_write(apr_psprintf(pool, "%s/master-%" APR_INT64_T_FMT, dir, version), bytes(NULL, hex),
                KZ_SEAL_KEY);
    assert_ok(kz_seal_keyring_open(&opened, dir, pool));
    return opened;
}

static void test_wrapped(void **state)
{
    const json_t *array = list("wrapped", 3), *vector;
    size_t i;

    (void)state;
    json_array_foreach(array, i, vector)
    {
        const unsigned char *sealed = bytes(NULL, text(vector, "wrapped"));
        kz_seal_key_t *opened, by = {bytes(NULL, text(vector, "by"))};

        if (json_object_get(vector, "firm"))
            assert_ok(kz_seal_firm_open(&opened,
                                        keyring_of(apr_psprintf(pool, "keys-%d", (int)i),
                                                   text(vector, "by"), number(vector, "version")),
                                        (apr_int32_t)number(vector, "firm"), sealed, pool));
        else
            assert_ok(kz_seal_document_open(&opened, &by, text(vector, "document"), sealed, pool));
        assert_memory_equal(opened->bytes, bytes(NULL, text(vector, "key")), KZ_SEAL_KEY);
    }
}

static void test_derived(void **state)
{
    const json_t *array = list("derived", 2), *vector;
    const unsigned char *const *derived;
    size_t i;

    (void)state;
    json_array_foreach(array, i, vector)
    {
        assert_ok(kz_seal_derive(
            &derived, keyring_of(apr_psprintf(pool, "keys-%d", (int)i), text(vector, "master"), 1),
            text(vector, "purpose"), pool));
        assert_memory_equal(derived[0], bytes(NULL, text(vector, "key")), KZ_SEAL_KEY);
    }
}

static void test_chunks(void **state)
{
    const json_t *array = list("chunks", 5), *vector;
    size_t i;

    (void)state;
    json_array_foreach(array, i, vector)
    {
        kz_seal_key_t with = {bytes(NULL, text(vector, "key"))};
        kz_seal__cipher_t *sealer, *opener;
        unsigned char sealed[100], opened[100];
        const unsigned char *plain, *want;
        size_t len, sealed_len;
        int flag;

        plain = bytes(&len, text(vector, "plain"));
        want = bytes(&sealed_len, text(vector, "sealed"));
        assert_int_equal(sealed_len, len + KZ_SEAL_EXTRA);
        assert_ok(
            kz_seal__cipher_create(&sealer, &with, text(vector, "document"), KZ_SEAL_SEAL, pool));
        assert_ok(
            kz_seal__cipher_create(&opener, &with, text(vector, "document"), KZ_SEAL_OPEN, pool));
        kz_seal__cipher_chunk(sealer, (apr_uint64_t)number(vector, "index"),
                              flag_of(text(vector, "flag")));
        memcpy(sealed, want, KZ_SEAL_NONCE);
        assert_ok(kz_seal__chunk_seal_with(sealed, sealer, plain, len));
        assert_memory_equal(sealed, want, sealed_len);
        for (flag = KZ_SEAL_MIDDLE; flag <= KZ_SEAL_TAIL; flag++) {
            kz_seal__cipher_chunk(opener, (apr_uint64_t)number(vector, "index"),
                                  (kz_seal_flag_t)flag);
            if (flag == (int)flag_of(text(vector, "flag"))) {
                assert_ok(kz_seal__chunk_open(opened, opener, want, len));
                assert_memory_equal(opened, plain, len);
            } else {
                assert_code(kz_seal__chunk_open(opened, opener, want, len), KZ_ERR_SEAL);
            }
        }
    }
}

/* Makes the object of a vector from the nonces and the JSON text that it names. */
static object_t vector_object(const json_t *vector, const unsigned char *plain)
{
    size_t size = (size_t)number(vector, "size"), i, at = KZ_SEAL_HEADER;
    kz_seal_key_t with = {bytes(NULL, text(vector, "key"))};
    const json_t *nonces = json_object_get(vector, "chunk_nonces");
    const char *description = text(vector, "description");
    unsigned char described[KZ_SEAL_META] = {0};
    object_t object = {.len = (size_t)kz_seal_object_size(size)};
    kz_seal__cipher_t *sealer;
    apr_uuid_t uuid;

    object.data = apr_palloc(pool, object.len);
    assert_ok(kz_seal__cipher_create(&sealer, &with, text(vector, "document"), KZ_SEAL_SEAL, pool));
    assert_ok(kz_seal__uuid(&uuid, text(vector, "document")));
    kz_seal__clear_write(object.data, KZ_SEAL_FINISHED, &uuid,
                         bytes(NULL, text(vector, "wrapped")));
    kz_seal__put_be(described, strlen(description), 4);
    memcpy(described + 4, description, strlen(description));
    memcpy(object.data + KZ_SEAL_CLEAR, bytes(NULL, text(vector, "nonce")), KZ_SEAL_NONCE);
    assert_ok(kz_seal__meta_seal(object.data, sealer, described));
    for (i = 0; i < json_array_size(nonces); i++) {
        size_t len =
            size - i * KZ_SEAL_CHUNK < KZ_SEAL_CHUNK ? size - i * KZ_SEAL_CHUNK : KZ_SEAL_CHUNK;

        memcpy(object.data + at, bytes(NULL, json_string_value(json_array_get(nonces, i))),
               KZ_SEAL_NONCE);
        kz_seal__cipher_chunk(sealer, i,
                              i + 1 == json_array_size(nonces) ? KZ_SEAL_LAST : KZ_SEAL_MIDDLE);
        assert_ok(
            kz_seal__chunk_seal_with(object.data + at, sealer, plain + i * KZ_SEAL_CHUNK, len));
        at += len + KZ_SEAL_EXTRA;
    }
    assert_int_equal(at, object.len);
    return object;
}

static unsigned char *vector_plain(const json_t *vector)
{
    size_t size = (size_t)number(vector, "size"), i;
    unsigned char *plain = apr_palloc(pool, size + 1);

    for (i = 0; i < size; i++)
        plain[i] = (unsigned char)(i % 251);
    return plain;
}

static kz_err_t *vector_read(const json_t *vector, object_t *object, const unsigned char *plain)
{
    kz_seal_key_t with = {bytes(NULL, text(vector, "key"))};
    kz_seal_reader_t *reader;
    const unsigned char *piece;
    size_t len, at = 0;

    KZ_TRY(
        kz_seal_reader_open(&reader, object_read, object, &with, text(vector, "document"), pool));
    do {
        KZ_TRY(kz_seal_read(&piece, &len, reader));
        assert_true(at + len <= (size_t)number(vector, "size"));
        if (len > 0)
            assert_memory_equal(piece, plain + at, len);
        at += len;
    } while (len > 0);
    assert_int_equal(at, number(vector, "size"));
    return NULL;
}

static void test_objects(void **state)
{
    const json_t *array = list("objects", 5), *vector;
    unsigned char sha256[32];
    size_t i;

    (void)state;
    json_array_foreach(array, i, vector)
    {
        const unsigned char *plain = vector_plain(vector);
        object_t object = vector_object(vector, plain);
        const char *base64 = json_string_value(json_object_get(vector, "object"));

        crypto_hash_sha256(sha256, object.data, object.len);
        assert_memory_equal(sha256, bytes(NULL, text(vector, "object_sha256")), sizeof sha256);
        assert_ok(vector_read(vector, &object, plain));
        if (base64) {
            unsigned char *decoded = apr_palloc(pool, object.len);
            size_t len;

            assert_int_equal(sodium_base642bin(decoded, object.len, base64, strlen(base64), NULL,
                                               &len, NULL, sodium_base64_VARIANT_ORIGINAL),
                             0);
            assert_int_equal(len, object.len);
            assert_memory_equal(decoded, object.data, len);
        }
    }
}

static void test_descriptions(void **state)
{
    const json_t *array = list("objects", 5), *vector;
    unsigned char plain[KZ_SEAL_META] = {0}, again[KZ_SEAL_META];
    kz_seal_meta_t meta, second;
    size_t i;

    (void)state;
    json_array_foreach(array, i, vector)
    {
        const char *description = text(vector, "description");
        json_t *json = json_loads(description, 0, NULL);

        memset(plain, 0, sizeof plain);
        kz_seal__put_be(plain, strlen(description), 4);
        memcpy(plain + 4, description, strlen(description));
        assert_ok(kz_seal__meta_decode(&meta, plain, pool));
        assert_string_equal(meta.name, text(json, "name"));
        assert_int_equal(meta.at, number(json, "at"));
        assert_int_equal(meta.firm, number(json, "firm"));
        assert_string_equal(meta.client, text(json, "client"));
        assert_null(meta.matter);
        assert_ok(kz_seal__meta_encode(again, &meta));
        assert_ok(kz_seal__meta_decode(&second, again, pool));
        assert_string_equal(second.name, meta.name);
        assert_string_equal(second.by, meta.by);
        assert_memory_equal(second.sha256, meta.sha256, sizeof meta.sha256);
        json_decref(json);
    }
}

static void test_refused(void **state)
{
    const json_t *array = list("refused", 20), *what;
    size_t i;

    (void)state;
    json_array_foreach(array, i, what)
    {
        const json_t *vector =
            json_array_get(json_object_get(vectors, "objects"), (size_t)number(what, "of"));
        const unsigned char *plain = vector_plain(vector);
        object_t object = vector_object(vector, plain);

        if (json_object_get(what, "flip")) {
            object.data[number(what, "flip")] ^= 1;
        } else if (json_object_get(what, "cut")) {
            object.len -= (size_t)number(what, "cut");
        } else {
            size_t more = (size_t)number(what, "append");
            unsigned char *longer = apr_pcalloc(pool, object.len + more);

            memcpy(longer, object.data, object.len);
            object.data = longer;
            object.len += more;
        }
        assert_code(vector_read(vector, &object, plain), KZ_ERR_SEAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_wrapped, vectors_setup, vectors_teardown),
        cmocka_unit_test_setup_teardown(test_derived, vectors_setup, vectors_teardown),
        cmocka_unit_test_setup_teardown(test_chunks, vectors_setup, vectors_teardown),
        cmocka_unit_test_setup_teardown(test_objects, vectors_setup, vectors_teardown),
        cmocka_unit_test_setup_teardown(test_descriptions, vectors_setup, vectors_teardown),
        cmocka_unit_test_setup_teardown(test_refused, vectors_setup, vectors_teardown),
    };

    apr_initialize();
    atexit(apr_terminate);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
