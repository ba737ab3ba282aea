#include "model/grant.h"

#include <string.h>

#include <apr_atomic.h>
#include <apr_strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "queries.h"

/* Many uploads may end in the same moment. One that waits for its turn holds a thread and nothing
 * else. */
#define KZ_GRANT_TURN (30 * APR_USEC_PER_SEC)

struct kz_grant_t {
    kz_portal_t *portal;
    apr_pool_t *pool;
    kz_grant_ask_t ask;
    kz_db_t *db;
    kz_slots_who_t turn; /* whose slot it has while it has a transaction, if it yields */
    int has_turn;        /* it has one, or counts as a page */
    int settled, is_portal;
    apr_time_t entered; /* when "enter" was sent last, by a clock that nobody sets */
    int firm;           /* asked for (portal), or found */
    const char *firm_name, *slug, *account, *kind, *user, *name, *language, *session;
    unsigned rights;       /* kz_right_set() */
    kz_db_bytes_t wrapped; /* the firm's key */
    kz_seal_key_t *firm_key;
};

/* The transaction is over. */
static apr_status_t end_turn(void *baton)
{
    kz_grant_t *grant = baton;

    if (grant->has_turn && grant->ask.yields)
        kz_slots_give(grant->portal->behind, &grant->turn);
    else if (grant->has_turn)
        apr_atomic_dec32(&grant->portal->pages);
    grant->has_turn = 0;
    return APR_SUCCESS;
}

/* Begins a transaction: a page at once, an upload in its turn. */
static kz_err_t *begin(kz_grant_t *grant)
{
    kz_err_t *err;

    if (grant->ask.yields) {
        grant->turn = grant->ask.caller; /* "enter" may find whose it is */
        KZ_TRY(kz_slots_take(grant->portal->behind, &grant->turn, KZ_GRANT_TURN));
        grant->has_turn = 1;
    } else if (!grant->is_portal) {
        apr_atomic_inc32(&grant->portal->pages);
        grant->has_turn = 1;
    }
    err = kz_db_begin(&grant->db, grant->portal->db, grant->pool);
    if (err)
        end_turn(grant);
    return err;
}

/* A PostgreSQL array literal of words and UUIDs, which need no quoting. */
static const char *array_of(const char *const *items, int count, apr_pool_t *pool)
{
    const char *list = "";
    int i;

    for (i = 0; i < count; i++)
        list = apr_pstrcat(pool, list, i ? "," : "", items[i], NULL);
    return apr_pstrcat(pool, "{", list, "}", NULL);
}

static kz_err_t *read_enter(void *baton)
{
    kz_grant_t *grant = baton;
    kz_q_enter_t *row;

    KZ_TRY(kz_q_enter_read(&row, grant->db, grant->pool));
    grant->settled = 1;
    grant->firm = row->firm;
    grant->firm_name = row->firm_name;
    grant->slug = grant->ask.slug;
    grant->account = row->account;
    grant->kind = row->kind ? row->kind : "public";
    grant->user = row->user_name;
    grant->name = row->name;
    grant->language = row->language;
    grant->session = row->session;
    grant->rights = kz_right_set(row->rights);
    grant->wrapped = row->firm_key;
    if (grant->account)
        kz_slots_account(&grant->ask.caller, grant->firm, grant->account);
    return NULL;
}

static kz_err_t *send_enter(kz_grant_t *grant)
{
    const kz_grant_ask_t *ask = &grant->ask;
    kz_q_enter_args_t args = {
        .slug = ask->slug,
        .token = {ask->token, ask->token ? KZ_GRANT_TOKEN_HASH : 0},
        .who = ask->who,
        .right = kz_right_name(ask->right),
        .kinds = array_of(ask->kinds, ask->ids, grant->pool),
        .ids = array_of(ask->id, ask->ids, grant->pool),
    };

    grant->settled = 0;
    grant->entered = kz_clock_now();
    KZ_TRY(begin(grant));
    KZ_TRY(kz_q_enter_send(grant->db, &args));
    kz_db_defer(grant->db, read_enter, grant);
    return NULL;
}

