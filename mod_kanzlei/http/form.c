#include "http/form.h"

#include <string.h>

#include <apr_strings.h>

#include "base/str.h"

struct kz_form_t {
    kz_request_t *rq;
    kz_form_id_t id;
    const char *values[KZ_FIELDS]; /* of its own fields; the others stay NULL */
    apr_table_t *typed;            /* what goes back into the page */
    apr_table_t *wrong;            /* field to sentence, in the order of the checks */
    apr_table_t *chosen;           /* field_value of radio buttons and boxes */
    apr_table_t *stored;           /* what is stored now in fields that somebody else changed */
    unsigned char version[KZ_REPLY_VERSION]; /* of what is stored, when it was compared */
    int compared;
};

void kz_form_take(kz_form_t *form, kz_field_id_t field, const char *value)
{
    form->values[field] = value;
}

void kz_form_fail(kz_form_t *form, kz_field_id_t field, const char *key)
{
    const kz_field_t *wrong = &kz_fields[field];
    kz_view_t *limits = kz_view_create(form->rq->words, form->rq->pool);

    if (apr_table_get(form->wrong, wrong->name))
        return;
    kz_view_number(limits, "least", (apr_int64_t)wrong->least);
    kz_view_number(limits, "most", (apr_int64_t)wrong->most);
    apr_table_setn(form->wrong, wrong->name,
                   kz_view_phrase(form->rq->words, key, limits, form->rq->pool));
}

int kz_form_failed(const kz_form_t *form)
{
    return !apr_is_empty_table(form->wrong);
}

/* Puts down what goes back into the page: what is kept of a field, or what was typed if that is
 * wrong and can be shown. */
static void put_down(kz_form_t *form, const kz_field_t *field, const char *value, const char *typed)
{
    if (field->kind == KZ_FIELD_SECRET)
        return;
    if (*value || !typed || !kz_str_is_utf8(typed, strlen(typed)))
        typed = value;
    apr_table_setn(form->typed, field->name, typed);
    if (field->kind == KZ_FIELD_CHOICE)
        apr_table_setn(form->chosen, apr_pstrcat(form->rq->pool, field->name, "_", value, NULL),
                       "");
}

static void read_field(kz_form_t *form, kz_field_id_t id)
{
    const kz_field_t *field = &kz_fields[id];
    const char *typed = kz_request_form(form->rq, field->name);
    kz_field_fault_t fault =
        kz_field_read(&form->values[id], id, typed, typed ? strlen(typed) : 0, form->rq->pool);

    put_down(form, field, form->values[id], typed);
    if (fault != KZ_FIELD_FINE)
        kz_form_fail(form, id, kz_field_key(fault));
}

kz_form_t *kz_form_read(kz_request_t *rq, kz_form_id_t id)
{
    kz_form_t *form = apr_pcalloc(rq->pool, sizeof *form);
    int field;

    form->rq = rq;
    form->id = id;
    form->typed = apr_table_make(rq->pool, 16);
    form->wrong = apr_table_make(rq->pool, 4);
    form->chosen = apr_table_make(rq->pool, 8);
    form->stored = apr_table_make(rq->pool, 4);
    for (field = 0; field < KZ_FIELDS; field++) {
        if (kz_fields[field].form == id && kz_fields[field].kind != KZ_FIELD_RIGHTS)
            read_field(form, (kz_field_id_t)field);
    }
    return form;
}

const char *kz_form_value(const kz_form_t *form, kz_field_id_t field)
{
    return form->values[field] ? form->values[field] : "";
}

int kz_form_ticked(kz_form_t *form, const char *name)
{
    const char *value = kz_request_form(form->rq, name);
    int on = value && *value && strcmp(value, "0") != 0 && strcmp(value, "false") != 0;

    if (on)
        apr_table_setn(form->chosen, name, "");
    return on;
}

