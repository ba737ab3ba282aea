/* Media types of any bytes under a few names: each has a word, and text that would be shown has no
 * NUL in it but in UTF-16. */
#include "model/document/document.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"a.txt", "a.pdf", "a.docx", "a.doc", "a.bmp", "a"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *type = kz_document_type(names[i], data, size);

        if (strncmp(kz_document_type_word(type), "type.", 5) != 0)
            abort();
        if (strncmp(type, "text/plain", 10) == 0 && !strstr(type, "utf-16") && size &&
            memchr(data, 0, size))
            abort();
    }
    return 0;
}
