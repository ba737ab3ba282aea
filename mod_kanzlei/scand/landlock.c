/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Landlock by its system calls: Debian's C library has no functions for them. */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "codepages.h"
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

/* iconv() looks at its modules again, although they are loaded. */
static void allow_code_pages(int rules)
{
    char path[PATH_MAX];

    if (kz_codepages_folder(path) == 0)
        allow(rules, path, LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR);
}

int kz_landlock_abi(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    return abi < 1 ? 0 : (int)abi;
}

int kz_landlock_enter(const char *dir)
{
    int abi = kz_landlock_abi();
    struct attributes all = {FS_FIRST_ABI, 0, 0};
    size_t size = sizeof all.fs;
    int rules, bad;

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
    allow_code_pages(rules);
    bad = allow(rules, dir, WORK & all.fs) || syscall(SYS_landlock_restrict_self, rules, 0);
    if (bad)
        kz_log("Landlock on %s: %s", dir, strerror(errno));
    close(rules);
    return bad ? -1 : 0;
}
