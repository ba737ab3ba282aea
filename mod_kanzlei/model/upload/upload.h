/* Uploads: bytes sealed as they arrive into a spool file, then scanned, stored and made a document,
 * by a state machine in PostgreSQL whose every step can be done again:
 *
 *     receiving -> scanning -> storing -> available | unscannable
 *                      '-> infected               (failed: the spool can't be read)
 *
 * A spool that is away as a whole loses nothing: STORE_DOWN until it is back.
 *
 * No function here holds a database connection while it reads, scans or stores. */
#ifndef KZ_MODEL_UPLOAD_UPLOAD_H
#define KZ_MODEL_UPLOAD_UPLOAD_H

#include "model/grant.h"

typedef struct kz_upload_t kz_upload_t; /* one that is being received */

/* Creates an upload of SIZE bytes into MATTER (which the grant must see) and commits. NAME is
 * cleaned by kz_text_file_name() already. The id goes to *ID. Errors: TOO_LARGE, NO_SPACE,
 * STORE_DOWN, TOO_MANY (the account, or its firm, has too much under way: KanzleiUploads). */
kz_err_t *kz_upload_create(const char **id, kz_grant_t *grant, const char *matter, const char *name,
                           const char *type, apr_uint64_t size);

typedef struct kz_upload_info_t {
    const char *id, *name, *state, *what;
    apr_uint64_t size, offset; /* offset: bytes that are kept */
    apr_time_t expires;        /* when it is given up if nothing more comes; 0 when it is over */
} kz_upload_info_t;

/* Where the upload ID of this grant's account stands. Rests the transaction. If all bytes are there
 * and nobody has noted that, a job is told, and takes it at once. Errors: NOT_FOUND, LOCKED
 * (somebody is just sending bytes), STORE_DOWN. */
kz_err_t *kz_upload_stat(kz_upload_info_t *info, kz_grant_t *grant, const char *id);

/* Opens the upload to send more; INFO as above. Rests the transaction. Errors: NOT_FOUND, LOCKED,
 * STORE_DOWN; COMPLETE, with INFO: it isn't being received any more. */
kz_err_t *kz_upload_open(kz_upload_t **upload, kz_upload_info_t *info, kz_grant_t *grant,
                         const char *id);
/* A form says no size: up to BYTES more may come. */
void kz_upload_allow(kz_upload_t *upload, apr_uint64_t bytes);
/* Takes LEN bytes. Errors: NO_SPACE, TOO_LARGE (more than was announced). */
kz_err_t *kz_upload_write(kz_upload_t *upload, const void *data, apr_size_t len);
/* Bytes written from here on count only once they are kept and the upload closed; otherwise, and
 * after a crash, they are dropped. Errors: INTERNAL. */
kz_err_t *kz_upload_hold(kz_upload_t *upload);
void kz_upload_keep(kz_upload_t *upload);
/* Ends the request's writing: keeps the bytes taken (fsync). *UPLOAD is NULL afterwards, also after
 * an error; does nothing when it was before. Errors: NO_SPACE, INTERNAL. */
kz_err_t *kz_upload_close(kz_upload_t **upload);

/* Gives up an upload that is still being received. Commits. Errors: COMPLETE. */
kz_err_t *kz_upload_remove(kz_grant_t *grant, const char *id);
/* The same for one that GRANT has made in this request, which may do nothing any more by now; in
 * the portal's own name. */
kz_err_t *kz_upload_drop(const kz_grant_t *grant, const char *id);

typedef enum kz_upload_outcome_t {
    KZ_UPLOAD_RECEIVING, /* it isn't noted as complete: the last byte is to be sent again */
    KZ_UPLOAD_TAKEN,     /* complete, and somebody else works on it */
    KZ_UPLOAD_WAITING,   /* complete, and a job will go on with it */
    KZ_UPLOAD_OVER       /* as STATE says */
} kz_upload_outcome_t;

typedef struct kz_upload_end_t {
    kz_upload_outcome_t outcome;
    const char *state; /* OVER: "available", "unscannable", "infected" or "failed" */
    const char *what;  /* why it is unscannable, or the name of what was found; "" */
} kz_upload_end_t;

/* All SIZE bytes of the upload ID of FIRM are there, their checksums right: notes that, then scans
 * and stores it and makes it a document. END is set in any case; its strings are in POOL. Once it
 * is more than RECEIVING the upload needs nobody any more: whatever happens to this process, a job
 * goes on. Errors, while RECEIVING: NOT_FOUND (it was given up), BUSY, DB_*; while WAITING:
 * SCANNER_DOWN, STORE_DOWN, NO_SPACE, BUSY, DB_*; when OVER: SEAL (the bytes can't be read any
 * more: it is "failed"). */
kz_err_t *kz_upload_finish(kz_upload_end_t *end, const kz_grant_t *grant, const char *id,
                           apr_uint64_t size, apr_pool_t *pool);

/* Resumes or gives up one upload that a crash left behind; *FOUND 0 when there is none. Removes
 * spool files that belong to no upload when LOOK is 1. For the jobs. Errors: STORE_DOWN (the spool
 * is away: nothing was taken), and as kz_upload_finish(). */
kz_err_t *kz_upload_sweep(int *found, kz_portal_t *portal, int look, apr_pool_t *pool);

#endif
