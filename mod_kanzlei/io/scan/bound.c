/* Bounds the plaintext under scan in this process: memfds are memory. Later documents wait in line.
 */
#include "io/scan/scan.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "io/scan/internal.h"

#define HARD_CAP     (APR_UINT64_C(2147483648) - 3) /* bytes, libclamav's */
#define KZ_HELD_LOOK (50 * 1000) /* microseconds between looks at what scanners hold */

typedef struct waiter_t {
    struct waiter_t *next;
} waiter_t;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static apr_uint64_t bound_sum = APR_UINT64_C(512) << 20;
static apr_uint64_t bound_one = APR_UINT64_C(100) << 20;
static apr_uint64_t reserved;
/* A scanner that still holds a document which nobody waits for any more. */
typedef struct held_t {
    struct held_t *next;
    int connection;    /* it hangs up when it has let go */
    int memfd;         /* -1: released here; SIZE is given back when the scanner hangs up */
    apr_uint64_t size; /* of what was released */
} held_t;

static held_t *held;
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

static void give_room_locked(apr_uint64_t size)
{
    reserved -= size > reserved ? reserved : size;
    pthread_cond_broadcast(&changed);
}

static int has_hung_up(int connection)
{
    struct pollfd wait = {connection, 0, 0};

    return poll(&wait, 1, 0) == 1;
}

/* Forgets scanners that have let go, and gives back what they held. */
static void look_at_held(void)
{
    held_t **link = &held;

    while (*link) {
        held_t *one = *link;

        if (!has_hung_up(one->connection)) {
            link = &one->next;
            continue;
        }
        *link = one->next;
        if (one->memfd < 0)
            give_room_locked(one->size);
        close(one->connection);
        free(one);
    }
}

/* Waits until something has changed; while scanners hold what is to come back, for KZ_HELD_LOOK at
 * most. Returns 0, or ETIMEDOUT at DEADLINE. */
static int wait_for_change(apr_time_t deadline)
{
    apr_time_t soon = kz_clock_now() + KZ_HELD_LOOK,
               end = held && soon < deadline ? soon : deadline;
    int rc = kz_clock_wait(&changed, &mutex, end);

    look_at_held();
    return rc == ETIMEDOUT && end < deadline ? 0 : rc;
}

/* Waits for the turn of one that wants SIZE bytes. Returns 0, or ETIMEDOUT. */
static int take_room(apr_uint64_t size, apr_time_t deadline)
{
    waiter_t self = {NULL}, **link = &line;
    int rc = 0;

    look_at_held();

    while (*link)
        link = &(*link)->next;
    *link = &self;
    while (rc == 0 && (line != &self || reserved + size > bound_sum))
        rc = wait_for_change(deadline);
    leave(&self);
    if (rc == 0)
        reserved += size;
    return rc;
}

static void give_room(apr_uint64_t size)
{
    pthread_mutex_lock(&mutex);
    give_room_locked(size);
    pthread_mutex_unlock(&mutex);
}

void kz_scan__let_go(int connection, int memfd)
{
    held_t *one;

    shutdown(connection, SHUT_RD); /* a worker that speaks then sees that nobody listens */
    one = has_hung_up(connection) ? NULL : malloc(sizeof *one);
    if (!one) {
        close(connection);
        return;
    }
    pthread_mutex_lock(&mutex);
    *one = (held_t){held, connection, memfd, 0};
    held = one;
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
    held_t *one;

    if (memfd < 0)
        return;
    pthread_mutex_lock(&mutex);
    for (one = held; one && one->memfd != memfd; one = one->next)
        continue;
    if (one) {
        one->memfd = -1;
        one->size = size;
        look_at_held();
    } else {
        give_room_locked(size);
    }
    close(memfd); /* its number is somebody else's from now on */
    pthread_mutex_unlock(&mutex);
}
