/* SPDX-License-Identifier: GPL-2.0-only
 *
 * libclamav, set up so that "clean" means scanned whole. */
#ifndef KZ_SCAND_ENGINE_H
#define KZ_SCAND_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "protocol.h"

typedef struct kz_engine_t kz_engine_t;

typedef struct kz_verdict_t {
    kz_scand_kind_t kind; /* CLEAN, INFECTED, UNSCANNABLE or REFUSED */
    char what[KZ_SCAND_WHAT_MAX];
} kz_verdict_t;

/* Of libclamav; never NULL. */
const char *kz_engine_version(void);

/* Loads the database in DIR and sets *SIGNATURES to their number. NULL: WHY says what was wrong. */
kz_engine_t *kz_engine_load(unsigned *signatures, const char *dir, uint64_t max_unpacked,
                            char why[KZ_SCAND_WHAT_MAX]);

/* Where archives are unpacked to by this process from now on. */
void kz_engine_tmpdir(kz_engine_t *engine, const char *dir);

/* Scans all of FD, SIZE bytes, for at most LIMIT_MS. */
void kz_engine_scan(kz_verdict_t *verdict, kz_engine_t *engine, int fd, uint64_t size,
                    unsigned limit_ms);

/* Shortens text of unknown origin to printable ASCII without spaces. */
void kz_engine_word(char out[KZ_SCAND_WHAT_MAX], const char *text);

#endif
