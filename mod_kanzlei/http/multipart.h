/* multipart/form-data (RFC 7578, RFC 2046 section 5.1), parsed as it arrives, in memory that does
 * not grow with a file; and application/x-www-form-urlencoded (WHATWG URL, section 5.1). Knows no
 * httpd: fuzzed alone. */
#ifndef KZ_HTTP_MULTIPART_H
#define KZ_HTTP_MULTIPART_H

#include <stddef.h>

#include <apr_pools.h>
#include <apr_tables.h>

#include "base/err.h"

#define KZ_MULTIPART_NAME_MAX 255 /* bytes of a field's name, without the final NUL */

typedef struct kz_multipart_t kz_multipart_t;

/* What the parser tells, for each part: begin, data as often as it takes, end. An error of one of
 * them ends parsing: feed returns it, and "end" is not called for a part that was cut off. NAME
 * (not empty, at most KZ_MULTIPART_NAME_MAX bytes) and FILENAME are as sent (quoted-string
 * unescaped, %22 %0D %0A decoded as browsers encode them), unchecked otherwise, not even for being
 * UTF-8; FILENAME is NULL for an ordinary field. TYPE is "text/plain" if the part has none. All
 * three live until "end". */
typedef struct kz_multipart_handler_t {
    kz_err_t *(*begin)(void *baton, const char *name, const char *filename, const char *type);
    kz_err_t *(*data)(void *baton, const char *data, size_t len);
    kz_err_t *(*end)(void *baton);
} kz_multipart_handler_t;

typedef struct kz_multipart_limits_t {
    int parts;           /* at most so many, else TOO_LARGE */
    size_t header_bytes; /* per part at most so many, else TOO_LARGE */
} kz_multipart_limits_t;

/* CONTENT_TYPE is the request's header with its boundary (1 to 70 characters, RFC 2046 section
 * 5.1.1); NULL: there was none. Errors: MEDIA_TYPE, BAD_REQUEST. */
kz_err_t *kz_multipart_create(kz_multipart_t **parser, const char *content_type,
                              const kz_multipart_limits_t *limits,
                              const kz_multipart_handler_t *handler, void *baton, apr_pool_t *pool);
/* Takes the next LEN bytes, cut anywhere. Errors: BAD_REQUEST, TOO_LARGE, those of the handler;
 * after any of them each further call is a BAD_REQUEST. */
kz_err_t *kz_multipart_feed(kz_multipart_t *parser, const char *data, size_t len);
/* Says that the body is over. BAD_REQUEST if the closing boundary has not been seen. */
kz_err_t *kz_multipart_finish(kz_multipart_t *parser);

/* Adds the pairs of an urlencoded body or query string of LEN bytes to TABLE (strings in its pool).
 * Errors: BAD_REQUEST (NUL bytes, bad escapes), TOO_LARGE (more than MAX pairs). */
kz_err_t *kz_urlencoded_parse(apr_table_t *table, const char *data, size_t len, int max);

#endif
