/* SPDX-License-Identifier: GPL-2.0-only
 *
 * --self-test-sandbox: proves from inside that the sandbox holds on this very machine. */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *folder;

static int read_passwd(void)
{
    return open("/etc/passwd", O_RDONLY);
}

static int list_root(void)
{
    return open("/", O_RDONLY | O_DIRECTORY);
}

static int write_outside(void)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/../outside", folder);
    return open(path, O_WRONLY | O_CREAT, 0600);
}

static int inet(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

static int unix_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0);
}

static int run_program(void)
{
    char *const argv[] = {(char *)(uintptr_t) "/bin/true", NULL};

    return execv(argv[0], argv);
}

static int new_process(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    return pid;
}

static int trace(void)
{
    return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int signal_parent(void)
{
    return kill(getppid(), 0);
}

static int link_out(void)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/link", folder);
    return symlink("/etc", path);
}

static int raise_limit(void)
{
    const struct rlimit both = {1 << 20, 1 << 20};

    return setrlimit(RLIMIT_FSIZE, &both);
}

/* The one thing that must work, or all of the above proves nothing. */
static int write_inside(void)
{
    char path[4096];
    int fd;

    snprintf(path, sizeof path, "%s/inside", folder);
    fd = open(path, O_RDWR | O_CREAT, 0600);
    if (fd < 0 || write(fd, "x", 1) != 1 || close(fd) || unlink(path))
        return -1;
    return 0;
}

static const struct {
    const char *name;
    int (*attempt)(void);
} attempts[] = {
    {"read /etc/passwd", read_passwd},
    {"list /", list_root},
    {"write outside", write_outside},
    {"socket inet", inet},
    {"socket unix", unix_socket},
    {"execve", run_program},
    {"fork", new_process},
    {"ptrace", trace},
    {"kill", signal_parent},
    {"symlink", link_out},
};

static int try_all(const char *dir)
{
    int allowed = 0;

    if (kz_sandbox_enter(dir, 100u << 20))
        return 1;
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        int got = attempts[i].attempt() >= 0;

        printf("%s: %s\n", attempts[i].name, got ? "ALLOWED" : "refused");
        allowed += got;
    }
    if (write_inside()) {
        printf("write inside: REFUSED\n");
        allowed++;
    }
    fflush(stdout);
    if (!allowed)
        raise_limit(); /* stands for every call that nobody has thought of: it must kill */
    return allowed + 1;
}

int kz_selftest_run(const char *dir)
{
    int status = 0;
    pid_t pid;

    folder = dir;
    pid = fork();
    if (pid == 0)
        _exit(try_all(dir));
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return 1;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
        printf("unlisted call: killed\nwrite inside: works\n");
        return 0;
    }
    printf("unlisted call: %s\n", WEXITSTATUS(status) > 1 ? "not tried" : "ALLOWED");
    return 1;
}
