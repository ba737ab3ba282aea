/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The C library's modules for code pages, which libclamav needs for text that is not UTF-8. */
#ifndef KZ_SCAND_CODEPAGES_H
#define KZ_SCAND_CODEPAGES_H

#include <limits.h>

/* The folder of the modules, as the C library names it. Returns 0, or -1 if there is none. */
int kz_codepages_folder(char path[PATH_MAX]);

/* Loads all of them, for good: iconv_open() maps code when it first needs a module, and a worker
 * may not map code. What can't be loaded is missed by iconv_open(), not by a worker. */
void kz_codepages_load(void);

#endif
