#include "web/tasks.h"

void kz_tasks_run(kz_state_t *state, apr_pool_t *pool)
{
    (void)state;
    (void)pool;
}
