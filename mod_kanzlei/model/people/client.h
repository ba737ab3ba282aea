/* Clients: made together with what belongs to them, in the grant's transaction, which the caller
 * commits. */
#ifndef KZ_MODEL_PEOPLE_CLIENT_H
#define KZ_MODEL_PEOPLE_CLIENT_H

#include "model/grant.h"

/* The typed data of a client; never NULL, "" for a field without a value. */
typedef struct kz_client_t {
    const char *number;
    const char *kind; /* "person", "company" */
    const char *salutation, *first_name, *name;
    const char *street, *postcode, *city, *country;
    const char *email;
    const char *language; /* "de", "en" */
} kz_client_t;

/* Makes a client; *ID is its UUID, in POOL. A maker that doesn't see every client is assigned to
 * it. Errors: CONFLICT (the number is taken: the transaction is over then), DB_*. */
kz_err_t *kz_client_create(const char **id, kz_grant_t *grant, const kz_client_t *client,
                           apr_pool_t *pool);
/* Errors: as kz_client_create(). */
kz_err_t *kz_client_change(kz_grant_t *grant, const char *id, const kz_client_t *client);

/* Assigns the client ID to STAFF; nothing happens when it is already. Errors: DB_*. */
kz_err_t *kz_client_assign(kz_grant_t *grant, const char *id, const char *staff);
/* Ends that; *WAS (may be NULL) becomes 1 if there was an assignment. */
kz_err_t *kz_client_unassign(int *was, kz_grant_t *grant, const char *id, const char *staff);

#endif
