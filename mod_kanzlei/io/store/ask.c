/* Calls of a driver that are waited for until a deadline. Each has a thread, which owns all that it
 * uses: a store that hangs is left behind, counts as down, and is asked nothing until the system
 * lets the thread end. */
#include "io/store/internal.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>

#define STACK (512 * 1024) /* bytes of a thread's stack */

struct kz_store__call_t {
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    int users; /* the caller, and the thread */
    int ended;
    int left;             /* nobody waits for it any more: the thread gives back what it uses */
    kz_store__one_t *one; /* held */
    kz_store__ask_fn ask;
    kz_store__ask_t what;
    apr_pool_t *pool;
    kz_err_t *err;
};

typedef kz_store__call_t call_t;

int kz_store__thread(void *(*run)(void *), void *baton)
{
    pthread_attr_t attributes;
    sigset_t all, old;
    pthread_t thread;
    int status;

    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    status = pthread_create(&thread, &attributes, run, baton);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attributes);
    return status;
}

void kz_store__stay_loaded(void)
{
    Dl_info here;

    if (dladdr(__extension__(void *) kz_store__stay_loaded, &here) && here.dli_fname)
        (void)dlopen(here.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

static void call_release(call_t *call)
{
    int users;

    pthread_mutex_lock(&call->lock);
    users = --call->users;
    pthread_mutex_unlock(&call->lock);
    if (users > 0)
        return;
    pthread_cond_destroy(&call->changed);
    pthread_mutex_destroy(&call->lock);
    free(call);
}

/* The thread's end, when nobody waits any more. It logs nothing: the log may be that of a
 * configuration which is no more. */
static void end_alone(call_t *call, kz_err_t *err)
{
    kz_store__one_t *one = call->one;

    kz_err_expected(err); /* the store was called down already */
    apr_pool_destroy(call->pool);
    pthread_mutex_lock(&one->lock);
    one->behind--;
    one->stuck--;
    pthread_mutex_unlock(&one->lock);
    kz_store__release(one);
}

static void *call_main(void *baton)
{
    call_t *call = baton;
    kz_store__one_t *one = call->one;
    kz_err_t *err = call->ask(one, &call->what, call->pool);
    int left;

    pthread_mutex_lock(&call->lock);
    call->err = err;
    call->ended = 1;
    left = call->left;
    if (!left)
        kz_store__release(one); /* who waits closes the set next, and wants to be its last user */
    pthread_cond_signal(&call->changed);
    pthread_mutex_unlock(&call->lock);
    if (left)
        end_alone(call, err);
    call_release(call);
    return NULL;
}

static int stuck_in(kz_store__one_t *one)
{
    int stuck;

    pthread_mutex_lock(&one->lock);
    stuck = one->stuck;
    pthread_mutex_unlock(&one->lock);
    return stuck;
}

static kz_err_t *call_create(call_t **call, kz_store__one_t *one, apr_pool_t *pool)
{
    if (stuck_in(one))
        return kz_err_create(KZ_ERR_STORE_DOWN, "%d earlier calls hang", stuck_in(one));
    *call = calloc(1, sizeof **call);
    if (!*call || (!pool && apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS)) {
        free(*call);
        return kz_err_create(KZ_ERR_INTERNAL, "no memory for a call");
    }
    pthread_mutex_init(&(*call)->lock, NULL);
    pthread_cond_init(&(*call)->changed, NULL);
    (*call)->one = one;
    (*call)->pool = pool;
    return NULL;
}

/* No thread is to be had. OWN is the caller's pool, or NULL. */
static kz_err_t *never_begun(call_t *call, apr_pool_t *own)
{
    if (!own)
        apr_pool_destroy(call->pool);
    kz_store__release(call->one);
    call->users = 1;
    call_release(call);
    return kz_err_create(KZ_ERR_STORE_DOWN, "no thread for a call");
}

kz_err_t *kz_store__ask_begin(call_t **call, kz_store__one_t *one, kz_store__ask_fn ask,
                              const kz_store__ask_t *what, apr_pool_t *pool)
{
    KZ_TRY(call_create(call, one, pool));
    (*call)->ask = ask;
    (*call)->what = *what;
    (*call)->users = 2;
    kz_store__hold(one);
    if (kz_store__thread(call_main, *call) == 0)
        return NULL;
    if (what->feed) /* its thread waits for the caller */
        return never_begun(*call, pool);
    call_main(*call); /* it is better asked without a bound than not */
    return NULL;
}

kz_err_t *kz_store__ask_end(apr_pool_t **pool, kz_store__ask_t *what, call_t *call,
                            apr_time_t deadline)
{
    kz_store__one_t *one = call->one;
    kz_err_t *err;

    pthread_mutex_lock(&call->lock);
    while (!call->ended && kz_clock_now() < deadline)
        kz_clock_wait(&call->changed, &call->lock, deadline);
    if (call->ended) {
        err = call->err;
        *what = call->what;
        *pool = call->pool;
    } else {
        err = kz_err_create(KZ_ERR_STORE_DOWN, "no answer in time");
        *pool = NULL;
        call->left = 1;
        pthread_mutex_lock(&one->lock);
        one->behind++;
        one->stuck++;
        pthread_mutex_unlock(&one->lock);
        kz_store__stay_loaded();
    }
    pthread_mutex_unlock(&call->lock);
    call_release(call);
    return err;
}

kz_err_t *kz_store__ask(kz_store__one_t *one, kz_store__ask_fn ask, kz_store__ask_t *what)
{
    apr_pool_t *pool;
    call_t *call;
    kz_err_t *err;

    KZ_TRY(kz_store__ask_begin(&call, one, ask, what, NULL));
    err = kz_store__ask_end(&pool, what, call, what->deadline);
    if (pool)
        apr_pool_destroy(pool);
    return err;
}
