/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Containers that are known by a magic number, those that take more than that to be told from other
 * bytes, and tar, of which GNU tar finds the members behind other blocks. */
#include "members.h"

#include <ctype.h>
#include <string.h>
#include <zlib.h>

#define BLOCK 512

typedef struct magic_t {
    const char *bytes;
    size_t length;
    size_t at; /* where it stands */
} magic_t;

#define KZ_CONTAINER(name, place, magic) {magic, sizeof magic - 1, place},
#define KZ_HIDDEN(name, magic)
static const magic_t placed[] = {
#include "container.def"
};
#undef KZ_CONTAINER
#undef KZ_HIDDEN
#define KZ_CONTAINER(name, place, magic)
#define KZ_HIDDEN(name, magic) {magic, sizeof magic - 1, 0},
static const magic_t hidden[] = {
#include "container.def"
};
#undef KZ_CONTAINER
#undef KZ_HIDDEN

/* Whether all LENGTH bytes are digits to BASE. */
static int digits(const unsigned char *p, size_t length, int base)
{
    for (size_t i = 0; i < length; i++) {
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

/* LHA's header of any level; P is at "-lh", which is its third byte. Level 0 and 1 have a size and
 * a sum before that, 2 and 3 a size. */
static int is_lha(const unsigned char *p, size_t left)
{
    return left >= 19 && p[4] == '-' && isalnum(p[3]) && p[18] <= 3;
}

typedef int (*test_t)(const unsigned char *p, size_t left);

/* Whether TEST holds somewhere where MAGIC is. */
static int somewhere(const kz_layer_t *layer, const char *magic, size_t length, test_t test)
{
    const unsigned char *p = layer->bytes, *end = layer->bytes + layer->length;

    while ((p = memmem(p, (size_t)(end - p), magic, length))) {
        if (!test || test(p, (size_t)(end - p)))
            return 1;
        p++;
    }
    return 0;
}

/* A bare LZMA stream has no magic: properties of usual size, a dictionary as encoders make them, a
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
    return dictionary >= 4096 && (dictionary == high || dictionary == high + high / 2) &&
           (size == UINT64_MAX || size < UINT64_C(1) << 38);
}

void kz_inspect_containers(kz_inspection_t *in, const kz_layer_t *layer)
{
    static const struct {
        const char *magic;
        size_t length;
        test_t test;
    } tested[] = {
        {"0707", 4, is_cpio},    {"\xc7\x71", 2, is_bin_cpio}, {"\x71\xc7", 2, is_bin_cpio},
        {"\x60\xea", 2, is_arj}, {"-lh", 3, is_lha},           {"-lz", 3, is_lha},
        {"-pm", 3, is_lha},
    };
    size_t i;

    if (somewhere(layer, "Rar!\x1a\x07", 6, NULL)) /* versions 1.5 to 5 and on */
        in->rar = 1;
    for (i = 0; i < sizeof placed / sizeof *placed; i++)
        if (layer->length >= placed[i].at + placed[i].length &&
            memcmp(layer->bytes + placed[i].at, placed[i].bytes, placed[i].length) == 0)
            in->unsupported = 1;
    for (i = 0; i < sizeof hidden / sizeof *hidden; i++)
        in->unsupported |= somewhere(layer, hidden[i].bytes, hidden[i].length, NULL);
    for (i = 0; i < sizeof tested / sizeof *tested; i++)
        in->unsupported |= somewhere(layer, tested[i].magic, tested[i].length, tested[i].test);
    if (is_lzma(layer->bytes, layer->length))
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

void kz_inspect_tar(kz_inspection_t *in, const kz_layer_t *layer)
{
    for (size_t at = 0; layer->length - at >= BLOCK; at += BLOCK) {
        const unsigned char *block = layer->bytes + at, *data = block + BLOCK;
        uint64_t left = layer->length - at - BLOCK, size;

        if (!is_header(block))
            continue;
        size = octal(block + 124, 12);
        switch (block[156]) {
        case '1':
        case '2':
        case '3':
        case '4':
        case '5':
        case '6':
        case 'L':
        case 'K':
            break; /* links, devices, folders; long names */
        case 'x':
        case 'g':
            /* An extended header that says another size, or that the file has holes. */
            if (size > left || memmem(data, size, "size=", 5) || memmem(data, size, "GNU.", 4))
                in->unsupported = 1;
            break;
        case 'S':
        case 'M':
        case 'D':
            in->unsupported = 1; /* GNU's files with holes, in several volumes, lists of folders */
            break;
        default:
            if (size > left)
                in->trouble = 1;
            else
                kz_seen_needed(in, data, size);
        }
    }
}
