#include "http/tus.h"

#include <string.h>

#include <apr_strings.h>

#include "base/str.h"

#define KZ_TUS_METADATA 4096 /* bytes of Upload-Metadata */
#define KZ_TUS_DIGITS   18   /* of a number: it fits into 63 bits */

kz_err_t *kz_tus_number(apr_uint64_t *value, const char *text, const char *name)
{
    size_t digits = text ? strspn(text, "0123456789") : 0;

    if (digits == 0 || digits > KZ_TUS_DIGITS || text[digits])
        return kz_err_create(KZ_ERR_BAD_REQUEST, "%s is no number", name);
    *value = (apr_uint64_t)apr_atoi64(text);
    return NULL;
}

static kz_err_t *decode(const char **value, apr_size_t *len, const char *coded, apr_pool_t *pool)
{
    unsigned char *data;

    KZ_TRY(kz_str_base64_decode(&data, len, coded, strcspn(coded, ", "), pool));
    *value = apr_pstrmemdup(pool, (const char *)data, *len);
    return NULL;
}

kz_err_t *kz_tus_metadata(const char **value, apr_size_t *len, const char *header, const char *key,
                          apr_pool_t *pool)
{
    size_t key_len = strlen(key);
    const char *at;

    *value = NULL;
    *len = 0;
    if (header && strlen(header) > KZ_TUS_METADATA)
        return kz_err_create(KZ_ERR_BAD_REQUEST, "Upload-Metadata is too long");
    for (at = header; at && *at; at = strchr(at, ',')) {
        at += strspn(at, ", ");
        if (strncmp(at, key, key_len) == 0 && strchr(" ,", at[key_len])) /* or the end */
            return decode(value, len, at + key_len + (at[key_len] == ' '), pool);
    }
    return NULL;
}
