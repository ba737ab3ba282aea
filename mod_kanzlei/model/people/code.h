/* One-time codes: an invitation, or a mail for a new password. 16 characters of Crockford's base32
 * (80 random bits), stored as a keyed hash, used once. */
#ifndef KZ_MODEL_PEOPLE_CODE_H
#define KZ_MODEL_PEOPLE_CODE_H

#include "model/grant.h"

#define KZ_CODE_DIGITS 16 /* characters without the hyphens between groups of four */
#define KZ_CODE_HASH   32 /* bytes */

/* What a code is for, which says how long it lives. */
#define KZ_CODE_INVITATION "invitation" /* made by the firm, for a first password or a new one */
#define KZ_CODE_PASSWORD   "password"   /* made by whoever has forgotten the password */

typedef enum kz_code_state_t {
    KZ_CODE_UNKNOWN, /* none of this firm's */
    KZ_CODE_USED,
    KZ_CODE_EXPIRED, /* it has expired, or another one has set a password */
    KZ_CODE_GOOD
} kz_code_state_t;

typedef struct kz_code_t {
    kz_code_state_t state;
    unsigned char hash[KZ_CODE_HASH]; /* redeems it */
    /* The rest is NULL when the code is unknown. */
    const char *account; /* UUID */
    const char *kind;    /* of the account: "staff" or "client" */
    const char *user, *name, *language;
} kz_code_t;

/* Makes an invitation for ACCOUNT on paper, in GRANT's transaction; earlier codes stay good until
 * their own end, or until one of them is used. *CODE ("K7QM-2XWD-9VBN-H4TR") is a secret: it is
 * shown and printed, never logged. ONCE, a UUID of the form that asked for it, gives the same code
 * again to the same person at work, so that a page that is loaded anew makes none; *MADE is 0 then.
 * Errors: CONFLICT (it has been used or has expired meanwhile), DB_*. */
kz_err_t *kz_code_letter(const char **code, apr_time_t *expires, int *made, kz_grant_t *grant,
                         const char *account, const char *once);

/* Makes a code for ACCOUNT and the job that mails it, in GRANT's transaction, unless a mail for
 * PURPOSE waits already. Until the mail has gone the code lies in the job, sealed under the firm's
 * key; nobody gets it back but by kz_code_unseal(). Errors: DB_*, SEAL. */
kz_err_t *kz_code_mail(kz_grant_t *grant, const char *account, const char *purpose);
/* The same for a new password, for whoever says to be USER; nothing where there is no such user, or
 * too many mails went to it. Takes as long in either case. GRANT is a public one. Errors: as above.
 */
kz_err_t *kz_code_forgotten(kz_grant_t *grant, const char *user);
/* The code ID that lies in a job as LEN bytes of SEALED. Errors: SEAL; INVALID (there is none). */
kz_err_t *kz_code_unseal(const char **code, kz_grant_t *grant, const char *id,
                         const unsigned char *sealed, size_t len, apr_pool_t *pool);

/* Reads a code as typed, or pasted, or as in a link, of which it is what stands behind the #:
 * letters in either case, anything but letters and digits between them, O for 0, I and L for 1.
 * Returns 0 if it is no code. */
int kz_code_fold(char digits[KZ_CODE_DIGITS + 1], const char *typed, apr_pool_t *scratch_pool);

/* Looks up a code as TYPED, without using it up; never NULL. Errors: DB_*. */
kz_err_t *kz_code_find(kz_code_t **code, kz_grant_t *grant, const char *typed, apr_pool_t *pool);

typedef struct kz_code_redeemed_t {
    kz_code_state_t state; /* GOOD: the password is set; otherwise nothing has changed */
    const char *token; /* of a new session; NULL: the access is locked, and CODE lifts no lock */
} kz_code_redeemed_t;

/* Uses up CODE, sets the account's password to HASH (as kz_password_hash() makes it), ends all its
 * sessions and other codes, clears its wrong passwords and signs it in, all in GRANT's transaction,
 * which it commits. A client's lock ends, with an event, when the code was mailed because of a
 * forgotten password: who has it reads the access's own mail. AGENT: the browser's name. Errors:
 * DB_*. */
kz_err_t *kz_code_redeem(kz_code_redeemed_t *redeemed, kz_grant_t *grant, const kz_code_t *code,
                         const char *hash, const char *agent, apr_pool_t *pool);

#endif
