/* Bounds the plaintext under scan in this process: memfds are memory. Later documents wait in line.
 */
#include "io/scan/scan.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#define HARD_CAP (APR_UINT64_C(2147483648) - 3) /* bytes, libclamav's */

typedef struct waiter_t {
    struct waiter_t *next;
} waiter_t;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static apr_uint64_t bound_sum = APR_UINT64_C(512) << 20;
static apr_uint64_t bound_one = APR_UINT64_C(100) << 20;
static apr_uint64_t reserved;
static waiter_t *line; /* the waiting threads: small documents don't pass a large one for ever */

void kz_scan_bound(apr_uint64_t sum, apr_uint64_t one)
{
    pthread_mutex_lock(&mutex);
    bound_sum = sum;
    bound_one = one > HARD_CAP ? HARD_CAP : one;
    if (bound_one > sum)
        bound_one = sum;
    pthread_mutex_unlock(&mutex);
}

static void leave(const waiter_t *self)
{
    waiter_t **link = &line;

    while (*link != self)
        link = &(*link)->next;
    *link = self->next;
    pthread_cond_broadcast(&changed);
}

/* Waits for the turn of one that wants SIZE bytes. Returns 0, or ETIMEDOUT. */
static int take_room(apr_uint64_t size, apr_time_t deadline)
{
    const struct timespec until = {deadline / APR_USEC_PER_SEC, deadline % APR_USEC_PER_SEC * 1000};
    waiter_t self = {NULL}, **link = &line;
    int rc = 0;

    while (*link)
        link = &(*link)->next;
    *link = &self;
    while (rc == 0 && (line != &self || reserved + size > bound_sum))
        rc = pthread_cond_timedwait(&changed, &mutex, &until);
    leave(&self);
    if (rc == 0)
        reserved += size;
    return rc;
}

static void give_room(apr_uint64_t size)
{
    pthread_mutex_lock(&mutex);
    reserved -= size > reserved ? reserved : size;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

kz_err_t *kz_scan_reserve(int *memfd, apr_uint64_t size, apr_time_t deadline)
{
    apr_uint64_t one;
    int rc;

    *memfd = -1;
    pthread_mutex_lock(&mutex);
    one = bound_one;
    rc = size > one ? E2BIG : take_room(size, deadline);
    pthread_mutex_unlock(&mutex);
    if (rc == E2BIG)
        return kz_err_create(KZ_ERR_TOO_LARGE,
                             "%" APR_UINT64_T_FMT " bytes to scan, the bound is %" APR_UINT64_T_FMT,
                             size, one);
    if (rc)
        return kz_err_create(KZ_ERR_BUSY, "no room to scan %" APR_UINT64_T_FMT " bytes in time",
                             size);
    *memfd = memfd_create("kanzlei-scan", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*memfd < 0) {
        rc = errno;
        give_room(size);
        return kz_err_status(KZ_ERR_NO_SPACE, rc, "memfd_create");
    }
    return NULL;
}

void kz_scan_release(int memfd, apr_uint64_t size)
{
    if (memfd < 0)
        return;
    close(memfd);
    give_room(size);
}
