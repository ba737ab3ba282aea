/* Firms: made and listed by the operator alone. */
#ifndef KZ_MODEL_PEOPLE_FIRM_H
#define KZ_MODEL_PEOPLE_FIRM_H

#include "model/portal.h"

typedef struct kz_firm_t {
    int id;
    const char *slug; /* its entrance is /k/<slug>/ */
    const char *name, *email, *language;
    apr_time_t created;
} kz_firm_t;

/* Makes a firm of FIRM's slug, name, email ("" for none) and language, with a key of its own that
 * the newest master key of KEYS wraps; FIRM's id is set, and its texts are folded (in
 * SCRATCH_POOL). DB is a transaction of the schema's owner, which the caller commits. Errors:
 * CONFLICT (the slug is taken), INVALID. */
kz_err_t *kz_firm_create(kz_firm_t *firm, kz_db_t *db, const kz_seal_keyring_t *keys,
                         apr_pool_t *scratch_pool);

/* All firms, by slug. */
kz_err_t *kz_firm_list(kz_firm_t **firms, int *count, kz_portal_t *portal, apr_pool_t *result_pool);

/* The firm at the entrance SLUG. Errors: NOT_FOUND. */
kz_err_t *kz_firm_find(kz_firm_t **firm, kz_portal_t *portal, const char *slug,
                       apr_pool_t *result_pool);

#endif
