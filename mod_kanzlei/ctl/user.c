/* Whose rights kanzleictl works with when root calls it. */
#include "ctl/ctl.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Keys and stores belong to the portal's user, and what is made there shall, too. The database's
 * owner may be reached by root alone (peer authentication), so root is kept for that
 * connection. A process whose effective user has changed can't be traced or read by its user. */
kz_err_t *kz_ctl__become_user(kz_ctl_t *ctl, int keep_root)
{
    const char *name = getenv("KANZLEI_USER");
    const struct passwd *user;

    ctl->root = 0;
    if (geteuid() != 0 || !name || !*name)
        return NULL;
    user = getpwnam(name);
    if (!user)
        return kz_err_create(KZ_ERR_CONFIG, "KANZLEI_USER: there is no user %s", name);
    if (initgroups(name, user->pw_gid) || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) ||
        setresuid(keep_root ? 0 : user->pw_uid, user->pw_uid, keep_root ? 0 : user->pw_uid))
        return kz_err_status(KZ_ERR_INTERNAL, errno, "becoming %s", name);
#ifdef __SANITIZE_ADDRESS__
    prctl(PR_SET_DUMPABLE, 1); /* the look for leaks at the end reads the process's memory */
#endif
    ctl->root = keep_root && user->pw_uid != 0;
    ctl->user = user->pw_uid;
    return NULL;
}

kz_err_t *kz_ctl__begin_root(const kz_ctl_t *ctl)
{
    if (ctl->root && seteuid(0))
        return kz_err_status(KZ_ERR_INTERNAL, errno, "seteuid");
    return NULL;
}

kz_err_t *kz_ctl__end_root(const kz_ctl_t *ctl)
{
    if (ctl->root && seteuid(ctl->user))
        return kz_err_status(KZ_ERR_INTERNAL, errno, "seteuid");
    return NULL;
}
