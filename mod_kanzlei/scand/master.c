/* SPDX-License-Identifier: GPL-2.0-only */
#include "master.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "codepages.h"
#include "database.h"
#include "engine.h"
#include "log.h"
#include "sandbox.h"
#include "tmpdir.h"
#include "worker.h"

#define SLOTS      64
#define STEADY_S   10  /* a worker that lived as long is restarted at once */
#define BACKOFF_MS 100 /* first wait, doubled up to ... */
#define BACKOFF_N  7   /* ... 100 ms << 7 */
#define DRAIN_S    5   /* beyond the longest scan */

static struct slot {
    pid_t pid;         /* 0: none */
    unsigned deaths;   /* in a row, each soon after its start */
    double begun, due; /* seconds, monotonic */
} slots[SLOTS];

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void slot_dir(char path[PATH_MAX], const kz_master_t *master, unsigned number)
{
    snprintf(path, PATH_MAX, "%s/w%u", master->dir, number);
}

/* Forks a worker, or with LISTENING -1 the prover. Returns its pid, or -1. */
static pid_t spawn(const kz_master_t *master, const kz_worker_t *common, unsigned number,
                   int listening)
{
    char dir[PATH_MAX];
    kz_worker_t worker = *common;
    pid_t parent = getpid(), pid;

    slot_dir(dir, master, number);
    if (mkdir(dir, 0700) && errno != EEXIST) {
        kz_log("%s: %s", dir, strerror(errno));
        return -1;
    }
    pid = fork();
    if (pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(KZ_WORKER_BAD);
    kz_log_role(listening < 0 ? "prover" : "worker %u", number);
    close(master->channel);
    worker.dir = dir;
    worker.listening = listening;
    _exit(kz_worker_run(&worker));
}

/* Scans the canary just as a document is scanned, in a worker that does nothing else. */
static int proven(const kz_master_t *master, const kz_worker_t *common)
{
    pid_t pid = spawn(master, common, SLOTS, -1);
    char dir[PATH_MAX];
    int status = -1;

    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    slot_dir(dir, master, SLOTS);
    kz_tmpdir_clear(dir, 1);
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == KZ_WORKER_OK;
}

static void load(kz_scand_status_t *status, kz_worker_t *common, const kz_master_t *master)
{
    const kz_options_t *o = master->options;
    int test_only;
    const char *dir = kz_database_choose(&test_only, o->signatures, o->fallback);

    memset(status, 0, sizeof *status);
    status->magic = KZ_SCAND_MAGIC;
    status->state = KZ_SCAND_REFUSING;
    status->workers = o->workers;
    status->test_only = (uint32_t)test_only;
    status->landlock = (uint32_t)kz_landlock_abi();
    snprintf(status->version, sizeof status->version, "%s", kz_engine_version());
    if (!dir)
        snprintf(status->reason, sizeof status->reason, "there is no database in %.80s",
                 o->signatures);
    else
        common->engine = kz_engine_load(&status->signatures, dir, o->max_unpacked, status->reason);
    if (!common->engine)
        return;
    status->loaded = time(NULL);
    if (proven(master, common))
        status->state = KZ_SCAND_READY;
    else
        snprintf(status->reason, sizeof status->reason, "the canary was missed with %.80s", dir);
}

static void start_due(const kz_master_t *master, const kz_worker_t *common)
{
    for (unsigned i = 0; i < master->options->workers; i++) {
        struct slot *slot = &slots[i];

        if (slot->pid || slot->due > now_s())
            continue;
        slot->begun = now_s();
        slot->pid = spawn(master, common, i, master->listening);
        if (slot->pid < 0) {
            kz_log("fork: %s", strerror(errno));
            slot->pid = 0;
            slot->due = now_s() + 1;
        }
    }
}

static void buried(struct slot *slot, unsigned number, int status)
{
    unsigned wait = 0;

    slot->pid = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == KZ_WORKER_GONE) {
        slot->due = 0;
        return;
    }
    slot->deaths = now_s() - slot->begun > STEADY_S ? 0 : slot->deaths + 1;
    if (slot->deaths > 1)
        wait = BACKOFF_MS << (slot->deaths - 2 < BACKOFF_N ? slot->deaths - 2 : BACKOFF_N);
    slot->due = now_s() + wait / 1e3;
    if (WIFSIGNALED(status))
        kz_log("worker %u died of signal %d%s, again in %u ms", number, WTERMSIG(status),
               WTERMSIG(status) == SIGSYS ? " (a system call that is not allowed)" : "", wait);
    else
        kz_log("worker %u ended with status %d, again in %u ms", number, WEXITSTATUS(status), wait);
}

/* Buries the dead and empties their folders. Returns how many workers live. */
static unsigned reap(const kz_master_t *master, int quiet)
{
    char dir[PATH_MAX];
    unsigned alive = 0;
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (unsigned i = 0; i < master->options->workers; i++)
            if (slots[i].pid == pid) {
                slot_dir(dir, master, i);
                kz_tmpdir_clear(dir, 0);
                if (quiet)
                    slots[i].pid = 0;
                else
                    buried(&slots[i], i, status);
            }
    for (unsigned i = 0; i < master->options->workers; i++)
        alive += slots[i].pid > 0;
    return alive;
}

static void signal_workers(const kz_master_t *master, int number)
{
    for (unsigned i = 0; i < master->options->workers; i++)
        if (slots[i].pid > 0)
            kill(slots[i].pid, number);
}

/* How long nothing is due, at most two seconds. */
static struct timespec patience(const kz_master_t *master)
{
    double least = 2, now = now_s();

    for (unsigned i = 0; i < master->options->workers; i++)
        if (!slots[i].pid && slots[i].due - now < least)
            least = slots[i].due > now ? slots[i].due - now : 0;
    return (struct timespec){(time_t)least, (long)((least - (double)(time_t)least) * 1e9) + 1000};
}

static void drain(const kz_master_t *master, const sigset_t *set)
{
    const struct timespec second = {1, 0};
    double last = now_s() + DRAIN_S + master->options->max_time_ms / 1000.0;

    signal_workers(master, SIGTERM);
    while (reap(master, 1)) {
        if (now_s() > last)
            signal_workers(master, SIGKILL);
        sigtimedwait(set, NULL, &second);
    }
}

int kz_master_run(const kz_master_t *master)
{
    kz_scand_status_t status;
    kz_worker_t common = {.options = master->options, .reason = ""};
    sigset_t set;
    char go;

    kz_log_role("master");
    signal(SIGHUP, SIG_IGN); /* the keeper's business, like Ctrl-C */
    signal(SIGINT, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    if (mkdir(master->dir, 0700)) {
        kz_log("%s: %s", master->dir, strerror(errno));
        return 1;
    }
    sigprocmask(SIG_UNBLOCK, &set, NULL); /* a load may be broken off by SIGTERM */
    kz_codepages_load();
    load(&status, &common, master);
    common.reason = status.reason;
    if (send(master->channel, &status, sizeof status, MSG_NOSIGNAL) != sizeof status ||
        recv(master->channel, &go, 1, 0) != 1)
        return 0; /* the keeper has no use for it */
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (;;) {
        struct timespec wait;

        reap(master, 0);
        start_due(master, &common);
        wait = patience(master);
        if (sigtimedwait(&set, NULL, &wait) == SIGTERM)
            break;
    }
    drain(master, &set);
    return 0;
}
