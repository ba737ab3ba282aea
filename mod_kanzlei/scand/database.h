/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Which folder the signatures come from, and whether it has changed. */
#ifndef KZ_SCAND_DATABASE_H
#define KZ_SCAND_DATABASE_H

#include <stdint.h>

/* The folder to load: SIGNATURES, or FALLBACK (may be NULL) when that does not exist or holds no
 * database file at all. A folder that can't be read is no reason to fall back. Sets *TEST_ONLY.
 * NULL: there is none. */
const char *kz_database_choose(int *test_only, const char *signatures, const char *fallback);

/* A number over names, sizes, inodes and times (ns) of the database files in DIR: different when
 * one was added, replaced, rewritten or removed. cl_statchkdir() sees neither a second change
 * within a second nor a removal. 0: no database. */
uint64_t kz_database_fingerprint(const char *dir);

#endif
