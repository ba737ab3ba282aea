/* SPDX-License-Identifier: GPL-2.0-only
 *
 * --self-test-sandbox: proves from inside that the sandbox holds on this very machine. */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "codepages.h"
#include "forbidden.h"
#include "log.h"

#define MAX_UNPACKED (UINT64_C(100) << 20)

enum { REFUSED, ALLOWED, NO_SANDBOX };

/* Fills PLACE below DIR. Returns 0, or -1 after a line in the log. */
static int prepare(kz_place_t *place, const char *dir)
{
    char path[PATH_MAX + 8];
    int outside;

    snprintf(place->inside, PATH_MAX, "%s/inside", dir);
    snprintf(place->outside, PATH_MAX, "%s/outside", dir);
    snprintf(place->target, PATH_MAX, "%s/target", dir);
    snprintf(path, sizeof path, "%s/file", place->inside);
    outside = open(place->outside, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    place->listening = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (outside < 0 || write(outside, "key", 3) != 3 || close(outside) ||
        mkdir(place->inside, 0700) || place->listening < 0 ||
        bind(place->listening, &(struct sockaddr){.sa_family = AF_UNIX}, sizeof(sa_family_t)) ||
        listen(place->listening, 1) ||
        (place->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) < 0 ||
        ftruncate(place->fd, 1 << 16)) {
        kz_log("%s: %s", dir, strerror(errno));
        return -1;
    }
    return 0;
}

/* Makes one attempt in a sandbox of its own; each may end the process. Returns how that ended. */
static int try_one(const kz_attempt_t *attempt, const kz_place_t *place)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        if (kz_sandbox_enter(place->inside, MAX_UNPACKED, KZ_LANDLOCK_MUST))
            _exit(NO_SANDBOX);
        _exit(attempt->attempt(place) < 0 ? REFUSED : ALLOWED);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

/* Returns 1 if the attempt came out as it should. */
static int report(const kz_attempt_t *attempt, int status)
{
    const char *how = "not tried";
    int right = 0;

    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
        how = attempt->must ? "KILLED" : "killed";
        right = !attempt->must;
    } else if (WIFEXITED(status) && WEXITSTATUS(status) == REFUSED) {
        how = attempt->must ? "REFUSED" : "refused";
        right = !attempt->must;
    } else if (WIFEXITED(status) && WEXITSTATUS(status) == ALLOWED) {
        how = attempt->must ? "works" : "ALLOWED";
        right = attempt->must;
    }
    printf("%s: %s\n", attempt->name, how);
    return right;
}

int kz_selftest_run(const char *dir)
{
    kz_place_t place;
    int bad;

    if (prepare(&place, dir))
        return 1;
    kz_codepages_load();
    bad = 0;
    for (unsigned i = 0; i < kz_attempts_count; i++) {
        fflush(stdout);
        bad |= !report(&kz_attempts[i], try_one(&kz_attempts[i], &place));
    }
    return bad;
}
