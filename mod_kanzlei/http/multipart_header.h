/* The headers of a part and their parameters, for the files multipart*.c. */
#ifndef KZ_HTTP_MULTIPART_HEADER_H
#define KZ_HTTP_MULTIPART_HEADER_H

#include <stddef.h>

#include <apr_pools.h>

#include "base/err.h"

typedef struct kz_multipart__part_t {
    const char *name;
    const char *filename; /* or NULL */
    const char *type;
} kz_multipart__part_t;

/* The parameter NAME of a header's VALUE such as "form-data; name=x" (RFC 2045 section 5.1), NULL
 * if it has none. BAD_REQUEST if VALUE is malformed or names it twice. */
kz_err_t *kz_multipart__parameter(const char **parameter, const char *value, const char *name,
                                  apr_pool_t *pool);

/* Whether VALUE, up to its parameters, is TOKEN in any case. */
int kz_multipart__is(const char *value, const char *token);

/* Reads the header lines of a part (LEN bytes, each ends with CRLF; BLOCK is changed and lives as
 * long as the result). BAD_REQUEST if they are no field of a form (RFC 7578 section 4). */
kz_err_t *kz_multipart__headers(kz_multipart__part_t *part, char *block, size_t len,
                                apr_pool_t *pool);

#endif
