/* Strings: hex and base64url, UUIDs, comparison of secrets, UTF-8, and how the name of a document
 * is sent back. What people type is text.h. */
#ifndef KZ_BASE_STR_H
#define KZ_BASE_STR_H

#include <stddef.h>

#include <apr_pools.h>

#include "base/err.h"

#define KZ_STR_UUID_BYTES 16
#define KZ_STR_UUID_SIZE  37 /* bytes of a UUID's text with its final NUL */

typedef enum kz_str_disposition_t {
    KZ_STR_INLINE,
    KZ_STR_ATTACHMENT,
} kz_str_disposition_t;

/* LEN bytes as lower-case hex digits, in POOL. */
const char *kz_str_hex(const void *data, size_t len, apr_pool_t *pool);

/* 1 if the LEN bytes of TEXT are one of VALUES, which have "|" between them ("person|company"). */
int kz_str_is_one_of(const char *values, const char *text, size_t len);

/* LEN bytes as base64url without padding (RFC 4648 section 5), in POOL. */
const char *kz_str_base64url(const void *data, size_t len, apr_pool_t *pool);

/* Decodes the TEXT_LEN bytes of TEXT, which is base64 with padding (RFC 4648 section 4); *DATA is
 * in POOL. BAD_REQUEST for any other character, missing padding, or bits left over. */
kz_err_t *kz_str_base64_decode(unsigned char **data, size_t *len, const char *text, size_t text_len,
                               apr_pool_t *pool);

/* The bytes of a UUID as text, lower case, with hyphens (RFC 9562 section 4). */
void kz_str_uuid_text(char out[KZ_STR_UUID_SIZE], const unsigned char id[KZ_STR_UUID_BYTES]);

/* VALUE, which is not negative, in at least WIDTH decimal digits, the last of them before END;
 * gives where they begin. Room: WIDTH, or 10. */
char *kz_str_digits(char *end, int value, int width);

/* A new UUID, version 7 (RFC 9562 section 5.7; section 6.2 method 3 for the bits below the
 * millisecond): random, and within one process each is greater than the one before, also from
 * several threads. Lower case. */
void kz_str_uuid_v7(char out[KZ_STR_UUID_SIZE]);

/* Whether TEXT is a UUID of any version as this program writes it: lower case, with hyphens. NULL
 * is none. */
int kz_str_is_uuid(const char *text);

/* Whether two secrets are the same; the time depends on the lengths alone. NULL equals nothing. */
int kz_str_equal_secret(const char *one, const char *other);

/* Whether LEN bytes are UTF-8 (RFC 3629: no surrogates, nothing overlong, at most U+10FFFF). */
int kz_str_is_utf8(const char *text, size_t len);

/* The value of a Content-Disposition header (RFC 6266) for NAME, which is UTF-8: an ASCII filename
 * and, if that is not the whole truth, filename* (RFC 8187). In POOL. */
const char *kz_str_content_disposition(kz_str_disposition_t disposition, const char *name,
                                       apr_pool_t *pool);

/* 1 if PATH, the path of a URL with its query, lies below BASE ("/k/muster") and a browser stays
 * there: printable ASCII, no "//" in front, by which a host would follow, no backslash, and no
 * segment that climbs ("..", also as "%2e"). Nothing lies below an empty BASE. */
int kz_str_is_path_below(const char *path, const char *base);

#endif
