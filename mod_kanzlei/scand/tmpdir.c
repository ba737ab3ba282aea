/* SPDX-License-Identifier: GPL-2.0-only */
#include "tmpdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "log.h"

#define PREFIX "kanzlei-scand."

static int remove_any(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)where;
    if (type == FTW_DP || type == FTW_D || type == FTW_DNR)
        rmdir(path);
    else
        unlink(path);
    return 0;
}

/* All but the folder at which the walk began. */
static int remove_inner(const char *path, const struct stat *st, int type, struct FTW *where)
{
    return where->level == 0 ? 0 : remove_any(path, st, type, where);
}

void kz_tmpdir_clear(const char *path, int self)
{
    nftw(path, self ? remove_any : remove_inner, 16, FTW_DEPTH | FTW_PHYS);
}

static int is_tmpfs(const char *path)
{
    struct statfs fs;

    return path && !statfs(path, &fs) && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC) &&
           !access(path, W_OK | X_OK);
}

/* Opens and locks a folder of ours; -1 if it is not ours, or alive. */
static int lock(const char *path)
{
    struct stat opened, named;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return -1;
    if (fstat(fd, &opened) || opened.st_uid != geteuid() || flock(fd, LOCK_EX | LOCK_NB) ||
        lstat(path, &named) || named.st_ino != opened.st_ino) {
        close(fd);
        return -1;
    }
    return fd;
}

static void sweep(const char *base)
{
    char path[PATH_MAX];
    DIR *dir = opendir(base);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        int fd;

        if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) ||
            snprintf(path, sizeof path, "%s/%s", base, entry->d_name) >= (int)sizeof path)
            continue;
        fd = lock(path);
        if (fd >= 0) {
            kz_tmpdir_clear(path, 1);
            close(fd);
            kz_log("removed %s, which a killed scanner left", path);
        }
    }
    if (dir)
        closedir(dir);
}

int kz_tmpdir_create(char path[PATH_MAX], const char *wanted)
{
    const char *places[] = {wanted, "/dev/shm", "/tmp", "/run"};

    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (!is_tmpfs(places[i])) {
            if (i == 0 && wanted)
                kz_log("%s is not a writable tmpfs: looking for another", wanted);
            continue;
        }
        sweep(places[i]);
        for (int tries = 0; tries < 3; tries++) { /* another start may sweep between these two */
            int fd;

            if (snprintf(path, PATH_MAX, "%s/" PREFIX "XXXXXX", places[i]) >= PATH_MAX ||
                !mkdtemp(path))
                break;
            fd = lock(path);
            if (fd >= 0)
                return fd;
        }
    }
    kz_log("there is no tmpfs to unpack archives in (--tmp, /dev/shm, /tmp, /run): not started, "
           "for plaintext must not reach a disk");
    return -1;
}
