/* The portal's mails: invitation, new password, new documents. Written in the language of whoever
 * gets them, by the templates html/mail. Codes are made when the mail is, so that none is kept
 * anywhere. */
#ifndef KZ_WORK_MAILER_H
#define KZ_WORK_MAILER_H

#include "model/grant.h"
#include "queries.h"
#include "template/site.h"

/* Does the mail job JOB. GRANT is the portal's for its firm; committed here. Errors: MAIL (again
 * later), INVALID (never). */
kz_err_t *kz_mailer_run(kz_site_t *site, kz_grant_t *grant, const kz_q_job_take_t *job,
                        apr_pool_t *pool);

#endif
