/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Encrypted Office documents, by what their compound file ([MS-CFB]) shows without being walked:
 * the chains of a hostile one may lie, but the names of its streams and their heads are where every
 * office program looks for them. */
#include "members.h"

#include <string.h>

#define ENTRY     128 /* bytes of a directory entry, [MS-CFB] 2.6.1; entries are aligned to it */
#define MINI      64  /* bytes of a sector of the mini stream */
#define AT_LENGTH 64  /* in an entry: length of the name, bytes with NUL */
#define AT_TYPE   66  /* in an entry: 2 is a stream */
#define AT_START  116 /* in an entry: first sector */

static const unsigned char magic[8] = {0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1};

static int is_stream(const unsigned char *entry, const char *name)
{
    size_t length = strlen(name);

    if (entry[AT_TYPE] != 2 || kz_u16(entry + AT_LENGTH) != 2 * (length + 1))
        return 0;
    for (size_t i = 0; i <= length; i++)
        if (kz_u16(entry + 2 * i) != (unsigned char)name[i])
            return 0;
    return 1;
}

/* The first bytes, at least 512, of the stream that starts in a regular sector; NULL: not there. */
static const unsigned char *stream(const unsigned char *bytes, size_t length,
                                   const unsigned char *entry)
{
    unsigned shift = kz_u16(bytes + 30); /* [MS-CFB] 2.2: 9 or 12 */
    uint64_t at;

    if (shift != 9 && shift != 12)
        return NULL;
    at = ((uint64_t)kz_u32(entry + AT_START) + 1) << shift;
    return at + 512 <= length ? bytes + at : NULL;
}

static int word(const unsigned char *fib)
{
    return kz_u16(fib) == 0xa5ec && kz_u16(fib + 10) & 0x0100;
}

/* FilePass comes right after BOF, but for WriteProtect: [MS-XLS] 2.1.7.20.1. */
static int excel(const unsigned char *record)
{
    size_t at = 0;

    for (int i = 0; i < 4 && at + 4 <= 512; i++) {
        unsigned type = kz_u16(record + at);

        if (type == 0x002f)
            return 1;
        if (type != 0x0809 && type != 0x0086)
            return 0;
        at += 4 + kz_u16(record + at + 2);
    }
    return 0;
}

/* CurrentUserAtom: its record's type, then the size 0x14, then the token of an encrypted file. */
static int powerpoint(const unsigned char *p)
{
    return kz_u16(p + 2) == 0x0ff6 && kz_u32(p + 8) == 0x14 && kz_u32(p + 12) == 0xf3d1c4df;
}

static int entry_encrypted(const unsigned char *bytes, size_t length, const unsigned char *entry)
{
    const unsigned char *head;

    if (is_stream(entry, "EncryptedPackage") || is_stream(entry, "EncryptionInfo") ||
        is_stream(entry, "EncryptedSummary"))
        return 1;
    if (is_stream(entry, "WordDocument"))
        return (head = stream(bytes, length, entry)) && word(head);
    if (is_stream(entry, "Workbook") || is_stream(entry, "Book"))
        return (head = stream(bytes, length, entry)) && excel(head);
    return 0;
}

int kz_inspect_office(const unsigned char *bytes, size_t length)
{
    if (length < 512 || memcmp(bytes, magic, sizeof magic))
        return 0;
    for (size_t at = 512; at + 16 <= length; at += MINI) {
        if (powerpoint(bytes + at))
            return 1;
        if (at % ENTRY == 0 && at + ENTRY <= length && entry_encrypted(bytes, length, bytes + at))
            return 1;
    }
    return 0;
}
