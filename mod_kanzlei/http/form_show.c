/* The fields of a form as part/field.html shows them. */
#include "http/form.h"

#include <string.h>

#include <apr_strings.h>

/* What the kinds that are one line have as the input's type, and how browsers help to write them.
 */
static const struct {
    const char *type;
    const char *capitals; /* autocapitalize; with it nothing is corrected. NULL: as usual */
} looks[] = {
    [KZ_FIELD_LINE] = {"text", NULL},       [KZ_FIELD_AREA] = {NULL, NULL},
    [KZ_FIELD_NUMBER] = {"text", NULL},     [KZ_FIELD_USER] = {"text", "none"},
    [KZ_FIELD_LOGIN] = {"text", "none"},    [KZ_FIELD_EMAIL] = {"email", NULL},
    [KZ_FIELD_SLUG] = {"text", "none"},     [KZ_FIELD_CODE] = {"text", "characters"},
    [KZ_FIELD_SECRET] = {"password", NULL}, [KZ_FIELD_FILE] = {NULL, NULL},
    [KZ_FIELD_ID] = {NULL, NULL},           [KZ_FIELD_CHOICE] = {NULL, NULL},
    [KZ_FIELD_RIGHTS] = {NULL, NULL},
};

/* The values of a choice, each with its text. */
static void show_options(kz_view_t *row, kz_view_t *form, const kz_field_t *field)
{
    apr_pool_t *pool = kz_view_pool(row);
    const char *at = field->values, *chosen = kz_view_said(form, field->name);

    kz_view_list(row, "options");
    while (*at) {
        size_t len = strcspn(at, "|");
        const char *value = apr_pstrmemdup(pool, at, len);
        kz_view_t *option = kz_view_row(row, "options");

        kz_view_text(option, "value", value);
        kz_view_say(option, "label", apr_pstrcat(pool, field->name, ".", value, NULL));
        kz_view_flag(option, "checked", chosen && strcmp(chosen, value) == 0);
        at += len + (at[len] == '|');
    }
}

/* A choice that FORM says nothing of gets its first value. */
static void choose_first(kz_view_t *form, const kz_field_t *field)
{
    if (field->kind == KZ_FIELD_CHOICE && !kz_view_said(form, field->name))
        kz_view_enum(form, field->name,
                     apr_pstrmemdup(kz_view_pool(form), field->values, strcspn(field->values, "|")),
                     field->values);
}

static void show_field(kz_view_t *row, kz_view_t *form, const kz_field_t *field)
{
    apr_pool_t *pool = kz_view_pool(row);
    kz_field_kind_t kind = field->kind;

    kz_view_text(row, "name", field->name);
    kz_view_say(row, "label", field->label);
    kz_view_text(row, "hint", NULL);
    if (field->more & KZ_HINT)
        kz_view_say(row, "hint", apr_pstrcat(pool, field->label, "_hint", NULL));
    kz_view_text(row, "value", kind == KZ_FIELD_SECRET ? NULL : kz_view_said(form, field->name));
    kz_view_text(row, "error", kz_view_said(form, apr_pstrcat(pool, "err_", field->name, NULL)));
    kz_view_flag(row, "required", field->least > 0);
    kz_view_number(row, "most", (apr_int64_t)field->most);
    kz_view_text(row, "autocomplete", field->autocomplete);
    kz_view_flag(row, "focus", field->more & KZ_FOCUS);
    kz_view_flag(row, "small", kind == KZ_FIELD_NUMBER);
    kz_view_text(row, "type", kind == KZ_FIELD_SECRET ? NULL : looks[kind].type);
    kz_view_text(row, "capitals", looks[kind].capitals);
    kz_view_flag(row, "is_area", kind == KZ_FIELD_AREA);
    kz_view_flag(row, "is_secret", kind == KZ_FIELD_SECRET);
    kz_view_flag(row, "is_choice", kind == KZ_FIELD_CHOICE);
    if (kind == KZ_FIELD_CHOICE)
        show_options(row, form, field);
}

void kz_form_show(kz_view_t *view, const kz_request_t *rq, kz_form_id_t id)
{
    kz_view_t *form = kz_view_object(view, "form");
    int i;

    for (i = 0; i < KZ_FIELDS; i++) {
        const kz_field_t *field = &kz_fields[i];
        kz_view_t *row;

        if (field->form != id || !*field->label)
            continue;
        choose_first(form, field);
        if (rq->json)
            continue;
        row = kz_view_row(view, "inputs");
        show_field(row, form, field);
        kz_view_same(kz_view_object(view, "input"), field->name, row);
    }
}

void kz_form_edit(kz_reply_t *out, kz_view_t *view, const kz_request_t *rq, kz_form_id_t id)
{
    unsigned char *version = apr_palloc(rq->pool, KZ_REPLY_VERSION);

    kz_form_show(view, rq, id);
    kz_form__version(version, kz_view_object(view, "form"), id);
    out->version = version;
    if (rq->json)
        kz_reply_header(out, "ETag", kz_form__etag(version, rq->pool));
}
