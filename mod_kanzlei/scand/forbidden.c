/* SPDX-License-Identifier: GPL-2.0-only */
#include "forbidden.h"

#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452 /* Linux 6.6, on every architecture */
#endif

#define ATTEMPT(name) static int name(const kz_place_t *p)

/* --- files of the same user --- */

ATTEMPT(read_outside)
{
    return open(p->outside, O_RDONLY);
}
ATTEMPT(read_passwd)
{
    return p ? open("/etc/passwd", O_RDONLY) : 0;
}
ATTEMPT(read_parent)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/environ", p ? (int)getppid() : 0);
    return open(path, O_RDONLY);
}
ATTEMPT(list_root)
{
    return p ? open("/", O_RDONLY | O_DIRECTORY) : 0;
}
ATTEMPT(write_outside)
{
    return open(p->outside, O_WRONLY);
}
ATTEMPT(cut_outside)
{
    return truncate(p->outside, 0);
}
ATTEMPT(create_outside)
{
    return open(p->target, O_WRONLY | O_CREAT, 0600);
}
ATTEMPT(remove_outside)
{
    return unlink(p->outside);
}
ATTEMPT(move_out)
{
    char path[PATH_MAX + 8];

    snprintf(path, sizeof path, "%s/file", p->inside);
    return rename(path, p->target);
}
ATTEMPT(link_in)
{
    char path[PATH_MAX + 8];

    snprintf(path, sizeof path, "%s/link", p->inside);
    return link(p->outside, path);
}
ATTEMPT(link_out)
{
    char path[PATH_MAX + 8];

    snprintf(path, sizeof path, "%s/link", p->inside);
    return symlink("/etc", path);
}
ATTEMPT(fifo)
{
    char path[PATH_MAX + 8];

    snprintf(path, sizeof path, "%s/fifo", p->inside);
    return mkfifo(path, 0600);
}
ATTEMPT(change_mode)
{
    return chmod(p->outside, 0666);
}
ATTEMPT(change_mode_at)
{
    return fchmodat(AT_FDCWD, p->outside, 0666, 0);
}
ATTEMPT(change_mode_at2)
{
    return (int)syscall(SYS_fchmodat2, AT_FDCWD, p->outside, 0666, 0);
}
ATTEMPT(change_mode_fd)
{
    return fchmod(p->fd, 0666);
}
ATTEMPT(change_owner)
{
    return chown(p->outside, getuid(), getgid());
}
ATTEMPT(change_times)
{
    return utimensat(AT_FDCWD, p->outside, NULL, 0);
}
ATTEMPT(change_attribute)
{
    return setxattr(p->outside, "user.a", "1", 1, 0);
}

/* --- other processes --- */

ATTEMPT(signal_owner)
{
    return fcntl(p->fd, F_SETOWN, getppid());
}
ATTEMPT(signal_owner_ex)
{
    const struct f_owner_ex owner = {F_OWNER_PID, getppid()};

    return fcntl(p->fd, F_SETOWN_EX, &owner);
}
ATTEMPT(signal_number)
{
    return fcntl(p->fd, F_SETSIG, SIGKILL);
}
ATTEMPT(signal_async)
{
    return fcntl(p->listening, F_SETFL, O_ASYNC);
}
ATTEMPT(signal_lease)
{
    return fcntl(p->fd, F_SETLEASE, F_WRLCK);
}
ATTEMPT(signal_notify)
{
    return fcntl(p->fd, F_NOTIFY, DN_CREATE);
}
ATTEMPT(signal_ioctl)
{
    int on = 1;

    return ioctl(p->listening, FIOASYNC, &on);
}
ATTEMPT(signal_parent)
{
    return p ? kill(getppid(), 0) : 0;
}
ATTEMPT(signal_thread)
{
    return p ? (int)syscall(SYS_tgkill, getppid(), getppid(), 0) : 0;
}
ATTEMPT(signal_queue)
{
    return p ? sigqueue(getppid(), 0, (union sigval){0}) : 0;
}
ATTEMPT(hold_parent)
{
    return p ? (int)syscall(SYS_pidfd_open, getppid(), 0) : 0;
}
ATTEMPT(trace_me)
{
    return p ? (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL) : 0;
}
ATTEMPT(read_memory)
{
    char byte;
    struct iovec to = {&byte, 1}, from = {(void *)(uintptr_t)p, 1};

    return (int)process_vm_readv(getppid(), &to, 1, &from, 1, 0);
}
ATTEMPT(limit_parent)
{
    struct rlimit both;

    return p ? prlimit(getppid(), RLIMIT_NOFILE, NULL, &both) : 0;
}
ATTEMPT(run_program)
{
    char *const argv[] = {(char *)(uintptr_t) "/bin/true", NULL};

    return p ? execv(argv[0], argv) : 0;
}
ATTEMPT(new_process)
{
    pid_t pid = p ? fork() : 0;

    if (pid == 0)
        _exit(1);
    return pid;
}

/* --- the network, and others who listen --- */

ATTEMPT(inet)
{
    return p ? socket(AF_INET, SOCK_STREAM, 0) : 0;
}
ATTEMPT(unix_socket)
{
    return p ? socket(AF_UNIX, SOCK_STREAM, 0) : 0;
}
ATTEMPT(socket_pair)
{
    int pair[2];

    return p ? socketpair(AF_UNIX, SOCK_STREAM, 0, pair) : 0;
}
ATTEMPT(connect_on)
{
    const struct sockaddr_un address = {AF_UNIX, "\0kanzlei"};

    return connect(p->listening, (const struct sockaddr *)&address, sizeof address);
}
ATTEMPT(stop_listening)
{
    return shutdown(p->listening, SHUT_RDWR);
}

