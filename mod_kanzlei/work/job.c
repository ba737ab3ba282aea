#include "work/job.h"

#include "base/log.h"
#include "model/document/document.h"

#define KZ_JOB_FIRST   (5 * 1000) /* ms until the second try; each further wait is twice as long */
#define KZ_JOB_LONGEST (3600 * 1000) /* ms between tries, at most */

const kz_job_kind_t kz_job_kinds[] = {
#define KZ_JOB(NAME, name, lane, unit, tries, lease, handler, failure)                             \
    {name, KZ_LANE_##lane, KZ_JOB_##unit, tries, (lease)*1000, handler},
#include "jobs.def"
#undef KZ_JOB
    {NULL, KZ_LANES, KZ_JOB_OBJECT, 0, 0, NULL},
};

kz_err_t *kz_removal(kz_site_t *site, kz_grant_t *grant, const kz_q_job_take_t *job,
                     apr_pool_t *pool)
{
    (void)site;
    (void)pool;
    return kz_document_remove(grant, job->object);
}

static kz_err_t *mail_ended(kz_grant_t *grant, const kz_q_job_take_t *job, int failed)
{
    kz_q_job_mail_ended_args_t args = {job->account, failed};

    return kz_q_job_mail_ended(NULL, kz_grant_db(grant), &args);
}

/* Puts off JOB after FAILED, for a while that doubles with each try, or gives it up. *NOTED becomes
 * 0 when the job is somebody else's. The account comes first, as wherever both are changed. */
static kz_err_t *put_off(int *noted, kz_grant_t *grant, const kz_job_kind_t *kind,
                         const kz_q_job_take_t *job, const kz_err_t *failed)
{
    int tells = kind->unit == KZ_JOB_RECIPIENT;
    kz_q_job_again_args_t again = {
        .id = job->id,
        .worker = kz_grant_services(grant)->worker,
        .lease = job->lease,
        .wake = job->wake,
        .wait = KZ_JOB_FIRST,
        .last = kz_err_code(failed) == KZ_ERR_INVALID ||
                (job->tries >= kind->tries && kz_err_code(failed) != KZ_ERR_STORE_DOWN),
        .error = kz_err_detail(failed),
    };
    kz_q_job_again_t *row;
    int i;

    for (i = 1; i < job->tries && again.wait < KZ_JOB_LONGEST; i++)
        again.wait *= 2;
    if (again.last && tells)
        KZ_TRY(mail_ended(grant, job, 1));
    KZ_TRY(kz_q_job_again(&row, kz_grant_db(grant), &again, kz_grant_pool(grant)));
    *noted = row != NULL;
    if (!row)
        kz_grant_rest(grant);
    else if (again.last && tells && !row->failed)
        return mail_ended(grant, job, 0);
    return NULL;
}

/* Notes how a job ended, unless its lease has ended and somebody else has it: that one's result
 * counts. What a handler has noted and not committed is committed with it. */
static kz_err_t *note(kz_grant_t *grant, const kz_job_kind_t *kind, const kz_q_job_take_t *job,
                      const kz_err_t *failed)
{
    kz_q_job_done_args_t done = {job->id, kz_grant_services(grant)->worker, job->lease, job->wake};
    int noted;

    if (failed || !kz_grant_db(grant))
        KZ_TRY(kz_grant_again(grant));
    if (failed)
        KZ_TRY(put_off(&noted, grant, kind, job, failed));
    else
        KZ_TRY(kz_q_job_done(&noted, kz_grant_db(grant), &done));
    if (!noted)
        KZ_LOG(KZ_LOG_NOTICE, KZ_LOGNO(0071) "%s took longer than its lease: another one has it",
               kind->name);
    return kz_grant_db(grant) ? kz_grant_commit(grant) : NULL;
}

static kz_err_t *run(const kz_job_kind_t *kind, kz_site_t *site, kz_grant_t *grant,
                     const kz_q_job_take_t *job, apr_pool_t *pool)
{
    if (kind->unit == KZ_JOB_RECIPIENT ? !job->account : !job->object)
        return kz_err_create(KZ_ERR_INVALID, "the job does not say what it is about");
    return kind->handler(site, grant, job, pool);
}

/* Milliseconds that one try may take; while a mail is on its way, the mail server's part, too. */
static apr_int64_t lease_of(const kz_job_kind_t *kind, const kz_conf_t *conf)
{
    return kind->lease +
           (kind->unit == KZ_JOB_RECIPIENT ? 2 * apr_time_as_msec(conf->mail_timeout) : 0);
}

kz_err_t *kz_job_one(int *found, const kz_job_kind_t *kind, kz_site_t *site, apr_pool_t *pool)
{
    kz_q_job_take_args_t args = {site->portal->worker, kind->name,
                                 lease_of(kind, site->portal->conf)};
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
    err = run(kind, site, grant, job, pool);
    if (!err)
        return note(grant, kind, job, NULL);
    kz_log_err(KZ_LOG_INFO, KZ_LOGNO(0025) "a job waits for the end of its lease: ",
               note(grant, kind, job, err));
    return kz_err_wrap(err, "%s, try %d", kind->name, job->tries);
}
