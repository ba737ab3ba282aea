/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Bytes that are scanned once more, on their own, after the document that they come from. */
#ifndef KZ_SCAND_COPIES_H
#define KZ_SCAND_COPIES_H

#include <stddef.h>

#define KZ_COPIES 256 /* of one document */

typedef struct kz_copies_t {
    unsigned char *bytes[KZ_COPIES]; /* by malloc() */
    size_t length[KZ_COPIES];
    size_t count, left; /* LEFT: bytes that may still be copied */
    int full;           /* 1: there were more, or larger ones */
} kz_copies_t;

/* Room for LENGTH bytes of a copy, at most; NULL, and noted, if there is none. The caller fills it
 * and calls kz_copies_add(), or frees it. */
unsigned char *kz_copies_room(kz_copies_t *copies, size_t length);
void kz_copies_add(kz_copies_t *copies, unsigned char *bytes, size_t length);
void kz_copies_free(kz_copies_t *copies);

#endif
