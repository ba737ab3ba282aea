/* SPDX-License-Identifier: GPL-2.0-only */
#include "database.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* Kinds of file that bring signatures (ClamAV 1.4, "Signatures" in its manual). */
static const char *const kinds[] = {"cvd", "cld",  "cud", "ndb", "ndu", "hdb", "hdu",
                                    "hsb", "hsu",  "mdb", "mdu", "msb", "msu", "ldb",
                                    "ldu", "cdb",  "cbc", "db",  "idb", "pdb", "wdb",
                                    "yar", "yara", "fp",  "sfp", "ign", "ign2"};

static int is_database(const char *name)
{
    const char *dot = strrchr(name, '.');

    if (!dot || dot == name)
        return 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcasecmp(dot + 1, kinds[i]))
            return 1;
    return 0;
}

/* FNV-1a, 64 bit (draft-eastlake-fnv-17 section 2): a change must show, an enemy is not expected.
 */
static uint64_t mix(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *p = bytes;

    while (length--)
        hash = (hash ^ *p++) * UINT64_C(1099511628211);
    return hash;
}

uint64_t kz_database_fingerprint(const char *dir)
{
    DIR *open = dir ? opendir(dir) : NULL;
    struct dirent *entry;
    uint64_t sum = 0;

    while (open && (entry = readdir(open))) {
        struct stat st;
        uint64_t hash = UINT64_C(14695981039346656037);

        if (!is_database(entry->d_name) || fstatat(dirfd(open), entry->d_name, &st, 0))
            continue;
        hash = mix(hash, entry->d_name, strlen(entry->d_name));
        hash = mix(hash, &st.st_size, sizeof st.st_size);
        hash = mix(hash, &st.st_ino, sizeof st.st_ino);
        hash = mix(hash, &st.st_mtim, sizeof st.st_mtim);
        sum += hash | 1; /* the order of a folder means nothing */
    }
    if (open)
        closedir(open);
    return sum;
}

const char *kz_database_choose(int *test_only, const char *signatures, const char *fallback)
{
    DIR *open = opendir(signatures);

    *test_only = 0;
    if (!open && errno != ENOENT)
        return signatures; /* loading it will say what is wrong */
    if (open)
        closedir(open);
    if (kz_database_fingerprint(signatures))
        return signatures;
    *test_only = fallback && kz_database_fingerprint(fallback);
    return *test_only ? fallback : NULL;
}
