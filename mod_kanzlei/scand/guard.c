/* SPDX-License-Identifier: GPL-2.0-only */
#include "guard.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"

#define PAUSE_MS 1000 /* before a keeper that has ended is replaced */

/* Passes signals on to CHILD (0: none) for as long as it lives, or for PAUSE_MS. Returns 1 when the
 * end was asked for. */
static int watch(int signals, pid_t child)
{
    struct signalfd_siginfo info;
    struct pollfd wait = {signals, POLLIN, 0};
    int asked = 0, status;

    while (poll(&wait, 1, child ? -1 : PAUSE_MS) != 0) {
        if (read(signals, &info, sizeof info) != sizeof info)
            continue;
        if (info.ssi_signo == SIGCHLD) {
            if (child && waitpid(child, &status, WNOHANG) == child) {
                if (!asked)
                    kz_log("the keeper ended, status 0x%x, and is started again", (unsigned)status);
                return asked;
            }
            continue;
        }
        asked |= info.ssi_signo != SIGHUP;
        if (child)
            kill(child, (int)info.ssi_signo);
        else if (asked)
            return 1;
    }
    return asked;
}

int kz_guard_fork(int signals)
{
    pid_t parent = getpid();

    kz_log_role("guard");
    for (;;) {
        pid_t child = fork();

        if (child == 0) {
            if (prctl(PR_SET_PDEATHSIG, SIGTERM) || getppid() != parent)
                _exit(1);
            return 1;
        }
        if (child < 0)
            kz_log("fork: %s", strerror(errno));
        if (child > 0 && watch(signals, child))
            _exit(0);
        if (watch(signals, 0))
            return 0;
    }
}
