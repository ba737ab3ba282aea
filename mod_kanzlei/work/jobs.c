#include "work/jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <apr_strings.h>
#include <httpd.h>
#include <ap_mpm.h>
#include <mod_watchdog.h>

#include "work/lane.h"

struct kz_jobs_t {
    kz_lane_t lanes[KZ_LANES];
};

static const char *const names[KZ_LANES] = {"mails", "seals", "uploads", "copies"};

int kz_lane_is_ending(void)
{
    int state = AP_MPMQ_STOPPING;

    return ap_mpm_query(AP_MPMQ_MPM_STATE, &state) != APR_SUCCESS || state == AP_MPMQ_STOPPING;
}

/* Takes this host's turn in a lane, for this process, until it ends: one byte of a file that all
 * children of this configuration share, by a lock that is its process's (fcntl(2)). mod_watchdog's
 * own singleton would be taken by a child that is not ready, too. */
static int take_turn(const kz_lane_t *lane)
{
    struct flock turn = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = lane->id, .l_len = 1};

    return fcntl(lane->turns, F_SETLK, &turn) == 0;
}

/* mod_watchdog never calls again what gives anything but APR_SUCCESS. */
static apr_status_t tick(int reason, void *baton, apr_pool_t *pool)
{
    kz_lane_t *lane = baton;

    if (reason == AP_WATCHDOG_STATE_RUNNING && lane->site && take_turn(lane))
        kz_lane_run(lane, pool);
    return APR_SUCCESS;
}

static apr_status_t add_lane(kz_lane_t *lane, const kz_conf_t *conf, apr_pool_t *pconf)
{
    APR_OPTIONAL_FN_TYPE(ap_watchdog_get_instance) *get =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_get_instance);
    APR_OPTIONAL_FN_TYPE(ap_watchdog_register_callback) *add =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_register_callback);
    ap_watchdog_t *watchdog;
    apr_status_t status;

    if (!get || !add)
        return APR_ENOTIMPL;
    status = get(&watchdog, apr_pstrcat(pconf, "_kanzlei_", lane->name, "_", NULL), 0, 0, pconf);
    return status == APR_SUCCESS ? add(watchdog, conf->job_interval, lane, tick) : status;
}

static apr_status_t close_turns(void *baton)
{
    const kz_jobs_t *made = baton;

    close(made->lanes[0].turns);
    return APR_SUCCESS;
}

kz_err_t *kz_jobs_register(kz_jobs_t **jobs, const kz_site_t *site, apr_pool_t *pconf)
{
    const kz_conf_t *conf = site->portal->conf;
    kz_jobs_t *made;
    apr_status_t status = APR_SUCCESS;
    int turns, i;

    *jobs = NULL;
    if (conf->job_interval == 0)
        return NULL;
    made = apr_pcalloc(pconf, sizeof *made);
    turns = memfd_create("kanzlei-lanes", MFD_CLOEXEC);
    if (turns < 0)
        return kz_err_status(KZ_ERR_CONFIG, errno, "the file of the lanes' turns");
    apr_pool_cleanup_register(pconf, made, close_turns, apr_pool_cleanup_null);
    for (i = 0; i < KZ_LANES && status == APR_SUCCESS; i++) {
        made->lanes[i].id = (kz_lane_id_t)i;
        made->lanes[i].name = names[i];
        made->lanes[i].turns = turns;
        status = add_lane(&made->lanes[i], conf, pconf);
    }
    if (status == APR_ENOTIMPL)
        return kz_err_create(KZ_ERR_CONFIG, "mod_watchdog is missing");
    if (status != APR_SUCCESS)
        return kz_err_status(KZ_ERR_CONFIG, status, "the jobs");
    *jobs = made;
    return NULL;
}

void kz_jobs_open(kz_jobs_t *jobs, kz_site_t *site)
{
    int i;

    if (!jobs)
        return;
    for (i = 0; i < KZ_LANES; i++)
        jobs->lanes[i].site = site;
}
