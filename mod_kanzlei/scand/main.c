/* SPDX-License-Identifier: GPL-2.0-only
 *
 * kanzlei-scand: scans documents with libclamav, apart from everything that is worth stealing. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "keeper.h"
#include "log.h"
#include "options.h"
#include "sandbox.h"
#include "tmpdir.h"

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
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
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

int main(int argc, char **argv)
{
    pid_t parent = getppid();
    const struct passwd *user = NULL;
    kz_sockets_t sockets;
    kz_options_t options;
    char tmp[PATH_MAX];
    int lock, signals, status = kz_options_read(&options, argc, argv);

    if (status >= 0)
        return status;
    if (tidy_descriptors(options.self_test) || (signals = take_signals()) < 0)
        return 1;
    if (options.user && geteuid() == 0 && !(user = getpwnam(options.user))) {
        kz_log("there is no user %s", options.user);
        return 1;
    }
    if (!options.foreground && !options.self_test)
        setpgid(0, 0); /* httpd signals its whole group */
    if (!options.self_test &&
        kz_sockets_open(&sockets, options.socket, user ? user->pw_uid : (uid_t)-1))
        return 1;
    if (user && become(user))
        return 1;
    if (options.self_test)
        return self_test(&options);
    lock = kz_tmpdir_create(tmp, options.tmp);
    if (lock < 0 || (!options.foreground && bind_to_parent(parent))) {
        if (lock >= 0)
            kz_tmpdir_clear(tmp, 1);
        kz_sockets_remove(&sockets);
        return 1;
    }
    return kz_keeper_run(&options, &sockets, tmp, lock, signals);
}
