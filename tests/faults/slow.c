/* Makes a folder slow: fsync() of its files, and open() of it, wait. The file that KZ_SLOW
 * names says which one and how long, "MILLISECONDS FOLDER"; without that file nothing waits.
 * Makes processes sick: libsodium does not start in those that the file KZ_SICK does not name. */
#include "power.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Waits in small steps, so that it ends when the file is removed. */
static void wait_for(const char *path)
{
    const char *control = getenv("KZ_SLOW");
    int waited = 0;

    for (;;) {
        const struct timespec step = {0, 20 * 1000 * 1000};
        char text[512], *folder;
        int fd = control ? (int)syscall(SYS_openat, AT_FDCWD, control, O_RDONLY | O_CLOEXEC) : -1;
        ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof text - 1);

        if (fd >= 0)
            close(fd);
        if (len <= 0)
            return;
        text[len] = 0;
        folder = strchr(text, ' ');
        if (!folder || strncmp(path, folder + 1, strlen(folder + 1)) != 0 || waited >= atoi(text))
            return;
        nanosleep(&step, NULL);
        waited += 20;
    }
}

int fsync(int fd)
{
    char link[64], path[512];
    ssize_t len;
    int status;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    len = readlink(link, path, sizeof path - 1);
    if (len > 0) {
        path[len] = 0;
        wait_for(path);
    }
    status = (int)syscall(SYS_fsync, fd);
    if (status == 0)
        power_flushed(fd);
    return status;
}

int open(const char *path, int flags, ...)
{
    va_list args;
    unsigned mode;
    int fd;

    va_start(args, flags);
    mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, unsigned) : 0;
    va_end(args);
    wait_for(path);
    fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (flags & O_CREAT)
        power_made(fd);
    return fd;
}

/* The same where off_t has 64 bits anyway. */
int open64(const char *path, int flags, ...) __attribute__((alias("open")));

/* Returns 1 if this process is to be sick: there is a file of healthy pids, without its own. */
static int is_sick(void)
{
    const char *control = getenv("KZ_SICK");
    FILE *file = control ? fopen(control, "r") : NULL;
    int sick = file != NULL;
    long pid;

    while (file && fscanf(file, "%ld", &pid) == 1) {
        if (pid == (long)getpid())
            sick = 0;
    }
    if (file)
        fclose(file);
    return sick;
}

int sodium_init(void)
{
    void *library = dlopen("libsodium.so.23", RTLD_LAZY);
    int (*real)(void) = library ? (int (*)(void))dlsym(library, "sodium_init") : NULL;

    return !real || is_sick() ? -1 : real();
}
