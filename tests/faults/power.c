/* Records what a power loss leaves of a folder: at each flush of a file in it the file's content,
 * and at each flush of the folder its names. KZ_POWER is "RECORD:FOLDER"; RECORD is a folder that
 * gets "file-INODE" and "names", the lines of which are "INODE NAME". What is not recorded may be
 * lost: see power.py. */
#include "power.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATH 512

typedef struct place_t {
    char record[PATH], folder[PATH];
} place_t;

static int place_of(place_t *place)
{
    const char *text = getenv("KZ_POWER"), *colon = text ? strchr(text, ':') : NULL;

    if (!colon || (size_t)(colon - text) >= PATH || strlen(colon + 1) >= PATH)
        return 0;
    memcpy(place->record, text, (size_t)(colon - text));
    place->record[colon - text] = 0;
    strcpy(place->folder, colon + 1);
    return 1;
}

static int file_open(const char *path, int flags)
{
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600);
}

/* One at a time: an older list of names must not replace a newer one. */
static int lock(const place_t *place)
{
    char path[PATH + 16];
    int fd;

    snprintf(path, sizeof path, "%s/lock", place->record);
    fd = file_open(path, O_RDWR | O_CREAT);
    if (fd < 0 || flock(fd, LOCK_EX) != 0)
        abort();
    return fd;
}

static void put(int fd, const void *data, size_t len)
{
    if (write(fd, data, len) != (ssize_t)len)
        abort();
}

static void copy(int to, int from)
{
    static __thread char buffer[65536];
    char path[64];
    ssize_t got;
    int fd;

    snprintf(path, sizeof path, "/proc/self/fd/%d", from); /* FROM may be for writing only */
    fd = file_open(path, O_RDONLY);
    if (fd < 0)
        abort();
    while ((got = read(fd, buffer, sizeof buffer)) > 0)
        put(to, buffer, (size_t)got);
    close(fd);
}

static void list(int to, const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    char line[PATH];

    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            put(to, line,
                (size_t)snprintf(line, sizeof line, "%llu %s\n", (unsigned long long)entry->d_ino,
                                 entry->d_name));
    if (dir)
        closedir(dir);
}

/* Writes the record NAME anew. FROM: the file to be copied, -1: the names of the folder. */
static void record(const place_t *place, const char *name, int from)
{
    char path[PATH + 64], fresh[PATH + 64];
    int held = lock(place), to;

    snprintf(path, sizeof path, "%s/%s", place->record, name);
    snprintf(fresh, sizeof fresh, "%s/fresh", place->record);
    to = file_open(fresh, O_RDWR | O_CREAT | O_TRUNC);
    if (to < 0)
        abort();
    if (from >= 0)
        copy(to, from);
    else
        list(to, place->folder);
    close(to);
    if (rename(fresh, path) != 0)
        abort();
    close(held);
}

static void name_of(char name[64], const struct stat *info)
{
    snprintf(name, 64, "file-%llu", (unsigned long long)info->st_ino);
}

void power_flushed(int fd)
{
    char link[64], path[PATH] = "", name[64];
    struct stat info;
    place_t place;
    size_t len;

    if (!place_of(&place) || fstat(fd, &info) != 0)
        return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (readlink(link, path, sizeof path - 1) < 0)
        return;
    len = strlen(place.folder);
    if (S_ISDIR(info.st_mode) && strcmp(path, place.folder) == 0) {
        record(&place, "names", -1);
    } else if (S_ISREG(info.st_mode) && strncmp(path, place.folder, len) == 0 && path[len] == '/') {
        name_of(name, &info);
        record(&place, name, fd);
    }
}

void power_made(int fd)
{
    char path[PATH + 80], name[64];
    struct stat info;
    place_t place;

    if (fd < 0 || !place_of(&place) || fstat(fd, &info) != 0 || info.st_size > 0)
        return;
    name_of(name, &info);
    snprintf(path, sizeof path, "%s/%s", place.record, name);
    unlink(path); /* of a file that had this inode before */
}

int fdatasync(int fd)
{
    int status = (int)syscall(SYS_fdatasync, fd);

    if (status == 0)
        power_flushed(fd);
    return status;
}
