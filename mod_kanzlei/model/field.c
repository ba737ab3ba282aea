#include "model/field.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/text.h"
#include "io/mail/mail.h"

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
    case KZ_FIELD_LINE:
    case KZ_FIELD_NUMBER:
        break;
    }
    return KZ_FIELD_FINE;
}

kz_field_fault_t kz_field_read(const char **value, const kz_field_t *field, const char *typed,
                               apr_pool_t *pool)
{
    size_t len = typed ? strlen(typed) : 0;
    kz_field_fault_t fault = KZ_FIELD_FINE;
    const char *folded;

    *value = "";
    if (len > KZ_TEXT_MAX)
        return KZ_FIELD_TOO_LONG;
    folded = field->kind == KZ_FIELD_LINE ? kz_text_line(typed ? typed : "", len, pool)
                                          : kz_text_token(typed ? typed : "", len, pool);
    if (!folded)
        return KZ_FIELD_CHARACTERS;
    if (field->kind == KZ_FIELD_USER)
        folded = small_ascii(folded, pool);
    if (kz_text_length(folded) > field->most)
        return KZ_FIELD_TOO_LONG;
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
    };

    return keys[fault];
}

kz_err_t *kz_field_take(const char **value, const kz_field_t *field, const char *typed,
                        apr_pool_t *pool)
{
    int least = (int)field->least, most = (int)field->most;

    switch (kz_field_read(value, field, typed, pool)) {
    case KZ_FIELD_FINE:
        return NULL;
    case KZ_FIELD_MISSING:
        return kz_err_create(KZ_ERR_INVALID, "%s: something has to be there", field->name);
    case KZ_FIELD_TOO_LONG:
        return kz_err_create(KZ_ERR_INVALID, "%s: longer than %d characters", field->name, most);
    case KZ_FIELD_CHARACTERS:
        return kz_err_create(KZ_ERR_INVALID, "%s: not UTF-8, or a control character", field->name);
    case KZ_FIELD_NO_EMAIL:
        return kz_err_create(KZ_ERR_INVALID, "%s: no mail address", field->name);
    case KZ_FIELD_NO_USER:
        return kz_err_create(KZ_ERR_INVALID, "%s: %d to %d characters of a-z, 0-9, dot and dash",
                             field->name, least, most);
    case KZ_FIELD_NO_SLUG:
        return kz_err_create(KZ_ERR_INVALID,
                             "%s: %d to %d characters of a-z, 0-9 and -, no - at either end",
                             field->name, least, most);
    }
    return kz_err_create(KZ_ERR_INTERNAL, "a fault of a field without words");
}
