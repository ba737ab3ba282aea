/* Leases end with the process that has them. A worker (a process that takes uploads and jobs) holds
 * a locked file in the spool, which all hosts share; its end unlocks it, in order or by a kill.
 * What it had taken then goes on at once, not when the lease is over. */
#ifndef KZ_MODEL_WORKER_H
#define KZ_MODEL_WORKER_H

#include "model/portal.h"

#define KZ_WORKER_FILE "worker-" /* and the worker's UUID: its file in the spool */

/* For kz_portal_open: PORTAL knows its worker already, and POOL is its own. */
kz_err_t *kz_worker_prepare(kz_portal_t *portal, apr_pool_t *pool);

/* Whose spool it is: its marker, a file like that of a store (io/store), names the installation.
 * Errors: CONFIG (another one's). None yet, or no folder, is no error. */
kz_err_t *kz_worker_marker(const kz_conf_t *conf, apr_pool_t *scratch_pool);

/* Shows that this process lives, before it takes anything; marks a spool that nobody has. The first
 * call holds until the portal's end. Errors: STORE_DOWN, NO_SPACE: then nothing must be taken. */
kz_err_t *kz_worker_live(kz_portal_t *portal);

/* Checks that the spool's path shows the folder in which this process shows that it lives (first it
 * does so). Another one, such as the empty folder below a mount, proves nothing by what it lacks,
 * and nothing is to be put there or removed. *SINCE (may be NULL) becomes the time since which this
 * process knows the folder. One that began while another folder was there needs a restart. Errors:
 * STORE_DOWN, NO_SPACE. */
kz_err_t *kz_worker_spool(apr_time_t *since, kz_portal_t *portal);

/* Says in this process's file that it works on the upload ID, until kz_worker_unclaim(): what it
 * has taken and its file does not name is free. So a lease ends with the work, also when the
 * database could not be told. *PLACE is where in the file. Errors: as kz_worker_live(), BUSY. */
kz_err_t *kz_worker_claim(int *place, kz_portal_t *portal, const char *id);
void kz_worker_unclaim(kz_portal_t *portal, int place);

/* Ends the leases of the worker WORKER if its file shows that it is dead, and then removes the
 * file; of one that lives, the leases of uploads that its file does not name. For the jobs. */
kz_err_t *kz_worker_bury_one(kz_portal_t *portal, const char *worker, apr_pool_t *pool);
/* The same for all that have taken something. */
kz_err_t *kz_worker_bury(kz_portal_t *portal, apr_pool_t *pool);

#endif
