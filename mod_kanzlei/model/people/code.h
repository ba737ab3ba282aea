/* One-time codes: an invitation, or a mail for a new password. 16 characters of Crockford's base32
 * (80 random bits), stored as a keyed hash, used once. */
#ifndef KZ_MODEL_PEOPLE_CODE_H
#define KZ_MODEL_PEOPLE_CODE_H

#include "model/grant.h"

#define KZ_CODE_DIGITS 16 /* characters without the hyphens between groups of four */

typedef enum kz_code_state_t {
    KZ_CODE_UNKNOWN, /* no code of this firm */
    KZ_CODE_USED,
    KZ_CODE_EXPIRED, /* it has expired, or a newer one replaced it */
    KZ_CODE_GOOD
} kz_code_state_t;

typedef struct kz_code_t {
    kz_code_state_t state;
    /* The rest is NULL when the code is unknown. */
    const char *id, *account; /* UUIDs */
    const char *kind;         /* of the account: "staff" or "client" */
    const char *user, *name, *language;
} kz_code_t;

/* Makes a code for ACCOUNT in GRANT's transaction; PURPOSE is "invitation" or "password", which
 * says how long it lives. Older unused ones of the same purpose end. *CODE ("K7QM-2XWD-9VBN-H4TR")
 * is a secret: it is shown, printed or mailed, never logged. *EXPIRES may be NULL. Errors: DB_*. */
kz_err_t *kz_code_create(const char **code, apr_time_t *expires, kz_grant_t *grant,
                         const char *account, const char *purpose, apr_pool_t *pool);

/* Reads a code as typed or as in a link: letters in either case, blanks and hyphens anywhere,
 * O for 0, I and L for 1. Returns 0 if it is no code. */
int kz_code_fold(char digits[KZ_CODE_DIGITS + 1], const char *typed);

/* Looks up a code as TYPED, without using it up; never NULL. Errors: DB_*. */
kz_err_t *kz_code_find(kz_code_t **code, kz_grant_t *grant, const char *typed, apr_pool_t *pool);

typedef struct kz_code_redeemed_t {
    kz_code_state_t state; /* GOOD: the password is set; otherwise nothing has changed */
    const char *token; /* of a new session; NULL: the access is locked, which a code can't lift */
} kz_code_redeemed_t;

/* Uses up CODE, sets the account's password to HASH (as kz_password_hash() makes it), ends all its
 * sessions and other codes, clears its wrong passwords and signs it in, all in GRANT's transaction,
 * which it commits. AGENT: the browser's name. Errors: DB_*. */
kz_err_t *kz_code_redeem(kz_code_redeemed_t *redeemed, kz_grant_t *grant, const kz_code_t *code,
                         const char *hash, const char *agent, apr_pool_t *pool);

#endif
