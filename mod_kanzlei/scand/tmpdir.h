/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The private folder in a tmpfs, where libclamav writes what archives contain: plaintext, which
 * must never reach a disk nor outlive its scan. */
#ifndef KZ_SCAND_TMPDIR_H
#define KZ_SCAND_TMPDIR_H

#include <limits.h>

/* Makes a folder of mode 0700 in the first of WANTED (may be NULL), /dev/shm, /tmp, /run that is a
 * writable tmpfs, and puts its path into PATH. What dead processes of this user left beside it is
 * removed. Returns a descriptor that holds the folder's lock while it is open (close-on-exec), or
 * -1 after a line in the log. */
int kz_tmpdir_create(char path[PATH_MAX], const char *wanted);

/* Removes all below PATH, and PATH itself if SELF is not 0. Symbolic links are not followed. */
void kz_tmpdir_clear(const char *path, int self);

#endif