static kz_grant_t *create(kz_portal_t *portal, const kz_grant_ask_t *ask, apr_pool_t *pool)
{
    kz_grant_t *made = apr_pcalloc(pool, sizeof *made);

    made->portal = portal;
    made->pool = pool;
    made->ask = *ask;
    apr_pool_cleanup_register(pool, made, end_turn, apr_pool_cleanup_null);
    return made;
}

kz_err_t *kz_grant_enter(kz_grant_t **grant, kz_portal_t *portal, const kz_grant_ask_t *ask,
                         apr_pool_t *pool)
{
    *grant = create(portal, ask, pool);
    return send_enter(*grant);
}

static kz_err_t *read_portal(void *baton)
{
    kz_grant_t *grant = baton;
    kz_q_enter_portal_t *row;

    KZ_TRY(kz_q_enter_portal_read(&row, grant->db, grant->pool));
    grant->settled = 1;
    grant->firm_name = row->firm_name;
    grant->slug = row->firm_slug;
    grant->language = row->language;
    grant->kind = "portal";
    grant->wrapped = row->firm_key;
    return NULL;
}

static kz_err_t *send_portal(kz_grant_t *grant)
{
    kz_q_enter_portal_args_t args = {.firm = grant->firm};

    grant->settled = 0;
    KZ_TRY(begin(grant));
    KZ_TRY(kz_q_enter_portal_send(grant->db, &args));
    kz_db_defer(grant->db, read_portal, grant);
    return NULL;
}

static kz_err_t *enter_portal(kz_grant_t **grant, kz_portal_t *portal, int firm,
                              const kz_grant_ask_t *ask, apr_pool_t *pool)
{
    kz_grant_t *made = create(portal, ask, pool);

    made->firm = firm;
    made->is_portal = 1;
    *grant = made;
    KZ_TRY(send_portal(made));
    return kz_grant_settle(made);
}

kz_err_t *kz_grant_portal(kz_grant_t **grant, kz_portal_t *portal, int firm, apr_pool_t *pool)
{
    return enter_portal(grant, portal, firm, &(kz_grant_ask_t){.caller = {.known = 1}}, pool);
}

kz_err_t *kz_grant_portal_behind(kz_grant_t **grant, kz_portal_t *portal, int firm,
                                 const kz_slots_who_t *who, apr_pool_t *pool)
{
    return enter_portal(grant, portal, firm, &(kz_grant_ask_t){.caller = *who, .yields = 1}, pool);
}

kz_err_t *kz_grant_settle(kz_grant_t *grant)
{
    if (grant->settled)
        return NULL;
    KZ_ASSERT(grant->db);
    kz_db_defer(grant->db, NULL, NULL);
    return grant->is_portal ? read_portal(grant) : read_enter(grant);
}

/* Before a grant is settled it says nothing: nobody, no right. A caller that asks then is at fault.
 */
static int is_proven(const kz_grant_t *grant)
{
    return KZ_HOLDS(grant->kind != NULL);
}

int kz_grant_is_settled(const kz_grant_t *grant)
{
    return grant && grant->kind;
}

kz_portal_t *kz_grant_services(const kz_grant_t *grant)
{
    return grant->portal;
}

apr_pool_t *kz_grant_pool(const kz_grant_t *grant)
{
    return grant->pool;
}

int kz_grant_firm(const kz_grant_t *grant)
{
    return is_proven(grant) ? grant->firm : 0;
}

const char *kz_grant_slug(const kz_grant_t *grant)
{
    return grant->slug;
}

const char *kz_grant_firm_name(const kz_grant_t *grant)
{
    return grant->firm_name;
}

const char *kz_grant_account(const kz_grant_t *grant)
{
    return is_proven(grant) ? grant->account : NULL;
}

const char *kz_grant_name(const kz_grant_t *grant)
{
    return grant->name;
}

