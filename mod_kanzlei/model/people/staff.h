/* The firm's own people, and the operator's work on any account, by a portal's grant. */
#ifndef KZ_MODEL_PEOPLE_STAFF_H
#define KZ_MODEL_PEOPLE_STAFF_H

#include <apr_tables.h>

#include "model/grant.h"

typedef struct kz_staff_new_t {
    const char *user, *name;
    const char *email;                /* "" for none */
    const char *language;             /* "de", "en" */
    const apr_array_header_t *rights; /* of const char *: names as the table "right" has them */
    const char *password;             /* NULL: none yet */
    int invite;                       /* 1: a mail with a one-time code; needs an email */
} kz_staff_new_t;

/* Makes an account for one of the staff in GRANT's transaction, which the caller commits; *ID is
 * its UUID, in POOL; STAFF's texts become what is stored. Errors: CONFLICT (the user name is
 * taken), INVALID. */
kz_err_t *kz_staff_create(const char **id, kz_grant_t *grant, kz_staff_new_t *staff,
                          apr_pool_t *pool);

/* INVALID unless NAME is a right. */
kz_err_t *kz_staff_right_check(const char *name);

typedef struct kz_staff_account_t {
    const char *id, *user, *name, *email;
    const char *kind;   /* "staff", "client" */
    const char *rights; /* separated by blanks */
    int has_password;
    apr_time_t locked;    /* 0: it is not */
    apr_time_t signed_in; /* 0: never */
} kz_staff_account_t;

/* Accounts of the firm by user name, behind AFTER (folded; "" for the first), at most LIMIT. */
kz_err_t *kz_staff_accounts(kz_staff_account_t **accounts, int *count, kz_grant_t *grant,
                            const char *after, int limit, apr_pool_t *pool);
/* Any account of the firm by its user name. Errors: NOT_FOUND. */
kz_err_t *kz_staff_find(kz_staff_account_t **account, kz_grant_t *grant, const char *user,
                        apr_pool_t *pool);

/* Sets a password in GRANT's transaction, lifts a lock, ends all sessions and voids open codes. */
kz_err_t *kz_staff_set_password(kz_grant_t *grant, const kz_staff_account_t *account,
                                const char *password, apr_pool_t *scratch_pool);
/* Lifts a lock; *WAS becomes 1 if there was one. */
kz_err_t *kz_staff_unlock(int *was, kz_grant_t *grant, const kz_staff_account_t *account);

#endif
