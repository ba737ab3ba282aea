/* Makes a child of httpd ready: opens what it works with, and tries again where that fails. A child
 * that is not ready serves httpd's other sites, answers 503 for the portal, and takes no job. */
#ifndef KZ_WORK_CHILD_H
#define KZ_WORK_CHILD_H

#include "template/site.h"
#include "work/jobs.h"

typedef struct kz_child_t kz_child_t;

/* In child_init, before mod_watchdog starts its threads: makes what this child works with of what
 * the parent has LOADED, and gives it to JOBS (NULL: none). Where that fails and another child of
 * this start has been ready, it tries again here for 10 s, so that no request comes to this one,
 * and then ends the process with APEXIT_CHILDSICK. While none has been ready, that would end httpd
 * with all of its sites (AH02324): a thread goes on trying instead, for ever. *CHILD lives as long
 * as POOL, whose end waits for that thread (a second, and what one try takes). */
void kz_child_start(kz_child_t **child, const kz_site_t *loaded, kz_jobs_t *jobs, apr_pool_t *pool);

/* What this child works with; NULL: it is not ready yet. For all threads. */
kz_site_t *kz_child_site(const kz_child_t *child);

#endif
