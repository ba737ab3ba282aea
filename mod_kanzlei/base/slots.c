#include "base/slots.h"

#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include "base/metrics.h"

struct kz_slots_t {
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *freed;
    int left;
    int waiting; /* threads, in this moment */
    int waiting_max;
    const char *what;
};

kz_err_t *kz_slots_create(kz_slots_t **slots, int count, int waiting, const char *what,
                          apr_pool_t *pool)
{
    kz_slots_t *made = apr_pcalloc(pool, sizeof *made);

    made->left = count;
    made->waiting_max = waiting;
    made->what = apr_pstrdup(pool, what);
    if (apr_thread_mutex_create(&made->mutex, APR_THREAD_MUTEX_DEFAULT, pool) != APR_SUCCESS ||
        apr_thread_cond_create(&made->freed, pool) != APR_SUCCESS)
        return kz_err_create(KZ_ERR_INTERNAL, "slots for %s", what);
    *slots = made;
    return NULL;
}

/* Waits until a slot is free; the mutex is held. */
static kz_err_t *await(kz_slots_t *slots, apr_time_t deadline)
{
    if (slots->waiting >= slots->waiting_max)
        return kz_err_create(KZ_ERR_BUSY, "%d threads wait for a slot for %s already",
                             slots->waiting, slots->what);
    slots->waiting++;
    while (slots->left == 0) {
        apr_interval_time_t left = deadline - apr_time_now();

        if (left <= 0)
            break;
        apr_thread_cond_timedwait(slots->freed, slots->mutex, left);
    }
    slots->waiting--;
    if (slots->left == 0)
        return kz_err_create(KZ_ERR_BUSY, "no slot for %s became free", slots->what);
    return NULL;
}

kz_err_t *kz_slots_take(kz_slots_t *slots, apr_interval_time_t wait)
{
    apr_time_t deadline = apr_time_now() + wait, start = 0;
    kz_err_t *err = NULL;

    apr_thread_mutex_lock(slots->mutex);
    if (slots->left == 0) {
        start = kz_metrics_clock();
        err = await(slots, deadline);
    }
    if (!err)
        slots->left--;
    apr_thread_mutex_unlock(slots->mutex);
    if (start)
        KZ_TIME(SLOTS_WAIT, start);
    if (err)
        KZ_COUNT(SLOTS_BUSY);
    return err;
}

void kz_slots_give(kz_slots_t *slots)
{
    apr_thread_mutex_lock(slots->mutex);
    slots->left++;
    apr_thread_cond_signal(slots->freed);
    apr_thread_mutex_unlock(slots->mutex);
}
