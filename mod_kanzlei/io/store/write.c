/* Writing to several stores at once. Each gets a thread, which owns all that it uses, so that a
 * store that hangs can be left behind: the thread ends when the system lets it, and harms nobody.
 */
#include "base/log.h"
#include "io/store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct kz_store__job_t job_t;
typedef kz_store__gate_t gate_t;

/* One store's part of a job. */
typedef struct part_t {
    job_t *job;
    kz_store__one_t *one; /* held */
    int fd;               /* its own */
    int started, ended;
    int behind; /* nobody waits for it any more */
    kz_err_t *err;
} part_t;

struct kz_store__job_t {
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    gate_t gate;
    int users; /* the caller, and each thread */
    int given; /* FD's own file may go to a store, and has not gone to one */
    int running, succeeded;
    part_t parts[KZ_STORES_MAX];
    char key[KZ_STORE_KEY_MAX + 1];
    apr_uint64_t size;
    apr_time_t deadline;
    int replace, staged;
};

/* NULL: no memory. */
static job_t *job_create(const kz_store__write_t *write)
{
    job_t *job = calloc(1, sizeof *job);

    if (!job)
        return NULL;
    pthread_mutex_init(&job->lock, NULL);
    pthread_cond_init(&job->changed, NULL);
    job->users = 1;
    memcpy(job->key, write->key, strlen(write->key) + 1); /* checked: fits */
    job->size = write->size;
    job->deadline = write->deadline;
    job->replace = write->replace;
    job->staged = write->staged;
    job->given = write->given;
    job->gate = write->staged ? KZ_STORE_SHUT : KZ_STORE_OPEN;
    return job;
}

static void job_release(job_t *job)
{
    int users, i;

    pthread_mutex_lock(&job->lock);
    users = --job->users;
    pthread_mutex_unlock(&job->lock);
    if (users > 0)
        return;
    for (i = 0; i < KZ_STORES_MAX; i++)
        kz_log_err(KZ_LOG_INFO, KZ_LOGNO(0011) "after nobody waited any more: ", job->parts[i].err);
    pthread_cond_destroy(&job->changed);
    pthread_mutex_destroy(&job->lock);
    free(job);
}

/* --- the thread --- */

/* The file itself goes to one store, or two would have one copy. */
static int take_given(job_t *job)
{
    int given;

    pthread_mutex_lock(&job->lock);
    given = job->given;
    job->given = 0;
    pthread_mutex_unlock(&job->lock);
    return given;
}

/* Waits for the caller's decision. INTERNAL: it is dropped, and the store is not to blame. */
static kz_err_t *gate_pass(job_t *job)
{
    gate_t gate;

    pthread_mutex_lock(&job->lock);
    while (job->gate == KZ_STORE_SHUT && kz_clock_now() < job->deadline)
        kz_clock_wait(&job->changed, &job->lock, job->deadline);
    gate = job->gate;
    pthread_mutex_unlock(&job->lock);
    if (gate == KZ_STORE_OPEN)
        return NULL;
    return kz_err_create(KZ_ERR_INTERNAL, "%s: %s", job->key,
                         gate == KZ_STORE_SHUT ? "not named in time" : "dropped");
}

static kz_err_t *part_stage(const part_t *part, apr_pool_t *pool)
{
    job_t *job = part->job;
    const kz_store_driver_t *driver = part->one->driver;
    kz_store_source_t source = {job->key, part->fd, job->size, take_given(job)};
    void *staged;
    kz_err_t *err;

    KZ_TRY(driver->stage(&staged, part->one->instance, &source, job->deadline, pool));
    err = gate_pass(job);
    if (!err)
        return driver->name(staged);
    driver->drop(staged);
    return err;
}

static kz_err_t *part_write(const part_t *part)
{
    job_t *job = part->job;
    kz_store__one_t *one = part->one;
    kz_store_put_fn way = job->replace ? one->driver->replace : one->driver->put;
    apr_pool_t *pool;
    kz_err_t *err;

    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS)
        return kz_err_create(KZ_ERR_INTERNAL, "no memory for a write");
    err = kz_store__verify_anew(one, job->deadline, pool);
    if (!err && job->staged && one->driver->stage) {
        err = part_stage(part, pool);
    } else if (!err) {
        err = gate_pass(job);
        if (!err)
            err = way(one->instance, job->key, part->fd, job->size, job->deadline, pool);
    }
    apr_pool_destroy(pool);
    return kz_store__note(one, err);
}

