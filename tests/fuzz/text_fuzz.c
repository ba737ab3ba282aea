/* Texts that people type: an accepted text is clean, and stays the same when checked again. The
 * first byte says which kind of text it is. */
#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>

#include "base/str.h"

static apr_pool_t *pool;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *(*fold)(const char *, size_t, apr_pool_t *), const char *text,
                  size_t len, const char *never)
{
    const char *folded = fold(text, len, pool), *again;

    if (!folded)
        return;
    len = strlen(folded);
    if (!kz_str_is_utf8(folded, len) || kz_text_length(folded) > len)
        abort();
    for (; *never; never += strlen(never) + 1) {
        if (strstr(folded, never))
            abort();
    }
    if (len > KZ_TEXT_MAX) /* composing has made it longer */
        return;
    again = fold(folded, len, pool);
    if (!again || strcmp(again, folded) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* ended by "": controls, NBSP, NEL, U+2028, U+200B, U+202E, U+FEFF; joiners last */
    static const char line[] = "\n\0\t\0\x7f\0  \0\xc2\xa0\0\xc2\x85\0\xe2\x80\xa8\0\xe2\x80\x8b\0"
                               "\xe2\x80\xae\0\xef\xbb\xbf\0";
    static const char token[] = "\n\0\xe2\x80\x8b\0\xe2\x80\x8c\0\xe2\x80\x8d\0\xef\xb8\x8f\0";
    static const char password[] = "\n\0\t\0\xc2\xa0\0\xe3\x80\x80\0";
    const char *text = (const char *)data + 1;

    if (!pool) {
        apr_initialize();
        apr_pool_create(&pool, NULL);
    }
    if (size == 0)
        return 0;
    if (*data % 3 == 0)
        check(kz_text_line, text, size - 1, line);
    else if (*data % 3 == 1)
        check(kz_text_token, text, size - 1, token);
    else
        check(kz_text_password, text, size - 1, password);
    apr_pool_clear(pool);
    return 0;
}
