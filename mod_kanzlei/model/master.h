/* Whether the operator's master keys are those of this installation. */
#ifndef KZ_MODEL_MASTER_H
#define KZ_MODEL_MASTER_H

#include "model/portal.h"

/* Compares KEYS with what DB knows of them: a proof of each version or, where none was noted, a
 * firm's key wrapped by it. A version that nobody has used yet is fine. Errors: CONFIG (a key is
 * another one, or one that firms need is missing), those of the database. */
kz_err_t *kz_master_check(const kz_portal_t *portal, kz_db_t *db, apr_pool_t *scratch_pool);
/* The same in a transaction of its own. */
kz_err_t *kz_master_prove(const kz_portal_t *portal, apr_pool_t *scratch_pool);
/* Compares, and notes a proof of each version that has none. DB is the schema's owner's. */
kz_err_t *kz_master_note(const kz_portal_t *portal, kz_db_t *db, apr_pool_t *scratch_pool);

#endif
