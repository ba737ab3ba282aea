/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The keeper: the process that httpd starts and knows. It holds the sockets, has masters load the
 * database, changes from one to the next, and never loads or reads anything itself. */
#ifndef KZ_SCAND_KEEPER_H
#define KZ_SCAND_KEEPER_H

#include "options.h"
#include "sockets.h"

/* Runs until SIGTERM or SIGINT; then all ends and nothing is left. After SIGUSR1, which says that
 * another keeper has taken the path over, it ends with the last scan. SOCKETS are put at their path
 * when the first database has been loaded, if they are not there yet. TMP is the private folder,
 * which it removes, LOCK its descriptor. Returns the exit status of the process. */
int kz_keeper_run(const kz_options_t *options, kz_sockets_t *sockets, const char *tmp, int lock,
                  int signals);

#endif
