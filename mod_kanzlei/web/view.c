#include "web/view.h"

#include <string.h>

#include <apr_strings.h>

#include "base/time.h"
#include "web/words.h"

struct kz_view_t {
    json_t *json;
    const kz_words_t *words;
    apr_pool_t *pool;
    apr_time_t now;
};

static apr_status_t drop(void *json)
{
    json_decref(json);
    return APR_SUCCESS;
}

kz_view_t *kz_view_create(const kz_words_t *words, apr_pool_t *pool)
{
    kz_view_t *view = apr_pcalloc(pool, sizeof *view);

    view->json = json_object();
    view->words = words;
    view->pool = pool;
    view->now = apr_time_now();
    apr_pool_cleanup_register(pool, view->json, drop, apr_pool_cleanup_null);
    return view;
}

json_t *kz_view_json(const kz_view_t *view)
{
    return view->json;
}

const kz_words_t *kz_view_words(const kz_view_t *view)
{
    return view->words;
}

apr_pool_t *kz_view_pool(const kz_view_t *view)
{
    return view->pool;
}

static kz_view_t *wrap(kz_view_t *view, json_t *json)
{
    kz_view_t *made = apr_pmemdup(view->pool, view, sizeof *view);

    made->json = json;
    return made;
}

kz_view_t *kz_view_object(kz_view_t *view, const char *name)
{
    json_t *object = json_object_get(view->json, name);

    if (!json_is_object(object)) {
        object = json_object();
        json_object_set_new(view->json, name, object);
    }
    return wrap(view, object);
}

static json_t *list(kz_view_t *view, const char *name)
{
    json_t *array = json_object_get(view->json, name);

    if (!json_is_array(array)) {
        array = json_array();
        json_object_set_new(view->json, name, array);
    }
    return array;
}

void kz_view_list(kz_view_t *view, const char *name)
{
    list(view, name);
}

kz_view_t *kz_view_row(kz_view_t *view, const char *name)
{
    json_t *object = json_object();

    json_array_append_new(list(view, name), object);
    return wrap(view, object);
}

static void set(kz_view_t *view, const char *name, json_t *value)
{
    json_object_set_new(view->json, name, value ? value : json_null());
}

void kz_view_text(kz_view_t *view, const char *name, const char *value)
{
    set(view, name, value && *value ? json_string(value) : NULL);
}

void kz_view_flag(kz_view_t *view, const char *name, int value)
{
    set(view, name, json_boolean(value));
}

void kz_view_number(kz_view_t *view, const char *name, apr_int64_t value)
{
    set(view, name, json_integer(value));
}

void kz_view_count(kz_view_t *view, const char *name, apr_int64_t value)
{
    if (value >= 100)
        kz_view_text(view, name, "99+");
    else
        set(view, name, value > 0 ? json_integer(value) : NULL);
}

static const char *suffixed(const kz_view_t *view, const char *name, const char *suffix)
{
    return apr_pstrcat(view->pool, name, "_", suffix, NULL);
}

const char *kz_view_phrase(const kz_words_t *words, const char *key, const kz_view_t *view,
                           apr_pool_t *pool)
{
    const char *text;
    json_t *json = view ? json_incref(view->json) : json_object();
    kz_err_t *err = kz_templates_text(&text, words->templates, key, json, pool);

    json_decref(json);
    if (!err)
        return text;
    kz_err_free(err);
    return key;
}

void kz_view_say(kz_view_t *view, const char *name, const char *key)
{
    kz_view_text(view, name, kz_view_phrase(view->words, key, view, view->pool));
}

void kz_view_time(kz_view_t *view, const char *name, apr_time_t value)
{
    const char *iso = NULL, *text = NULL, *exact = NULL;

    if (value != 0) {
        iso = kz_time_iso(value, view->pool);
        text = kz_words_time(&exact, view->words, value, view->now, view->pool);
    }
    kz_view_text(view, name, iso);
    kz_view_text(view, suffixed(view, name, "text"), text);
    kz_view_text(view, suffixed(view, name, "exact"), exact);
}

void kz_view_date(kz_view_t *view, const char *name, apr_time_t value)
{
    kz_time_parts_t at;

    kz_time_parts(&at, value, view->now);
    kz_view_text(view, name, kz_words_date(view->words, &at, view->pool));
}

void kz_view_size(kz_view_t *view, const char *name, apr_int64_t value)
{
    kz_view_number(view, name, value);
    kz_view_text(view, suffixed(view, name, "text"), kz_words_size(view->words, value, view->pool));
}

void kz_view_enum(kz_view_t *view, const char *name, const char *value, const char *values)
{
    (void)values; /* for web/names */
    kz_view_text(view, name, value);
    if (value)
        kz_view_flag(view, suffixed(view, name, value), 1);
}
