/* SPDX-License-Identifier: GPL-2.0-only
 *
 * --guard: nobody else starts the keeper again, so the program itself does. */
#ifndef KZ_SCAND_GUARD_H
#define KZ_SCAND_GUARD_H

/* Forks, and returns in the child, which is to be the keeper; again for each keeper that ends
 * without having been asked to. What was opened before (the sockets, with who waits there) is every
 * child's. The parent passes on the signals that come by SIGNALS, and exits with the last child. */
void kz_guard_fork(int signals);

#endif
