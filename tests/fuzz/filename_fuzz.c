/* The name of an uploaded file: the kept name is harmless, and stays the same when cleaned again.
 */
#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>

#include "base/str.h"

static apr_pool_t *pool;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *name, *header;
    size_t len;

    if (!pool) {
        apr_initialize();
        apr_pool_create(&pool, NULL);
    }
    name = kz_text_file_name((const char *)data, size, pool);
    len = strlen(name);
    if (len == 0 || len > KZ_TEXT_FILE_NAME_MAX || !kz_str_is_utf8(name, len))
        abort();
    if (strpbrk(name, "/\r\n\t\x7f") || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        abort();
    if (strcmp(kz_text_file_name(name, len, pool), name) != 0)
        abort();
    header = kz_str_content_disposition(KZ_STR_ATTACHMENT, name, pool);
    for (; *header; header++) {
        if (*header < 0x20 || *header > 0x7e)
            abort();
    }
    apr_pool_clear(pool);
    return 0;
}
