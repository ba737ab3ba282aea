/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What libclamav 1.4 passes over in silence, found by looking at each layer that it opens and at
 * each member that an archive announces: RAR, encrypted Office and OpenDocument files, members that
 * it could not unpack. Knows nothing of libclamav but the names of its types. */
#ifndef KZ_SCAND_INSPECT_H
#define KZ_SCAND_INSPECT_H

#include <stddef.h>
#include <stdint.h>

typedef struct kz_inspection_t {
    int rar;       /* 1: a RAR archive is in it, which nobody here can unpack */
    int encrypted; /* 1: an encrypted document or member is in it */
    int trouble;   /* 1: libclamav warned, or a layer could not be looked at */
    int container; /* 1: an archive was opened and has not announced a member yet */
    int overflow;  /* 1: more members than are kept here */
} kz_inspection_t;

/* Begins anew. One inspection at a time in one process. */
void kz_inspect_begin(kz_inspection_t *in);

/* A layer, the document itself or something inside, is about to be scanned. FD holds its bytes (-1:
 * unknown), TYPE is libclamav's name, such as "CL_TYPE_ZIP"; may be NULL. */
void kz_inspect_layer(kz_inspection_t *in, int fd, const char *type);

/* An archive of TYPE says that it has a member of SIZE bytes when unpacked. */
void kz_inspect_member(kz_inspection_t *in, const char *type, uint64_t size, int encrypted);

/* After the scan: 1 if some announced member, or a whole archive, was never opened. */
int kz_inspect_unread(const kz_inspection_t *in);

/* 1 if BYTES are an encrypted Office document: OOXML in its encrypted envelope ([MS-OFFCRYPTO]
 * 2.3.4.4), or Word, Excel or PowerPoint 97-2003 ([MS-DOC] 2.5.2 fEncrypted, [MS-XLS] 2.4.117
 * FilePass, [MS-PPT] 2.3.2 headerToken). Any bytes are safe. */
int kz_inspect_office(const unsigned char *bytes, size_t length);

#endif
