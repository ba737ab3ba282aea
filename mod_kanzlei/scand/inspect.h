/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What libclamav 1.4 passes over in silence. Each layer that it opens (the document, and whatever
 * it unpacks) is looked at here a second time: whatever an unpacker would bring out of a layer must
 * be a layer that libclamav opened as well, byte for byte; what can't be told is kept back. Knows
 * nothing of libclamav but its hash functions and the names of its types. */
#ifndef KZ_SCAND_INSPECT_H
#define KZ_SCAND_INSPECT_H

#include <stddef.h>
#include <stdint.h>

#define KZ_DEPTH 64 /* layers in layers; libclamav stops earlier */

/* The first four are 1 when ... */
typedef struct kz_inspection_t {
    int rar;                   /* a RAR archive is in it, which nobody here can unpack */
    int encrypted;             /* an encrypted document or member is in it */
    int unsupported;           /* something is in it that can't be checked whole here */
    int trouble;               /* libclamav warned, or something is damaged or cut off */
    int overflow;              /* 1: more members, or more bytes, than are looked at here */
    int late;                  /* 1: the time was over */
    int silent;                /* 1: a 7z archive was opened and has not announced a member yet */
    uint64_t awaited;          /* bytes of the member that a 7z archive announced last; 0: none */
    uint64_t left;             /* bytes that may still be unpacked here */
    uint64_t deadline;         /* CLOCK_MONOTONIC, milliseconds */
    struct kz_copies_t *pdfs;  /* where PDFs are copied to; NULL: nowhere */
    struct kz_copies_t *parts; /* where parts of mails, and the like, go; NULL: nowhere */
    unsigned char office[KZ_DEPTH]; /* 1: the layer at this depth is an old Office file */
} kz_inspection_t;

/* A layer that libclamav opens. */
typedef struct kz_layer_t {
    const unsigned char *bytes;
    size_t length;
    const char *type; /* libclamav's name, such as "CL_TYPE_ZIP"; may be NULL */
    const char *name; /* of the file in its archive, without folders; may be NULL */
    unsigned depth;   /* how many layers are around it */
} kz_layer_t;

/* Begins anew: at most BUDGET bytes are unpacked, until DEADLINE (CLOCK_MONOTONIC, milliseconds).
 * One inspection at a time in one process. */
void kz_inspect_begin(kz_inspection_t *in, uint64_t budget, uint64_t deadline);

/* Once, before anything is looked at and before the sandbox. */
void kz_mail_init(void);

/* Looks at a layer that is about to be scanned. Any bytes are safe. */
void kz_inspect_layer(kz_inspection_t *in, const kz_layer_t *layer);

/* Notes that an archive of TYPE says that it has a member of SIZE bytes when unpacked. */
void kz_inspect_member(kz_inspection_t *in, const char *type, uint64_t size, int encrypted);

/* Notes that a layer has been scanned: what its archive announced last was opened before. */
void kz_inspect_leave(kz_inspection_t *in);

/* Sums up after the scan: what was to be opened and was not makes it UNSUPPORTED. */
void kz_inspect_end(kz_inspection_t *in);

#endif
