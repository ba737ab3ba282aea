#include "work/lane.h"

#include "base/background.h"
#include "base/clock.h"
#include "base/log.h"
#include "io/scan/scan.h"
#include "model/check/check.h"
#include "model/master.h"
#include "model/proof/proof.h"
#include "model/upload/upload.h"
#include "model/worker.h"
#include "queries.h"
#include "work/job.h"

#define KZ_LANE_AT_ONCE    100                    /* of one kind in one tick */
#define KZ_LANE_ROUND      (5 * APR_USEC_PER_SEC) /* no further one of a kind after this */
#define KZ_LANE_COPY_AGAIN (60 * 1000)            /* ms until a copy is tried again */
#define KZ_LANE_ASK                                                                                \
    (60 * APR_USEC_PER_SEC) /* between questions to the scanner, and proofs of the keys */
#define KZ_LANE_TIDY  (10 * 60 * APR_USEC_PER_SEC)   /* between tidyings */
#define KZ_LANE_SWEEP (24 * 3600 * APR_USEC_PER_SEC) /* between sweeps of the stores */

static void complain(const char *what, kz_err_t *err)
{
    if (err)
        err = kz_err_wrap(err, "%s", what);
    kz_log_err(KZ_LOG_WARNING, KZ_LOGNO(0024) "", err);
}

/* One task of a kind. *FOUND: whether there was one. WHAT tells kinds apart, or is NULL. */
typedef kz_err_t *(*task_t)(int *found, kz_site_t *site, const void *what, apr_pool_t *pool);

