#include "base/slots.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <apr_atomic.h>
#include <apr_strings.h>
#include <apr_uuid.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

#define SAY (60 * APR_USEC_PER_SEC) /* between two lines about the same slots */

/* A thread that has a slot, or waits for one. */
typedef struct user_t {
    struct user_t *next;
    kz_slots_who_t who;
    pthread_cond_t granted; /* of one who waits */
    int has;                /* it has got one */
} user_t;

struct kz_slots_t {
    pthread_mutex_t mutex; /* of all below */
    kz_slots_bounds_t bounds;
    int taken, waiting;
    user_t *line;           /* those who wait, the first one first: on their stacks */
    user_t *users, *unused; /* those who have a slot; together as many as there are slots */
    apr_time_t said;        /* when the log was told that somebody was refused (kz_clock_now()) */
    const char *what;
};

void kz_slots_account(kz_slots_who_t *who, int firm, const char *account)
{
    apr_uuid_t uuid = {{0}};

    (void)apr_uuid_parse(&uuid, account);
    who->group = (apr_uint64_t)firm;
    memcpy(&who->member, uuid.data + 8, sizeof who->member); /* the random half of a UUIDv7 */
    who->known = 1;
}

kz_err_t *kz_slots_create(kz_slots_t **slots, const kz_slots_bounds_t *bounds, const char *what,
                          apr_pool_t *pool)
{
    kz_slots_t *made = apr_pcalloc(pool, sizeof *made);
    int i;

    made->bounds = *bounds;
    made->what = apr_pstrdup(pool, what);
    for (i = 0; i < bounds->count; i++) {
        user_t *user = apr_pcalloc(pool, sizeof *user);

        user->next = made->unused;
        made->unused = user;
    }
    if (pthread_mutex_init(&made->mutex, NULL) != 0)
        return kz_err_create(KZ_ERR_INTERNAL, "slots for %s", what);
    *slots = made;
    return NULL;
}

/* How many in LIST are of the same group as WHO, and how many are the same member. */
static void count(int *group, int *member, const user_t *list, const kz_slots_who_t *who)
{
    *group = *member = 0;
    for (; list; list = list->next) {
        if (list->who.group != who->group)
            continue;
        ++*group;
        *member += list->who.member == who->member;
    }
}

/* Whether A goes before B, who came earlier. */
static int goes_before(const kz_slots_t *slots, const user_t *a, const user_t *b)
{
    int a_group, a_member, b_group, b_member;

    if (a->who.known != b->who.known)
        return a->who.known;
    count(&a_group, &a_member, slots->users, &a->who);
    count(&b_group, &b_member, slots->users, &b->who);
    return a_group != b_group ? a_group < b_group : a_member < b_member;
}

static int may_have_one(const kz_slots_t *slots, const kz_slots_who_t *who)
{
    int group, member;

    count(&group, &member, slots->users, who);
    return member < slots->bounds.each;
}

/* Whether one is left. Who has the last one that may be had meanwhile wakes the next, so nobody
 * needs to when the others are done. */
static int is_free(const kz_slots_t *slots)
{
    int count = slots->bounds.count;

    if (slots->bounds.first && count > 1 && apr_atomic_read32(slots->bounds.first) > 0)
        count--;
    return slots->taken < count;
}

static void leave(kz_slots_t *slots, const user_t *user)
{
    user_t **link = &slots->line;

    while (*link != user)
        link = &(*link)->next;
    *link = user->next;
    slots->waiting--;
}

static void give_to(kz_slots_t *slots, const kz_slots_who_t *who)
{
    user_t *user = slots->unused;

    slots->unused = user->next;
    user->who = *who;
    user->next = slots->users;
    slots->users = user;
    slots->taken++;
}

