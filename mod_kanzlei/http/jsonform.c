#include "http/jsonform.h"

#include <apr_strings.h>
#include <jansson.h>

static kz_err_t *add_member(apr_table_t *form, const char *name, const json_t *value)
{
    apr_pool_t *pool = apr_table_elts(form)->pool;

    if (json_is_false(value) || json_is_null(value))
        return NULL;
    if (apr_table_get(form, name)) /* a table knows no case, unlike jansson */
        return kz_err_create(KZ_ERR_BAD_REQUEST, "a field stands twice in the JSON object");
    if (json_is_string(value))
        apr_table_set(form, name, json_string_value(value));
    else if (json_is_integer(value))
        apr_table_setn(
            form, apr_pstrdup(pool, name),
            apr_psprintf(pool, "%" APR_INT64_T_FMT, (apr_int64_t)json_integer_value(value)));
    else if (json_is_true(value))
        apr_table_set(form, name, "1");
    else
        return kz_err_create(KZ_ERR_BAD_REQUEST, "a field is neither text, number nor flag");
    return NULL;
}

static kz_err_t *add_members(apr_table_t *form, json_t *object, int max)
{
    const char *name;
    json_t *value;

    if (json_object_size(object) > (size_t)max)
        return kz_err_create(KZ_ERR_TOO_LARGE, "form: more than %d fields", max);
    json_object_foreach(object, name, value)
    {
        KZ_TRY(add_member(form, name, value));
    }
    return NULL;
}

kz_err_t *kz_jsonform_parse(apr_table_t *form, const char *body, size_t len, int max)
{
    json_error_t where;
    json_t *object = json_loadb(body, len, JSON_REJECT_DUPLICATES, &where);
    kz_err_t *err;

    if (json_is_object(object))
        err = add_members(form, object, max);
    else
        err = kz_err_create(KZ_ERR_BAD_REQUEST, "the body is no JSON object (line %d)", where.line);
    json_decref(object);
    return err;
}
