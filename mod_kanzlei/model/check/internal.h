/* What the files of this folder share. */
#ifndef KZ_MODEL_CHECK_INTERNAL_H
#define KZ_MODEL_CHECK_INTERNAL_H

#include "model/check/check.h"
#include "model/grant.h"
#include "queries.h"

/* Counts PROBLEM and passes it on. */
void kz_check__report(kz_check_t *check, const kz_check_problem_t *problem);

/* Compares ROW with the description in the sealed header of one of its copies, META: name and
 * matter as the events "renamed" and "moved" have changed them since. A difference is a problem, no
 * error. */
kz_err_t *kz_check__header(kz_check_t *check, kz_grant_t *grant, const kz_firm_t *firm,
                           const kz_q_check_documents_t *row, const kz_seal_meta_t *meta,
                           apr_pool_t *scratch_pool);

#endif
