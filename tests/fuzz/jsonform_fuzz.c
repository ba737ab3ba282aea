/* The fields of a form, sent as JSON: they are those that jansson reads, and stay the same when
 * written as JSON and read again. */
#include "http/jsonform.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <jansson.h>

#define MAX 16

static apr_pool_t *pool;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Returns whether FIELD has the value of VALUE. NULL: the field is absent. */
static int is_same(const char *field, const json_t *value)
{
    char number[32];

    if (json_is_false(value) || json_is_null(value))
        return !field;
    if (!field)
        return 0;
    if (json_is_true(value))
        return strcmp(field, "1") == 0;
    if (json_is_string(value))
        return strlen(field) == json_string_length(value) &&
               strcmp(field, json_string_value(value)) == 0;
    snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return json_is_integer(value) && strcmp(field, number) == 0;
}

/* Every field comes from a member of the same name, and no member is lost. */
static void compare(const apr_table_t *form, const char *text, size_t len)
{
    json_t *object = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL), *value;
    const apr_array_header_t *fields = apr_table_elts(form);
    const char *name;

    if (!json_is_object(object) || json_object_size(object) > MAX)
        abort();
    for (int i = 0; i < fields->nelts; i++) {
        const apr_table_entry_t *field = &APR_ARRAY_IDX(fields, i, apr_table_entry_t);

        if (!is_same(field->val, json_object_get(object, field->key)))
            abort();
    }
    json_object_foreach(object, name, value)
    {
        if (!json_is_false(value) && !json_is_null(value) &&
            !is_same(apr_table_get(form, name), value))
            abort();
    }
    json_decref(object);
}

static void parse_again(const apr_table_t *form)
{
    const apr_array_header_t *fields = apr_table_elts(form);
    apr_table_t *again = apr_table_make(pool, 4);
    json_t *object = json_object();
    char *text;

    for (int i = 0; i < fields->nelts; i++) {
        const apr_table_entry_t *field = &APR_ARRAY_IDX(fields, i, apr_table_entry_t);

        json_object_set_new(object, field->key, json_string(field->val));
    }
    text = json_dumps(object, 0);
    if (!text || kz_jsonform_parse(again, text, strlen(text), MAX) ||
        apr_table_elts(again)->nelts != fields->nelts)
        abort();
    compare(again, text, strlen(text));
    free(text);
    json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_table_t *form;
    kz_err_t *err;

    if (!pool) {
        apr_initialize();
        apr_pool_create(&pool, NULL);
    }
    form = apr_table_make(pool, 4);
    err = kz_jsonform_parse(form, (const char *)data, size, MAX);
    if (!err) {
        compare(form, (const char *)data, size);
        parse_again(form);
    }
    kz_err_free(err);
    apr_pool_clear(pool);
    return 0;
}
