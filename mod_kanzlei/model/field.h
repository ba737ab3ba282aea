/* One typed field, from a form, JSON or kanzleictl. It is folded
 * (base/text.h), then checked. */
#ifndef KZ_MODEL_FIELD_H
#define KZ_MODEL_FIELD_H

#include <stddef.h>

#include <apr_pools.h>

#include "base/err.h"

typedef enum kz_field_kind_t {
    KZ_FIELD_LINE,   /* a name, a title, a reason: kz_text_line() */
    KZ_FIELD_NUMBER, /* identifies a client or a matter: kz_text_token() */
    KZ_FIELD_USER,   /* user name: a-z, 0-9, dot and dash; capitals become small */
    KZ_FIELD_EMAIL,  /* as kz_mail_address() has it */
    KZ_FIELD_SLUG,   /* of a firm's entrance: a-z, 0-9 and dash, no dash at either end */
} kz_field_kind_t;

typedef struct kz_field_t {
    const char *name;
    kz_field_kind_t kind;
    size_t least; /* characters; 0: may be left empty */
    size_t most;  /* characters */
} kz_field_t;

typedef enum kz_field_fault_t {
    KZ_FIELD_FINE,
    KZ_FIELD_MISSING,
    KZ_FIELD_TOO_LONG,
    KZ_FIELD_CHARACTERS, /* not UTF-8, or a control character */
    KZ_FIELD_NO_EMAIL,
    KZ_FIELD_NO_USER,
    KZ_FIELD_NO_SLUG,
} kz_field_fault_t;

/* *VALUE becomes the folded text of TYPED, in POOL; "" if it is wrong. TYPED NULL is "". */
kz_field_fault_t kz_field_read(const char **value, const kz_field_t *field, const char *typed,
                               apr_pool_t *pool);

/* The key of the sentence that says so to people: "field.required". Not for FINE. */
const char *kz_field_key(kz_field_fault_t fault);

/* The same as kz_field_read(), as an error: INVALID, whose detail says in English what is
 * wrong with FIELD's name. */
kz_err_t *kz_field_take(const char **value, const kz_field_t *field, const char *typed,
                        apr_pool_t *pool);

#endif
