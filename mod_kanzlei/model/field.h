/* Typed fields, from a form, JSON, a header or kanzleictl. forms.def describes each; it is folded
 * (base/text.h), then checked. */
#ifndef KZ_MODEL_FIELD_H
#define KZ_MODEL_FIELD_H

#include <stddef.h>

#include <apr_pools.h>

#include "base/err.h"

typedef enum kz_field_kind_t {
    KZ_FIELD_LINE,   /* a name, a title: kz_text_line() */
    KZ_FIELD_AREA,   /* the same, with room to write: kz_text_area() */
    KZ_FIELD_NUMBER, /* identifies a client or a matter: kz_text_token() */
    KZ_FIELD_USER,   /* a new user name: a-z, 0-9, dot and dash; capitals become small */
    KZ_FIELD_LOGIN,  /* the user name of somebody who may have one: looked up, not judged */
    KZ_FIELD_EMAIL,  /* as kz_mail_address() has it */
    KZ_FIELD_SLUG,   /* of a firm's entrance: a-z, 0-9 and dash, no dash at either end */
    KZ_FIELD_CODE,   /* a one-time code, as somebody typed it */
    KZ_FIELD_SECRET, /* a password: kept as it was typed, never shown again
                        (model/people/password.h) */
    KZ_FIELD_FILE,   /* the name of a file: kz_text_file_name(), which refuses none; bytes */
    KZ_FIELD_ID,     /* a UUID as the portal writes it */
    KZ_FIELD_CHOICE, /* one of its values */
    KZ_FIELD_RIGHTS, /* a tick for each right, "right_<name>": the page reads them */
} kz_field_kind_t;

enum {
    KZ_HINT = 1, /* the text "<label>_hint" stands beside it */
    KZ_FOCUS = 2 /* it has the focus when the page is new */
};

/* The forms: KZ_FORM_client. */
typedef enum kz_form_id_t {
#define KZ_FORM(form, ...) KZ_FORM_##form,
#define KZ_FIELD(form, name, kind, least, most, label, more, autocomplete, column)
#define KZ_CHOICE(form, name, values, label, column)
#include "forms.def"
#undef KZ_FORM
#undef KZ_FIELD
#undef KZ_CHOICE
    KZ_FORMS
} kz_form_id_t;

/* Their fields: KZ_FIELD_client_number. Those of one form follow each other. */
typedef enum kz_field_id_t {
#define KZ_FORM(form, ...)
#define KZ_FIELD(form, name, kind, least, most, label, more, autocomplete, column)                 \
    KZ_FIELD_##form##_##name,
#define KZ_CHOICE(form, name, values, label, column) KZ_FIELD_##form##_##name,
#include "forms.def"
#undef KZ_FORM
#undef KZ_FIELD
#undef KZ_CHOICE
    KZ_FIELDS
} kz_field_id_t;

typedef struct kz_field_t {
    kz_form_id_t form;
    const char *name;
    kz_field_kind_t kind;
    size_t least; /* characters; 0: may be left empty */
    size_t most;  /* characters */
    const char *label;
    int more; /* KZ_HINT, KZ_FOCUS */
    const char *autocomplete;
    const char *values; /* of a choice: "person|company"; else "" */
} kz_field_t;

extern const kz_field_t kz_fields[KZ_FIELDS];

typedef enum kz_field_fault_t {
    KZ_FIELD_FINE,
    KZ_FIELD_MISSING,
    KZ_FIELD_TOO_LONG,
    KZ_FIELD_CHARACTERS, /* not UTF-8, a control character, the end of a line */
    KZ_FIELD_NO_EMAIL,
    KZ_FIELD_NO_USER,
    KZ_FIELD_NO_SLUG,
    KZ_FIELD_NO_VALUE /* not one of a choice's, no UUID */
} kz_field_fault_t;

/* *VALUE becomes the folded text of TYPED (LEN bytes of anything), in POOL; "" if it is wrong, of a
 * choice then its first value. TYPED NULL is "". */
kz_field_fault_t kz_field_read(const char **value, kz_field_id_t field, const char *typed,
                               size_t len, apr_pool_t *pool);

/* The key of the sentence for FAULT ("field.required"); "" for FINE. */
const char *kz_field_key(kz_field_fault_t fault);

/* The same as kz_field_read(), as an error: INVALID, whose detail names the field and says in
 * English what is wrong with it. TYPED ends with NUL, or is NULL. */
kz_err_t *kz_field_take(const char **value, kz_field_id_t field, const char *typed,
                        apr_pool_t *pool);

#endif
