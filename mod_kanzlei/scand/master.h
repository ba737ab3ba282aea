/* SPDX-License-Identifier: GPL-2.0-only
 *
 * A master: loads the database once, proves it, forks the workers that share it, restarts those
 * that die. Never touches a document. */
#ifndef KZ_SCAND_MASTER_H
#define KZ_SCAND_MASTER_H

#include "options.h"

typedef struct kz_master_t {
    const kz_options_t *options;
    const char *dir; /* made by it, in the keeper's folder; removed by the keeper */
    int listening;   /* the socket that workers accept on */
    int channel;     /* to the keeper: sends one kz_scand_status_t, gets one byte: begin */
} kz_master_t;

/* Runs until SIGTERM: then no more connections are taken, scans end, and it returns. The result is
 * the exit status of the process. */
int kz_master_run(const kz_master_t *master);

#endif