/* VALUE of FIELD as people read it: the text of a choice, those of rights. */
static const char *spoken(const kz_form_t *form, const kz_field_t *field, const char *value)
{
    apr_pool_t *pool = form->rq->pool;
    const char *said = "", *prefix = field->kind == KZ_FIELD_RIGHTS ? "right" : field->name;

    if (field->kind != KZ_FIELD_RIGHTS && field->kind != KZ_FIELD_CHOICE)
        return value;
    while (*value) {
        size_t len = strcspn(value, " ");
        const char *key = apr_pstrcat(pool, prefix, ".", apr_pstrmemdup(pool, value, len), NULL);

        said = apr_pstrcat(pool, said, *said ? ", " : "",
                           kz_view_phrase(form->rq->words, key, NULL, pool), NULL);
        value += len + (value[len] == ' ');
    }
    return said;
}

/* Says at FIELD that NOW is stored there, which is not what was typed. */
static void say_stored(kz_form_t *form, const kz_field_t *field, const char *now)
{
    kz_view_t *words = kz_view_create(form->rq->words, form->rq->pool);
    const char *said = spoken(form, field, now);

    kz_view_text(words, "now", said);
    apr_table_set(form->stored, field->name, said);
    if (apr_table_get(form->wrong, field->name)) /* and it can't be stored: that comes first */
        return;
    apr_table_setn(form->wrong, field->name,
                   kz_view_phrase(form->rq->words, *said ? "form.stored" : "form.stored_empty",
                                  words, form->rq->pool));
}

kz_err_t *kz_form_compare(kz_form_t *form, kz_view_t *stored)
{
    int i, from;

    kz_form__version(form->version, stored, form->id);
    form->compared = 1;
    from = kz_form__is_from(form->rq, form->version);
    if (from < 0)
        return kz_err_create(KZ_ERR_VERSION_NEEDED, "neither a version nor If-Match");
    for (i = 0; !from && i < KZ_FIELDS; i++) {
        const char *now = kz_view_said(stored, kz_fields[i].name);

        if (kz_fields[i].form == form->id &&
            strcmp(now ? now : "", kz_form_value(form, (kz_field_id_t)i)) != 0)
            say_stored(form, &kz_fields[i], now ? now : "");
    }
    return NULL;
}

static void fill_problem(kz_view_t *view, kz_view_t *fields, const kz_form_t *form)
{
    const apr_array_header_t *rows = apr_table_elts(form->wrong);
    kz_view_t *problem = kz_view_object(view, "problem");
    int i;

    kz_view_say(problem, "title", "form.problem");
    if (!apr_is_empty_table(form->stored))
        kz_view_say(problem, "detail", "form.conflict");
    kz_view_list(problem, "fields");
    for (i = 0; i < rows->nelts; i++) {
        const apr_table_entry_t *entry = &APR_ARRAY_IDX(rows, i, apr_table_entry_t);
        kz_view_t *row = kz_view_row(problem, "fields");

        kz_view_text(row, "name", entry->key);
        kz_view_text(row, "text", entry->val);
        if (apr_table_get(form->stored, entry->key)) { /* both values, for a program */
            kz_view_text(row, "stored", apr_table_get(form->stored, entry->key));
            kz_view_text(row, "sent", apr_table_get(form->typed, entry->key));
        }
        kz_view_text(fields, apr_pstrcat(kz_view_pool(view), "err_", entry->key, NULL), entry->val);
    }
}

kz_view_t *kz_form_again(kz_reply_t *out, kz_form_t *form, const char *page)
{
    kz_view_t *view = kz_reply_page(out, page), *fields = kz_view_object(view, "form");
    const apr_array_header_t *rows = apr_table_elts(form->typed);
    int i;

    out->status = apr_is_empty_table(form->stored) ? 422 : 409;
    out->version = form->compared ? form->version : NULL;
    for (i = 0; i < rows->nelts; i++) {
        const apr_table_entry_t *entry = &APR_ARRAY_IDX(rows, i, apr_table_entry_t);

        kz_view_text(fields, entry->key, entry->val);
    }
    rows = apr_table_elts(form->chosen);
    for (i = 0; i < rows->nelts; i++)
        kz_view_flag(fields, APR_ARRAY_IDX(rows, i, apr_table_entry_t).key, 1);
    fill_problem(view, fields, form);
    kz_form_show(view, form->rq, form->id);
    return view;
}
