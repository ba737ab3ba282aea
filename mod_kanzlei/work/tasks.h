/* What the jobs' thread does at each tick. */
#ifndef KZ_WORK_TASKS_H
#define KZ_WORK_TASKS_H

#include "template/site.h"

/* Does what is due, for a few seconds at most: one task per kind after the other. Errors are
 * logged. */
void kz_tasks_run(kz_site_t *site, apr_pool_t *pool);

#endif
