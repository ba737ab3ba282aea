/* Slots: so many threads of this process may do something at the same moment, others wait. */
#ifndef KZ_BASE_SLOTS_H
#define KZ_BASE_SLOTS_H

#include <apr_pools.h>
#include <apr_time.h>

#include "base/err.h"

typedef struct kz_slots_t kz_slots_t;

/* COUNT slots for WHAT, a word or two for the log; all in POOL. */
kz_err_t *kz_slots_create(kz_slots_t **slots, int count, const char *what, apr_pool_t *pool);

/* Takes one, waiting for WAIT microseconds at most. Errors: BUSY (none became free). */
kz_err_t *kz_slots_take(kz_slots_t *slots, apr_interval_time_t wait);

/* Gives back one that was taken. */
void kz_slots_give(kz_slots_t *slots);

#endif
