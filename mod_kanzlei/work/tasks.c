#include "work/tasks.h"

#include <string.h>

#include <apr_strings.h>
#include <httpd.h>
#include <http_log.h>
#include <http_main.h>

#include "io/scan/scan.h"
#include "model/check/check.h"
#include "model/document/document.h"
#include "model/proof/proof.h"
#include "model/upload/upload.h"
#include "model/worker.h"
#include "queries.h"
#include "work/mailer.h"

APLOG_USE_MODULE(kanzlei);

#define KZ_TASKS_AT_ONCE    20                             /* of one kind in one tick */
#define KZ_TASKS_ROUND      (5 * APR_USEC_PER_SEC)         /* no further one of a kind after this */
#define KZ_TASKS_TRIES      10                             /* of a job, then it has failed */
#define KZ_TASKS_LONGEST    (3600 * 1000)                  /* ms between tries */
#define KZ_TASKS_LEASE      (5 * 60 * 1000)                /* ms that a job may take */
#define KZ_TASKS_COPY_AGAIN (60 * 1000)                    /* ms until a copy is tried again */
#define KZ_TASKS_TIDY       (10 * 60 * APR_USEC_PER_SEC)   /* between tidyings */
#define KZ_TASKS_SWEEP      (24 * 3600 * APR_USEC_PER_SEC) /* between sweeps of the stores */

static void complain(const char *what, kz_err_t *err)
{
    if (err)
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, ap_server_conf, "kanzlei: %s: %s: %s", what,
                     kz_err_name(kz_err_code(err)), kz_err_detail(err));
    kz_err_free(err);
}

/* Notes how a job ended: done, again after a while that doubles, or failed. */
static kz_err_t *note(kz_grant_t *grant, const kz_q_job_take_t *job, const kz_err_t *failed)
{
    kz_q_job_again_args_t again = {.id = job->id};
    int i;

    KZ_TRY(kz_grant_again(grant));
    if (!failed) {
        KZ_TRY(kz_q_job_done(NULL, kz_grant_db(grant), &(kz_q_job_done_args_t){job->id}));
        return kz_grant_commit(grant);
    }
    again.wait = 5000;
    for (i = 1; i < job->tries && again.wait < KZ_TASKS_LONGEST; i++)
        again.wait *= 2;
    again.last = kz_err_code(failed) == KZ_ERR_INVALID ||
                 (job->tries >= KZ_TASKS_TRIES && kz_err_code(failed) != KZ_ERR_STORE_DOWN);
    again.error = kz_err_detail(failed);
    KZ_TRY(kz_q_job_again(NULL, kz_grant_db(grant), &again));
    return kz_grant_commit(grant);
}

static kz_err_t *one_job(int *found, kz_site_t *site, apr_pool_t *pool)
{
    kz_q_job_take_args_t args = {site->portal->worker, KZ_TASKS_LEASE};
    kz_q_job_take_t *job;
    kz_grant_t *grant;
    kz_err_t *err;
    kz_db_t *db;

    KZ_TRY(kz_db_begin(&db, site->portal->db, pool));
    KZ_TRY(kz_q_job_take(&job, db, &args, pool));
    KZ_TRY(kz_db_commit(db));
    *found = job != NULL;
    if (!job)
        return NULL;
    KZ_TRY(kz_grant_portal(&grant, site->portal, job->firm, pool));
    if (strcmp(job->kind, "remove_object") == 0)
        err = kz_document_remove(grant, job->object);
    else
        err = kz_mailer_run(site, grant, job, pool);
    if (!err)
        err = kz_grant_end(grant);
    if (!err)
        return note(grant, job, NULL);
    kz_err_free(note(grant, job, err));
    return kz_err_wrap(err, "job %s, try %d", job->kind, job->tries);
}

/* What a check found wrong and could not mend. */
static void unmended(void *baton, const kz_check_problem_t *problem)
{
    kz_err_t **first = baton;

    if (!problem->mended && !*first)
        *first =
            kz_err_create(problem->kind == KZ_CHECK_DOWN ? KZ_ERR_STORE_DOWN : KZ_ERR_STORE_CORRUPT,
                          "%s, store %s: %s", problem->object ? problem->object : "an object",
                          problem->store, problem->detail);
}

/* A copy that a store missed, or that is damaged: all copies of the document are looked at, and the
 * bad ones replaced by one that was found good. What a store missed that is not configured any more
 * is left to kanzleictl. */
