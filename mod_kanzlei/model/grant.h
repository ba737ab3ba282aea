/* A grant: who is at work, for which firm, with which rights, in which transaction. Only the
 * dispatcher (kz_grant_enter), the jobs and kanzleictl (kz_grant_portal) make one; a guard sees to
 * it. Every query runs in a grant's transaction, in which PostgreSQL shows nothing but what the
 * grant may see. */
#ifndef KZ_MODEL_GRANT_H
#define KZ_MODEL_GRANT_H

#include "model/portal.h"
#include "model/right.h"

#define KZ_GRANT_TOKEN_HASH 32                      /* bytes */
#define KZ_GRANT_IDS        4                       /* ids in one path, at most */
#define KZ_GRANT_KEEP       (15 * APR_USEC_PER_SEC) /* kz_grant_keep() enters so often */

typedef struct kz_grant_t kz_grant_t;

/* What a request does to the database. What WRITES begins when "enter" has been answered; the
 * others send their first query together with it. */
typedef enum kz_effect_t {
    KZ_EFFECT_READS,  /* nothing */
    KZ_EFFECT_WRITES, /* what the handler commits */
    KZ_EFFECT_PROVES  /* reads, and notes who has seen what */
} kz_effect_t;

/* What a request asks for. */
typedef struct kz_grant_ask_t {
    const char *slug;           /* entrance of the firm */
    const unsigned char *token; /* hash of the session's token, or NULL */
    const char *who;            /* "public", "client", "staff", "member" */
    kz_right_t right;           /* that is needed */
    kz_effect_t effect;         /* of the route */
    int ids;
    const char *kinds[KZ_GRANT_IDS]; /* "client", "matter" ... */
    const char *id[KZ_GRANT_IDS];    /* valid UUIDs */
    kz_slots_who_t caller;           /* whose share it takes of what is scarce */
    int yields; /* 1: others have the database before it, as kz_grant_portal_behind() says */
} kz_grant_ask_t;

/* Begins a transaction and sends "enter"; its answer is read with that of the first query, or by
 * kz_grant_settle(). ASK is copied, its strings are not. Errors: DB_DOWN, DB_BUSY; later, when
 * settled: SIGN_IN_NEEDED, NOT_FOUND. */
kz_err_t *kz_grant_enter(kz_grant_t **grant, kz_portal_t *portal, const kz_grant_ask_t *ask,
                         apr_pool_t *pool);
/* The portal itself, for all of one firm. Settled. Errors: NOT_FOUND. */
kz_err_t *kz_grant_portal(kz_grant_t **grant, kz_portal_t *portal, int firm, apr_pool_t *pool);

/* The same for an upload of WHO. Uploads, and what follows their last byte, yield: however many end
 * at once, their transactions wait for a slot of PORTAL->behind, and the rest of the connections is
 * left to pages. Errors also: BUSY. */
kz_err_t *kz_grant_portal_behind(kz_grant_t **grant, kz_portal_t *portal, int firm,
                                 const kz_slots_who_t *who, apr_pool_t *pool);

/* Waits for the answer to "enter", once. The functions below need a settled grant. */
kz_err_t *kz_grant_settle(kz_grant_t *grant);

/* 1 once it was settled; NULL is not. */
int kz_grant_is_settled(const kz_grant_t *grant);

kz_portal_t *kz_grant_services(const kz_grant_t *grant); /* settled or not */
apr_pool_t *kz_grant_pool(const kz_grant_t *grant);      /* lives as long as the grant */
int kz_grant_firm(const kz_grant_t *grant);
const char *kz_grant_slug(const kz_grant_t *grant);
const char *kz_grant_firm_name(const kz_grant_t *grant);
const char *kz_grant_account(const kz_grant_t *grant);  /* UUID; NULL: public or the portal */
const char *kz_grant_name(const kz_grant_t *grant);     /* of the person, or NULL */
const char *kz_grant_user(const kz_grant_t *grant);     /* user name, or NULL */
const char *kz_grant_language(const kz_grant_t *grant); /* "de", "en" */
const char *kz_grant_session(const kz_grant_t *grant);  /* UUID, or NULL */
/* Hash of the session's token that the request came with, also under a public grant; or NULL. */
const unsigned char *kz_grant_token(const kz_grant_t *grant);
int kz_grant_is_staff(const kz_grant_t *grant);
int kz_grant_is_client(const kz_grant_t *grant);
/* Has RIGHT (kz_right_has()). The portal itself has all. */
int kz_grant_has(const kz_grant_t *grant, kz_right_t right);
/* Whose share of what is scarce it takes: whoever has signed in takes his account's. */
const kz_slots_who_t *kz_grant_caller(const kz_grant_t *grant);
kz_effect_t kz_grant_effect(const kz_grant_t *grant); /* the portal itself: WRITES */
int kz_grant_is_portal(const kz_grant_t *grant);
/* The firm's key, unwrapped at the first call; asked for in GRANT's transaction if it is a public
 * one. Errors: SEAL. */
kz_err_t *kz_grant_firm_key(kz_seal_key_t **key, kz_grant_t *grant);

/* The transaction. It is rolled back unless kz_grant_commit() ends it; or, when it has only read,
 * kz_grant_rest() or the end of the route. After that there is none until kz_grant_again(). */
kz_db_t *kz_grant_db(const kz_grant_t *grant); /* NULL: there is none; a query then is INTERNAL */
/* Commits and waits for it. INTERNAL when there is no transaction: it was ended already. */
kz_err_t *kz_grant_commit(kz_grant_t *grant);
/* Sends COMMIT behind what was sent; answers read from now on come together with it, and
 * kz_grant_commit() is still to follow. */
kz_err_t *kz_grant_commit_send(kz_grant_t *grant);
/* Lets the connection go, before a wait (a transfer, a store, argon2id). Never commits a change: a
 * transaction that has sent one is rolled back. Does nothing when there is none; NULL is fine. */
void kz_grant_rest(kz_grant_t *grant);
/* The end of a route or a job that went well: settled, and nothing left that nobody committed. Lets
 * the connection go. Errors: those of kz_grant_settle(); INTERNAL for a change that would be lost.
 */
kz_err_t *kz_grant_end(kz_grant_t *grant);
/* A new transaction of the same grant, entered anew: a session that ended meanwhile is an error.
 * The portal itself is not waited for: its "enter" goes out with what follows. */
kz_err_t *kz_grant_again(kz_grant_t *grant);
/* For who takes bytes for long, after each of them, while no transaction is open: enters anew when
 * KZ_GRANT_KEEP has passed since the last time. So bytes that arrive keep the session awake, and a
 * session or right that has ended is noticed. Errors: those of "enter"; a database that is away is
 * none. */
kz_err_t *kz_grant_keep(kz_grant_t *grant);

#endif
