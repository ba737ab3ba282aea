/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What a worker must not be able to do, and the little that it must. */
#ifndef KZ_SCAND_FORBIDDEN_H
#define KZ_SCAND_FORBIDDEN_H

#include <limits.h>

/* Where the attempts are made. The caller makes all of it before it enters the sandbox. */
typedef struct kz_place_t {
    char inside[PATH_MAX];  /* the worker's folder */
    char outside[PATH_MAX]; /* a file of the same user beside it, as a key would be */
    char target[PATH_MAX];  /* a name beside it that nothing has */
    int fd;                 /* an open file of the folder */
    int listening;          /* a listening socket */
} kz_place_t;

typedef struct kz_attempt_t {
    const char *name;
    int (*attempt)(const kz_place_t *place); /* negative: it was refused */
    int must;                                /* 1: a scan needs it: it must work */
} kz_attempt_t;

extern const kz_attempt_t kz_attempts[];
extern const unsigned kz_attempts_count;

#endif
