/* What the files of model/upload share. finish.c tells the story; the functions here are its steps.
 */
#ifndef KZ_MODEL_UPLOAD_INTERNAL_H
#define KZ_MODEL_UPLOAD_INTERNAL_H

#include "io/scan/scan.h"
#include "model/upload/upload.h"
#include "queries.h"

/* Many may end in the same moment: an upload that waits for a slot holds a thread and its lease. */
#define KZ_UPLOAD__SLOT_WAIT (10 * 60 * APR_USEC_PER_SEC)

/* An upload that is worked on. Once it is taken, no step changes any of this. */
typedef struct kz_upload__work_t {
    kz_portal_t *portal;
    kz_grant_t *grant; /* the portal's own, for the upload's firm; no transaction between steps */
    apr_pool_t *pool;
    const char *spool;         /* path of the file */
    const char *object;        /* key in the stores */
    const kz_slots_who_t *who; /* whose share of the slots it takes; NULL: a job's */
    int again; /* somebody has worked on it before: stores may hold something of it */
    const kz_q_upload_complete_t *row; /* as it was taken; NULL: it was not */
    kz_seal_key_t *key;
} kz_upload__work_t;

/* What reading the whole of an upload tells of it. */
typedef struct kz_upload__content_t {
    apr_uint64_t size; /* bytes */
    unsigned char sha256[KZ_SEAL_SHA256];
    const char *type; /* media type */
} kz_upload__content_t;

/* Path of the spool file of the upload ID, in POOL. */
const char *kz_upload__spool(const kz_portal_t *portal, const char *id, apr_pool_t *pool);
/* Removes it; what can't be removed is left to the sweep. */
void kz_upload__spool_remove(const char *spool, apr_pool_t *pool);
/* ERR, met at the spool file PATH. It becomes STORE_DOWN where it is NOT_FOUND because the whole
 * spool is away; otherwise the file is missing, in the folder that this process knows since *SINCE
 * (may be NULL). */
kz_err_t *kz_upload__see_spool(apr_time_t *since, kz_err_t *err, kz_portal_t *portal,
                               const char *path);

/* --- finish.c: what upload.c and sweep.c need of the story */

/* All SIZE bytes of the upload ID are there, and nobody has noted that: notes it, and leaves the
 * rest to a job. END is WAITING then; TAKEN or OVER if somebody else was quicker. Errors: DB_*,
 * BUSY, NOT_FOUND. */
kz_err_t *kz_upload__leave(kz_upload_end_t *end, const kz_grant_t *grant, const char *id,
                           apr_uint64_t size, apr_pool_t *pool);
/* Resumes a complete upload that kz_q_upload_taken() has given to this process. Errors: as
 * kz_upload_finish(). */
kz_err_t *kz_upload__resume(kz_portal_t *portal, const kz_q_upload_taken_t *taken,
                            apr_pool_t *pool);
/* Gives up an upload that nobody sends any more; one whose last byte has just come is left alone.
 */
kz_err_t *kz_upload__give_up(kz_portal_t *portal, const kz_q_upload_taken_t *taken,
                             apr_pool_t *pool);

/* --- note.c: PostgreSQL. *OURS becomes 0 when somebody else has taken the upload meanwhile; then
 * nothing was changed. Errors: DB_*, and those that are named. */

/* How long nobody else may work on an upload, in ms: all that its steps may wait for, and more. */
apr_int64_t kz_upload__lease(const kz_conf_t *conf);
/* receiving -> scanning: all SIZE bytes are there. WORK->row becomes the upload as WORKER has taken
 * it (NULL: as it is left to a job); it stays NULL if ID isn't being received. */
kz_err_t *kz_upload__note_complete(kz_upload__work_t *work, const char *id, apr_uint64_t size,
                                   const char *worker);
/* Renews what TAKEN says. WORK->row stays NULL when it doesn't hold any more. */
kz_err_t *kz_upload__note_resumed(kz_upload__work_t *work, const kz_q_upload_taken_t *taken);
/* Lets others take it at once. Changes nothing when somebody else has taken it. */
kz_err_t *kz_upload__note_released(const kz_upload__work_t *work);
/* scanning -> storing: scanned, and not infected. WHAT: why it is unscannable, or "". Should
 * PostgreSQL crash and forget this, it is scanned again. */
