/* SPDX-License-Identifier: GPL-2.0-only
 *
 * PDFs that open without a password, but whose encryption libclamav 1.4 can't read: it takes the
 * strings of their encryption dictionary as hexadecimal or with three octal digits for an escape,
 * though fewer and raw bytes are as good (ISO 32000-1, 7.3.4.2). */
#ifndef KZ_SCAND_PDF_H
#define KZ_SCAND_PDF_H

#include "copies.h"

/* Adds a copy of a PDF, written so that libclamav reads it; any bytes are safe. */
void kz_pdf_copy(kz_copies_t *copies, const unsigned char *bytes, size_t length);

#endif
