/* SPDX-License-Identifier: GPL-2.0-only
 *
 * 7z archives (7zFormat.txt of the LZMA SDK). 7-Zip finds them behind other bytes; libclamav too,
 * but not behind those that it takes for a song or a database. */
#include "members.h"

#include <string.h>
#include <zlib.h>

#define MAGIC "7z\xbc\xaf\x27\x1c"
#define HEAD  32 /* bytes of the signature header */

/* How long the archive at P is, by its header, LEFT at most; 0: it is none. An empty header is
 * what an archive has whose writing was cut off: 7-Zip looks for its directory at the end. */
static size_t length_of(const unsigned char *p, size_t left)
{
    static const unsigned char empty[HEAD - 8];
    uint64_t offset, size, room;

    if (left < HEAD)
        return 0;
    if (memcmp(p + 8, empty, sizeof empty) == 0)
        return left;
    if (crc32(0, p + 12, HEAD - 12) != kz_u32(p + 8))
        return 0;
    offset = kz_u64(p + 12);
    size = kz_u64(p + 20);
    room = left - HEAD;
    return offset > room || size > room - offset ? left : HEAD + (size_t)(offset + size);
}

void kz_inspect_7z(kz_inspection_t *in, const kz_layer_t *layer)
{
    const unsigned char *p = layer->bytes, *end = layer->bytes + layer->length;

    for (;
         (p = memmem(p, (size_t)(end - p), MAGIC, sizeof MAGIC - 1)) && !in->overflow && !in->late;
         p++) {
        size_t length = length_of(p, (size_t)(end - p));

        if (p == layer->bytes && layer->type && !strcmp(layer->type, "CL_TYPE_7Z"))
            kz_seen_opened(in, p, length);
        else
            kz_seen_needed(in, p, length);
    }
}