kz_err_t *kz_upload__note_scanned(int *ours, const kz_upload__work_t *work,
                                  const kz_upload__content_t *content, const char *what);
/* scanning -> infected, with its event. */
kz_err_t *kz_upload__note_infected(int *ours, const kz_upload__work_t *work, const char *signature);
/* storing -> available (WHAT is "") or unscannable: document, delivery, copies (HELD: for each
 * store, whether it has one), event and the job of telling, in one transaction. */
kz_err_t *kz_upload__note_document(int *ours, const kz_upload__work_t *work,
                                   const kz_upload__content_t *content, const char *what,
                                   const unsigned char *held);
/* Whether its object may be removed from the stores, to be stored anew: OURS becomes 1 if it has no
 * document, and is WORK's for long enough. */
kz_err_t *kz_upload__note_storing_anew(int *ours, const kz_upload__work_t *work);
/* Whether the document of the upload is there already. */
kz_err_t *kz_upload__has_document(int *has, const kz_upload__work_t *work);
/* The spool can't be read any more: failed, or the state of its document if that is there already.
 * END is how it ended, unless it is not OURS. */
kz_err_t *kz_upload__note_lost(int *ours, kz_upload_end_t *end, const kz_upload__work_t *work);
/* How the upload ID stands that could not be taken: TAKEN or OVER. Errors: NOT_FOUND. */
kz_err_t *kz_upload__look(kz_upload_end_t *end, const kz_upload__work_t *work, const char *id);

/* --- scan.c: the scanner */

/* Notes that the scanner could not end with CONTENT of ACCOUNT, a UUID, within its bounds
 * ("limits", "timeout"); any other VERDICT is not kept. */
void kz_upload__verdict_note(const kz_upload__content_t *content, const char *account,
                             const kz_scan_verdict_t *verdict);
/* Returns 1 if something of CONTENT's size was noted: then its SHA-256 is worth computing first. */
int kz_upload__verdict_may_be(const kz_upload__content_t *content, const char *account);
/* Why the scanner could not end with the same bytes of the same ACCOUNT a quarter of an hour ago or
 * less; NULL: it is to be asked. */
const char *kz_upload__verdict_find(const kz_upload__content_t *content, const char *account);

typedef struct kz_upload__scan_t kz_upload__scan_t; /* one that has begun */

/* Has the upload scanned, and reads its CONTENT meanwhile. One that is too large for the scanner is
 * only read. Errors: SEAL, NOT_FOUND (what was sent is lost), LOCKED (somebody has the file open),
 * SCANNER_DOWN, BUSY, NO_SPACE. */
kz_err_t *kz_upload__scan_begin(kz_upload__scan_t **scan, kz_upload__content_t *content,
                                const kz_upload__work_t *work);
/* Waits for the verdict, in the work's pool. Errors: SCANNER_DOWN, BUSY. */
kz_err_t *kz_upload__scan_await(kz_scan_verdict_t *verdict, kz_upload__scan_t *scan);
/* Gives the memory back; also instead of waiting. */
void kz_upload__scan_end(kz_upload__scan_t *scan);

/* --- store.c: the stores */

/* Removes what a killed process has left in the stores without a name. */
void kz_upload__store_sweep(const kz_upload__work_t *work);
/* Begins to write the upload to the stores, where nobody finds it before it is settled. Errors:
 * SEAL, NOT_FOUND (what was sent is lost), LOCKED (somebody has the file open), STORE_DOWN,
 * NO_SPACE. */
kz_err_t *kz_upload__store_begin(kz_stores_write_t **write, const kz_upload__work_t *work,
                                 const kz_upload__content_t *content);
/* Gives it its name there. *WRITE is over, and becomes NULL. HELD (one for each store) and errors:
 * as kz_stores_settle(). */
kz_err_t *kz_upload__store_settle(unsigned char *held, kz_stores_write_t **write,
                                  const kz_upload__work_t *work,
                                  const kz_upload__content_t *content);
/* Ends a write that was not settled, if there is one: nothing of it stays. */
void kz_upload__store_drop(kz_stores_write_t **write);
/* Removes the object. Errors: STORE_DOWN. */
kz_err_t *kz_upload__store_remove(const kz_upload__work_t *work);

#endif
