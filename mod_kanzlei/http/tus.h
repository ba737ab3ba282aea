/* The headers of tus 1.0 (https://tus.io/protocols/resumable-upload). Knows no httpd: fuzzed alone.
 */
#ifndef KZ_HTTP_TUS_H
#define KZ_HTTP_TUS_H

#include <apr.h>
#include <apr_pools.h>

#include "base/err.h"

/* Reads a number of bytes, as Upload-Length and Upload-Offset have it: decimal digits, at most 18.
 * TEXT may be NULL. NAME is the header's, for the error. Errors: BAD_REQUEST. */
kz_err_t *kz_tus_number(apr_uint64_t *value, const char *text, const char *name);

/* Looks up KEY in HEADER, an Upload-Metadata ("key base64, key base64") or NULL. *VALUE becomes its
 * *LEN bytes, any bytes, in POOL and with a NUL behind them; NULL if it isn't there. The first of
 * several equal keys counts. Errors: BAD_REQUEST (more than 4096 bytes; KEY's value is no base64).
 */
kz_err_t *kz_tus_metadata(const char **value, apr_size_t *len, const char *header, const char *key,
                          apr_pool_t *pool);

#endif
