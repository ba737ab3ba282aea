/* The module record and its hooks, nothing else. */
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_main.h>
#include <http_protocol.h>
#include <http_request.h>
#include <curl/curl.h>
#include <apr_env.h>
#include <sodium.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/module.h"
#include "http/crowd.h"
#include "http/drain.h"
#include "http/http.h"
#include "http/log.h"
#include "http/watch.h"
#include "work/child.h"
#include "work/jobs.h"
#include "work/scanner.h"

#define KZ_HANDLER "kanzlei-portal"

static kz_site_t *loaded; /* of this configuration: made by the parent, shared by its children */
static kz_child_t *child; /* this process, if it is one */
static kz_jobs_t *jobs;   /* of this configuration */

static kz_conf_t *conf_of(server_rec *server)
{
    return ((kz_server_t *)ap_get_module_config(server->module_config, &kanzlei_module))->conf;
}

static int is_portal(server_rec *server)
{
    return ((kz_server_t *)ap_get_module_config(server->module_config, &kanzlei_module))->portal_on;
}

static int any_portal(server_rec *server)
{
    for (; server; server = server->next) {
        if (is_portal(server))
            return 1;
    }
    return 0;
}

/* Loads settings, templates, texts and keys, and proves that they can work. */
static kz_err_t *load(kz_site_t **made, const kz_conf_t *conf, apr_pool_t *pool)
{
    const char *wrong = kz_conf_check(conf, pool);

    if (wrong)
        return kz_err_create(KZ_ERR_CONFIG, "%s", wrong);
    if (sodium_init() < 0 || curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return kz_err_create(KZ_ERR_CONFIG, "libsodium or libcurl does not start");
    KZ_TRY(kz_scanner_check(conf));
    return kz_site_load(made, conf, pool);
}

/* Whether this program was called to end a running httpd ("-k stop"), which must do even with a
 * configuration that can't work any more. httpd takes -k out of the words that modules see, so this
 * asks the kernel for them. */
static int is_called_to_stop(apr_pool_t *pool)
{
    char words[4096];
    apr_size_t len = sizeof words - 1, at = 0;
    apr_file_t *file;
    int behind_k = 0;

    if (apr_file_open(&file, "/proc/self/cmdline", APR_FOPEN_READ, 0, pool) != APR_SUCCESS)
        return 0;
    if (apr_file_read(file, words, &len) != APR_SUCCESS)
        len = 0;
    words[len] = '\0';
    apr_file_close(file);
    for (; at < len; at += strlen(words + at) + 1) {
        if (behind_k)
            return strcmp(words + at, "stop") == 0 || strcmp(words + at, "graceful-stop") == 0;
        behind_k = strcmp(words + at, "-k") == 0;
    }
    return 0;
}

/* "apache2 -t" says here what is wrong, and a reload asks it before it ends anything: an error in
 * post_config would end every site of this httpd. */
static int check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *server)
{
    kz_site_t *unused;
    kz_err_t *err;

    (void)pconf, (void)plog;
    if (!any_portal(server) || is_called_to_stop(ptemp))
        return OK;
    kz_http_log_start(server, ptemp);
    err = load(&unused, conf_of(server), ptemp);
    if (!err)
        err = kz_portal_prove(unused->portal, ptemp);
    if (!err)
        return OK;
    kz_log_err(KZ_LOG_CRIT, KZ_LOGNO(0027) "", err);
    return HTTP_INTERNAL_SERVER_ERROR;
}

/* Loads what the children share, and starts the scanner, before there is a child. */
static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *server)
{
    kz_conf_t *conf = conf_of(server);
    kz_err_t *err;

    (void)plog, (void)ptemp;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG)
        return OK;
    if (!any_portal(server)) {
        kz_err_expected(kz_scanner_start(NULL, pconf)); /* none is needed any more */
        return OK;
    }
    kz_http_log_start(server, pconf);
    apr_env_set("TZ", conf->time_zone, pconf);
    tzset();
    err = load(&loaded, conf, pconf);
    if (!err)
        loaded->portal->threads = kz_crowd_threads(server);
    if (!err)
        err = kz_scanner_start(conf, pconf);
    if (!err)
        err = kz_jobs_register(&jobs, loaded, pconf);
    if (err) {
        kz_log_err(KZ_LOG_CRIT, KZ_LOGNO(0028) "", err);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}

static void child_init(apr_pool_t *pool, server_rec *server)
{
    if (!any_portal(server))
        return;
    kz_http_log_start(server, pool);
    kz_child_start(&child, loaded, jobs, pool);
}

/* The portal's URLs map to no file. The assets do, and what mod_md answers. */
static int translate_name(request_rec *r)
{
    static const char assets[] = "/-/assets/", acme[] = "/.well-known/acme-challenge/";

    if (!is_portal(r->server) || strncmp(r->uri, assets, sizeof assets - 1) == 0 ||
        strncmp(r->uri, acme, sizeof acme - 1) == 0)
        return DECLINED;
    r->handler = KZ_HANDLER;
    return OK;
}

static int map_to_storage(request_rec *r)
{
    return r->handler && strcmp(r->handler, KZ_HANDLER) == 0 ? OK : DECLINED;
}

static int handler(request_rec *r)
{
    if (!r->handler || strcmp(r->handler, KZ_HANDLER) != 0)
        return DECLINED;
    return kz_dispatch(r, loaded, kz_child_site(child));
}

static void register_hooks(apr_pool_t *pool)
{
    static const char *const threads[] = {"mod_watchdog.c", NULL}; /* start when all is ready */

    (void)pool;
    ap_hook_check_config(check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_init, NULL, threads, APR_HOOK_MIDDLE);
    kz_crowd_register();
    kz_drain_register();
    kz_watch_register();
    ap_hook_translate_name(translate_name, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_map_to_storage(map_to_storage, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_handler(handler, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(kanzlei) = {STANDARD20_MODULE_STUFF,
                              NULL,
                              NULL,
                              kz_conf_server_create,
                              kz_conf_server_merge,
                              kz_conf_commands,
                              register_hooks,
                              AP_MODULE_FLAG_NONE};
