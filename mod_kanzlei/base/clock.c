#include "base/clock.h"

#include <time.h>

apr_time_t kz_clock_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_from_sec(now.tv_sec) + now.tv_nsec / 1000;
}

int kz_clock_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, apr_time_t deadline)
{
    const struct timespec at = {.tv_sec = apr_time_sec(deadline),
                                .tv_nsec = apr_time_usec(deadline) * 1000};

    return pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, &at);
}
