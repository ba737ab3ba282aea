/* What upload.c and finish.c share. */
#ifndef KZ_MODEL_FINISH_H
#define KZ_MODEL_FINISH_H

#include "model/upload.h"

/* Path of the spool file of the upload ID. */
const char *kz_upload__spool(const kz_portal_t *portal, const char *id, apr_pool_t *pool);

#endif
