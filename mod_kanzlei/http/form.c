#include "http/form.h"

#include <string.h>

#include <apr_strings.h>

#include "base/str.h"
#include "base/text.h"
#include "model/field.h"
#include "model/people/password.h"

struct kz_form_t {
    kz_request_t *rq;
    apr_table_t *typed;  /* the typed values, as they go back into the page */
    apr_table_t *wrong;  /* field to sentence, in the order of the checks */
    apr_table_t *chosen; /* field_value of radio buttons and boxes */
};

kz_form_t *kz_form_open(kz_request_t *rq)
{
    kz_form_t *form = apr_pcalloc(rq->pool, sizeof *form);

    form->rq = rq;
    form->typed = apr_table_make(rq->pool, 16);
    form->wrong = apr_table_make(rq->pool, 4);
    form->chosen = apr_table_make(rq->pool, 8);
    return form;
}

void kz_form_fail_text(kz_form_t *form, const char *name, const char *text)
{
    if (!apr_table_get(form->wrong, name))
        apr_table_setn(form->wrong, name, text);
}

void kz_form_fail(kz_form_t *form, const char *name, const char *key)
{
    kz_form_fail_text(form, name, kz_view_phrase(form->rq->words, key, NULL, form->rq->pool));
}

int kz_form_failed(const kz_form_t *form)
{
    return !apr_is_empty_table(form->wrong);
}

/* The field NAME as it came, put down for the page unless nobody could show it. */
static const char *typed(kz_form_t *form, const char *name)
{
    const char *value = kz_request_form(form->rq, name);
    size_t len = value ? strlen(value) : 0;

    if (kz_str_is_utf8(value, len))
        apr_table_setn(form->typed, name, value ? value : "");
    return value;
}

static const char *read_field(kz_form_t *form, const kz_field_t *field)
{
    const char *value;
    kz_field_fault_t fault = kz_field_read(&value, field, typed(form, field->name), form->rq->pool);

    if (fault == KZ_FIELD_FINE)
        apr_table_setn(form->typed, field->name, value);
    else
        kz_form_fail(form, field->name, kz_field_key(fault));
    return value;
}

const char *kz_form_text(kz_form_t *form, const char *name, size_t max, kz_form_need_t need)
{
    return read_field(form, &(kz_field_t){name, KZ_FIELD_LINE, need == KZ_FORM_REQUIRED, max});
}

const char *kz_form_number(kz_form_t *form, const char *name, size_t max, kz_form_need_t need)
{
    return read_field(form, &(kz_field_t){name, KZ_FIELD_NUMBER, need == KZ_FORM_REQUIRED, max});
}

const char *kz_form_user(kz_form_t *form, const char *name)
{
    return read_field(form, &(kz_field_t){name, KZ_FIELD_USER, 2, 64});
}

const char *kz_form_email(kz_form_t *form, const char *name, kz_form_need_t need)
{
    return read_field(form, &(kz_field_t){name, KZ_FIELD_EMAIL, need == KZ_FORM_REQUIRED, 254});
}

const char *kz_form_choice(kz_form_t *form, const char *name, const char *values)
{
    const char *value = kz_request_form(form->rq, name);
    size_t len;
    const char *first = NULL;

    for (; *values; values += len + (values[len] == '|')) {
        len = strcspn(values, "|");
        if (!first)
            first = apr_pstrmemdup(form->rq->pool, values, len);
        if (value && strlen(value) == len && memcmp(value, values, len) == 0)
            break;
    }
    if (!*values && value && *value)
        kz_form_fail(form, name, "field.choice");
    if (!*values)
        value = first;
    apr_table_setn(form->typed, name, value);
    apr_table_setn(form->chosen, apr_pstrcat(form->rq->pool, name, "_", value, NULL), "");
    return value;
}

const char *kz_form_secret(kz_form_t *form, const char *name)
{
    const char *value = kz_request_form(form->rq, name);

    if (!value || !*value)
        kz_form_fail(form, name, "field.required");
    else if (kz_text_length(value) > KZ_PASSWORD_MAX)
        kz_form_fail(form, name, "field.too_long");
    else
        return value;
    return "";
}

int kz_form_ticked(kz_form_t *form, const char *name)
{
    const char *value = kz_request_form(form->rq, name);
    int on = value && *value && strcmp(value, "0") != 0 && strcmp(value, "false") != 0;

    if (on)
        apr_table_setn(form->chosen, name, "");
    return on;
}

kz_view_t *kz_form_again(kz_reply_t *out, kz_form_t *form, const char *page)
{
    kz_view_t *view = kz_reply_page(out, page);
    kz_view_t *fields = kz_view_object(view, "form"), *problem = kz_view_object(view, "problem");
    const apr_table_entry_t *entry;
    int i;

    out->status = 422;
    entry = (const apr_table_entry_t *)apr_table_elts(form->typed)->elts;
    for (i = 0; i < apr_table_elts(form->typed)->nelts; i++)
        kz_view_text(fields, entry[i].key, entry[i].val);
    entry = (const apr_table_entry_t *)apr_table_elts(form->chosen)->elts;
    for (i = 0; i < apr_table_elts(form->chosen)->nelts; i++)
        kz_view_flag(fields, entry[i].key, 1);
    kz_view_say(problem, "title", "form.problem");
    kz_view_list(problem, "fields");
    entry = (const apr_table_entry_t *)apr_table_elts(form->wrong)->elts;
    for (i = 0; i < apr_table_elts(form->wrong)->nelts; i++) {
        kz_view_t *row = kz_view_row(problem, "fields");

        kz_view_text(row, "name", entry[i].key);
        kz_view_text(row, "text", entry[i].val);
        kz_view_text(fields, apr_pstrcat(out->pool, "err_", entry[i].key, NULL), entry[i].val);
    }
    return view;
}
