/* Events: appended, never changed. */
#ifndef KZ_MODEL_PROOF_EVENT_H
#define KZ_MODEL_PROOF_EVENT_H

#include "model/grant.h"

/* The lines of events.def. */
typedef enum kz_event_kind_t {
#define KZ_EVENT(NAME, name, when) KZ_EVENT_##NAME,
#include "events.def"
#undef KZ_EVENT
    KZ_EVENTS /* how many */
} kz_event_kind_t;

typedef struct kz_event_t {
    const char *account;  /* the person, if it isn't the grant's account */
    const char *client;   /* or NULL */
    const char *document; /* or NULL; needs a client */
    const char *subject;  /* the account or matter it is about, or NULL */
    const char *detail;   /* words for the log, or NULL */
} kz_event_t;

/* Adds an event of KIND in GRANT's transaction, now. INTERNAL where it can't be true yet: a request
 * that reads adds none, one that PROVES those that are true with the request or when the answer was
 * sent, one that WRITES those of the request or the commit; the portal itself any. */
kz_err_t *kz_event_add(kz_grant_t *grant, kz_event_kind_t kind, const kz_event_t *event);

/* Its name, as the table "event" has it: "client_created". */
const char *kz_event_name(kz_event_kind_t kind);

#endif
