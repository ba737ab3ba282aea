/* What upload.c, finish.c, examine.c and sweep.c share. */
#ifndef KZ_MODEL_UPLOAD_FINISH_H
#define KZ_MODEL_UPLOAD_FINISH_H

#include "io/scan/scan.h"
#include "model/upload/upload.h"
#include "queries.h"

/* Path of the spool file of the upload ID. */
const char *kz_upload__spool(const kz_portal_t *portal, const char *id, apr_pool_t *pool);

/* How long nobody else may work on an upload, in ms: all that a step may wait for, and some more.
 */
apr_int64_t kz_upload__lease(const kz_conf_t *conf);

struct kz_finish_t {
    kz_portal_t *portal;
    kz_grant_t *grant;
    apr_pool_t *pool;
    const char *spool, *object; /* file, key in the stores */
    kz_q_upload_complete_t *row;
    kz_seal_key_t *key;
    apr_uint64_t size;
    unsigned char sha256[KZ_SEAL_SHA256];
    const char *state, *what;
    kz_scan_t *scan; /* under way; NULL: VERDICT is all there is to know */
    kz_scan_verdict_t verdict;
    int memfd;                /* what is scanned, until it is released; -1: nothing */
    kz_stores_write_t *write; /* under way to the stores */
    kz_err_t *dead;           /* why this process could not take it */
    int again;                /* somebody has been at it before: its object may be there */
};

/* Scans what is not scanned, and begins to write it to the stores, at the same time: F's verdict,
 * size and hash. Whatever it returns, settle or drop follows. Errors: SEAL, NOT_FOUND (what was
 * sent is lost), SCANNER_DOWN, BUSY, STORE_DOWN, NO_SPACE. */
kz_err_t *kz_upload__examine(kz_finish_t *f);
/* Was that done before a crash? Then there is no verdict but the row's. */
int kz_upload__is_scanned(const kz_finish_t *f);
/* Gives it its name in the stores. HELD and errors: as kz_stores_put(). */
kz_err_t *kz_upload__settle(unsigned char *held, kz_finish_t *f);
/* Ends what was not settled; nothing of it stays. */
void kz_upload__drop(kz_finish_t *f);

/* Goes on with an upload that is complete, and was TAKEN. Errors as kz_upload_finish(). */
kz_err_t *kz_upload__go_on(kz_portal_t *portal, const kz_q_upload_taken_t *taken, apr_pool_t *pool);

#endif
