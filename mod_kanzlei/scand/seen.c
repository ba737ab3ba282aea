/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Which bytes libclamav opened, and which it has to: a hash table of SHA-256, not of content. */
#include "members.h"

#include <clamav.h>
#include <string.h>

#include "clock.h"

#define SLOTS  65536 /* libclamav stops after 10,000 members */
#define HASH   32    /* bytes of SHA-256 */
#define OPENED 1
#define NEEDED 2

static struct {
    unsigned char hash[HASH];
    unsigned char is; /* OPENED, NEEDED, both; 0: empty */
} seen[SLOTS];
static unsigned used;

void kz_seen_begin(void)
{
    if (used)
        memset(seen, 0, sizeof seen);
    used = 0;
}

static void note(kz_inspection_t *in, const unsigned char hash[HASH], unsigned char is)
{
    size_t i = kz_u16(hash);

    while (seen[i].is && memcmp(seen[i].hash, hash, HASH) != 0)
        i = (i + 1) % SLOTS;
    if (!seen[i].is && used >= SLOTS / 2) {
        in->overflow = 1;
        return;
    }
    used += !seen[i].is;
    memcpy(seen[i].hash, hash, HASH);
    seen[i].is |= is;
}

static void note_bytes(kz_inspection_t *in, const unsigned char *bytes, size_t length,
                       unsigned char is)
{
    unsigned char hash[HASH];

    if (cl_sha256(bytes, length, hash, NULL))
        note(in, hash, is);
    else
        in->trouble = 1;
}

void kz_seen_opened(kz_inspection_t *in, const unsigned char *bytes, size_t length)
{
    note_bytes(in, bytes, length, OPENED);
}

/* Takes LENGTH bytes off the budget. */
static int spend(kz_inspection_t *in, size_t length)
{
    if (length > in->left)
        in->overflow = 1;
    else if (kz_now_ms() > in->deadline)
        in->late = 1;
    else
        in->left -= length;
    return !in->overflow && !in->late;
}

void kz_seen_needed(kz_inspection_t *in, const unsigned char *bytes, size_t length)
{
    if (length >= KZ_LEAST && spend(in, length))
        note_bytes(in, bytes, length, NEEDED);
}

int kz_seen_is_opened(const unsigned char *bytes, size_t length)
{
    unsigned char hash[HASH];
    size_t i;

    if (!cl_sha256(bytes, length, hash, NULL))
        return 0;
    for (i = kz_u16(hash); seen[i].is && memcmp(seen[i].hash, hash, HASH) != 0;)
        i = (i + 1) % SLOTS;
    return seen[i].is & OPENED;
}

int kz_seen_missing(void)
{
    for (size_t i = 0; used && i < SLOTS; i++)
        if (seen[i].is == NEEDED)
            return 1;
    return 0;
}

void kz_piece_begin(kz_piece_t *piece, kz_inspection_t *in)
{
    *piece = (kz_piece_t){in, cl_hash_init("sha256"), 0};
    if (!piece->hash)
        in->trouble = 1;
}

int kz_piece_add(kz_piece_t *piece, const unsigned char *bytes, size_t length)
{
    if (!piece->hash || !spend(piece->in, length))
        return 0;
    piece->length += length;
    if (cl_update_hash(piece->hash, bytes, length) == 0)
        return 1;
    piece->in->trouble = 1;
    return 0;
}

void kz_piece_end(kz_piece_t *piece, int keep)
{
    unsigned char hash[HASH];

    if (!piece->hash)
        return;
    if (cl_finish_hash(piece->hash, hash) != 0)
        piece->in->trouble = 1;
    else if (keep && piece->length >= KZ_LEAST)
        note(piece->in, hash, NEEDED);
}
