/* SPDX-License-Identifier: GPL-2.0-only
 *
 * kanzlei-scand: scans documents with libclamav, apart from everything that is worth stealing. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "guard.h"
#include "keeper.h"
#include "log.h"
#include "options.h"
#include "sandbox.h"
#include "tmpdir.h"

#define NICE 10

/* Closes what was inherited by mistake; standard input and output lead nowhere. */
static int tidy_descriptors(int keep_output)
{
    int null = open("/dev/null", O_RDWR);
    int bad;

    if (null < 0)
        return -1;
    bad = dup2(null, STDIN_FILENO) < 0 || (!keep_output && dup2(null, STDOUT_FILENO) < 0);
    return bad || close_range(3, ~0u, 0) ? -1 : 0;
}

/* A descriptor for the signals that matter, which from now on wait for it: one that comes while we
 * start is not lost, nor does it leave anything behind. The parent may have ignored them.
 */
static int take_signals(void)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD};
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        sigaddset(&set, numbers[i]);
        signal(numbers[i], SIG_DFL);
    }
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_SETMASK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The environment of whoever started us may hold secrets: a connection string with a password. It
 * lies on our stack, and a worker could read it there. */
static void forget_environment(void)
{
    for (char **each = environ; each && *each; each++)
        explicit_bzero(*each, strlen(*each));
    clearenv();
}

/* Scans yield to pages; no harm is done where that fails. Linux shares the processors among
 * sessions before it looks at nice values (sched(7), "The autogroup feature"): in httpd's session
 * each scan would take the pages' share, and httpd signals its whole group. Without CAP_SYS_ADMIN,
 * Linux takes one change in 100 ms from all processes together, and answers EAGAIN to the others.
 */
static void stand_back(void)
{
    int group = setsid() > 0 ? open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC) : -1;
    int tries = 5;

    if (group >= 0) {
        while (dprintf(group, "%d", NICE) < 0 && errno == EAGAIN && --tries > 0)
            usleep(100 * 1000);
        close(group);
    }
    if (nice(NICE) == -1)
        errno = 0;
}

/* The group that --group names. Returns 0, or -1 after a line in the log. */
static int find_group(gid_t *gid, const char *name)
{
    const struct group *group;
    char *end;
    unsigned long number = strtoul(name, &end, 10);

    if (*name && !*end && number < (gid_t)-1) {
        *gid = (gid_t)number;
        return 0;
    }
    group = getgrnam(name);
    if (!group) {
        kz_log("there is no group %s", name);
        return -1;
    }
    *gid = group->gr_gid;
    return 0;
}

/* Who is to own the sockets and who may connect; *USER is whom we are to become, NULL: stay. */
static int find_connectors(kz_connectors_t *connectors, const struct passwd **user,
                           const kz_options_t *options)
{
    *connectors = (kz_connectors_t){(uid_t)-1, (gid_t)-1};
    *user = NULL;
    if (options->user && geteuid() == 0) {
        *user = getpwnam(options->user);
        if (!*user) {
            kz_log("there is no user %s", options->user);
            return -1;
        }
        connectors->owner = (*user)->pw_uid;
    }
    return options->group ? find_group(&connectors->group, options->group) : 0;
}

static int become(const struct passwd *user)
{
    if (initgroups(user->pw_name, user->pw_gid) || setgid(user->pw_gid) || setuid(user->pw_uid)) {
        kz_log("can't become %s: %s", user->pw_name, strerror(errno));
        return -1;
    }
    return 0;
}

static int self_test(const kz_options_t *options)
{
    char tmp[PATH_MAX];
    int lock = kz_tmpdir_create(tmp, options->tmp);
    int bad;

    if (lock < 0)
        return 1;
    bad = kz_selftest_run(tmp);
    kz_tmpdir_clear(tmp, 1);
    return bad;
}

/* Ends with httpd: it is our parent, and did not die before we asked. */
static int bind_to_parent(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) || getppid() != parent) {
        kz_log("the parent process has ended");
        return -1;
    }
    return 0;
}

/* Landlock alone holds back the files of the user whom we run as. */
static int has_landlock(const kz_options_t *options)
{
    if (kz_landlock_abi())
        return 1;
    if (options->landlock == KZ_LANDLOCK_MUST)
        kz_log("this kernel has no Landlock: not started, for nothing else keeps a worker from the "
               "files of its user");
    else
        kz_log("this kernel has no Landlock: only the rights of the scanner's own user keep a "
               "worker from files");
    return options->landlock == KZ_LANDLOCK_MAY;
}

/* Whether the scanner before us can have the path until we have loaded; the user whom we become
 * might not be able to take it. */
static int may_wait(const kz_sockets_t *sockets, const kz_options_t *options)
{
    return sockets->before >= 0 && !options->guard && !(options->user && geteuid() == 0);
}

static int run(const kz_options_t *options, kz_sockets_t *sockets, pid_t parent, int signals)
{
    char tmp[PATH_MAX];
    int begun = !options->guard || kz_guard_fork(signals);
    int lock = kz_tmpdir_create(tmp, options->tmp); /* removes what a killed keeper left */

    if (!begun || lock < 0 || (!options->foreground && !options->guard && bind_to_parent(parent))) {
        if (lock >= 0)
            kz_tmpdir_clear(tmp, 1);
        if (!begun || !options->guard)
            kz_sockets_remove(sockets);
        return begun;
    }
    return kz_keeper_run(options, sockets, tmp, lock, signals);
}

int main(int argc, char **argv)
{
    pid_t parent = getppid();
    const struct passwd *user;
    kz_connectors_t connectors;
    kz_sockets_t sockets;
    kz_options_t options;
    int signals, status = kz_options_read(&options, argc, argv);

    forget_environment();
    if (status >= 0)
        return status;
    if (tidy_descriptors(options.self_test) || (signals = take_signals()) < 0)
        return 1;
    if (find_connectors(&connectors, &user, &options) || !has_landlock(&options))
        return 1;
    if (!options.self_test) {
        stand_back();
        if (kz_sockets_open(&sockets, options.socket, &connectors, options.replaces) ||
            (!may_wait(&sockets, &options) && kz_sockets_take(&sockets)))
            return 1;
    }
    if (user && become(user))
        return 1;
    return options.self_test ? self_test(&options) : run(&options, &sockets, parent, signals);
}
