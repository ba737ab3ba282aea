/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Containers that are known by a magic number, those that take more than that to be told from other
 * bytes, and tar, of which GNU tar finds the members behind other blocks. */
#include "members.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <zlib.h>

#define BLOCK 512 /* bytes of a tar header, and what its files are filled up to */
#define MARK  257 /* where "ustar" stands in one */

/* Whether all LENGTH bytes are digits to BASE, or the blanks that GNU cpio takes for them. */
static int digits(const unsigned char *p, size_t length, int base)
{
    for (size_t i = 0; i < length; i++) {
        if (p[i] == ' ')
            continue;
        if (base == 8 ? p[i] < '0' || p[i] > '7' : !isxdigit(p[i]))
            return 0;
    }
    return 1;
}

/* In cpio(5)'s old binary format the magic is two bytes: the header must make sense as well. */
static int is_old_cpio(const unsigned char *p, size_t left, int big)
{
    unsigned h[13], name, i;

    if (left < 28)
        return 0;
    for (i = 0; i < 13; i++)
        h[i] = big ? (unsigned)p[2 * i] << 8 | p[2 * i + 1] : kz_u16(p + 2 * i);
    name = h[10];
    if (h[0] != 070707 || name < 2 || name > 4096 || left - 26 < name || p[26 + name - 1] != '\0')
        return 0;
    for (i = 0; i + 1 < name; i++) {
        if (p[26 + i] < ' ')
            return 0;
    }
    return 1;
}

static int is_cpio(const unsigned char *p, size_t left)
{
    if (left >= 110 && memcmp(p, "07070", 5) == 0 && (p[5] == '1' || p[5] == '2'))
        return digits(p, 110, 16);
    if (left >= 76 && memcmp(p, "070707", 6) == 0)
        return digits(p, 76, 8);
    return 0;
}

static int is_bin_cpio(const unsigned char *p, size_t left)
{
    return is_old_cpio(p, left, 0) || is_old_cpio(p, left, 1);
}

/* ARJ's main header or a member's: its size, the header, its CRC-32 (arj's TECHNOTE.TXT). */
static int is_arj(const unsigned char *p, size_t left)
{
    size_t size = left >= 8 ? kz_u16(p + 2) : 0;

    return size >= 30 && size <= 2600 && left - 8 >= size &&
           crc32(0, p + 4, (unsigned)size) == kz_u32(p + 4 + size);
}

/* Behind a package's lead of 96 bytes, of which not all readers look at more than the magic, stands
 * a header with a magic of its own; or behind a signature of 256 bytes, as old ones have it (rpm's
 * manual, RPM V4 file format). */
static int is_rpm(const unsigned char *p, size_t left)
{
    return (left >= 99 && !memcmp(p + 96, "\x8e\xad\xe8", 3)) ||
           (left >= 355 && !memcmp(p + 352, "\x8e\xad\xe8", 3));
}

/* LHA's header of any level; P is at "-lh", which is its third byte. Level 0 and 1 have a size and
 * a sum before that, 2 and 3 a size. */
static int is_lha(const unsigned char *p, size_t left)
{
    return left >= 19 && p[4] == '-' && isalnum(p[3]) && p[18] <= 3;
}

/* A cabinet behind other bytes has its folders and files within it and them; cabextract doesn't
 * look at the reserved number behind the magic, others want it to be 0 ([MS-CAB] 2.1). */
static int is_cab(const unsigned char *p, size_t left)
{
    if (left < 36)
        return 0;
    return kz_u32(p + 4) == 0 || (kz_u32(p + 16) < kz_u32(p + 8) && kz_u32(p + 8) < left + 32);
}

/* The header's size and the version, in big endian. */
static int is_xar(const unsigned char *p, size_t left)
{
    return left >= 28 && (p[4] || p[5] >= 28) && p[6] == 0 && p[7] == 1;
}

