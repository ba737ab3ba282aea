/* Jobs: the lines of jobs.def, taken one by one out of the table "job". */
#ifndef KZ_WORK_JOB_H
#define KZ_WORK_JOB_H

#include "model/grant.h"
#include "queries.h"
#include "work/lane.h"

/* Does JOB as a whole, or not at all. GRANT is the portal's for its firm, entered; what the job
 * changes is committed here. Errors: INVALID (it can never succeed); any other: again later. */
typedef kz_err_t *(*kz_job_handler_t)(kz_site_t *site, kz_grant_t *grant,
                                      const kz_q_job_take_t *job, apr_pool_t *pool);

/* What a failed try repeats as a whole; a job without it is INVALID. */
typedef enum kz_job_unit_t { KZ_JOB_RECIPIENT, KZ_JOB_OBJECT } kz_job_unit_t;

typedef struct kz_job_kind_t {
    const char *name; /* as the table "job" has it */
    kz_lane_id_t lane;
    kz_job_unit_t unit;
    int tries;         /* then it has failed for good, unless a store is down */
    apr_int64_t lease; /* milliseconds that one try may take beside the mail server's time */
    kz_job_handler_t handler;
} kz_job_kind_t;

/* All kinds; the name of the last one is NULL. */
extern const kz_job_kind_t kz_job_kinds[];

/* Takes one job of KIND that is due, does it and notes how it ended. *FOUND becomes 0 when none is
 * due. Errors: those of the job, which will be tried again or has failed; DB_DOWN, DB_BUSY. */
kz_err_t *kz_job_one(int *found, const kz_job_kind_t *kind, kz_site_t *site, apr_pool_t *pool);

/* The prototype of each handler: one without a line in jobs.def does not compile. */
#define KZ_JOB(NAME, name, lane, unit, tries, lease, handler, failure)                             \
    kz_err_t *handler(kz_site_t *site, kz_grant_t *grant, const kz_q_job_take_t *job,              \
                      apr_pool_t *pool);
#include "jobs.def"
#undef KZ_JOB

#endif
