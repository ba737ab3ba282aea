/* Proof: a chain of signed seals covers each firm's events. EVENTS.md specifies it. */
#ifndef KZ_MODEL_PROOF_PROOF_H
#define KZ_MODEL_PROOF_PROOF_H

#include "model/grant.h"

#define KZ_PROOF_HASH    32           /* bytes */
#define KZ_PROOF_EVENTS  1000         /* of one seal, at most */
#define KZ_PROOF_MESSAGE 112          /* bytes that are signed */
#define KZ_PROOF_PURPOSE "event-seal" /* of the firm's key pair: kz_seal_signer_open() */

/* An event as it is hashed: all columns of its row. */
typedef struct kz_proof_event_t {
    const char *id; /* UUID */
    apr_time_t at;
    const char *kind;
    const char *account, *client, *document, *subject; /* UUIDs, or NULL */
    const char *detail;
} kz_proof_event_t;

/* HASH gets KZ_PROOF_HASH bytes. */
void kz_proof_event_hash(unsigned char *hash, int firm, const kz_proof_event_t *event);

typedef struct kz_proof_seal_t {
    int firm;
    apr_int64_t number;
    apr_time_t at;
    int count;
    unsigned char previous[KZ_PROOF_HASH], events[KZ_PROOF_HASH]; /* hash of the events' hashes */
} kz_proof_seal_t;

/* MESSAGE gets KZ_PROOF_MESSAGE bytes, HASH their hash, unless it is NULL. */
void kz_proof_message(unsigned char *message, unsigned char *hash, const kz_proof_seal_t *seal);

/* Seals the waiting events of every firm. Leaves out a firm that another host is sealing. For the
 * jobs and kanzleictl. */
kz_err_t *kz_proof_run(kz_portal_t *portal, apr_pool_t *scratch_pool);

/* The last seal of a firm. */
typedef struct kz_proof_head_t {
    const char *key;    /* the firm's public key, hex */
    apr_int64_t number; /* 0: none yet */
    const char *hash;   /* hex, or NULL */
    apr_time_t at;      /* or 0 */
} kz_proof_head_t;

kz_err_t *kz_proof_head(kz_proof_head_t *head, kz_portal_t *portal, int firm,
                        apr_pool_t *result_pool);

#endif
