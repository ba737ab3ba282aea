/* An application/x-www-form-urlencoded body. */
#include "http/multipart.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>

#define MAX 16

static apr_pool_t *pool;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const apr_array_header_t *pairs;
    apr_table_t *table;
    size_t len = 0;
    kz_err_t *err;

    if (!pool) {
        apr_initialize();
        apr_pool_create(&pool, NULL);
    }
    table = apr_table_make(pool, 4);
    err = kz_urlencoded_parse(table, (const char *)data, size, MAX);
    pairs = apr_table_elts(table);
    for (int i = 0; i < pairs->nelts; i++) {
        const apr_table_entry_t *pair = &APR_ARRAY_IDX(pairs, i, apr_table_entry_t);

        len += strlen(pair->key) + strlen(pair->val);
    }
    /* Decoding makes no text longer, and each field comes from the body. */
    if (pairs->nelts > MAX || len > size)
        abort();
    kz_err_free(err);
    apr_pool_clear(pool);
    return 0;
}
