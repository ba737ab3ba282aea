/* A form's fields sent as a JSON object (RFC 8259). Knows no httpd: fuzzed alone. */
#ifndef KZ_HTTP_JSONFORM_H
#define KZ_HTTP_JSONFORM_H

#include <stddef.h>

#include <apr_tables.h>

#include "base/err.h"

/* Adds the members of the JSON object BODY (LEN bytes) to FORM, copied into its pool. A text stands
 * as it is, an integer in decimal digits, true as "1", what a ticked box sends; false and null are
 * left out. Errors: BAD_REQUEST (no object, another kind of value, two names that differ at most in
 * the case of their letters, a NUL in a text), TOO_LARGE (more than MAX members). After an error
 * FORM may hold some of the members. */
kz_err_t *kz_jsonform_parse(apr_table_t *form, const char *body, size_t len, int max);

#endif
