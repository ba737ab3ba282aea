/* Headers of tus. By the first byte the rest is
 *   0  an Upload-Metadata
 *   1  values, one a line, of which an Upload-Metadata is made and read again
 *   2  a number of bytes */
#include "http/tus.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <sodium.h>

#define KEYS 6

static apr_pool_t *pool;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *coded(const void *value, size_t len)
{
    size_t room = sodium_base64_ENCODED_LEN(len, sodium_base64_VARIANT_ORIGINAL);

    return sodium_bin2base64(apr_palloc(pool, room), room, value, len,
                             sodium_base64_VARIANT_ORIGINAL);
}

/* A value that is found is in the header as base64. */
static void read_any(const char *header)
{
    const char *value;
    apr_size_t len;
    kz_err_t *err = kz_tus_metadata(&value, &len, header, "filename", pool);

    if (!err && value &&
        (value[len] || !strstr(header, "filename") || !strstr(header, coded(value, len))))
        abort();
    if ((err || !value) && len && !err)
        abort();
    kz_err_free(err);
}

/* Each written value is read again under its key; a key inside of another value isn't found. */
static void read_again(const uint8_t *data, size_t size)
{
    static const char *const keys[KEYS] = {"name", "filename", "filetype", "file", "n", "\xc3\xa4"};
    const void *values[KEYS];
    size_t lens[KEYS];
    const char *header = "";
    int count;

    for (count = 0; count < KEYS; count++) {
        const uint8_t *newline = size ? memchr(data, '\n', size) : NULL;

        values[count] = data;
        lens[count] = newline ? (size_t)(newline - data) : size;
        header = apr_pstrcat(pool, header, count ? (size % 2 ? "," : ", ") : "", keys[count],
                             lens[count] || size % 2 ? " " : "", coded(data, lens[count]), NULL);
        if (!newline)
            break;
        size -= lens[count] + 1;
        data = newline + 1;
    }
    for (int i = 0; i < KEYS; i++) {
        const char *value;
        apr_size_t len;
        kz_err_t *err = kz_tus_metadata(&value, &len, header, keys[i], pool);

        if (err         ? strlen(header) <= 4096
            : i > count ? value != NULL
                        : !value || len != lens[i] || (len && memcmp(value, values[i], len)))
            abort();
        kz_err_free(err);
    }
}

static void read_number(const char *text)
{
    apr_uint64_t value = 0;
    char again[24];
    kz_err_t *err = kz_tus_number(&value, text, "Upload-Length");

    snprintf(again, sizeof again, "%" APR_UINT64_T_FMT, value);
    if (!err && strcmp(again, text + strspn(text, "0") - (value == 0)) != 0)
        abort();
    if (err && *text && strspn(text, "0123456789") == strlen(text) && strlen(text) < 19)
        abort();
    kz_err_free(err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text;

    if (!pool) {
        apr_initialize();
        apr_pool_create(&pool, NULL);
        if (sodium_init() < 0)
            abort();
    }
    if (size == 0)
        return 0;
    text = strndup((const char *)data + 1, size - 1);
    if (!text)
        abort();
    if (data[0] % 3 == 0)
        read_any(text);
    else if (data[0] % 3 == 1)
        read_again(data + 1, size - 1);
    else
        read_number(text);
    free(text);
    apr_pool_clear(pool);
    return 0;
}
