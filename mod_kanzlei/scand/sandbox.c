/* SPDX-License-Identifier: GPL-2.0-only */
#include "sandbox.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

/* AddressSanitizer maps terabytes: no limit on address space then. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN
#endif

/* Bytes of address space in use now; the engine's share of it is the parent's. */
static uint64_t space(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    if (file) {
        if (fscanf(file, "%lu", &pages) != 1)
            pages = 0;
        fclose(file);
    }
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int limit(__rlimit_resource_t what, uint64_t value, const char *name)
{
    struct rlimit both = {value, value};

    if (!setrlimit(what, &both))
        return 0;
    kz_log("limit on %s: %s", name, strerror(errno));
    return -1;
}

static int limits(uint64_t max_unpacked)
{
    int bad = limit(RLIMIT_CORE, 0, "core files") | limit(RLIMIT_NOFILE, 256, "open files") |
              limit(RLIMIT_FSIZE, max_unpacked + (1 << 20), "file size");

    /* Over it, writing is an error that libclamav reports, instead of a signal that kills. */
    signal(SIGXFSZ, SIG_IGN);
#ifndef WITH_ASAN
    bad |= limit(RLIMIT_AS, space() + 4 * max_unpacked + (UINT64_C(2) << 30), "address space");
#else
    (void)space;
#endif
    return bad;
}

int kz_sandbox_enter(const char *dir, uint64_t max_unpacked, kz_landlock_t landlock)
{
    setenv("TZ", "UTC0", 1); /* so that localtime() asks for no file */
    tzset();
    if (limits(max_unpacked))
        return -1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)) {
        kz_log("prctl: %s", strerror(errno));
        return -1;
    }
    if ((landlock == KZ_LANDLOCK_MUST || kz_landlock_abi()) && kz_landlock_enter(dir))
        return -1;
    return kz_seccomp_enter();
}
