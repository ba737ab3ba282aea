/* Work that nobody waits for: mails, uploads that a crash left behind, copies that a store missed.
 * Worked by mod_watchdog on every host, one thing at a time; PostgreSQL hands it out. */
#ifndef KZ_WORK_JOBS_H
#define KZ_WORK_JOBS_H

#include "template/site.h"

/* Asks mod_watchdog for a thread in one child of this host. Errors: CONFIG (no mod_watchdog). */
kz_err_t *kz_jobs_register(const kz_conf_t *conf, apr_pool_t *pconf);
/* What the thread of this child works with; NULL: nothing. */
void kz_jobs_use(kz_site_t *site);

#endif
