/* Work that nobody waits for: mails, seals, uploads that a crash left behind, copies that a store
 * missed. Worked by mod_watchdog on every host, in lanes (lane.h); PostgreSQL hands out what
 * several hosts could take. */
#ifndef KZ_WORK_JOBS_H
#define KZ_WORK_JOBS_H

#include "template/site.h"

typedef struct kz_jobs_t kz_jobs_t; /* all lanes */

/* In the parent: asks mod_watchdog for a thread of each lane. *JOBS lives as long as PCONF; NULL
 * when SITE's configuration wants no jobs. Errors: CONFIG (no mod_watchdog). */
kz_err_t *kz_jobs_register(kz_jobs_t **jobs, const kz_site_t *site, apr_pool_t *pconf);
/* What the lanes work with from now on, in a child that is ready. JOBS may be NULL. */
void kz_jobs_open(kz_jobs_t *jobs, kz_site_t *site);

#endif
