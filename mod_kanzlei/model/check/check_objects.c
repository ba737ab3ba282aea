/* Objects of the stores that no row knows. */
#include "model/check/check.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/str.h"
#include "queries.h"

#define BATCH     500                            /* keys asked for at once */
#define LIST_TIME (24 * 3600 * APR_USEC_PER_SEC) /* longest listing of one store */
#define ON_ITS_WAY                                                                                 \
    (24 * 3600 * APR_USEC_PER_SEC) /* an object so young may be about to be known                  \
                                    */

typedef struct listing_t {
    kz_check_t *check;
    kz_portal_t *portal;
    int store;
    apr_pool_t *pool;         /* cleared after every batch */
    apr_array_header_t *keys; /* of const char * */
    apr_time_t before;        /* objects from then on are left alone */
} listing_t;

/* When the document of the object KEY ("<firm>/<two>/<document>/<version>") was begun, by its
 * UUIDv7 (RFC 9562, section 5.7: the first 48 bits are milliseconds); 0 when it is no such key. */
static apr_time_t time_of(const char *key)
{
    const char *id = strchr(key, '/');
    char uuid[KZ_STR_UUID_SIZE], digits[13];

    id = id ? strchr(id + 1, '/') : NULL;
    if (!id || strlen(id + 1) < KZ_STR_UUID_SIZE || id[KZ_STR_UUID_SIZE] != '/')
        return 0;
    apr_cpystrn(uuid, id + 1, sizeof uuid);
    if (!kz_str_is_uuid(uuid) || uuid[14] != '7')
        return 0;
    memcpy(digits, uuid, 8);
    memcpy(digits + 8, uuid + 9, 4);
    digits[12] = '\0';
    return (apr_time_t)strtoll(digits, NULL, 16) * 1000;
}

static void unknown(listing_t *l, const char *key)
{
    kz_stores_t *stores = l->portal->stores;
    kz_check_problem_t problem = {
        .kind = KZ_CHECK_UNKNOWN,
        .store = kz_stores_name(stores, l->store),
        .object = key,
        .detail = "no document has it",
    };
    kz_err_t *err = NULL;

    if (l->check->remove_unknown && time_of(key) != 0) { /* other programs' files stay */
        err =
            kz_stores_remove(stores, key, kz_clock_now() + l->portal->conf->store_timeout, l->pool);
        problem.mended = !err;
        if (err)
            problem.detail = apr_pstrcat(l->pool, "not removed: ", kz_err_detail(err), NULL);
    }
    l->check->problems++;
    l->check->mended += problem.mended;
    l->check->problem(l->check->baton, &problem);
    kz_err_free(err);
}

/* Asks which of the keys collected are unknown. Keys are [a-z0-9/-]: an array of them needs no
 * quoting. */
static kz_err_t *ask(listing_t *l)
{
    kz_q_ctl_objects_unknown_args_t args;
    kz_q_ctl_objects_unknown_t *rows;
    kz_db_t *db;
    int count, i;

    if (l->keys->nelts == 0)
        return NULL;
    args.objects = apr_pstrcat(l->pool, "{", apr_array_pstrcat(l->pool, l->keys, ','), "}", NULL);
    KZ_TRY(kz_db_begin(&db, l->portal->db, l->pool));
    KZ_TRY(kz_q_ctl_objects_unknown(&rows, &count, db, &args, l->pool));
    kz_db_end(db);
    for (i = 0; i < count; i++)
        unknown(l, rows[i].object);
    apr_pool_clear(l->pool);
    l->keys = apr_array_make(l->pool, BATCH, sizeof(const char *));
    return NULL;
}

static kz_err_t *collect(void *baton, const char *key, apr_uint64_t size)
{
    listing_t *l = baton;

    (void)size;
    if (time_of(key) >= l->before)
        return NULL;
    APR_ARRAY_PUSH(l->keys, const char *) = apr_pstrdup(l->pool, key);
    return l->keys->nelts < BATCH ? NULL : ask(l);
}

static kz_err_t *check_store(listing_t *l, const char *prefix, apr_pool_t *scratch_pool)
{
    kz_err_t *err;

    apr_pool_create(&l->pool, scratch_pool);
    l->keys = apr_array_make(l->pool, BATCH, sizeof(const char *));
    err =
        kz_stores_list(l->portal->stores, l->store, prefix, collect, l, kz_clock_now() + LIST_TIME);
    if (!err)
        err = ask(l);
    apr_pool_destroy(l->pool);
    return err;
}

kz_err_t *kz_check_objects(kz_check_t *check, kz_portal_t *portal, const kz_firm_t *firm,
                           apr_pool_t *scratch_pool)
{
    const char *prefix = firm ? apr_psprintf(scratch_pool, "%d/", firm->id) : "";
    listing_t l = {.check = check, .portal = portal, .before = apr_time_now() - ON_ITS_WAY};
    kz_err_t *err;

    for (l.store = 0; l.store < kz_stores_count(portal->stores); l.store++) {
        if (check->down[l.store])
            continue;
        err = check_store(&l, prefix, scratch_pool);
        if (err && kz_err_code(err) == KZ_ERR_STORE_DOWN) {
            kz_check_problem_t problem = {.kind = KZ_CHECK_DOWN,
                                          .store = kz_stores_name(portal->stores, l.store),
                                          .detail = kz_err_detail(err)};

            check->down[l.store] = 1;
            check->problems++;
            check->problem(check->baton, &problem);
            kz_err_free(err);
            err = NULL;
        }
        KZ_TRY(err);
    }
    return NULL;
}
