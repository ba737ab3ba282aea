#include "base/log.h"
#include "io/store/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <apr_strings.h>

#define DRIVERS_MAX  8
#define OPEN_TIMEOUT apr_time_from_sec(5) /* for reading the marker at start */
#define MARKER_MAX   64                   /* bytes: a UUID and a line feed */

static const kz_store_driver_t *drivers[DRIVERS_MAX] = {&kz_store__dir};

kz_err_t *kz_stores_register(const kz_store_driver_t *driver)
{
    int i;

    for (i = 0; i < DRIVERS_MAX; i++) {
        if (drivers[i] && strcmp(drivers[i]->scheme, driver->scheme) != 0)
            continue;
        drivers[i] = driver;
        return NULL;
    }
    return kz_err_create(KZ_ERR_CONFIG, "no room for the store driver %s", driver->scheme);
}

kz_err_t *kz_store_key_check(const char *key)
{
    size_t len = strlen(key);

    if (len == 0 || len > KZ_STORE_KEY_MAX || key[0] == '/' || key[len - 1] == '/' ||
        strstr(key, "//") || strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789/-") != len)
        return kz_err_create(KZ_ERR_INVALID, "not a key of an object");
    return NULL;
}

kz_err_t *kz_store__arguments(const kz_stores_t *stores, int index, const char *key)
{
    if (index < 0 || index >= stores->count)
        return kz_err_create(KZ_ERR_INVALID, "no store %d", index);
    return key ? kz_store_key_check(key) : NULL;
}

kz_err_t *kz_store__in_time(apr_time_t deadline)
{
    return kz_clock_now() <= deadline ? NULL
                                      : kz_err_create(KZ_ERR_STORE_DOWN, "no answer in time");
}

kz_err_t *kz_store__io_error(int number, const char *what, const char *path)
{
    kz_err_code_t code = kz_err_errno(number);

    return kz_err_status(code == KZ_ERR_NO_SPACE ? code : KZ_ERR_STORE_DOWN,
                         APR_FROM_OS_ERROR(number), "%s %s", what, path);
}

/* --- one store --- */

void kz_store__hold(kz_store__one_t *one)
{
    pthread_mutex_lock(&one->lock);
    one->users++;
    pthread_mutex_unlock(&one->lock);
}

void kz_store__release(kz_store__one_t *one)
{
    int users;

    pthread_mutex_lock(&one->lock);
    users = --one->users;
    pthread_mutex_unlock(&one->lock);
    if (users > 0)
        return;
    pthread_mutex_destroy(&one->lock);
    apr_pool_destroy(one->pool);
}

kz_err_t *kz_store__note(kz_store__one_t *one, kz_err_t *err)
{
    int answered =
        !err || kz_err_code(err) == KZ_ERR_NOT_FOUND || kz_err_code(err) == KZ_ERR_CONFLICT;

    if (err && kz_err_code(err) != KZ_ERR_NOT_FOUND)
        KZ_COUNT(STORE_ERRORS);
    err = kz_err_wrap(err, "store %s", one->name);
    pthread_mutex_lock(&one->lock);
    if (answered) {
        one->trouble[0] = 0;
        one->shun = 0;
    } else if (kz_err_code(err) == KZ_ERR_STORE_DOWN || kz_err_code(err) == KZ_ERR_CONFIG) {
        apr_cpystrn(one->trouble, kz_err_detail(err), sizeof one->trouble);
        one->shun = kz_clock_now() + KZ_STORE_SHUN;
        one->verified = 0;                            /* the store may come back as another disk */
    } else if (kz_err_code(err) == KZ_ERR_NO_SPACE) { /* can be read */
        apr_cpystrn(one->trouble, kz_err_detail(err), sizeof one->trouble);
    }
    pthread_mutex_unlock(&one->lock);
    return err;
}

void kz_store__slow(kz_store__one_t *one, apr_time_t took)
{
    if (took <= KZ_STORE_SLOW)
        return;
    pthread_mutex_lock(&one->lock);
    snprintf(one->trouble, sizeof one->trouble, "store %s: a read took %d ms", one->name,
             (int)apr_time_as_msec(took));
    one->shun = kz_clock_now() + KZ_STORE_SHUN;
    pthread_mutex_unlock(&one->lock);
}

int kz_store__shunned(kz_store__one_t *one)
{
    int shunned;

    pthread_mutex_lock(&one->lock);
    shunned = one->behind > 0 || one->shun > kz_clock_now();
    pthread_mutex_unlock(&one->lock);
    return shunned;
}

/* --- the marker --- */

kz_err_t *kz_store__marker(kz_store__one_t *one, apr_time_t deadline, apr_pool_t *scratch_pool)
{
    char text[MARKER_MAX + 1] = {0};
    size_t len = MARKER_MAX, want = strlen(one->installation);
    apr_uint64_t size;
    void *object;

    KZ_TRY(
        one->driver->get(&object, &size, one->instance, KZ_STORE_MARKER, deadline, scratch_pool));
    KZ_TRY(one->driver->read(object, 0, text, &len, deadline));
    if (strncmp(text, one->installation, want) != 0 || (text[want] && text[want] != '\n'))
        return kz_err_create(KZ_ERR_CONFIG, "belongs to another installation: %.36s", text);
    return NULL;
}

kz_err_t *kz_store__verify(kz_store__one_t *one, apr_time_t deadline, apr_pool_t *scratch_pool)
{
    apr_pool_t *pool;
    kz_err_t *err;
    int verified;

    pthread_mutex_lock(&one->lock);
    verified = one->verified;
    pthread_mutex_unlock(&one->lock);
    if (verified)
        return NULL;
    apr_pool_create(&pool, scratch_pool);
    err = kz_store__marker(one, deadline, pool);
    apr_pool_destroy(pool);
    if (err && kz_err_code(err) == KZ_ERR_NOT_FOUND) {
        kz_err_expected(err);
        return kz_err_create(KZ_ERR_STORE_DOWN, "has no marker: not there, or never initialised");
    }
    if (err)
        return err;
    pthread_mutex_lock(&one->lock);
    one->verified = 1;
    pthread_mutex_unlock(&one->lock);
    return NULL;
}

kz_err_t *kz_store__verify_anew(kz_store__one_t *one, apr_time_t deadline, apr_pool_t *scratch_pool)
{
    pthread_mutex_lock(&one->lock);
    one->verified = 0;
    pthread_mutex_unlock(&one->lock);
    return kz_store__verify(one, deadline, scratch_pool);
}

static kz_err_t *verify_there(kz_store__one_t *one, kz_store__ask_t *what, apr_pool_t *pool)
{
    return kz_store__verify_anew(one, what->deadline, pool);
}

kz_err_t *kz_stores_check(kz_stores_t *stores, int index, apr_time_t deadline,
                          apr_pool_t *scratch_pool)
{
    kz_store__ask_t what = {.deadline = deadline};
    kz_store__one_t *one;

    (void)scratch_pool;
    KZ_TRY(kz_store__arguments(stores, index, NULL));
    one = stores->one[index];
    return kz_store__note(one, kz_store__ask(one, verify_there, &what));
}

static kz_err_t *initialise(kz_store__one_t *one, kz_store__ask_t *what, apr_pool_t *pool)
{
    const char *text = apr_pstrcat(pool, one->installation, "\n", NULL);
    kz_err_t *err = kz_store__marker(one, what->deadline, pool);

    if (!err || kz_err_code(err) != KZ_ERR_NOT_FOUND)
        return err;
    kz_err_expected(err); /* a new store has no marker */
    err = one->driver->mark(one->instance, text, what->deadline, pool);
    if (err && kz_err_code(err) == KZ_ERR_CONFLICT) {
        kz_err_expected(err);
        return kz_err_create(KZ_ERR_CONFIG, "has no marker, but is not empty");
    }
    return err;
}

kz_err_t *kz_stores_initialise(kz_stores_t *stores, apr_time_t deadline, apr_pool_t *scratch_pool)
{
    kz_err_t *first = NULL;
    int i;

    (void)scratch_pool;
    for (i = 0; i < stores->count; i++) {
        kz_store__one_t *one = stores->one[i];
        kz_store__ask_t what = {.deadline = deadline};
        kz_err_t *err = kz_store__note(one, kz_store__ask(one, initialise, &what));

        first = kz_log_second(first, err);
    }
    return first;
}

/* --- the set --- */

static kz_err_t *one_open(kz_store__one_t **one, const kz_store_place_t *place,
                          const char *installation)
{
    const char *name = place->name, *url = place->url;
    const char *rest = strchr(url, ':');
    kz_store__one_t *made;
    apr_pool_t *pool;
    kz_err_t *err;
    int i;

    for (i = 0; rest && i < DRIVERS_MAX && drivers[i]; i++)
        if (strlen(drivers[i]->scheme) == (size_t)(rest - url) &&
            strncmp(drivers[i]->scheme, url, (size_t)(rest - url)) == 0)
            break;
    if (!rest || i == DRIVERS_MAX || !drivers[i])
        return kz_err_create(KZ_ERR_CONFIG, "store %s: no driver for its URL", name);
    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS)
        return kz_err_create(KZ_ERR_INTERNAL, "no memory for a store");
    made = apr_pcalloc(pool, sizeof *made);
    made->pool = pool;
    made->driver = drivers[i];
    made->name = apr_pstrdup(pool, name);
    made->installation = apr_pstrdup(pool, installation);
    made->users = 1;
    err = made->driver->open(&made->instance, rest + 1, pool);
    if (err || pthread_mutex_init(&made->lock, NULL) != 0) {
        apr_pool_destroy(pool);
        return err ? kz_err_wrap(err, "store %s", name)
                   : kz_err_create(KZ_ERR_INTERNAL, "no lock for a store");
    }
    *one = made;
    return NULL;
}

