#include "model/field.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/str.h"
#include "base/text.h"
#include "io/mail/mail.h"

const kz_field_t kz_fields[KZ_FIELDS] = {
#define KZ_FORM(form, ...)
#define KZ_FIELD(form, name, kind, least, most, label, more, autocomplete, column)                 \
    {KZ_FORM_##form, #name, KZ_FIELD_##kind, least, most, label, more, autocomplete, ""},
#define KZ_CHOICE(form, name, values, label, column)                                               \
    {KZ_FORM_##form, #name, KZ_FIELD_CHOICE, 0, 0, label, 0, "", values},
#include "forms.def"
#undef KZ_FORM
#undef KZ_FIELD
#undef KZ_CHOICE
};

static int is_made_of(const char *text, const char *characters)
{
    return strspn(text, characters) == strlen(text);
}

/* Telephones put a capital at the start. */
static const char *small_ascii(const char *text, apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, text), *at;

    for (at = copy; *at; at++)
        *at = (char)apr_tolower(*at);
    return copy;
}

static kz_field_fault_t check_user(const char *user, size_t least)
{
    return strlen(user) >= least && is_made_of(user, "abcdefghijklmnopqrstuvwxyz0123456789.-")
               ? KZ_FIELD_FINE
               : KZ_FIELD_NO_USER;
}

/* As the constraint firm_slug has it. */
static kz_field_fault_t check_slug(const char *slug, size_t least)
{
    size_t len = strlen(slug);

    return len >= least && slug[0] != '-' && slug[len - 1] != '-' &&
                   is_made_of(slug, "abcdefghijklmnopqrstuvwxyz0123456789-")
               ? KZ_FIELD_FINE
               : KZ_FIELD_NO_SLUG;
}

static kz_field_fault_t check_email(const char *email, apr_pool_t *pool)
{
    const char *ascii;
    kz_err_t *err = kz_mail_address(&ascii, email, pool);

    kz_err_expected(err); /* the field says so */
    return err ? KZ_FIELD_NO_EMAIL : KZ_FIELD_FINE;
}

/* What a kind says of VALUE, which is not empty. */
static kz_field_fault_t check(const kz_field_t *field, const char *value, apr_pool_t *pool)
{
    switch (field->kind) {
    case KZ_FIELD_USER:
        return check_user(value, field->least);
    case KZ_FIELD_SLUG:
        return check_slug(value, field->least);
    case KZ_FIELD_EMAIL:
        return check_email(value, pool);
    case KZ_FIELD_ID:
        return kz_str_is_uuid(value) ? KZ_FIELD_FINE : KZ_FIELD_NO_VALUE;
    default:
        return KZ_FIELD_FINE;
    }
}

/* The first of VALUES ("a|b"), or that which TYPED is. */
static kz_field_fault_t choose(const char **value, const char *values, const char *typed,
                               size_t len, apr_pool_t *pool)
{
    *value = apr_pstrmemdup(pool, values, strcspn(values, "|"));
    if (len == 0)
        return KZ_FIELD_FINE;
    if (!kz_str_is_one_of(values, typed, len))
        return KZ_FIELD_NO_VALUE;
    *value = apr_pstrmemdup(pool, typed, len);
    return KZ_FIELD_FINE;
}

/* TYPED, folded as its kind is; NULL for what no kind takes. */
static const char *fold(kz_field_kind_t kind, const char *typed, size_t len, apr_pool_t *pool)
{
    const char *token;

    if (kind == KZ_FIELD_LINE)
        return kz_text_line(typed, len, pool);
    if (kind == KZ_FIELD_AREA ||
        kind == KZ_FIELD_CODE) /* a code may be pasted with its line's end */
        return kz_text_area(typed, len, pool);
    if (kind == KZ_FIELD_SECRET)
        return apr_pstrmemdup(pool, typed, len);
    token = kz_text_token(typed, len, pool);
    return token && kind == KZ_FIELD_USER ? small_ascii(token, pool) : token;
}

kz_field_fault_t kz_field_read(const char **value, kz_field_id_t id, const char *typed, size_t len,
                               apr_pool_t *pool)
{
    const kz_field_t *field = &kz_fields[id];
    kz_field_fault_t fault = KZ_FIELD_FINE;
    const char *folded;

    *value = "";
    if (!typed)
        len = 0;
    if (field->kind == KZ_FIELD_CHOICE)
        return choose(value, field->values, typed, len, pool);
    if (field->kind == KZ_FIELD_FILE) {
        *value = kz_text_file_name(typed, len, pool);
        return KZ_FIELD_FINE;
    }
    if (len > KZ_TEXT_MAX)
        return KZ_FIELD_TOO_LONG;
    folded = fold(field->kind, typed ? typed : "", len, pool);
    if (!folded)
        return KZ_FIELD_CHARACTERS;
    if (kz_text_length(folded) > field->most)
        return field->kind == KZ_FIELD_SLUG ? KZ_FIELD_NO_SLUG : KZ_FIELD_TOO_LONG;
    if (*folded)
        fault = check(field, folded, pool);
    else if (field->least > 0)
        fault = KZ_FIELD_MISSING;
    if (fault == KZ_FIELD_FINE)
        *value = folded;
    return fault;
}

const char *kz_field_key(kz_field_fault_t fault)
{
    static const char *const keys[] = {
        [KZ_FIELD_FINE] = "",
        [KZ_FIELD_MISSING] = "field.required",
        [KZ_FIELD_TOO_LONG] = "field.too_long",
        [KZ_FIELD_CHARACTERS] = "field.characters",
        [KZ_FIELD_NO_EMAIL] = "field.email",
        [KZ_FIELD_NO_USER] = "field.user",
        [KZ_FIELD_NO_SLUG] = "field.invalid",
        [KZ_FIELD_NO_VALUE] = "field.choice",
    };

    return keys[fault];
}

/* "de or en" for "de|en". */
static const char *in_words(const char *values, apr_pool_t *pool)
{
    const char *words = "";

    while (*values) {
        size_t len = strcspn(values, "|");

        words =
            apr_pstrcat(pool, words, *words ? " or " : "", apr_pstrmemdup(pool, values, len), NULL);
        values += len + (values[len] == '|');
    }
    return words;
}

/* FAULT of FIELD in English. */
static const char *explain(const kz_field_t *field, kz_field_fault_t fault, apr_pool_t *pool)
{
    int least = (int)field->least, most = (int)field->most;

    switch (fault) {
    case KZ_FIELD_MISSING:
        return "something has to be there";
    case KZ_FIELD_TOO_LONG:
        return apr_psprintf(pool, "longer than %d characters", most);
    case KZ_FIELD_CHARACTERS:
        return "not UTF-8, or a control character or the end of a line in it";
    case KZ_FIELD_NO_EMAIL:
        return "no mail address";
    case KZ_FIELD_NO_USER:
        return apr_psprintf(pool, "%d to %d characters of a-z, 0-9, dot and dash", least, most);
    case KZ_FIELD_NO_SLUG:
        return apr_psprintf(pool, "%d to %d characters of a-z, 0-9 and -, no - at either end",
                            least, most);
    default:
        return apr_pstrcat(pool, "has to be ", in_words(field->values, pool), NULL);
    }
}

kz_err_t *kz_field_take(const char **value, kz_field_id_t id, const char *typed, apr_pool_t *pool)
{
    kz_field_fault_t fault = kz_field_read(value, id, typed, typed ? strlen(typed) : 0, pool);

    if (fault == KZ_FIELD_FINE)
        return NULL;
    return kz_err_create(KZ_ERR_INVALID, "%s: %s", kz_fields[id].name,
                         explain(&kz_fields[id], fault, pool));
}
