/* SPDX-License-Identifier: GPL-2.0-only
 *
 * PDFs that open without a password, but whose encryption libclamav 1.4 can't read: it takes the
 * strings of their encryption dictionary as hexadecimal or with three octal digits for an escape,
 * though fewer and raw bytes are as good (ISO 32000-1, 7.3.4.2). */
#ifndef KZ_SCAND_PDF_H
#define KZ_SCAND_PDF_H

#include <stddef.h>

#define KZ_PDFS 64 /* of one document */

/* Copies of the PDFs in a document, written so that libclamav reads them. */
typedef struct kz_pdfs_t {
    unsigned char *bytes[KZ_PDFS];
    size_t length[KZ_PDFS];
    size_t count, room; /* ROOM: bytes that the copies may still take */
    int full;           /* 1: there were more, or larger ones */
} kz_pdfs_t;

/* Adds a copy of a PDF; any bytes are safe. */
void kz_pdfs_keep(kz_pdfs_t *pdfs, const unsigned char *bytes, size_t length);
void kz_pdfs_free(kz_pdfs_t *pdfs);

#endif
