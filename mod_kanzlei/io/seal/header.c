#include "io/seal/internal.h"

#include <string.h>

#include <apr_strings.h>
#include <jansson.h>
#include <sodium.h>

#define NAME_MAX_BYTES 255
#define TYPE_MAX_BYTES 127

/* FORMAT.md, "Header". The bytes are put one by one, so that no compiler has a say in them. */
_Static_assert(KZ_SEAL_CLEAR + KZ_SEAL_EXTRA + KZ_SEAL_META == KZ_SEAL_HEADER,
               "the header's parts");
_Static_assert(KZ_SEAL_WRAPPED_AT + KZ_SEAL_WRAPPED <= KZ_SEAL_CLEAR,
               "the key is in the clear part");
_Static_assert(sizeof(apr_uuid_t) == 16, "a UUID as the header has it");
_Static_assert(KZ_SEAL_SIZE_MAX / KZ_SEAL_CHUNK * KZ_SEAL_STRIDE < INT64_MAX, "offsets fit off_t");

static const unsigned char magic[8] = {0x89, 'K', 'Z', 'S', 'E', 'A', 'L', '\n'};

void kz_seal__put_be(unsigned char *to, apr_uint64_t number, int bytes)
{
    while (bytes-- > 0) {
        to[bytes] = (unsigned char)number;
        number >>= 8;
    }
}

apr_uint64_t kz_seal__get_be(const unsigned char *from, int bytes)
{
    apr_uint64_t number = 0;

    while (bytes-- > 0)
        number = number << 8 | *from++;
    return number;
}

kz_err_t *kz_seal__uuid(apr_uuid_t *uuid, const char *text)
{
    if (!text || strlen(text) != APR_UUID_FORMATTED_LENGTH ||
        apr_uuid_parse(uuid, text) != APR_SUCCESS)
        return kz_err_create(KZ_ERR_INVALID, "not a UUID");
    return NULL;
}

void kz_seal__clear_write(unsigned char *header, kz_seal_state_t state, const apr_uuid_t *uuid,
                          const unsigned char *wrapped)
{
    memset(header, 0, KZ_SEAL_CLEAR);
    memcpy(header, magic, sizeof magic);
    kz_seal__put_be(header + 8, 1, 2);
    kz_seal__put_be(header + 10, 1, 2);
    header[12] = (unsigned char)state;
    kz_seal__put_be(header + 16, KZ_SEAL_HEADER, 4);
    kz_seal__put_be(header + 20, KZ_SEAL_CHUNK, 4);
    if (uuid)
        memcpy(header + 24, uuid->data, 16);
    memcpy(header + KZ_SEAL_WRAPPED_AT, wrapped, KZ_SEAL_WRAPPED);
}

kz_err_t *kz_seal__clear_check(kz_seal_state_t *state, const unsigned char *header)
{
    unsigned char expected[KZ_SEAL_CLEAR];
    apr_uuid_t uuid;

    if (memcmp(header, magic, sizeof magic) != 0)
        return kz_err_create(KZ_ERR_SEAL, "not a sealed document");
    memcpy(uuid.data, header + 24, 16);
    *state = header[12] == 1 ? KZ_SEAL_FINISHED : KZ_SEAL_SPOOL;
    kz_seal__clear_write(expected, *state, &uuid, header + KZ_SEAL_WRAPPED_AT);
    if (memcmp(header, expected, sizeof expected) != 0)
        return kz_err_create(KZ_ERR_SEAL, "a header of format %d, algorithm %d, or a damaged one",
                             (int)kz_seal__get_be(header + 8, 2),
                             (int)kz_seal__get_be(header + 10, 2));
    return NULL;
}

/* A UUID as it is written, lower case, or null; NULL if it is none. */
static json_t *uuid_json(const char *text)
{
    char lower[APR_UUID_FORMATTED_LENGTH + 1];
    apr_uuid_t uuid;
    kz_err_t *err;

    if (!text)
        return json_null();
    err = kz_seal__uuid(&uuid, text);
    if (err) {
        kz_err_expected(err); /* the caller says so */
        return NULL;
    }
    apr_uuid_format(lower, &uuid);
    return json_string(lower);
}