static kz_err_t *one_copy(int *found, kz_site_t *site, apr_pool_t *pool)
{
    kz_portal_t *portal = site->portal;
    kz_err_t *first = NULL, *err;
    kz_check_t check = {.repair = 1, .at_work = 1, .problem = unmended, .baton = &first};
    kz_q_copy_take_args_t args = {KZ_TASKS_COPY_AGAIN, kz_portal_stores(portal, pool)};
    kz_q_copy_take_t *copy;
    kz_db_t *db;

    KZ_TRY(kz_db_begin(&db, portal->db, pool));
    KZ_TRY(kz_q_copy_take(&copy, db, &args, pool));
    KZ_TRY(kz_db_commit(db));
    *found = copy != NULL;
    if (!copy)
        return NULL;
    err = kz_check_document(&check, portal, copy->firm, copy->document, pool);
    if (!err)
        return first;
    kz_err_free(first);
    return err;
}

static kz_err_t *one_upload(int *found, kz_site_t *site, apr_pool_t *pool)
{
    return kz_upload_sweep(found, site->portal, 0, pool);
}

/* Whether the next task of the kind would meet the same error. */
static int is_general(const kz_err_t *err)
{
    switch (kz_err_code(err)) {
    case KZ_ERR_DB_DOWN:
    case KZ_ERR_DB_BUSY:
    case KZ_ERR_SCANNER_DOWN:
    case KZ_ERR_STORE_DOWN:
    case KZ_ERR_MAIL:
        return 1;
    default:
        return 0;
    }
}

/* Does what is due of one kind, for a while: a server that is slow at each task would hold up the
 * other kinds. */
static void several(const char *what, kz_err_t *(*one)(int *, kz_site_t *, apr_pool_t *),
                    kz_site_t *site, apr_pool_t *pool)
{
    apr_time_t until = apr_time_now() + KZ_TASKS_ROUND;
    int found = 1, i;

    for (i = 0; found && i < KZ_TASKS_AT_ONCE && apr_time_now() < until; i++) {
        apr_pool_t *turn;
        kz_err_t *err;

        found = 0;
        apr_pool_create(&turn, pool);
        err = one(&found, site, turn);
        if (err && is_general(err))
            found = 0;
        complain(what, err);
        apr_pool_destroy(turn);
    }
}

static kz_err_t *tidy(kz_site_t *site, apr_pool_t *pool)
{
    static apr_time_t swept;
    apr_time_t now = apr_time_now();
    kz_q_tidy_t *row;
    kz_db_t *db;
    int found;

    if (now - swept > KZ_TASKS_SWEEP) {
        swept = now;
        complain("sweeping", kz_stores_sweep(site->portal->stores,
                                             now + site->portal->conf->store_timeout, pool));
    }
    KZ_TRY(kz_db_begin(&db, site->portal->db, pool));
    KZ_TRY(kz_q_tidy(&row, db, pool));
    KZ_TRY(kz_db_commit(db));
    return kz_upload_sweep(&found, site->portal, 1, pool);
}

/* Whether the scanner has no signatures but the test ones: said on the staff's pages and in the
 * log. */
static void ask_scanner(kz_site_t *site, apr_pool_t *pool)
{
    kz_scan_status_t status;
    kz_err_t *err = kz_scan_status(&status, site->portal->conf->scanner,
                                   apr_time_now() + APR_USEC_PER_SEC, pool);

    if (err) {
        complain("scanner", err);
        return;
    }
    if (status.test_only && !*site->test_signatures)
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, ap_server_conf,
                     "kanzlei: documents are scanned with TEST SIGNATURES ONLY");
    *site->test_signatures = status.test_only;
}

void kz_tasks_run(kz_site_t *site, apr_pool_t *pool)
{
    static apr_time_t tidied, asked, sealed;
    apr_time_t now = apr_time_now();
    kz_err_t *err;

    err = kz_worker_live(site->portal);
    if (!err)
        err = kz_worker_bury(site->portal, pool);
    if (err) {
        complain("worker", err);
        return; /* nothing else would go well */
    }
    several("job", one_job, site, pool);
    several("upload", one_upload, site, pool);
    several("copy", one_copy, site, pool);
    if (now - asked > 60 * APR_USEC_PER_SEC) {
        asked = now;
        ask_scanner(site, pool);
    }
    if (now - sealed > site->portal->conf->seal_interval) {
        sealed = now;
        complain("sealing events", kz_proof_run(site->portal, pool));
    }
    if (now - tidied > KZ_TASKS_TIDY) {
        tidied = now;
        complain("tidying", tidy(site, pool));
    }
}
