#include "template/template.h"

#include <string.h>

#include <apr_strings.h>

#include "template/template_tree.h"

static int is_html(const char *name)
{
    const char *dot = strrchr(name, '.');

    return !dot || strcmp(dot, ".txt") != 0;
}

static kz_err_t *find_template(const kz_template_t **found, const kz_templates_t *templates,
                               const char *name)
{
    *found = apr_hash_get(templates->by_name, name, APR_HASH_KEY_STRING);
    return *found ? NULL : kz_err_create(KZ_ERR_INTERNAL, "there is no template %s", name);
}

kz_err_t *kz_templates_render(kz_rendered_t *out, const kz_templates_t *templates, const char *name,
                              const char *layout, const kz_value_t *view, apr_pool_t *result_pool)
{
    kz_template__job_t job = {.view = view, .escape = is_html(name)};

    KZ_TRY(find_template(&job.template, templates, name));
    if (layout) {
        job.content = job.template;
        KZ_TRY(find_template(&job.template, templates, layout));
        if (!kz_template__is_layout(job.template))
            return kz_err_create(KZ_ERR_INTERNAL, "%s is no layout", layout);
    }
    return kz_template__render(&out->text, &out->len, &job, result_pool);
}

kz_err_t *kz_templates_text(const char **out, const kz_templates_t *templates, const char *key,
                            const kz_value_t *view, apr_pool_t *result_pool)
{
    kz_template__job_t job = {.view = view};
    apr_size_t len;

    job.template = apr_hash_get(templates->texts, key, APR_HASH_KEY_STRING);
    if (!job.template)
        return kz_err_create(KZ_ERR_INTERNAL, "there is no text %s", key);
    return kz_template__render(out, &len, &job, result_pool);
}

kz_err_t *kz_template_once(const char **out, apr_size_t *len, const char *source, json_t *partials,
                           const kz_value_t *view, apr_pool_t *result_pool)
{
    struct kz_templates_t set = {.by_name = apr_hash_make(result_pool), .lenient = 1};
    kz_template__job_t job = {.view = view, .escape = 1};
    apr_hash_index_t *entry;
    kz_template_t *template;
    const char *name;
    json_t *value;

    json_object_foreach(partials, name, value)
    {
        if (!json_is_string(value))
            return kz_err_create(KZ_ERR_CONFIG, "%s: not a string", name);
        KZ_TRY(kz_template__parse(&template, name, json_string_value(value),
                                  json_string_length(value), result_pool));
        apr_hash_set(set.by_name, name, APR_HASH_KEY_STRING, template);
    }
    for (entry = apr_hash_first(result_pool, set.by_name); entry; entry = apr_hash_next(entry))
        KZ_TRY(kz_template__link(apr_hash_this_val(entry), &set, result_pool));
    KZ_TRY(kz_template__parse(&template, "template", source, strlen(source), result_pool));
    KZ_TRY(kz_template__link(template, &set, result_pool));
    job.template = template;
    return kz_template__render(out, len, &job, result_pool);
}