static apr_status_t set_close(void *baton)
{
    kz_stores_t *stores = baton;

    while (stores->count > 0)
        kz_store__release(stores->one[--stores->count]);
    return APR_SUCCESS;
}

/* Two copies in one place would be one copy. */
static kz_err_t *refuse_same(const kz_stores_t *stores, int index)
{
    const kz_store__one_t *last = stores->one[index];
    int i;

    for (i = 0; i < index; i++) {
        const kz_store__one_t *one = stores->one[i];

        if (one->driver == last->driver && one->driver->is_same &&
            one->driver->is_same(one->instance, last->instance))
            return kz_err_create(KZ_ERR_CONFIG, "the stores %s and %s are one place", one->name,
                                 last->name);
    }
    return NULL;
}

/* Asks all of the stores at once for their markers: those that hang cost the time of one. */
static kz_err_t *look_at_all(kz_stores_t *stores)
{
    kz_store__ask_t what = {.deadline = kz_clock_now() + OPEN_TIMEOUT};
    kz_store__call_t *calls[KZ_STORES_MAX] = {NULL};
    kz_err_t *wrong = NULL;
    int i;

    for (i = 0; i < stores->count && !wrong; i++)
        wrong = kz_store__ask_begin(&calls[i], stores->one[i], verify_there, &what, NULL);
    for (i = 0; i < stores->count && calls[i]; i++) {
        apr_pool_t *pool;
        kz_err_t *err = kz_store__note(stores->one[i],
                                       kz_store__ask_end(&pool, &what, calls[i], what.deadline));

        if (pool)
            apr_pool_destroy(pool);
        if (err && kz_err_code(err) == KZ_ERR_CONFIG) {
            wrong = kz_log_second(wrong, err);
            continue;
        }
        kz_log_err(KZ_LOG_INFO, KZ_LOGNO(0014) "a store is left out for now: ", err);
    }
    for (i = 1; i < stores->count && !wrong; i++)
        wrong = refuse_same(stores, i);
    return wrong;
}

