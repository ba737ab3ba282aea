/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Landlock by its system calls: Debian's C library has no functions for them. */
#include "sandbox.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"

/* Later than the headers of the oldest Debian that is built on (Linux uapi linux/landlock.h). */
#define FS_TRUNCATE  (UINT64_C(1) << 14) /* ABI 3 */
#define FS_IOCTL_DEV (UINT64_C(1) << 15) /* ABI 5 */
#define FS_FIRST_ABI ((UINT64_C(1) << 13) - 1)
#define NET_TCP      UINT64_C(3) /* ABI 4: bind, connect */
#define SCOPE_ALL    UINT64_C(3) /* ABI 6: abstract sockets, signals */

struct attributes {
    uint64_t fs, net, scoped;
};

#define WORK                                                                                       \
    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_DIR |  \
     LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |                              \
     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REFER |        \
     FS_TRUNCATE)

static int allow(int rules, const char *path, uint64_t access)
{
    struct landlock_path_beneath_attr beneath = {.allowed_access = access};
    int bad;

    beneath.parent_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (beneath.parent_fd < 0)
        return -1;
    bad = (int)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    close(beneath.parent_fd);
    return bad;
}

/* iconv(), which libclamav uses for code pages, loads its modules when they are needed. */
static void allow_gconv(int rules)
{
    char path[PATH_MAX];
    Dl_info libc;
    char *slash;

    if (!dladdr((void *)(uintptr_t)iconv_open, &libc) || !libc.dli_fname ||
        snprintf(path, sizeof path, "%s", libc.dli_fname) >= (int)sizeof path - 8)
        return;
    slash = strrchr(path, '/');
    if (!slash)
        return;
    memcpy(slash, "/gconv", sizeof "/gconv");
    allow(rules, path, LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR);
}

int kz_landlock_enter(const char *dir)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    struct attributes all = {FS_FIRST_ABI, 0, 0};
    size_t size = sizeof all.fs;
    int rules, bad;

    if (abi < 1) {
        kz_log(
            "warning: this kernel has no Landlock: files are kept away by seccomp and rights only");
        return 0;
    }
    if (abi >= 2)
        all.fs |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= 3)
        all.fs |= FS_TRUNCATE;
    if (abi >= 5)
        all.fs |= FS_IOCTL_DEV;
    if (abi >= 4) {
        all.net = NET_TCP;
        size = sizeof all.fs + sizeof all.net;
    }
    if (abi >= 6) {
        all.scoped = SCOPE_ALL;
        size = sizeof all;
    }
    rules = (int)syscall(SYS_landlock_create_ruleset, &all, size, 0);
    if (rules < 0) {
        kz_log("Landlock: %s", strerror(errno));
        return -1;
    }
    allow_gconv(rules);
    bad = allow(rules, dir, WORK & all.fs) || syscall(SYS_landlock_restrict_self, rules, 0);
    if (bad)
        kz_log("Landlock on %s: %s", dir, strerror(errno));
    close(rules);
    return bad ? -1 : 0;
}
