/* Documents against stores: every document is read whole from every store, unsealed, and compared
 * with its row; and every object of every store is to be known. Events against their seals
 * (EVENTS.md). Memory does not grow with any of them. */
#ifndef KZ_MODEL_CHECK_CHECK_H
#define KZ_MODEL_CHECK_CHECK_H

#include "model/people/firm.h"

typedef enum kz_check_kind_t {
    KZ_CHECK_MISSING,       /* the store has no such object */
    KZ_CHECK_DAMAGED,       /* it can't be unsealed, or isn't what the row says */
    KZ_CHECK_SHARED,        /* two stores have one and the same file: a fault takes both copies */
    KZ_CHECK_DOWN,          /* the store can't be asked; said once, then it is left out */
    KZ_CHECK_UNKNOWN,       /* an object that no document has, older than a day */
    KZ_CHECK_GONE,          /* a copy missed by a store that is not configured any more */
    KZ_CHECK_EVENT_MISSING, /* an event that was sealed, or waited for it, is gone */
    KZ_CHECK_EVENT_CHANGED, /* it is not what was sealed */
    KZ_CHECK_EVENT_ADDED,   /* behind the portal's back, or later than it says */
    KZ_CHECK_SEAL,          /* the chain is broken: a seal is gone, changed, or not the firm's */
    KZ_CHECK_RECEIPT,       /* a delivery or step is not what the events tell */
    KZ_CHECK_ROW,           /* a document's row is not what its sealed header says */
} kz_check_kind_t;

typedef struct kz_check_problem_t {
    kz_check_kind_t kind;
    const char *store;    /* its name; "database" when the key in the row opens nothing */
    const char *firm;     /* slug; NULL unless it is about a document or event */
    const char *document; /* UUID, or NULL */
    const char *event;    /* UUID, or NULL */
    const char *object;   /* key, or NULL */
    const char *detail;   /* words, for the operator */
    int mended;           /* 1: repaired, removed, or forgotten */
} kz_check_problem_t;

typedef struct kz_check_t {
    int repair;         /* bad copies are replaced by good ones */
    int at_work;        /* 1: copying may take as long as an upload's; 0: an hour, nobody waits */
    int remove_unknown; /* objects that no row knows, older than a day, are removed */
    void (*problem)(void *baton, const kz_check_problem_t *problem); /* called for each */
    void *baton;
    /* the problem */
    apr_int64_t documents, copies, bytes; /* looked at; bytes of plaintext compared */
    apr_int64_t seals, events, receipts;  /* looked at; receipts: deliveries */
    apr_int64_t problems, mended;
    unsigned char down[KZ_STORES_MAX]; /* stores left out */
} kz_check_t;

/* Checks the documents of FIRM. Errors are those of the database and of the keys: a fault in a
 * store is a problem, no error. With repair the table object_copy is brought up to date, and its
 * rows of stores that are not configured any more are deleted. */
kz_err_t *kz_check_documents(kz_check_t *check, kz_portal_t *portal, const kz_firm_t *firm,
                             apr_pool_t *scratch_pool);

/* Checks one document of FIRM; one that is not there, or was discarded, is well. */
kz_err_t *kz_check_document(kz_check_t *check, kz_portal_t *portal, int firm, const char *document,
                            apr_pool_t *scratch_pool);

/* Looks for objects that no row knows, of FIRM or, when it is NULL, of all. An object's age is that
 * of its document's id: one younger than a day may be on its way in. */
kz_err_t *kz_check_objects(kz_check_t *check, kz_portal_t *portal, const kz_firm_t *firm,
                           apr_pool_t *scratch_pool);

/* A seal that was noted elsewhere: its number, and its hash in hex. */
typedef struct kz_check_head_t {
    apr_int64_t number;
    const char *hash;
} kz_check_head_t;

/* Checks the events of FIRM: a fault in them is a problem, no error. HEAD (or NULL) must be in the
 * chain. */
kz_err_t *kz_check_events(kz_check_t *check, kz_portal_t *portal, const kz_firm_t *firm,
                          const kz_check_head_t *head, apr_pool_t *scratch_pool);

/* Compares the deliveries of FIRM and their steps with the events that tell of them, in both
 * directions: a difference is a problem, no error. */
kz_err_t *kz_check_receipts(kz_check_t *check, kz_portal_t *portal, const kz_firm_t *firm,
                            apr_pool_t *scratch_pool);

/* "missing", "damaged", "shared", "down", "unknown", "gone", "event-missing", "event-changed",
 * "event-added", "seal", "receipt", "row" */
const char *kz_check_word(kz_check_kind_t kind);

#endif