const char *kz_grant_user(const kz_grant_t *grant)
{
    return grant->user;
}

const char *kz_grant_language(const kz_grant_t *grant)
{
    return grant->language;
}

const char *kz_grant_session(const kz_grant_t *grant)
{
    return is_proven(grant) ? grant->session : NULL;
}

const unsigned char *kz_grant_token(const kz_grant_t *grant)
{
    return grant->ask.token;
}

int kz_grant_is_staff(const kz_grant_t *grant)
{
    return is_proven(grant) && strcmp(grant->kind, "staff") == 0;
}

int kz_grant_is_client(const kz_grant_t *grant)
{
    return is_proven(grant) && strcmp(grant->kind, "client") == 0;
}

int kz_grant_has(const kz_grant_t *grant, kz_right_t right)
{
    if (!is_proven(grant))
        return 0;
    return grant->is_portal || kz_right_has(grant->rights, right);
}

const kz_slots_who_t *kz_grant_caller(const kz_grant_t *grant)
{
    return &grant->ask.caller;
}

kz_effect_t kz_grant_effect(const kz_grant_t *grant)
{
    return grant->is_portal ? KZ_EFFECT_WRITES : grant->ask.effect;
}

int kz_grant_is_portal(const kz_grant_t *grant)
{
    return grant->is_portal;
}

kz_err_t *kz_grant_firm_key(kz_seal_key_t **key, kz_grant_t *grant)
{
    KZ_TRY(kz_grant_settle(grant));
    if (!grant->firm_key && strcmp(grant->kind, "public") == 0) {
        kz_q_firm_key_t *row;

        KZ_TRY(kz_q_firm_key(&row, grant->db, grant->pool));
        grant->wrapped = row->key;
    }
    if (!grant->firm_key) {
        if (grant->wrapped.len != KZ_SEAL_WRAPPED)
            return kz_err_create(KZ_ERR_SEAL, "no firm key for this grant");
        KZ_TRY(kz_seal_firm_open(&grant->firm_key, grant->portal->keys, grant->firm,
                                 grant->wrapped.data, grant->pool));
    }
    *key = grant->firm_key;
    return NULL;
}

kz_db_t *kz_grant_db(const kz_grant_t *grant)
{
    return grant->db;
}

kz_err_t *kz_grant_commit(kz_grant_t *grant)
{
    kz_err_t *err;

    KZ_ASSERT(grant->db);          /* not ended yet */
    err = kz_db_commit(grant->db); /* settles */
    grant->db = NULL;
    end_turn(grant);
    return err;
}

kz_err_t *kz_grant_commit_send(kz_grant_t *grant)
{
    return kz_db_commit_send(grant->db);
}

void kz_grant_rest(kz_grant_t *grant)
{
    if (!grant)
        return;
    kz_db_end(grant->db);
    grant->db = NULL;
    end_turn(grant);
}

kz_err_t *kz_grant_end(kz_grant_t *grant)
{
    KZ_TRY(kz_grant_settle(grant));
    KZ_ASSERT(!kz_db_is_changed(grant->db));
    kz_grant_rest(grant);
    return NULL;
}

kz_err_t *kz_grant_again(kz_grant_t *grant)
{
    kz_grant_rest(grant);
    if (grant->is_portal)
        return send_portal(grant);
    KZ_TRY(send_enter(grant));
    return kz_grant_settle(grant);
}

kz_err_t *kz_grant_keep(kz_grant_t *grant)
{
    kz_err_t *err;

    if (kz_clock_now() - grant->entered < KZ_GRANT_KEEP)
        return NULL;
    err = kz_grant_again(grant);
    kz_grant_rest(grant);
    if (err && (kz_err_code(err) == KZ_ERR_DB_DOWN || kz_err_code(err) == KZ_ERR_DB_BUSY)) {
        kz_err_expected(err); /* who sends bytes doesn't need it now */
        err = NULL;
    }
    return err;
}
