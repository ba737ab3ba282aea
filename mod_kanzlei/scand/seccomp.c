/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The system calls of a worker. Three lists: what a scan needs; what is refused with an error,
 * because a library tries it and goes on without; all else kills the worker, which shows in the log
 * and makes the document "unscannable". A refusal that nobody notices could make it "clean". */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"

static const int needed[] = {
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(pwrite64),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getcwd),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),
    SCMP_SYS(rmdir),
    SCMP_SYS(rename),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(ftruncate),
    SCMP_SYS(getdents64),
    SCMP_SYS(fadvise64),
    SCMP_SYS(fsync),
    SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(setitimer),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(clock_getres),
    SCMP_SYS(getrandom),
    SCMP_SYS(getrusage),
    SCMP_SYS(times),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getppid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(umask),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(membarrier),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(accept4),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
};

static const struct {
    int call;
    int error;
} refused[] = {
    {SCMP_SYS(socket), EPERM},
    {SCMP_SYS(socketpair), EPERM},
    {SCMP_SYS(connect), EPERM},
    {SCMP_SYS(bind), EPERM},
    {SCMP_SYS(listen), EPERM},
    {SCMP_SYS(execve), EPERM},
    {SCMP_SYS(execveat), EPERM},
    {SCMP_SYS(fork), EPERM},
    {SCMP_SYS(vfork), EPERM},
    {SCMP_SYS(clone3), ENOSYS}, /* then clone is tried */
    {SCMP_SYS(ptrace), EPERM},
    {SCMP_SYS(process_vm_readv), EPERM},
    {SCMP_SYS(process_vm_writev), EPERM},
    {SCMP_SYS(kill), EPERM},
    {SCMP_SYS(tkill), EPERM},
    {SCMP_SYS(pidfd_open), EPERM},
    {SCMP_SYS(pidfd_getfd), EPERM},
    {SCMP_SYS(mount), EPERM},
    {SCMP_SYS(unshare), EPERM},
    {SCMP_SYS(setns), EPERM},
    {SCMP_SYS(bpf), EPERM},
    {SCMP_SYS(io_uring_setup), EPERM},
    {SCMP_SYS(userfaultfd), EPERM},
    {SCMP_SYS(perf_event_open), EPERM},
    {SCMP_SYS(memfd_create), EPERM},
    {SCMP_SYS(symlink), EPERM},
    {SCMP_SYS(symlinkat), EPERM},
    {SCMP_SYS(link), EPERM},
    {SCMP_SYS(linkat), EPERM},
    {SCMP_SYS(prctl), EPERM},
    {SCMP_SYS(chmod), EPERM}, /* libclamav tries it on a folder that it is about to remove */
    {SCMP_SYS(fchmod), EPERM},
    {SCMP_SYS(fchmodat), EPERM},
    {SCMP_SYS(ioctl), ENOTTY}, /* stdio asks whether a file is a terminal */
};

/* What fcntl() may do: F_SETFL too, but for O_ASYNC. F_SETOWN, F_SETSIG, F_SETLEASE and F_NOTIFY
 * would send signals, which Landlock does not hold back before its ABI 6. */
static const int commands[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_GET_SEALS};

/* Calls that depend on an argument. An argument that is not named here kills. */
static int add_arguments(scmp_filter_ctx filter)
{
    const uint64_t thread = CLONE_VM | CLONE_THREAD | CLONE_SIGHAND;
    static const int maps[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect)};
    int bad = 0;

    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
                                SCMP_A1_32(SCMP_CMP_EQ, (uint32_t)commands[i], 0));
    bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 2,
                            SCMP_A1_32(SCMP_CMP_EQ, F_SETFL, 0),
                            SCMP_A2(SCMP_CMP_MASKED_EQ, O_ASYNC, 0));
    /* No new code. What libraries there are has been mapped, code pages too (codepages.h). */
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
        bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, maps[i], 1,
                                SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    /* Threads of its own, no processes; signals to itself, for abort(); its limits read, not set.
     */
    bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                            SCMP_A0(SCMP_CMP_MASKED_EQ, thread, thread));
    bad |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                            SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
    bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                            SCMP_A0_32(SCMP_CMP_EQ, (uint32_t)getpid(), 0));
    bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2,
                            SCMP_A0_32(SCMP_CMP_EQ, 0, 0), SCMP_A2(SCMP_CMP_EQ, 0, 0));
    return bad;
}

static int add_rules(scmp_filter_ctx filter)
{
    int bad = 0;

    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, needed[i], 0);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        bad |= seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint32_t)refused[i].error), refused[i].call,
                                0);
    return bad | add_arguments(filter);
}

int kz_seccomp_enter(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int bad = filter ? add_rules(filter) : -ENOMEM;

    if (!bad)
        bad = seccomp_load(filter);
    if (filter)
        seccomp_release(filter);
    if (bad)
        kz_log("seccomp: %s", strerror(bad < 0 ? -bad : bad));
    return bad ? -1 : 0;
}
