#include "base/slots.h"

#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

struct kz_slots_t {
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *freed;
    int left;
    const char *what;
};

kz_err_t *kz_slots_create(kz_slots_t **slots, int count, const char *what, apr_pool_t *pool)
{
    kz_slots_t *made = apr_palloc(pool, sizeof *made);

    made->left = count;
    made->what = apr_pstrdup(pool, what);
    if (apr_thread_mutex_create(&made->mutex, APR_THREAD_MUTEX_DEFAULT, pool) != APR_SUCCESS ||
        apr_thread_cond_create(&made->freed, pool) != APR_SUCCESS)
        return kz_err_create(KZ_ERR_INTERNAL, "slots for %s", what);
    *slots = made;
    return NULL;
}

kz_err_t *kz_slots_take(kz_slots_t *slots, apr_interval_time_t wait)
{
    apr_time_t deadline = apr_time_now() + wait;
    kz_err_t *err = NULL;

    apr_thread_mutex_lock(slots->mutex);
    while (slots->left == 0 && !err) {
        apr_interval_time_t left = deadline - apr_time_now();

        if (left <= 0)
            err = kz_err_create(KZ_ERR_BUSY, "no slot for %s became free", slots->what);
        else
            apr_thread_cond_timedwait(slots->freed, slots->mutex, left);
    }
    if (!err)
        slots->left--;
    apr_thread_mutex_unlock(slots->mutex);
    return err;
}

void kz_slots_give(kz_slots_t *slots)
{
    apr_thread_mutex_lock(slots->mutex);
    slots->left++;
    apr_thread_cond_signal(slots->freed);
    apr_thread_mutex_unlock(slots->mutex);
}
