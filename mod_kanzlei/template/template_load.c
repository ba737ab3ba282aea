/* All templates of one language, from the folder in which they are installed. */
#include "template/template.h"

#include <stdlib.h>
#include <string.h>

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>

#include "base/str.h"
#include "template/template_tree.h"

#define FILE_MAX (1024 * 1024) /* bytes: no template is that large */

typedef struct loader_t {
    kz_templates_t *set;
    const char *dir;
    apr_pool_t *pool;
} loader_t;

static kz_err_t *read_file(const char **text, apr_size_t *len, const char *path, apr_pool_t *pool)
{
    apr_status_t status;
    apr_file_t *file;
    apr_finfo_t info;
    char *bytes;

    status = apr_file_open(&file, path, APR_READ | APR_BINARY, APR_OS_DEFAULT, pool);
    if (status)
        return kz_err_status(KZ_ERR_CONFIG, status, "%s", path);
    status = apr_file_info_get(&info, APR_FINFO_SIZE, file);
    if (!status && info.size > FILE_MAX) {
        apr_file_close(file);
        return kz_err_create(KZ_ERR_CONFIG, "%s: larger than %d bytes", path, FILE_MAX);
    }
    bytes = apr_pcalloc(pool, status ? 1 : (apr_size_t)info.size + 1);
    if (!status)
        status = apr_file_read_full(file, bytes, (apr_size_t)info.size, len);
    apr_file_close(file);
    if (status && status != APR_EOF)
        return kz_err_status(KZ_ERR_CONFIG, status, "%s", path);
    *text = bytes;
    return NULL;
}

static kz_err_t *load_template(const loader_t *loader, const char *name)
{
    const char *path = apr_pstrcat(loader->pool, loader->dir, "/", name, NULL), *source;
    kz_template_t *template;
    apr_size_t len;

    KZ_TRY(read_file(&source, &len, path, loader->pool));
    if (!kz_str_is_utf8(source, len))
        return kz_err_create(KZ_ERR_CONFIG, "%s: not UTF-8", name);
    KZ_TRY(kz_template__parse(&template, name, source, len, loader->pool));
    apr_hash_set(loader->set->by_name, name, APR_HASH_KEY_STRING, template);
    APR_ARRAY_PUSH(loader->set->all, kz_template_t *) = template;
    return NULL;
}

/* "matter.html", "invitation.txt": not what editors and package managers leave behind. */
static int is_template_name(const char *name)
{
    const char *dot = strchr(name, '.');

    return dot && dot > name && (strcmp(dot, ".html") == 0 || strcmp(dot, ".txt") == 0);
}

static int compare_strings(const void *one, const void *other)
{
    return strcmp(*(const char *const *)one, *(const char *const *)other);
}

/* Loads the files of the folder FOLDER ("page"), in the order of their names. */
static kz_err_t *load_folder(const loader_t *loader, const char *folder)
{
    const char *path = apr_pstrcat(loader->pool, loader->dir, "/", folder, NULL);
    apr_array_header_t *names = apr_array_make(loader->pool, 32, sizeof(const char *));
    apr_status_t status;
    apr_finfo_t info;
    apr_dir_t *dir;

    status = apr_dir_open(&dir, path, loader->pool);
    if (APR_STATUS_IS_ENOENT(status))
        return NULL;
    if (status)
        return kz_err_status(KZ_ERR_CONFIG, status, "%s", path);
    while (!apr_dir_read(&info, APR_FINFO_NAME, dir)) {
        if (is_template_name(info.name))
            APR_ARRAY_PUSH(names, const char *) =
                apr_pstrcat(loader->pool, folder, "/", info.name, NULL);
    }
    apr_dir_close(dir);
    qsort(names->elts, (size_t)names->nelts, sizeof(const char *), compare_strings);
    for (int i = 0; i < names->nelts; i++)
        KZ_TRY(load_template(loader, APR_ARRAY_IDX(names, i, const char *)));
    return NULL;
}

static kz_err_t *load_texts(const loader_t *loader, const char *language)
{
    const char *file = apr_psprintf(loader->pool, "texts.%s.json", language), *key, *source;
    kz_template_t *text;
    json_error_t where;
    json_t *texts, *value;
    kz_err_t *err = NULL;
    apr_size_t len;

    KZ_TRY(read_file(&source, &len, apr_pstrcat(loader->pool, loader->dir, "/", file, NULL),
                     loader->pool));
    texts = json_loadb(source, len, JSON_REJECT_DUPLICATES, &where);
    if (!texts)
        return kz_err_create(KZ_ERR_CONFIG, "%s:%d: %s", file, where.line, where.text);
    if (!json_is_object(texts))
        err = kz_err_create(KZ_ERR_CONFIG, "%s: not an object", file);
    json_object_foreach(texts, key, value)
    {
        const char *name = apr_pstrcat(loader->pool, file, ": ", key, NULL);

        if (!json_is_string(value) || json_string_length(value) == 0)
            err = kz_err_create(KZ_ERR_CONFIG, "%s: this text is empty", name);
        else
            err =
                kz_template__parse(&text, name, apr_pstrdup(loader->pool, json_string_value(value)),
                                   json_string_length(value), loader->pool);
        if (err)
            break;
        text->is_text = 1;
        apr_hash_set(loader->set->texts, apr_pstrdup(loader->pool, key), APR_HASH_KEY_STRING, text);
        APR_ARRAY_PUSH(loader->set->all, kz_template_t *) = text;
    }
    json_decref(texts);
    return err;
}

kz_err_t *kz_templates_load(kz_templates_t **templates, const char *dir, const char *language,
                            const char *const *names, int names_count, apr_pool_t *pool)
{
    kz_templates_t *set = apr_pcalloc(pool, sizeof *set);
    loader_t loader = {set, dir, pool};

    set->by_name = apr_hash_make(pool);
    set->texts = apr_hash_make(pool);
    set->all = apr_array_make(pool, 64, sizeof(kz_template_t *));
    set->names = names;
    set->names_count = names_count;
    KZ_TRY(load_texts(&loader, language));
    KZ_TRY(load_template(&loader, "layout.html"));
    KZ_TRY(load_folder(&loader, "page"));
    KZ_TRY(load_folder(&loader, "mail"));
    KZ_TRY(load_folder(&loader, "part"));
    for (int i = 0; i < set->all->nelts; i++)
        KZ_TRY(kz_template__link(APR_ARRAY_IDX(set->all, i, kz_template_t *), set, pool));
    KZ_TRY(kz_template__check_recursion(set));
    *templates = set;
    return NULL;
}
