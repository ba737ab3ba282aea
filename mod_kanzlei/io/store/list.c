/* Listing a store: its thread hands the keys over in batches, while the caller waits for the next
 * one until the deadline. */
#include "io/store/internal.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#define BATCH  200                    /* keys */
#define SILENT apr_time_from_sec(300) /* for so long a store may give no batch */

typedef struct listed_t {
    char key[KZ_STORE_KEY_MAX + 1];
    apr_uint64_t size;
} listed_t;

struct kz_store__feed_t {
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    int users; /* the caller, and the thread */
    int count; /* keys of a batch that is being filled */
    int full;  /* it is the caller's */
    int over;  /* the thread adds no more */
    int left;  /* the caller takes no more */
    listed_t batch[BATCH];
};

typedef struct kz_store__feed_t feed_t;

static void release(feed_t *feed)
{
    int users;

    pthread_mutex_lock(&feed->lock);
    users = --feed->users;
    pthread_mutex_unlock(&feed->lock);
    if (users > 0)
        return;
    pthread_cond_destroy(&feed->changed);
    pthread_mutex_destroy(&feed->lock);
    free(feed);
}

/* --- the thread --- */

/* Waits until the caller has taken the batch. INTERNAL: it takes no more. */
static kz_err_t *hand_over(feed_t *feed)
{
    int left;

    pthread_mutex_lock(&feed->lock);
    feed->full = 1;
    pthread_cond_broadcast(&feed->changed);
    while (feed->full && !feed->left)
        pthread_cond_wait(&feed->changed, &feed->lock);
    left = feed->left;
    pthread_mutex_unlock(&feed->lock);
    feed->count = 0;
    return left ? kz_err_create(KZ_ERR_INTERNAL, "nobody wants the rest of the list") : NULL;
}

static kz_err_t *add(void *baton, const char *key, apr_uint64_t size)
{
    feed_t *feed = baton;
    listed_t *place = &feed->batch[feed->count];

    if (strcmp(key, KZ_STORE_MARKER) == 0 ||
        strncmp(key, KZ_STORE_PROBE, strlen(KZ_STORE_PROBE)) == 0)
        return NULL;
    apr_cpystrn(place->key, key, sizeof place->key);
    place->size = size;
    return ++feed->count < BATCH ? NULL : hand_over(feed);
}

static kz_err_t *list_there(kz_store__one_t *one, kz_store__ask_t *what, apr_pool_t *pool)
{
    feed_t *feed = what->feed;
    kz_err_t *err = kz_store__verify_anew(one, what->deadline, pool);

    if (!err)
        err = one->driver->list(one->instance, what->key, add, feed, what->deadline, pool);
    if (!err && feed->count > 0)
        err = hand_over(feed);
    pthread_mutex_lock(&feed->lock);
    feed->over = 1;
    pthread_cond_broadcast(&feed->changed);
    pthread_mutex_unlock(&feed->lock);
    release(feed);
    return err;
}

/* --- the caller --- */

/* Takes one batch. *OVER: there is none, for now or at all. */
static kz_err_t *take(int *over, feed_t *feed, kz_store_list_fn each, void *baton)
{
    kz_err_t *err = NULL;
    int i;

    *over = !feed->full;
    for (i = 0; feed->full && i < feed->count && !err; i++)
        err = each(baton, feed->batch[i].key, feed->batch[i].size);
    return err;
}

/* Takes batches until there is no more, or until DEADLINE. */
static kz_err_t *take_all(feed_t *feed, kz_store_list_fn each, void *baton, apr_time_t deadline)
{
    kz_err_t *err = NULL;
    int over = 0;

    pthread_mutex_lock(&feed->lock);
    while (!over && !err) {
        apr_time_t limit = kz_clock_now() + SILENT;

        limit = limit < deadline ? limit : deadline;
        while (!feed->full && !feed->over && kz_clock_now() < limit)
            kz_clock_wait(&feed->changed, &feed->lock, limit);
        err = take(&over, feed, each, baton); /* the thread waits for this */
        feed->full = 0;
        pthread_cond_broadcast(&feed->changed);
    }
    feed->left = 1;
    pthread_cond_broadcast(&feed->changed);
    pthread_mutex_unlock(&feed->lock);
    return err;
}

static feed_t *feed_create(void)
{
    feed_t *feed = calloc(1, sizeof *feed);

    if (!feed)
        return NULL;
    pthread_mutex_init(&feed->lock, NULL);
    pthread_cond_init(&feed->changed, NULL);
    feed->users = 2;
    return feed;
}

kz_err_t *kz_stores_list(kz_stores_t *stores, int index, const char *prefix, kz_store_list_fn each,
                         void *baton, apr_time_t deadline)
{
    kz_store__ask_t what = {.deadline = deadline, .feed = feed_create()};
    kz_err_t *err = kz_store__arguments(stores, index, NULL), *stopped;
    kz_store__call_t *call;
    apr_pool_t *pool;

    if (!err && !what.feed)
        err = kz_err_create(KZ_ERR_INTERNAL, "no memory for a list");
    apr_cpystrn(what.key, prefix, sizeof what.key);
    if (!err)
        err = kz_store__ask_begin(&call, stores->one[index], list_there, &what, NULL);
    if (err) {
        free(what.feed);
        return err;
    }
    stopped = take_all(what.feed, each, baton, deadline);
    deadline = kz_clock_now() + KZ_STORE_GRACE; /* all has been taken, or the store hangs */
    err = kz_store__ask_end(&pool, &what, call, deadline);
    if (pool)
        apr_pool_destroy(pool);
    release(what.feed);
    if (stopped) {
        kz_err_expected(err); /* it was stopped */
        return stopped;
    }
    return kz_store__note(stores->one[index], err);
}
