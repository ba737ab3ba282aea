/* What the jobs' thread does at each tick. */
#ifndef KZ_WEB_TASKS_H
#define KZ_WEB_TASKS_H

#include "web/web.h"

/* Does what is due, for a few seconds at most: one task per kind after the other. Errors are
 * logged. */
void kz_tasks_run(kz_state_t *state, apr_pool_t *pool);

#endif
