/* SPDX-License-Identifier: GPL-2.0-only
 *
 * A worker: in its sandbox it takes one connection after the other and scans what comes with it. */
#ifndef KZ_SCAND_WORKER_H
#define KZ_SCAND_WORKER_H

#include "engine.h"
#include "options.h"

typedef struct kz_worker_t {
    const kz_options_t *options;
    kz_engine_t *engine; /* NULL: there is none, refuse */
    const char *reason;  /* why all is refused; "" otherwise */
    const char *dir;     /* its own folder */
    int listening;       /* shared by all workers; -1: scan the canary and end */
} kz_worker_t;

enum {
    KZ_WORKER_OK = 0,   /* told to end; or the canary was found */
    KZ_WORKER_BAD = 1,  /* no sandbox; or the canary was missed */
    KZ_WORKER_GONE = 3, /* its client went away: nothing is wrong */
    KZ_WORKER_LATE = 4  /* libclamav did not stop in time */
};

/* Runs until SIGTERM, which lets a scan end first. Returns the exit status of the process. */
int kz_worker_run(const kz_worker_t *worker);

#endif
