/* Signing in and out: passwords, locks, sessions, one-time codes. */
#ifndef KZ_MODEL_PEOPLE_SESSION_H
#define KZ_MODEL_PEOPLE_SESSION_H

#include "model/grant.h"

/* The hash of a session's token. The browser keeps the token: 's' or 'c' (staff or client), then 32
 * random bytes in base64url. The database has its BLAKE2b-256 hash. Returns 0 if VALUE is none. */
int kz_session_hash(unsigned char hash[KZ_GRANT_TOKEN_HASH], const char *value);

typedef struct kz_session_made_t {
    const char *token;    /* value of the cookie */
    const char *language; /* of the person */
} kz_session_made_t;

/* Signs USER in under a public GRANT. *MADE stays NULL when the name is unknown, the account locked
 * or the password wrong; all three take as long. Counts wrong ones and locks after three; the same
 * wrong one counts once. AGENT: the browser's name for the list of sessions. Ends the transaction.
 * Errors: BUSY, DB_*. */
kz_err_t *kz_session_sign_in(kz_session_made_t **made, kz_grant_t *grant, const char *user,
                             const char *password, const char *agent, apr_pool_t *pool);

typedef enum kz_session_answer_t {
    KZ_SESSION_RIGHT,
    KZ_SESSION_WRONG,
    KZ_SESSION_LOCKED /* whatever the password */
} kz_session_answer_t;

/* Asks the person signed in for the password once more. Wrong ones count as at sign-in, so that a
 * stolen session can't guess it; of many at once those after the third are LOCKED, right or not.
 * *FITTED, in POOL, is for kz_session_change(). GRANT's transaction ends, a new one begins. Errors:
 * BUSY, DB_*, SIGN_IN_NEEDED. */
kz_err_t *kz_session_ask(kz_session_answer_t *answer, const char **fitted, kz_grant_t *grant,
                         const char *password, apr_pool_t *pool);
/* Sets the password of the person signed in to HASH (as kz_password_hash() makes it), with its
 * event, ends unused codes and all other sessions, and commits: RIGHT. LOCKED: the access was
 * locked, or given another password, since kz_session_ask() gave FITTED; nothing has changed and a
 * new transaction begins. Errors: DB_*, SIGN_IN_NEEDED. */
kz_err_t *kz_session_change(kz_session_answer_t *answer, kz_grant_t *grant, const char *fitted,
                            const char *hash, apr_pool_t *pool);

typedef struct kz_session_for_t {
    const char *account;  /* UUID */
    const char *kind;     /* "staff" or "client" */
    const char *password; /* its hash, as it was when found right, or set, a moment ago */
    const char *agent;    /* the browser's name */
} kz_session_for_t;

/* Signs WHO in under a public GRANT, in its transaction: a new session, the event, and no wrong
 * passwords any more. *TOKEN is the cookie's value; NULL when the account is locked or has another
 * password meanwhile. The session with whose cookie the request came ends, if it is of the same
 * firm: the browser forgets it. Errors: DB_*. */
kz_err_t *kz_session_open(const char **token, kz_grant_t *grant, const kz_session_for_t *who,
                          apr_pool_t *pool);

#endif