static kz_err_t *one_job(int *found, kz_site_t *site, const void *what, apr_pool_t *pool)
{
    return kz_job_one(found, what, site, pool);
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
static kz_err_t *one_copy(int *found, kz_site_t *site, const void *what, apr_pool_t *pool)
{
    kz_portal_t *portal = site->portal;
    kz_err_t *first = NULL, *err;
    kz_check_t check = {.repair = 1, .at_work = 1, .problem = unmended, .baton = &first};
    kz_q_copy_take_args_t args = {KZ_LANE_COPY_AGAIN, kz_portal_stores(portal, pool)};
    kz_q_copy_take_t *copy;
    kz_db_t *db;

    (void)what;
    KZ_TRY(kz_db_begin(&db, portal->db, pool));
    KZ_TRY(kz_q_copy_take(&copy, db, &args, pool));
    KZ_TRY(kz_db_commit(db));
    *found = copy != NULL;
    if (!copy)
        return NULL;
    err = kz_check_document(&check, portal, copy->firm, copy->document, pool);
    return kz_log_second(err, first);
}

static kz_err_t *one_upload(int *found, kz_site_t *site, const void *what, apr_pool_t *pool)
{
    (void)what;
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
 * other kinds of the lane. */
static void several(const char *name, task_t one, const void *what, kz_site_t *site,
                    apr_pool_t *pool)
{
    apr_time_t until = kz_clock_now() + KZ_LANE_ROUND;
    int found = 1, i;

    for (i = 0; found && i < KZ_LANE_AT_ONCE && kz_clock_now() < until && !kz_lane_is_ending();
         i++) {
        apr_pool_t *turn;
        kz_err_t *err;

        found = 0;
        apr_pool_create(&turn, pool);
        err = one(&found, site, what, turn);
        if (err && is_general(err))
            found = 0;
        complain(name, err);
        apr_pool_destroy(turn);
    }
}

static void jobs_of(kz_lane_id_t lane, kz_site_t *site, apr_pool_t *pool)
{
    const kz_job_kind_t *kind;

    for (kind = kz_job_kinds; kind->name; kind++) {
        if (kind->lane == lane)
            several("job", one_job, kind, site, pool);
    }
}

static kz_err_t *tidy(kz_site_t *site, apr_pool_t *pool)
{
    kz_q_tidy_t *row;
    kz_db_t *db;

    KZ_TRY(kz_db_begin(&db, site->portal->db, pool));
    KZ_TRY(kz_q_tidy(&row, db, pool));
    return kz_db_commit(db);
}

/* Whether the scanner has no signatures but the test ones: said on the staff's pages and in the
 * log. */
static void ask_scanner(kz_site_t *site, apr_pool_t *pool)
{
    kz_scan_status_t status;
    kz_err_t *err = kz_scan_status(&status, site->portal->conf->scanner,
                                   kz_clock_now() + APR_USEC_PER_SEC, pool);

    if (err) {
        complain("scanner", err);
        return;
    }
    if (status.test_only && !site->shared->test_signatures)
        KZ_LOG(KZ_LOG_WARNING, KZ_LOGNO(0026) "documents are scanned with TEST SIGNATURES ONLY");
    site->shared->test_signatures = status.test_only;
}

/* Whether WAIT has passed since *LAST, by a clock that nobody sets; *LAST then becomes now. */
static int is_due(apr_time_t *last, apr_interval_time_t wait)
{
    apr_time_t now = kz_clock_now();

    if (*last && now - *last <= wait)
        return 0;
    *last = now;
    return 1;
}

/* Proves the master keys, which the parent could not do if the database was away at the start. With
 * wrong ones no page is shown: nobody else could open what they seal. */
static void prove_keys(kz_lane_t *lane, apr_pool_t *pool)
{
    kz_site_t *site = lane->site;
    kz_err_t *err;

    if (!is_due(&lane->proved, KZ_LANE_ASK))
        return;
    err = kz_master_prove(site->portal, pool);
    site->shared->wrong_keys = err && kz_err_code(err) == KZ_ERR_CONFIG;
    if (err && !site->shared->wrong_keys)
        lane->proved = 0; /* again at the next tick */
    kz_log_err(site->shared->wrong_keys ? KZ_LOG_CRIT : KZ_LOG_WARNING, KZ_LOGNO(0065) "", err);
}

static void run_seals(kz_lane_t *lane, apr_pool_t *pool)
{
    kz_portal_t *portal = lane->site->portal;

    complain("dead workers", kz_worker_bury(portal, pool));
    if (is_due(&lane->asked, KZ_LANE_ASK))
        ask_scanner(lane->site, pool);
    if (is_due(&lane->sealed, portal->conf->seal_interval))
        complain("sealing events", kz_proof_run(portal, pool));
    if (is_due(&lane->tidied, KZ_LANE_TIDY))
        complain("tidying", tidy(lane->site, pool));
}

static void run_uploads(kz_lane_t *lane, apr_pool_t *pool)
{
    int found;

    several("upload", one_upload, NULL, lane->site, pool);
    if (is_due(&lane->tidied, KZ_LANE_TIDY))
        complain("tidying", kz_upload_sweep(&found, lane->site->portal, 1, pool));
}

static void run_copies(kz_lane_t *lane, apr_pool_t *pool)
{
    kz_portal_t *portal = lane->site->portal;

    several("copy", one_copy, NULL, lane->site, pool);
    if (is_due(&lane->swept, KZ_LANE_SWEEP))
        complain("sweeping", kz_stores_sweep(portal->stores,
                                             kz_clock_now() + portal->conf->store_timeout, pool));
}

void kz_lane_run(kz_lane_t *lane, apr_pool_t *pool)
{
    kz_err_t *err;

    kz_background_enter(); /* a thread has one lane, for ever */
    err = kz_worker_live(lane->site->portal);
    if (err) {
        complain("worker", err);
        return; /* nobody would see that what it takes is left when it dies */
    }
    if (lane->id == KZ_LANE_SEALS)
        prove_keys(lane, pool);
    if (lane->site->shared->wrong_keys)
        return;
    jobs_of(lane->id, lane->site, pool);
    switch (lane->id) {
    case KZ_LANE_MAILS:
        break;
    case KZ_LANE_SEALS:
        run_seals(lane, pool);
        break;
    case KZ_LANE_UPLOADS:
        run_uploads(lane, pool);
        break;
    case KZ_LANE_COPIES:
        run_copies(lane, pool);
        break;
    case KZ_LANES:
        break;
    }
}
