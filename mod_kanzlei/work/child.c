#include "work/child.h"

#include <stdatomic.h>
#include <unistd.h>

#include <apr_signal.h>
#include <apr_thread_proc.h>
#include <ap_mpm.h>
#include <httpd.h>
#include <http_core.h>

#include "base/clock.h"
#include "base/log.h"

#define KZ_CHILD_PATIENCE (10 * APR_USEC_PER_SEC) /* while another child is ready */
#define KZ_CHILD_WELL     (5 * APR_USEC_PER_SEC)  /* httpd's parent looks once a second */
#define KZ_CHILD_SAY      (60 * APR_USEC_PER_SEC) /* between lines about the same fault */

struct kz_child_t {
    const kz_site_t *loaded;
    kz_jobs_t *jobs;
    kz_site_t *_Atomic site;
    apr_pool_t *pool; /* of the thread's tries */
    apr_thread_t *thread;
    atomic_int ending;
    apr_time_t since, said; /* by kz_clock_now(): first try; last line about a fault, 0: none */
};

/* Whether another child has been ready for long enough that httpd's parent has seen it. */
static int is_another_well(const kz_child_t *child)
{
    apr_time_t ready = child->loaded->shared->ready;

    return ready && kz_clock_now() - ready > KZ_CHILD_WELL;
}

/* One try, in a pool of its own. */
static kz_err_t *try_once(kz_child_t *child)
{
    kz_site_t *made;
    apr_pool_t *pool;
    kz_err_t *err;

    apr_pool_create(&pool, child->pool);
    err = kz_site_start(&made, child->loaded, pool);
    if (err) {
        apr_pool_destroy(pool);
        return err;
    }
    if (!child->loaded->shared->ready)
        child->loaded->shared->ready = kz_clock_now();
    child->site = made;
    kz_jobs_open(child->jobs, made);
    return NULL;
}

/* Says a fault, and again after a while: an operator who looks later finds it. */
static void say(kz_child_t *child, kz_err_t *err)
{
    apr_time_t now = kz_clock_now();

    if (child->said && now - child->said < KZ_CHILD_SAY) {
        kz_err_expected(err); /* the same as a second ago */
        return;
    }
    child->said = now;
    kz_log_err(KZ_LOG_CRIT, KZ_LOGNO(0029) "this process is not ready, and tries again: ", err);
}

/* Ends this process, if another one is well and it has tried for long enough. */
static void give_up(const kz_child_t *child)
{
    if (kz_clock_now() - child->since < KZ_CHILD_PATIENCE || !is_another_well(child))
        return;
    KZ_LOG(KZ_LOG_CRIT, KZ_LOGNO(0042) "this process is not ready, and ends: httpd replaces it");
    _exit(APEXIT_CHILDSICK);
}

static void *APR_THREAD_FUNC go_on(apr_thread_t *thread, void *baton)
{
    kz_child_t *child = baton;
    kz_err_t *err;

    (void)thread;
    apr_setup_signal_thread(); /* signals are for httpd's own threads */
    while (!child->ending) {
        apr_sleep(APR_USEC_PER_SEC);
        err = child->ending ? NULL : try_once(child);
        if (!err)
            break;
        say(child, err);
        give_up(child);
    }
    return NULL;
}

static apr_status_t end(void *baton)
{
    kz_child_t *child = baton;
    apr_status_t unused;

    child->ending = 1;
    apr_thread_join(&unused, child->thread);
    return APR_SUCCESS;
}

/* Tries here, while requests go to a child that is ready. Returns 1 if this one is, too. */
static int try_before_requests(kz_child_t *child)
{
    while (child->loaded->shared->ready) {
        kz_err_t *err = try_once(child);

        if (!err)
            return 1;
        say(child, err);
        give_up(child);
        if (kz_clock_now() - child->since >= KZ_CHILD_PATIENCE)
            return 0; /* the other one is too young: httpd would end */
        apr_sleep(APR_USEC_PER_SEC);
    }
    return 0;
}

void kz_child_start(kz_child_t **child, const kz_site_t *loaded, kz_jobs_t *jobs, apr_pool_t *pool)
{
    kz_child_t *made = apr_pcalloc(pool, sizeof *made);
    kz_err_t *err = NULL;

    made->loaded = loaded;
    made->jobs = jobs;
    made->since = kz_clock_now();
    apr_pool_create(&made->pool, pool);
    *child = made;
    if (try_before_requests(made))
        return;
    if (!loaded->shared->ready)
        err = try_once(made);
    if (kz_child_site(made))
        return;
    if (err)
        say(made, err);
    if (apr_thread_create(&made->thread, NULL, go_on, made, pool) != APR_SUCCESS) {
        KZ_LOG(KZ_LOG_CRIT, KZ_LOGNO(0062) "this process stays, and is not ready");
        return;
    }
    apr_pool_pre_cleanup_register(pool, made, end);
}

kz_site_t *kz_child_site(const kz_child_t *child)
{
    return child ? child->site : NULL;
}
