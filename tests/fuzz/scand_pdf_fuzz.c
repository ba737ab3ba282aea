/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Copies of PDFs. A copy without a literal string that is written anew is the same; a second copy
 * of a copy is the same as the first, unless there were more strings than one copy takes. */
#include "pdf.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kz_copies_t pdfs = {.left = 1 << 24};

    kz_pdf_copy(&pdfs, data, size);
    if (pdfs.count == 1 && !pdfs.full) {
        if (!memchr(data, '(', size) &&
            (pdfs.length[0] != size || memcmp(pdfs.bytes[0], data, size) != 0))
            abort();
        kz_pdf_copy(&pdfs, pdfs.bytes[0], pdfs.length[0]);
        if (pdfs.count == 2 && pdfs.length[1] < pdfs.length[0])
            abort();
    }
    kz_copies_free(&pdfs);
    return 0;
}
