/* SPDX-License-Identifier: GPL-2.0-only */
#include "codepages.h"

#include <dirent.h>
#include <dlfcn.h>
#include <iconv.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int kz_codepages_folder(char path[PATH_MAX])
{
    char real[PATH_MAX], *slash;
    Dl_info libc;

    if (!dladdr((void *)(uintptr_t)iconv_open, &libc) || !libc.dli_fname ||
        !realpath(libc.dli_fname, real))
        return -1;
    slash = strrchr(real, '/');
    *slash = '\0';
    return snprintf(path, PATH_MAX, "%s/gconv", real) < PATH_MAX ? 0 : -1;
}

/* The first call reads the list of the modules. */
static void read_list(void)
{
    iconv_t first = iconv_open("UTF-8", "ISO-8859-15");

    if (first != (iconv_t)-1)
        iconv_close(first);
}

void kz_codepages_load(void)
{
    char folder[PATH_MAX], path[2 * PATH_MAX];
    struct dirent *entry;
    DIR *dir;

    if (kz_codepages_folder(folder))
        return;
    read_list();
    dir = opendir(folder);
    while (dir && (entry = readdir(dir))) {
        const char *dot = strrchr(entry->d_name, '.');

        if (!dot || strcmp(dot, ".so"))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        dlopen(path, RTLD_NOW | RTLD_LOCAL); /* its reference is kept as long as the process */
    }
    if (dir)
        closedir(dir);
}