/* A byte in two hexadecimal digits; -1: it is none. */
static int hex_byte(const unsigned char *p)
{
    int high = isdigit(p[0]) ? p[0] - '0' : (p[0] | 0x20) - 'a' + 10;
    int low = isdigit(p[1]) ? p[1] - '0' : (p[1] | 0x20) - 'a' + 10;

    return isxdigit(p[0]) && isxdigit(p[1]) ? high << 4 | low : -1;
}

/* A record of Intel's hexadecimal format: its count of bytes, a kind up to 5, and all in all a sum
 * of 0. */
static int is_ihex(const unsigned char *p, size_t left)
{
    int count = left >= 11 ? hex_byte(p + 1) : -1, sum = 0;

    if (count < 0 || left - 11 < (size_t)count * 2 || hex_byte(p + 7) > 5)
        return 0;
    for (int i = 0; i < count + 5; i++) {
        int byte = hex_byte(p + 1 + (ptrdiff_t)i * 2);

        if (byte < 0)
            return 0;
        sum += byte;
    }
    return (sum & 255) == 0;
}

/* A frame to be skipped, before those of LZ4 or Zstandard; P is at its second byte. */
static int is_skippable(const unsigned char *p, size_t left)
{
    (void)left;
    return p[-1] >> 4 == 5;
}

/* The superblock's state, block size and revision; P is at its magic, 56 bytes into it. */
static int is_ext(const unsigned char *p, size_t left)
{
    return left >= 24 && kz_u16(p + 2) <= 7 && kz_u32(p - 32) <= 6 && kz_u32(p + 20) <= 1;
}

/* A bare LZMA stream has no magic: properties of usual size, a dictionary that unpackers take, a
 * length that is unknown or possible, and the range coder's first byte (LZMA SDK, lzma.txt). */
static int is_lzma(const unsigned char *p, size_t length)
{
    uint32_t dictionary, high;
    uint64_t size;

    if (length < 18 || p[0] >= 225 || p[13] != 0)
        return 0;
    dictionary = kz_u32(p + 1);
    size = kz_u64(p + 5);
    for (high = dictionary; high & (high - 1); high &= high - 1)
        ;
    return dictionary > 0 && size > 0 &&
           (dictionary == high || dictionary == high + high / 2 || dictionary == UINT32_MAX) &&
           (size == UINT64_MAX || size < UINT64_C(1) << 56);
}

/* The same, or behind the one byte of LZMA86 that tells whether programs were filtered. */
static int is_any_lzma(const kz_layer_t *layer)
{
    return is_lzma(layer->bytes, layer->length) || (layer->length > 0 && layer->bytes[0] <= 1 &&
                                                    is_lzma(layer->bytes + 1, layer->length - 1));
}

typedef struct magic_t {
    const char *bytes;
    size_t length;
    size_t at;                                        /* where it stands */
    int (*test)(const unsigned char *p, size_t left); /* NULL: the magic is enough */
} magic_t;

#define KZ_CONTAINER(name, place, magic)    {magic, sizeof magic - 1, place, NULL},
#define KZ_TESTED(name, place, test, magic) {magic, sizeof magic - 1, place, test},
#define KZ_HIDDEN(name, test, magic)
static const magic_t placed[] = {
#include "container.def"
};
#undef KZ_CONTAINER
#undef KZ_TESTED
#undef KZ_HIDDEN
#define KZ_CONTAINER(name, place, magic)
#define KZ_TESTED(name, place, test, magic)
#define KZ_HIDDEN(name, test, magic) {magic, sizeof magic - 1, 0, test},
static const magic_t hidden[] = {
#include "container.def"
};
#undef KZ_CONTAINER
#undef KZ_TESTED
#undef KZ_HIDDEN

static int is_here(const magic_t *magic, const unsigned char *p, size_t left)
{
    return left >= magic->length && memcmp(p, magic->bytes, magic->length) == 0 &&
           (!magic->test || magic->test(p, left));
}

/* Whether a hidden one is somewhere. Its first two bytes are looked up in a table of bits: so one
 * pass is enough for all. */