/* Gives free slots to those whose turn it is. */
static void serve(kz_slots_t *slots)
{
    user_t *best, *one;

    while (is_free(slots)) {
        for (best = NULL, one = slots->line; one; one = one->next) {
            if (may_have_one(slots, &one->who) && (!best || goes_before(slots, one, best)))
                best = one;
        }
        if (!best)
            return;
        leave(slots, best);
        give_to(slots, &best->who);
        best->has = 1;
        pthread_cond_signal(&best->granted);
    }
}

/* Refuses at once who would wait in vain, or in too long a line. */
static kz_err_t *refuse(const kz_slots_t *slots, const kz_slots_who_t *who)
{
    int group, has, waits, places = slots->bounds.waiting;

    if (!who->known)
        places -= slots->bounds.reserved;
    if (slots->waiting >= places)
        return kz_err_create(KZ_ERR_BUSY, "%d threads wait for a slot for %s already",
                             slots->waiting, slots->what);
    count(&group, &has, slots->users, who);
    count(&group, &waits, slots->line, who);
    if (has + waits >= slots->bounds.share)
        return kz_err_create(KZ_ERR_BUSY, "%d threads of one wait for a slot for %s already", waits,
                             slots->what);
    return NULL;
}

/* Stands in the line until DEADLINE; the mutex is held. */
static kz_err_t *await(kz_slots_t *slots, const kz_slots_who_t *who, apr_time_t deadline)
{
    user_t self = {.who = *who, .granted = PTHREAD_COND_INITIALIZER}, **link = &slots->line;
    int rc = 0;

    while (*link)
        link = &(*link)->next;
    *link = &self;
    slots->waiting++;
    serve(slots);
    while (!self.has && rc != ETIMEDOUT)
        rc = kz_clock_wait(&self.granted, &slots->mutex, deadline);
    pthread_cond_destroy(&self.granted);
    if (self.has)
        return NULL;
    leave(slots, &self);
    return kz_err_create(KZ_ERR_BUSY, "no slot for %s became free", slots->what);
}

/* Counts that somebody was refused. A crowd of those makes a line a minute, not one each. */
static kz_err_t *say(kz_slots_t *slots, kz_err_t *err)
{
    apr_time_t now = kz_clock_now(), said;

    KZ_COUNT(SLOTS_BUSY);
    pthread_mutex_lock(&slots->mutex);
    said = slots->said;
    if (!said || now - said > SAY)
        slots->said = now;
    pthread_mutex_unlock(&slots->mutex);
    if (!said || now - said > SAY)
        kz_log_err_keep(KZ_LOG_WARNING, KZ_LOGNO(0066) "more want a slot than can have one: ", err);
    return kz_err_told(err);
}

kz_err_t *kz_slots_take(kz_slots_t *slots, const kz_slots_who_t *who, apr_interval_time_t wait)
{
    apr_time_t start = 0;
    kz_err_t *err = NULL;

    pthread_mutex_lock(&slots->mutex);
    if (!slots->line && is_free(slots) && may_have_one(slots, who)) {
        give_to(slots, who);
    } else {
        start = kz_clock_now();
        err = refuse(slots, who);
        if (!err)
            err = await(slots, who, kz_clock_now() + wait);
    }
    pthread_mutex_unlock(&slots->mutex);
    if (start)
        KZ_TIME(SLOTS_WAIT, start);
    return err ? say(slots, err) : NULL;
}

void kz_slots_give(kz_slots_t *slots, const kz_slots_who_t *who)
{
    user_t **link = &slots->users, *user;

    pthread_mutex_lock(&slots->mutex);
    while ((*link)->who.group != who->group || (*link)->who.member != who->member)
        link = &(*link)->next;
    user = *link;
    *link = user->next;
    user->next = slots->unused;
    slots->unused = user;
    slots->taken--;
    serve(slots);
    pthread_mutex_unlock(&slots->mutex);
}

int kz_slots_waiting(kz_slots_t *slots)
{
    int waiting;

    pthread_mutex_lock(&slots->mutex);
    waiting = slots->waiting;
    pthread_mutex_unlock(&slots->mutex);
    return waiting;
}
