/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The command line of kanzlei-scand. */
#ifndef KZ_SCAND_OPTIONS_H
#define KZ_SCAND_OPTIONS_H

#include <stdint.h>
#include <sys/types.h>

#include "sandbox.h"

typedef struct kz_options_t {
    const char *socket;     /* path of the listening socket */
    const char *signatures; /* folder of the database */
    const char *fallback;   /* folder used when that holds none; NULL: none */
    const char *tmp;        /* wanted place of the private folder; NULL: choose */
    const char *user;       /* become this user; NULL: stay */
    const char *group;      /* may connect as well, by name or number; NULL: our user alone */
    unsigned workers;       /* slots */
    uint64_t max_bytes;     /* of one document */
    uint64_t max_unpacked;  /* of one document with all that it contains */
    unsigned max_time_ms;   /* of one scan */
    unsigned poll_s;        /* how often the database is looked at */
    kz_landlock_t landlock; /* MAY: starts on a kernel without it, too */
    pid_t replaces;         /* a scanner that is at the path and is to leave it; 0: none */
    int foreground;         /* 1: does not end with its parent */
    int guard;              /* 1: the same, and starts itself again */
    int self_test;          /* 1: --self-test-sandbox */
} kz_options_t;

/* Reads argv into OPTIONS, which points into it. Returns -1 if all is well; else the exit status (0
 * after --help), and the error stands on standard error. */
int kz_options_read(kz_options_t *options, int argc, char **argv);

#endif