static int is_somewhere(const kz_layer_t *layer)
{
    static unsigned char pairs[65536 / 8];
    static int made;

    for (size_t i = 0; !made && i < sizeof hidden / sizeof *hidden; i++) {
        unsigned pair = kz_u16((const unsigned char *)hidden[i].bytes);

        pairs[pair / 8] |= (unsigned char)(1 << pair % 8);
    }
    made = 1;
    for (size_t at = 0; at + 2 <= layer->length; at++) {
        unsigned pair = kz_u16(layer->bytes + at);

        if (!(pairs[pair / 8] >> pair % 8 & 1))
            continue;
        for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
            if (is_here(&hidden[i], layer->bytes + at, layer->length - at))
                return 1;
    }
    return 0;
}

void kz_inspect_containers(kz_inspection_t *in, const kz_layer_t *layer)
{
    if (memmem(layer->bytes, layer->length, "Rar!\x1a\x07", 6)) /* versions 1.5 to 5 and on */
        in->rar = 1;
    for (size_t i = 0; i < sizeof placed / sizeof *placed; i++)
        if (layer->length >= placed[i].at &&
            is_here(&placed[i], layer->bytes + placed[i].at, layer->length - placed[i].at))
            in->unsupported = 1;
    if (is_somewhere(layer) || is_any_lzma(layer))
        in->unsupported = 1;
}

/* Reads the octal number in LENGTH bytes of a header; UINT64_MAX: it is none. */
static uint64_t octal(const unsigned char *p, size_t length)
{
    uint64_t number = 0;
    size_t i = 0, first;

    while (i < length && p[i] == ' ')
        i++;
    for (first = i; i < length && p[i] >= '0' && p[i] <= '7'; i++)
        number = number << 3 | (uint64_t)(p[i] - '0');
    return i > first && (i == length || p[i] == ' ' || p[i] == '\0') ? number : UINT64_MAX;
}

/* The sum of a header counts its own eight bytes as blanks (POSIX pax, ustar Interchange Format);
 * old programs took bytes as signed. */
static int is_header(const unsigned char *block)
{
    uint64_t sum = octal(block + 148, 8);
    int64_t bytes = 0, chars = 0;

    if (sum == UINT64_MAX)
        return 0;
    for (size_t i = 0; i < BLOCK; i++) {
        unsigned char byte = i >= 148 && i < 156 ? ' ' : block[i];

        bytes += byte;
        chars += (signed char)byte;
    }
    return bytes == (int64_t)sum || chars == (int64_t)sum;
}

/* Looks at the header at AT, if there is one. */
static void look_at_header(kz_inspection_t *in, const kz_layer_t *layer, size_t at)
{
    const unsigned char *block = layer->bytes + at, *data = block + BLOCK;
    uint64_t left, size;

    if (layer->length - at < BLOCK || !is_header(block))
        return;
    left = layer->length - at - BLOCK;
    size = octal(block + 124, 12);
    if (memchr("LK", block[156], 2))
        return; /* long names */
    if (block[156] == 'x' || block[156] == 'g') {
        /* An extended header that says another size, or that the file has holes. */
        if (size > left || memmem(data, size, "size=", 5) || memmem(data, size, "GNU.", 4))
            in->unsupported = 1;
    } else if (memchr("SMD", block[156], 3)) {
        in->unsupported = 1; /* GNU's files with holes, in several volumes, lists of folders */
    } else if (size > left) {
        in->trouble = 1;
    } else {
        kz_seen_needed(in, data, size); /* links, devices and folders have none, or should not */
    }
}

/* GNU tar looks for the next header in each block, 7-Zip for "ustar", which is its 258th byte. */
void kz_inspect_tar(kz_inspection_t *in, const kz_layer_t *layer)
{
    const unsigned char *p = layer->bytes, *end = layer->bytes + layer->length;

    for (size_t at = 0; layer->length - at >= BLOCK; at += BLOCK)
        look_at_header(in, layer, at);
    for (; (p = memmem(p, (size_t)(end - p), "ustar", 5)); p++)
        if (p - layer->bytes >= MARK && (p - layer->bytes - MARK) % BLOCK != 0)
            look_at_header(in, layer, (size_t)(p - layer->bytes) - MARK);
}
