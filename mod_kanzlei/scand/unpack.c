/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Unpacks by zlib, libbz2 and liblzma, to know what came out, not to keep it. */
#include "members.h"

#include <bzlib.h>
#include <limits.h>
#include <lzma.h>
#include <string.h>
#include <zlib.h>

#define ROOM 65536 /* bytes that are unpacked at a time */
#define XZ_MOST                                                                                    \
    (UINT64_C(1) << 30) /* bytes of memory for one xz stream: twice what "xz -9" takes */

static unsigned char room[ROOM];

static unsigned some(size_t length)
{
    return length > UINT_MAX / 2 ? UINT_MAX / 2 : (unsigned)length;
}

/* Deflate alone (RFC 1951), or gzip's members one behind the other (RFC 1952, 2.2). */
static size_t inflate_all(kz_piece_t *piece, int gzip, const unsigned char *bytes, size_t length)
{
    z_stream z = {.zalloc = NULL};
    size_t taken = 0;
    int rc = inflateInit2(&z, gzip ? MAX_WBITS + 16 : -MAX_WBITS);

    while (rc == Z_OK) {
        unsigned in = some(length - taken);

        z.next_in = (unsigned char *)bytes + taken;
        z.avail_in = in;
        z.next_out = room;
        z.avail_out = ROOM;
        rc = inflate(&z, Z_NO_FLUSH);
        taken += in - z.avail_in;
        if (!kz_piece_add(piece, room, ROOM - z.avail_out))
            rc = Z_MEM_ERROR;
        if (rc == Z_STREAM_END && gzip && length - taken >= 2 && bytes[taken] == 0x1f &&
            bytes[taken + 1] == 0x8b)
            rc = inflateReset(&z);
    }
    inflateEnd(&z);
    return rc == Z_STREAM_END ? taken : 0;
}

/* One stream of bzip2. */
static size_t bunzip(kz_piece_t *piece, const unsigned char *bytes, size_t length)
{
    bz_stream bz = {.bzalloc = NULL};
    size_t taken = 0;
    int rc = BZ2_bzDecompressInit(&bz, 0, 0);

    while (rc == BZ_OK) {
        unsigned in = some(length - taken);

        bz.next_in = (char *)(uintptr_t)bytes + taken;
        bz.avail_in = in;
        bz.next_out = (char *)room;
        bz.avail_out = ROOM;
        rc = BZ2_bzDecompress(&bz);
        taken += in - bz.avail_in;
        if (!kz_piece_add(piece, room, ROOM - bz.avail_out))
            rc = BZ_MEM_ERROR;
        if (rc == BZ_OK && bz.avail_in == 0 && bz.avail_out != 0)
            rc = BZ_UNEXPECTED_EOF;
    }
    BZ2_bzDecompressEnd(&bz);
    return rc == BZ_STREAM_END ? taken : 0;
}

static size_t bunzip_all(kz_piece_t *piece, const unsigned char *bytes, size_t length)
{
    size_t taken = 0, more;

    do {
        more = bunzip(piece, bytes + taken, length - taken);
        taken += more;
    } while (more && length - taken >= 3 && memcmp(bytes + taken, "BZh", 3) == 0);
    return more ? taken : 0;
}

/* One stream of a .xz file (The .xz File Format 1.2.1, 2.1). */
static size_t unxz(kz_piece_t *piece, const unsigned char *bytes, size_t length)
{
    lzma_stream xz = LZMA_STREAM_INIT;
    lzma_ret rc = lzma_stream_decoder(&xz, XZ_MOST, 0);

    xz.next_in = bytes;
    xz.avail_in = length;
    while (rc == LZMA_OK) {
        xz.next_out = room;
        xz.avail_out = ROOM;
        rc = lzma_code(&xz, LZMA_FINISH);
        if (!kz_piece_add(piece, room, ROOM - xz.avail_out))
            rc = LZMA_MEM_ERROR;
    }
    lzma_end(&xz);
    return rc == LZMA_STREAM_END ? length - xz.avail_in : 0;
}

/* All streams, with the zero bytes that may stand between them (2.2). */
static size_t unxz_all(kz_piece_t *piece, const unsigned char *bytes, size_t length)
{
    size_t taken = 0, more;

    do {
        more = unxz(piece, bytes + taken, length - taken);
        taken += more;
        while (more && length - taken >= 4 && kz_u32(bytes + taken) == 0)
            taken += 4;
    } while (more && length - taken >= 6 && memcmp(bytes + taken, KZ_XZ_MAGIC, 6) == 0);
    return more ? taken : 0;
}

size_t kz_unpack(uint64_t *made, kz_inspection_t *in, kz_packing_t packing,
                 const unsigned char *bytes, size_t length)
{
    kz_piece_t piece;
    size_t taken;

    kz_piece_begin(&piece, in);
    if (packing == KZ_XZ)
        taken = unxz_all(&piece, bytes, length);
    else if (packing == KZ_BZIP2_ONE)
        taken = bunzip(&piece, bytes, length);
    else if (packing == KZ_BZIP2)
        taken = bunzip_all(&piece, bytes, length);
    else
        taken = inflate_all(&piece, packing == KZ_GZIP, bytes, length);
    kz_piece_end(&piece, taken > 0);
    *made = piece.length;
    return taken;
}
