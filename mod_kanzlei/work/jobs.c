#include "work/jobs.h"

#include <apr_shm.h>
#include <httpd.h>
#include <http_log.h>
#include <mod_watchdog.h>

#include "work/tasks.h"

APLOG_USE_MODULE(kanzlei);

static kz_site_t *used;   /* by this child */
static apr_shm_t *shared; /* what the child that does the jobs tells the others */

void kz_jobs_use(kz_site_t *site)
{
    used = site;
    if (site && shared)
        site->test_signatures = apr_shm_baseaddr_get(shared);
}

/* mod_watchdog never calls again what gives anything but APR_SUCCESS. */
static apr_status_t tick(int reason, void *baton, apr_pool_t *pool)
{
    (void)baton;
    if (reason == AP_WATCHDOG_STATE_RUNNING && used)
        kz_tasks_run(used, pool);
    return APR_SUCCESS;
}

kz_err_t *kz_jobs_register(const kz_conf_t *conf, apr_pool_t *pconf)
{
    APR_OPTIONAL_FN_TYPE(ap_watchdog_get_instance) *get =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_get_instance);
    APR_OPTIONAL_FN_TYPE(ap_watchdog_register_callback) *add =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_register_callback);
    ap_watchdog_t *watchdog;
    apr_status_t status;

    shared = NULL;
    if (conf->job_interval == 0)
        return NULL;
    if (!get || !add)
        return kz_err_create(KZ_ERR_CONFIG, "mod_watchdog is missing");
    status = apr_shm_create(&shared, sizeof *used->test_signatures, NULL, pconf); /* zeros */
    if (status == APR_SUCCESS)
        status = get(&watchdog, "_kanzlei_", 0, 1, pconf);
    if (status == APR_SUCCESS)
        status = add(watchdog, conf->job_interval, NULL, tick);
    if (status != APR_SUCCESS)
        return kz_err_status(KZ_ERR_CONFIG, status, "the jobs");
    return NULL;
}
