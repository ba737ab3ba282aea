/* SPDX-License-Identifier: GPL-2.0-only
 *
 * For the files behind inspect.h. Each of these functions takes any bytes. */
#ifndef KZ_SCAND_MEMBERS_H
#define KZ_SCAND_MEMBERS_H

#include "inspect.h"

#define KZ_LEAST 6 /* bytes: libclamav opens nothing smaller, and nothing so small does harm */

/* The SHA-256 of all layers that were opened and of all members that have to be (seen.c). */
void kz_seen_begin(void);
void kz_seen_opened(kz_inspection_t *in, const unsigned char *bytes, size_t length);
void kz_seen_needed(kz_inspection_t *in, const unsigned char *bytes, size_t length);
/* 1 if a layer with these BYTES was opened. */
int kz_seen_is_opened(const unsigned char *bytes, size_t length);
/* 1 if something is needed and was never opened. */
int kz_seen_missing(void);

/* A member that is unpacked piece by piece; only its hash and its length are kept. */
typedef struct kz_piece_t {
    kz_inspection_t *in;
    void *hash;
    uint64_t length;
} kz_piece_t;
void kz_piece_begin(kz_piece_t *piece, kz_inspection_t *in);
/* Returns 0 when it has become too much or too late. */
int kz_piece_add(kz_piece_t *piece, const unsigned char *bytes, size_t length);
/* KEEP is 1: it has to be opened. */
void kz_piece_end(kz_piece_t *piece, int keep);

#define KZ_XZ_MAGIC "\xfd\x37zXZ"

/* One stream of deflate or of bzip2; all that follow each other of the others. */
typedef enum kz_packing_t { KZ_DEFLATE, KZ_BZIP2_ONE, KZ_GZIP, KZ_BZIP2, KZ_XZ } kz_packing_t;

/* Unpacks what BYTES begin with and needs the outcome. Returns the bytes that it takes up, 0 if it
 * is damaged; *MADE is the length of what came out, also then. */
size_t kz_unpack(uint64_t *made, kz_inspection_t *in, kz_packing_t packing,
                 const unsigned char *bytes, size_t length);

/* Needs what streams of gzip, bzip2 and xz in LAYER hold, wherever in it they begin (stream.c).
 * LOOSE as below. */
void kz_inspect_streams(kz_inspection_t *in, const kz_layer_t *layer, int loose);

/* Needs what the members of ZIP archives in LAYER hold, wherever in it they begin (zip.c). LOOSE is
 * 1 in an old Office file: it cuts the ZIP of a drawing into records, with headers between them. */
void kz_inspect_zip(kz_inspection_t *in, const kz_layer_t *layer, int loose);

/* Needs what tar's members hold; finds the containers of container.def (container.c). */
void kz_inspect_tar(kz_inspection_t *in, const kz_layer_t *layer);
void kz_inspect_containers(kz_inspection_t *in, const kz_layer_t *layer);

/* Needs each 7z archive in LAYER, wherever in it that begins (sevenzip.c). */
void kz_inspect_7z(kz_inspection_t *in, const kz_layer_t *layer);

/* Copies the decoded parts of a mail (RFC 2045 to 2047, 5322) to IN's parts (mail.c). */
void kz_inspect_mail(kz_inspection_t *in, const kz_layer_t *layer);

/* Copies the files in LAYER that uuencode has written to IN's parts, decoded (coded.c). */
void kz_inspect_coded(kz_inspection_t *in, const kz_layer_t *layer);

/* 1 if BYTES are an encrypted Office document: OOXML in its encrypted envelope ([MS-OFFCRYPTO]
 * 2.3.4.4), or Word, Excel or PowerPoint 97-2003 ([MS-DOC] 2.5.2 fEncrypted, [MS-XLS] 2.4.117
 * FilePass, [MS-PPT] 2.3.2 headerToken). */
int kz_inspect_office(const unsigned char *bytes, size_t length);

static inline unsigned kz_u16(const unsigned char *p)
{
    return p[0] | (unsigned)p[1] << 8;
}

static inline uint32_t kz_u32(const unsigned char *p)
{
    return kz_u16(p) | (uint32_t)kz_u16(p + 2) << 16;
}

static inline uint64_t kz_u64(const unsigned char *p)
{
    return kz_u32(p) | (uint64_t)kz_u32(p + 4) << 32;
}

#endif