kz_err_t *kz_stores_open(kz_stores_t **stores, const kz_store_place_t *places, int count,
                         int quorum, const char *installation, apr_pool_t *pool)
{
    kz_stores_t *made = apr_pcalloc(pool, sizeof *made);
    int i;

    if (count < 1 || count > KZ_STORES_MAX || quorum < 1 || quorum > count)
        return kz_err_create(KZ_ERR_CONFIG, "%d stores with a quorum of %d", count, quorum);
    if (strlen(installation) == 0 || strlen(installation) >= MARKER_MAX)
        return kz_err_create(KZ_ERR_CONFIG, "stores need the installation's id");
    made->quorum = quorum;
    made->grace = KZ_STORE_GRACE;
    apr_pool_cleanup_register(pool, made, set_close, apr_pool_cleanup_null);
    for (i = 0; i < count; i++) {
        KZ_TRY(one_open(&made->one[i], &places[i], installation));
        made->count++;
    }
    KZ_TRY(look_at_all(made));
    *stores = made;
    return NULL;
}

int kz_stores_count(const kz_stores_t *stores)
{
    return stores->count;
}

const char *kz_stores_name(const kz_stores_t *stores, int index)
{
    return stores->one[index]->name;
}

int kz_stores_health(char *why, size_t size, kz_stores_t *stores, int index)
{
    kz_store__one_t *one = stores->one[index];
    int behind;

    pthread_mutex_lock(&one->lock);
    behind = one->behind;
    apr_cpystrn(why, one->trouble, size);
    pthread_mutex_unlock(&one->lock);
    if (behind > 0)
        apr_snprintf(why, size, "store %s: %d calls hang", one->name, behind);
    return *why == 0;
}