/* --- code, and the kernel --- */

static long page(void)
{
    return sysconf(_SC_PAGESIZE);
}
ATTEMPT(map_code)
{
    const int all = PROT_READ | PROT_WRITE | PROT_EXEC;
    void *got = p ? mmap(NULL, (size_t)page(), all, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : NULL;

    return got == MAP_FAILED ? -1 : 0;
}
ATTEMPT(map_file_as_code)
{
    void *got = mmap(NULL, (size_t)page(), PROT_READ | PROT_EXEC, MAP_PRIVATE, p->fd, 0);

    return got == MAP_FAILED ? -1 : 0;
}
ATTEMPT(turn_into_code)
{
    void *got =
        p ? mmap(NULL, (size_t)page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
          : NULL;

    return mprotect(got, (size_t)page(), PROT_READ | PROT_EXEC);
}
ATTEMPT(all_is_code)
{
    return p ? personality(READ_IMPLIES_EXEC) : 0;
}
ATTEMPT(memory_file)
{
    return p ? memfd_create("a", 0) : 0;
}
ATTEMPT(new_namespace)
{
    return p ? unshare(CLONE_NEWUSER) : 0;
}
ATTEMPT(mount_something)
{
    return mount("none", p->inside, "tmpfs", 0, NULL);
}
ATTEMPT(process_control)
{
    return p ? prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) : 0;
}
ATTEMPT(ring)
{
    return p ? (int)syscall(SYS_io_uring_setup, 1, NULL) : 0;
}
ATTEMPT(kernel_program)
{
    return p ? (int)syscall(SYS_bpf, 0, NULL, 0) : 0;
}
ATTEMPT(kernel_keys)
{
    return p ? (int)syscall(SYS_keyctl, 0, -3, 0) : 0; /* get the session's keyring */
}
ATTEMPT(raise_limit)
{
    const struct rlimit both = {1 << 10, 1 << 10};

    return p ? setrlimit(RLIMIT_FSIZE, &both) : 0;
}

/* --- what must work, or all of the above proves nothing --- */

ATTEMPT(write_inside)
{
    char path[PATH_MAX + 8];
    int fd;

    snprintf(path, sizeof path, "%s/new", p->inside);
    fd = open(path, O_RDWR | O_CREAT, 0600);
    return fd < 0 || write(fd, "x", 1) != 1 || close(fd) || unlink(path) ? -1 : 0;
}
/* iconv() loads a module of the C library for each of these. */
ATTEMPT(code_pages)
{
    static const char *const names[] = {"EUC-JP", "BIG5", "CP437", "ISO-8859-15", "KOI8-R"};

    for (size_t i = 0; p && i < sizeof names / sizeof *names; i++) {
        iconv_t open = iconv_open("UTF-8", names[i]);

        if (open == (iconv_t)-1 || iconv_close(open))
            return -1;
    }
    return 0;
}
static void *nothing(void *baton)
{
    return baton;
}
ATTEMPT(thread)
{
    pthread_t made;

    return !p || pthread_create(&made, NULL, nothing, NULL) || pthread_join(made, NULL) ? -1 : 0;
}

const kz_attempt_t kz_attempts[] = {
    {"read a file outside", read_outside, 0},
    {"read /etc/passwd", read_passwd, 0},
    {"read the parent's environment", read_parent, 0},
    {"list /", list_root, 0},
    {"write a file outside", write_outside, 0},
    {"truncate", cut_outside, 0},
    {"create outside", create_outside, 0},
    {"unlink outside", remove_outside, 0},
    {"rename to outside", move_out, 0},
    {"link", link_in, 0},
    {"symlink", link_out, 0},
    {"mkfifo", fifo, 0},
    {"chmod", change_mode, 0},
    {"fchmodat", change_mode_at, 0},
    {"fchmodat2", change_mode_at2, 0},
    {"fchmod", change_mode_fd, 0},
    {"chown", change_owner, 0},
    {"utimensat", change_times, 0},
    {"setxattr", change_attribute, 0},
    {"F_SETOWN", signal_owner, 0},
    {"F_SETOWN_EX", signal_owner_ex, 0},
    {"F_SETSIG", signal_number, 0},
    {"O_ASYNC", signal_async, 0},
    {"F_SETLEASE", signal_lease, 0},
    {"F_NOTIFY", signal_notify, 0},
    {"FIOASYNC", signal_ioctl, 0},
    {"kill", signal_parent, 0},
    {"tgkill", signal_thread, 0},
    {"sigqueue", signal_queue, 0},
    {"pidfd_open", hold_parent, 0},
    {"ptrace", trace_me, 0},
    {"process_vm_readv", read_memory, 0},
    {"prlimit of another", limit_parent, 0},
    {"execve", run_program, 0},
    {"fork", new_process, 0},
    {"socket inet", inet, 0},
    {"socket unix", unix_socket, 0},
    {"socketpair", socket_pair, 0},
    {"connect", connect_on, 0},
    {"shutdown", stop_listening, 0},
    {"mmap of code", map_code, 0},
    {"mmap of a file as code", map_file_as_code, 0},
    {"mprotect to code", turn_into_code, 0},
    {"personality", all_is_code, 0},
    {"memfd_create", memory_file, 0},
    {"unshare", new_namespace, 0},
    {"mount", mount_something, 0},
    {"prctl", process_control, 0},
    {"io_uring", ring, 0},
    {"bpf", kernel_program, 0},
    {"keyctl", kernel_keys, 0},
    {"setrlimit", raise_limit, 0},
    {"write inside", write_inside, 1},
    {"code pages", code_pages, 1},
    {"thread", thread, 1},
};
const unsigned kz_attempts_count = sizeof kz_attempts / sizeof *kz_attempts;
