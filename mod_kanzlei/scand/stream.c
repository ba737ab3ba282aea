/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Files packed alone: gzip, bzip2 and xz, which libclamav must have unpacked to their end, and
 * Zstandard, which it can't. 7-Zip finds them behind other bytes. */
#include "members.h"

#include <string.h>
#include <zstd.h>

/* Block or end of stream: the digits of pi, or of its root. */
static int is_bzip2(const unsigned char *p, size_t left)
{
    return left >= 10 && p[3] >= '1' && p[3] <= '9' &&
           (!memcmp(p + 4, "1AY&SY", 6) || !memcmp(p + 4, "\x17\x72\x45\x38\x50\x90", 6));
}

static int is_gzip(const unsigned char *p, size_t left)
{
    return left >= 18 && (p[3] & 0xe0) == 0; /* reserved flags: RFC 1952, 2.3.1 */
}

static const struct {
    const char *magic;
    size_t length;
    int (*test)(const unsigned char *p, size_t left); /* of one that is not at the start */
    kz_packing_t packing;
    uint64_t weak; /* bytes that may come out of what only looks like a header before it shows */
} kinds[] = {
    {"\x1f\x8b\x08", 3, is_gzip, KZ_GZIP, 32},
    {"BZh", 3, is_bzip2, KZ_BZIP2, 0},
    {KZ_XZ_MAGIC, 6, NULL, KZ_XZ, 0},
};

static void find(kz_inspection_t *in, const kz_layer_t *layer, size_t kind, int loose)
{
    const unsigned char *p = layer->bytes, *end = layer->bytes + layer->length;

    while (!in->overflow && !in->late &&
           (p = memmem(p, (size_t)(end - p), kinds[kind].magic, kinds[kind].length))) {
        size_t left = (size_t)(end - p), taken = 0;
        int first = p == layer->bytes;
        uint64_t made = 0;

        if (first || !kinds[kind].test || kinds[kind].test(p, left)) {
            taken = kz_unpack(&made, in, kinds[kind].packing, p, left);
            if (!taken && (first || (!loose && made >= kinds[kind].weak)))
                in->trouble = 1;
        }
        p += taken ? taken : 1;
    }
}

void kz_inspect_streams(kz_inspection_t *in, const kz_layer_t *layer, int loose)
{
    const unsigned char *p = layer->bytes, *end = layer->bytes + layer->length;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        find(in, layer, i, loose);
    while ((p = memmem(p, (size_t)(end - p), "\x28\xb5\x2f\xfd", 4))) {
        if (p == layer->bytes || !ZSTD_isError(ZSTD_findFrameCompressedSize(p, (size_t)(end - p))))
            in->unsupported = 1;
        p++;
    }
}
