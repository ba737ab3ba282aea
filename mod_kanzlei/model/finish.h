/* What upload.c, finish.c and sweep.c share. */
#ifndef KZ_MODEL_FINISH_H
#define KZ_MODEL_FINISH_H

#include "model/upload.h"
#include "queries.h"

/* Path of the spool file of the upload ID. */
const char *kz_upload__spool(const kz_portal_t *portal, const char *id, apr_pool_t *pool);

/* How long nobody else may work on an upload, in ms: all that a step may wait for, and some more.
 */
apr_int64_t kz_upload__lease(const kz_conf_t *conf);

/* Goes on with an upload that is complete, and was TAKEN. Errors as kz_upload_finish(). */
kz_err_t *kz_upload__go_on(kz_portal_t *portal, const kz_q_upload_taken_t *taken, apr_pool_t *pool);

#endif
