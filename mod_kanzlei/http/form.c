#include "http/form.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/str.h"
#include "io/mail/mail.h"

#define KZ_FORM_SECRET_MAX 1000 /* bytes of a password */

struct kz_form_t {
    kz_request_t *rq;
    apr_table_t *typed;  /* what goes back into the page */
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

/* The field without blanks at its ends, and put down as typed. */
static const char *taken(kz_form_t *form, const char *name)
{
    const char *value = kz_request_form(form->rq, name);
    size_t len;

    if (!value)
        value = "";
    while (apr_isspace(*value))
        value++;
    len = strlen(value);
    while (len > 0 && apr_isspace(value[len - 1]))
        len--;
    value = apr_pstrmemdup(form->rq->pool, value, len);
    if (kz_str_is_utf8(value, len))
        apr_table_setn(form->typed, name, value);
    return value;
}

static int has_control(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return 1;
    }
    return 0;
}

const char *kz_form_text(kz_form_t *form, const char *name, size_t max, kz_form_need_t need)
{
    const char *value = taken(form, name);

    if (*value == '\0' && need == KZ_FORM_REQUIRED)
        kz_form_fail(form, name, "field.required");
    else if (strlen(value) > max)
        kz_form_fail(form, name, "field.too_long");
    else if (!kz_str_is_utf8(value, strlen(value)) || has_control(value))
        kz_form_fail(form, name, "field.characters");
    else
        return value;
    return "";
}

const char *kz_form_email(kz_form_t *form, const char *name, kz_form_need_t need)
{
    const char *value = kz_form_text(form, name, 254, need), *ascii;
    kz_err_t *err = *value ? kz_mail_address(&ascii, value, form->rq->pool) : NULL;

    if (!err)
        return value;
    kz_err_free(err);
    kz_form_fail(form, name, "field.email");
    return "";
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
    else if (strlen(value) > KZ_FORM_SECRET_MAX)
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
