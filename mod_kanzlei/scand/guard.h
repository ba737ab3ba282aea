/* SPDX-License-Identifier: GPL-2.0-only
 *
 * --guard: nobody else starts the keeper again, so the program itself does. */
#ifndef KZ_SCAND_GUARD_H
#define KZ_SCAND_GUARD_H

/* Forks, and returns 1 in the child, which is to be the keeper; again for each keeper that ends
 * without having been asked to. What was opened before (the sockets, with who waits there) is every
 * child's. The parent passes on the signals that come by SIGNALS, and exits when a keeper has ended
 * that was asked to. Returns 0 when the end was asked for while there was no keeper: then the
 * caller has to tidy up for it. */
int kz_guard_fork(int signals);

#endif
