/* Events: appended, never changed. */
#ifndef KZ_MODEL_PROOF_EVENT_H
#define KZ_MODEL_PROOF_EVENT_H

#include "model/grant.h"

typedef struct kz_event_t {
    const char *account;  /* who, if it isn't the grant's account */
    const char *client;   /* or NULL */
    const char *document; /* or NULL; needs a client */
    const char *subject;  /* the account or matter it is about, or NULL */
    const char *detail;   /* words for the log, or NULL */
} kz_event_t;

/* Adds an event of KIND (the check of the table event lists them) in GRANT's transaction, now. */
kz_err_t *kz_event_add(kz_grant_t *grant, const char *kind, const kz_event_t *event);

#endif
