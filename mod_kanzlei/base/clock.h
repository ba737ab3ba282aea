/* The clock of intervals and deadlines: CLOCK_MONOTONIC, which nobody sets and which no time server
 * moves. All processes of a host share it until the host starts again, so what they keep together
 * in memory may hold it; a file or the database may not. What people read or the database stores is
 * apr_time_now(), in the places that tests/guards/test_wall_clock.py names. */
#ifndef KZ_BASE_CLOCK_H
#define KZ_BASE_CLOCK_H

#include <pthread.h>

#include <apr_time.h>

/* Microseconds; more than 0. */
apr_time_t kz_clock_now(void);

/* Waits for CONDITION with MUTEX locked, until DEADLINE (kz_clock_now()) at the latest. Returns 0,
 * which may also mean nothing (see pthread_cond_wait(3)), or ETIMEDOUT. */
int kz_clock_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, apr_time_t deadline);

#endif
