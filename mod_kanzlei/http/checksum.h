/* tus checksum extension: the hash of one request's body, as Upload-Checksum announces it. */
#ifndef KZ_HTTP_CHECKSUM_H
#define KZ_HTTP_CHECKSUM_H

#include <apr_pools.h>

#include "base/err.h"

typedef struct kz_checksum_t kz_checksum_t;

/* HEADER: "sha256 <base64>" or "sha1 <base64>", or NULL for none. Ends with POOL. Errors:
 * BAD_REQUEST. */
kz_err_t *kz_checksum_create(kz_checksum_t **checksum, const char *header, apr_pool_t *pool);
void kz_checksum_add(kz_checksum_t *checksum, const void *data, apr_size_t len);
/* Was there a HEADER? */
int kz_checksum_announced(const kz_checksum_t *checksum);
/* Errors: CHECKSUM when the bytes are not those that were announced. */
kz_err_t *kz_checksum_verify(kz_checksum_t *checksum);

#endif
