/* Slots: so many threads of this process may do something at the same moment, others wait. Whoever
 * asks for many makes only himself wait: of those who wait, the one goes next whose group, and then
 * whose member of it, has the fewest slots. */
#ifndef KZ_BASE_SLOTS_H
#define KZ_BASE_SLOTS_H

#include <limits.h>

#include <apr_pools.h>
#include <apr_time.h>

#include "base/err.h"

typedef struct kz_slots_t kz_slots_t;

#define KZ_SLOTS_ANY INT_MAX /* no bound */

typedef struct kz_slots_bounds_t {
    int count;                    /* slots */
    int waiting;                  /* threads that may wait at the same moment */
    int reserved;                 /* places of these that only known ones get; they also go first */
    int each;                     /* slots that one member may have at the same moment, 1 or more */
    int share;                    /* threads of one member that may have a slot or wait for one */
    volatile apr_uint32_t *first; /* how many others are at work who go before all of these: while
                                   * it isn't 0, one slot fewer is given; NULL: none */
} kz_slots_bounds_t;

/* Who asks: numbers that tell apart, such as hashes. */
typedef struct kz_slots_who_t {
    apr_uint64_t group;  /* the firm; the network that an address belongs to */
    apr_uint64_t member; /* the account; the browser */
    int known;           /* 1: not just anybody */
} kz_slots_who_t;

/* WHO becomes the account ACCOUNT, a UUID, of a firm. */
void kz_slots_account(kz_slots_who_t *who, int firm, const char *account);

/* Slots for WHAT, a word or two for the log. All in POOL. */
kz_err_t *kz_slots_create(kz_slots_t **slots, const kz_slots_bounds_t *bounds, const char *what,
                          apr_pool_t *pool);

/* Takes one for WHO, waiting for WAIT microseconds at most. Errors: BUSY (none became free; or, at
 * once, enough threads wait already, or enough of this member's). */
kz_err_t *kz_slots_take(kz_slots_t *slots, const kz_slots_who_t *who, apr_interval_time_t wait);

/* Gives back one that was taken for WHO. */
void kz_slots_give(kz_slots_t *slots, const kz_slots_who_t *who);

/* How many threads wait in this moment. */
int kz_slots_waiting(kz_slots_t *slots);

#endif