kz_err_t *kz_seal__meta_encode(unsigned char *plain, const kz_seal_meta_t *meta)
{
    char hex[2 * KZ_SEAL_SHA256 + 1];
    json_t *json;
    size_t len;

    if (!meta->document || !meta->name || !meta->type || strlen(meta->name) > NAME_MAX_BYTES ||
        strlen(meta->type) > TYPE_MAX_BYTES || meta->size > KZ_SEAL_SIZE_MAX)
        return kz_err_create(KZ_ERR_INVALID, "a description without or with too long a name");
    sodium_bin2hex(hex, sizeof hex, meta->sha256, sizeof meta->sha256);
    json = json_pack("{s:i, s:o, s:o, s:o, s:o, s:s, s:s, s:I, s:I, s:s}", "firm", (int)meta->firm,
                     "document", uuid_json(meta->document), "client", uuid_json(meta->client),
                     "matter", uuid_json(meta->matter), "by", uuid_json(meta->by), "name",
                     meta->name, "type", meta->type, "at", (json_int_t)meta->at, "size",
                     (json_int_t)meta->size, "sha256", hex);
    if (!json)
        return kz_err_create(KZ_ERR_INVALID, "a description with bad UTF-8 or a bad UUID");
    memset(plain, 0, KZ_SEAL_META);
    len = json_dumpb(json, (char *)plain + 4, KZ_SEAL_META - 4, JSON_COMPACT);
    json_decref(json);
    if (len == 0 || len > KZ_SEAL_META - 4)
        return kz_err_create(KZ_ERR_INVALID, "a description of %zu bytes", len);
    kz_seal__put_be(plain, len, 4);
    return NULL;
}

/* Takes the string NAME from JSON to POOL; a UUID if MAX is 0, which may be null then. */
static int take_string(const char **value, const json_t *json, const char *name, size_t max,
                       apr_pool_t *pool)
{
    const json_t *member = json_object_get(json, name);
    apr_uuid_t uuid;

    *value = NULL;
    if (max == 0 && json_is_null(member))
        return 1;
    if (!json_is_string(member) || json_string_length(member) > (max ? max : 36))
        return 0;
    *value = apr_pstrdup(pool, json_string_value(member));
    return max > 0 || (strlen(*value) == 36 && apr_uuid_parse(&uuid, *value) == APR_SUCCESS);
}

static int take_number(apr_int64_t *value, const json_t *json, const char *name, apr_int64_t min,
                       apr_int64_t max)
{
    const json_t *member = json_object_get(json, name);

    *value = json_integer_value(member);
    return json_is_integer(member) && *value >= min && *value <= max;
}

static int take_members(kz_seal_meta_t *meta, const json_t *json, apr_pool_t *pool)
{
    const char *hex;
    apr_int64_t firm, size, at;
    size_t len;

    if (!take_number(&firm, json, "firm", APR_INT32_MIN, APR_INT32_MAX) ||
        !take_number(&at, json, "at", APR_INT64_MIN, APR_INT64_MAX) ||
        !take_number(&size, json, "size", 0, (apr_int64_t)KZ_SEAL_SIZE_MAX) ||
        !take_string(&meta->document, json, "document", 0, pool) || !meta->document ||
        !take_string(&meta->client, json, "client", 0, pool) ||
        !take_string(&meta->matter, json, "matter", 0, pool) ||
        !take_string(&meta->by, json, "by", 0, pool) ||
        !take_string(&meta->name, json, "name", NAME_MAX_BYTES, pool) ||
        !take_string(&meta->type, json, "type", TYPE_MAX_BYTES, pool) ||
        !take_string(&hex, json, "sha256", 2 * KZ_SEAL_SHA256, pool))
        return 0;
    meta->firm = (apr_int32_t)firm;
    meta->at = at;
    meta->size = (apr_uint64_t)size;
    return sodium_hex2bin(meta->sha256, sizeof meta->sha256, hex, strlen(hex), NULL, &len, NULL) ==
               0 &&
           len == sizeof meta->sha256;
}

kz_err_t *kz_seal__meta_decode(kz_seal_meta_t *meta, const unsigned char *plain, apr_pool_t *pool)
{
    apr_uint64_t len = kz_seal__get_be(plain, 4);
    json_error_t error;
    json_t *json;
    int good;

    memset(meta, 0, sizeof *meta);
    if (len > KZ_SEAL_META - 4 ||
        !sodium_is_zero(plain + 4 + len, (size_t)(KZ_SEAL_META - 4 - len)))
        return kz_err_create(KZ_ERR_SEAL, "a description that is padded wrongly");
    json = json_loadb((const char *)plain + 4, (size_t)len, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        return kz_err_create(KZ_ERR_SEAL, "a description that is no JSON from byte %d on",
                             error.position);
    good = take_members(meta, json, pool);
    json_decref(json);
    return good ? NULL : kz_err_create(KZ_ERR_SEAL, "a description that lacks something");
}
