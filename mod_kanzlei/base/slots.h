/* Slots: so many threads of this process may do something at the same moment, others wait. */
#ifndef KZ_BASE_SLOTS_H
#define KZ_BASE_SLOTS_H

#include <limits.h>

#include <apr_pools.h>
#include <apr_time.h>

#include "base/err.h"

typedef struct kz_slots_t kz_slots_t;

#define KZ_SLOTS_ANY INT_MAX /* so many threads may wait as there are */

/* COUNT slots for WHAT, a word or two for the log; at most WAITING threads wait for one at the same
 * moment. All in POOL. */
kz_err_t *kz_slots_create(kz_slots_t **slots, int count, int waiting, const char *what,
                          apr_pool_t *pool);

/* Takes one, waiting for WAIT microseconds at most. Errors: BUSY (none became free; or, at once,
 * enough threads wait already). */
kz_err_t *kz_slots_take(kz_slots_t *slots, apr_interval_time_t wait);

/* Gives back one that was taken. */
void kz_slots_give(kz_slots_t *slots);

#endif
