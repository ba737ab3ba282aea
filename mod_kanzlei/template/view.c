#include "template/view.h"

#include <string.h>

#include <apr_strings.h>

#include "base/log.h"
#include "base/time.h"
#include "template/words.h"

struct kz_view_t {
    kz_value_t value; /* an object */
    const kz_words_t *words;
    apr_pool_t *pool;
    long today; /* kz_time_day_number() of the moment at which it was made */
};

kz_view_t *kz_view_create(const kz_words_t *words, apr_pool_t *pool)
{
    kz_view_t *view = apr_palloc(pool, sizeof *view);

    view->value = kz_value_object(pool);
    view->words = words;
    view->pool = pool;
    view->today = kz_time_day_number(apr_time_now());
    return view;
}

const kz_value_t *kz_view_value(const kz_view_t *view)
{
    return &view->value;
}

const char *kz_view_said(const kz_view_t *view, const char *name)
{
    const kz_value_t *value = kz_value_named(&view->value, name);

    return value && value->kind == KZ_VALUE_TEXT ? value->text : NULL;
}

const kz_words_t *kz_view_words(const kz_view_t *view)
{
    return view->words;
}

apr_pool_t *kz_view_pool(const kz_view_t *view)
{
    return view->pool;
}

static kz_view_t *wrap(kz_view_t *view, kz_value_t object)
{
    kz_view_t *made = apr_pmemdup(view->pool, view, sizeof *view);

    made->value = object;
    return made;
}

static kz_value_t *place(kz_view_t *view, const char *name)
{
    return kz_value_member(view->value.object, name, view->pool);
}

kz_view_t *kz_view_object(kz_view_t *view, const char *name)
{
    kz_value_t *value = place(view, name);

    if (value->kind != KZ_VALUE_OBJECT)
        *value = kz_value_object(view->pool);
    return wrap(view, *value);
}

void kz_view_same(kz_view_t *view, const char *name, const kz_view_t *object)
{
    *place(view, name) = object->value;
}

static kz_value_list_t *list(kz_view_t *view, const char *name)
{
    kz_value_t *value = place(view, name);

    if (value->kind != KZ_VALUE_LIST)
        *value = kz_value_list(view->pool);
    return value->list;
}

void kz_view_list(kz_view_t *view, const char *name)
{
    list(view, name);
}

kz_view_t *kz_view_row(kz_view_t *view, const char *name)
{
    return wrap(view, kz_value_row(list(view, name), view->pool));
}

void kz_view_cut(kz_view_t *view, const char *name, int *n, int most)
{
    kz_view_flag(view, name, *n > most);
    if (*n > most)
        *n = most;
}

kz_view_t *kz_view_at(kz_view_t *view, const char *name, int at)
{
    return wrap(view, list(view, name)->items[at]);
}

void kz_view_text(kz_view_t *view, const char *name, const char *value)
{
    *place(view, name) = value && *value ? kz_value_text(value, strlen(value), view->pool)
                                         : (kz_value_t){.kind = KZ_VALUE_NULL};
}

void kz_view_flag(kz_view_t *view, const char *name, int value)
{
    *place(view, name) = (kz_value_t){.kind = value ? KZ_VALUE_TRUE : KZ_VALUE_FALSE};
}

void kz_view_number(kz_view_t *view, const char *name, apr_int64_t value)
{
    *place(view, name) = (kz_value_t){.kind = KZ_VALUE_INTEGER, .integer = value};
}

void kz_view_count(kz_view_t *view, const char *name, apr_int64_t value)
{
    if (value > 0 && value < 100)
        kz_view_number(view, name, value);
    else
        kz_view_text(view, name, value > 0 ? "99+" : NULL);
}

const char *kz_view_phrase(const kz_words_t *words, const char *key, const kz_view_t *view,
                           apr_pool_t *pool)
{
    const char *text;
    kz_err_t *err =
        kz_templates_text(&text, words->templates, key, view ? &view->value : NULL, pool);

    if (!err)
        return text;
    kz_log_err(KZ_LOG_WARNING, KZ_LOGNO(0021) "a text: ", err);
    return key;
}

void kz_view_say(kz_view_t *view, const char *name, const char *key)
{
    kz_view_text(view, name, kz_view_phrase(view->words, key, view, view->pool));
}

void kz_view__time(kz_view_t *view, const char *name, const char *name_text, const char *name_exact,
                   apr_time_t value)
{
    const char *iso = NULL, *text = NULL, *exact = NULL;

    if (value != 0) {
        iso = kz_time_iso(value, view->pool);
        text = kz_words_time(&exact, view->words, value, view->today, view->pool);
    }
    kz_view_text(view, name, iso);
    kz_view_text(view, name_text, text);
    kz_view_text(view, name_exact, exact);
}

void kz_view_date(kz_view_t *view, const char *name, apr_time_t value)
{
    kz_time_parts_t at;

    kz_time_parts(&at, value);
    kz_view_text(view, name, kz_words_date(view->words, &at, view->pool));
}

void kz_view__size(kz_view_t *view, const char *name, const char *name_text, apr_int64_t value)
{
    kz_view_number(view, name, value);
    kz_view_text(view, name_text, kz_words_size(view->words, value, view->pool));
}

void kz_view_enum(kz_view_t *view, const char *name, const char *value, const char *values)
{
    (void)values; /* for template/names */
    kz_view_text(view, name, value);
    if (value)
        kz_view_flag(view, apr_pstrcat(view->pool, name, "_", value, NULL), 1);
}
