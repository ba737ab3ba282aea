/* What a process of the portal holds: loaded once in the parent, started in each child. */
#include "template/site.h"

#include <string.h>

#include <apr_file_io.h>
#include <apr_shm.h>
#include <apr_strings.h>
#include <jansson.h>

#include "base/log.h"
#include "model/worker.h"

static const char *const languages[KZ_SITE_LANGUAGES] = {"de", "en"};

static kz_err_t *load_assets(kz_site_t *site, const char *dir, apr_pool_t *pool)
{
    const struct {
        const char *name;
        const char **url;
    } wanted[] = {{"css", &site->css}, {"js", &site->js}, {"strength_js", &site->strength_js}};
    const char *path = apr_pstrcat(pool, dir, "/assets.json", NULL);
    json_error_t where;
    json_t *assets = json_load_file(path, 0, &where);
    kz_err_t *err = NULL;
    size_t i;

    for (i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        const char *file = json_string_value(json_object_get(assets, wanted[i].name));

        if (!file)
            err = err ? err : kz_err_create(KZ_ERR_CONFIG, "%s: no \"%s\"", path, wanted[i].name);
        else
            *wanted[i].url = apr_pstrcat(pool, "/-/assets/", file, NULL);
    }
    json_decref(assets);
    return err;
}

static kz_err_t *load_openapi(kz_site_t *site, const char *dir, apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, dir, "/openapi.json", NULL);
    apr_finfo_t info;
    apr_file_t *file;
    char *text = NULL;
    apr_status_t status = apr_file_open(&file, path, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, pool);

    if (status == APR_SUCCESS)
        status = apr_file_info_get(&info, APR_FINFO_SIZE, file);
    if (status == APR_SUCCESS) {
        text = apr_palloc(pool, (apr_size_t)info.size);
        status = apr_file_read_full(file, text, (apr_size_t)info.size, &site->openapi_len);
    }
    if (status != APR_SUCCESS)
        return kz_err_status(KZ_ERR_CONFIG, status, "%s", path);
    apr_file_close(file);
    site->openapi = text;
    return NULL;
}

static kz_err_t *load(kz_site_t *site, const kz_conf_t *conf, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < KZ_SITE_LANGUAGES; i++) {
        kz_words_t *words;

        KZ_TRY(kz_words_load(&words, conf->html, languages[i], pool));
        site->languages[i] = words;
    }
    KZ_TRY(load_assets(site, conf->html, pool));
    return load_openapi(site, conf->html, pool);
}

kz_err_t *kz_site_load(kz_site_t **site, const kz_conf_t *conf, apr_pool_t *pool)
{
    kz_site_t *made = apr_pcalloc(pool, sizeof *made);
    apr_shm_t *shared;
    apr_status_t status;

    KZ_TRY(load(made, conf, pool));
    KZ_TRY(kz_portal_load(&made->portal, conf, pool));
    status = apr_shm_create(&shared, sizeof *made->shared, NULL, pool); /* zeros */
    if (status != APR_SUCCESS)
        return kz_err_status(KZ_ERR_CONFIG, status, "memory that the processes share");
    made->shared = apr_shm_baseaddr_get(shared);
    made->portal->db_health = &made->shared->db;
    *site = made;
    return NULL;
}

kz_err_t *kz_site_start(kz_site_t **site, const kz_site_t *loaded, apr_pool_t *pool)
{
    kz_site_t *made = apr_pmemdup(pool, loaded, sizeof *made);

    KZ_TRY(kz_portal_start(&made->portal, loaded->portal, pool));
    /* From now on it knows its spool from another folder that is there for a while. */
    kz_log_err(KZ_LOG_INFO, KZ_LOGNO(0045) "this process shows later that it lives: ",
               kz_worker_live(made->portal));
    *site = made;
    return NULL;
}
