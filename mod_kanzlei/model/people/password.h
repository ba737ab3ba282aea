/* Passwords: argon2id (RFC 9106, by libsodium) with a bound on how many run at once, and the
 * strength check (zxcvbn) that decides whether a new one is taken. */
#ifndef KZ_MODEL_PEOPLE_PASSWORD_H
#define KZ_MODEL_PEOPLE_PASSWORD_H

#include "model/grant.h"

/* The slots of one process: KanzleiPasswordSlots, each of KanzleiPasswordMemory. */
kz_err_t *kz_argon2_create(kz_argon2_t **argon2, const kz_conf_t *conf, apr_pool_t *pool);

/* What TYPED is compared, marked, judged and hashed as (kz_text_password()), in POOL; TYPED itself
 * where it can't be folded. */
const char *kz_password_fold(const char *typed, apr_pool_t *pool);

/* The string to store ("$argon2id$...") for PASSWORD, which is folded first, in POOL. It is
 * computed in the share of GRANT's caller. Errors: BUSY (no slot became free in time, or too many
 * wait). */
kz_err_t *kz_password_hash(const char **hash, const kz_grant_t *grant, const char *password,
                           apr_pool_t *pool);
/* *OK becomes 1 if PASSWORD fits HASH: folded, or as it was typed (a hash from before passwords
 * were folded). Where the two differ it tries both in any case, so that the time depends on
 * PASSWORD alone: two argon2id at most. HASH NULL takes as long and fits nothing. Errors: BUSY. */
kz_err_t *kz_password_verify(int *ok, const kz_grant_t *grant, const char *hash,
                             const char *password, apr_pool_t *scratch_pool);

/* A keyed mark of a wrong PASSWORD (folded), by which the same one is known again: 4 bytes, far too
 * few to find the password from. */
#define KZ_PASSWORD_MARK 4
void kz_password_mark(unsigned char *mark, const kz_portal_t *portal, const char *account,
                      const char *password);

/* How strong PASSWORD (folded) is: 0 (at once guessed) to 4 (zxcvbn's score). NAMES: words that
 * count as guessed (person, client, firm), separated by blanks; German words count too. */
int kz_password_score(const kz_portal_t *portal, const char *password, const char *names,
                      apr_pool_t *scratch_pool);

#endif