static void *part_main(void *baton)
{
    part_t *part = baton;
    kz_store__one_t *one = part->one;
    job_t *job = part->job;
    apr_time_t start = kz_clock_now();
    kz_err_t *err = part_write(part);
    int behind;

    KZ_TIME(STORE_WRITE, start);
    close(part->fd);
    pthread_mutex_lock(&job->lock);
    part->err = err;
    part->ended = 1;
    job->running--;
    job->succeeded += !err;
    behind = part->behind;
    if (!behind)
        kz_store__release(one); /* who waits closes the set next, and wants to be its last user */
    pthread_cond_broadcast(&job->changed);
    pthread_mutex_unlock(&job->lock);
    if (behind) {
        pthread_mutex_lock(&one->lock);
        one->behind--;
        pthread_mutex_unlock(&one->lock);
        kz_store__release(one);
    }
    job_release(job);
    return NULL;
}

/* --- the caller --- */

/* Starts writing to ONE. A write that can't be started ends at once with its error. */
static void part_start(job_t *job, part_t *part, kz_store__one_t *one, int fd)
{
    int behind, status;

    pthread_mutex_lock(&one->lock);
    behind = one->behind;
    pthread_mutex_unlock(&one->lock);
    part->job = job;
    part->one = one;
    part->fd = behind ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (part->fd < 0) {
        part->err = behind ? kz_err_create(KZ_ERR_STORE_DOWN, "store %s: %d earlier writes hang",
                                           one->name, behind)
                           : kz_store__io_error(errno, "a write to store", one->name);
        return;
    }
    kz_store__hold(one);
    pthread_mutex_lock(&job->lock);
    part->started = 1;
    job->users++;
    job->running++;
    pthread_mutex_unlock(&job->lock);
    status = kz_store__thread(part_main, part);
    if (status == 0)
        return;
    close(part->fd);
    kz_store__release(one);
    pthread_mutex_lock(&job->lock);
    part->started = 0;
    part->err = kz_store__io_error(status, "a thread for store", one->name);
    job->users--;
    job->running--;
    pthread_mutex_unlock(&job->lock);
}

/* Waits, with the job locked: for all until the deadline, or for GRACE after the quorum. */
static void wait_for_parts(job_t *job, int quorum, apr_interval_time_t grace, apr_time_t deadline)
{
    apr_time_t start = kz_clock_now(), limit = deadline;
    int granted = 0;

    while (job->running > 0 && kz_clock_now() < limit) {
        kz_clock_wait(&job->changed, &job->lock, limit);
        if (!granted && job->succeeded >= quorum) {
            apr_time_t now = kz_clock_now();

            if (grace < now - start)
                grace = now - start;
            if (limit > now + grace)
                limit = now + grace;
            granted = 1;
        }
    }
}

/* Takes the errors of the writes that have ended; leaves the others behind. With the job locked. */
static void collect(kz_err_t **errs, job_t *job, int count)
{
    int i;

    for (i = 0; i < count; i++) {
        part_t *part = &job->parts[i];

        errs[i] = part->err;
        part->err = NULL;
        if (!part->started || part->ended)
            continue;
        part->behind = 1;
        pthread_mutex_lock(&part->one->lock);
        part->one->behind++;
        pthread_mutex_unlock(&part->one->lock);
        kz_store__stay_loaded();
        errs[i] = kz_err_create(KZ_ERR_STORE_DOWN, "store %s: no answer in time", part->one->name);
    }
}

kz_err_t *kz_store__write_begin(job_t **job, const kz_stores_t *stores, unsigned mask,
                                const kz_store__write_t *write)
{
    job_t *made = job_create(write);
    int i;

    if (!made)
        return kz_err_create(KZ_ERR_INTERNAL, "no memory for a write");
    for (i = 0; i < stores->count; i++)
        if (mask & 1U << i)
            part_start(made, &made->parts[i], stores->one[i], write->fd);
    *job = made;
    return NULL;
}

void kz_store__write_end(kz_err_t **errs, job_t *job, const kz_stores_t *stores, int quorum,
                         gate_t gate, apr_time_t deadline)
{
    pthread_mutex_lock(&job->lock);
    job->gate = gate;
    pthread_cond_broadcast(&job->changed);
    wait_for_parts(job, quorum, stores->grace, deadline);
    collect(errs, job, stores->count);
    pthread_mutex_unlock(&job->lock);
    job_release(job);
}

kz_err_t *kz_store__write(kz_err_t **errs, kz_stores_t *stores, unsigned mask, int quorum,
                          const kz_store__write_t *write)
{
    job_t *job;

    KZ_TRY(kz_store__write_begin(&job, stores, mask, write));
    kz_store__write_end(errs, job, stores, quorum, KZ_STORE_OPEN, write->deadline);
    return NULL;
}
