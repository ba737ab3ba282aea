/* SPDX-License-Identifier: GPL-2.0-only */
#include "keeper.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "database.h"
#include "log.h"
#include "master.h"
#include "tmpdir.h"

#define GENERATIONS  4   /* at once: one serves, one loads, two drain */
#define RETRY_S      60  /* after a load that left nothing that can scan */
#define RETRY_LONG_S 600 /* after one that failed beside a good one */
#define STEADY_S     60  /* a master that served as long has not died in a row */
#define BACKOFF_MAX  6   /* a master that dies: again after 0, 1, 2, 4 .. 64 s */

typedef enum { NONE, LOADING, SERVING, DRAINING } stage_t;

typedef struct generation_t {
    stage_t stage;
    pid_t pid;
    int channel;     /* -1: closed */
    unsigned number; /* of its folder; 0: never used */
} generation_t;

static struct {
    const kz_options_t *options;
    kz_sockets_t *sockets;
    const char *tmp;
    int lock, signals;
    generation_t generations[GENERATIONS];
    unsigned count;           /* generations so far */
    kz_scand_status_t status; /* the answer to a status request */
    uint64_t print;           /* of the databases when the last load began */
    unsigned deaths;          /* of serving masters, in a row */
    time_t check, load;       /* monotonic: when to look for a change; to load (0: not planned) */
    time_t since;             /* monotonic: when the serving master took over */
    int wanted;               /* 1: load as soon as possible */
    int leaving;              /* 1: nothing new is scanned; the end comes with the last scan */
} k;

static time_t now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static generation_t *at_stage(stage_t stage)
{
    for (int i = 0; i < GENERATIONS; i++)
        if (k.generations[i].stage == stage)
            return &k.generations[i];
    return NULL;
}

static void folder(char path[PATH_MAX], unsigned number)
{
    snprintf(path, PATH_MAX, "%s/g%u", k.tmp, number);
}

static uint64_t fingerprint(void)
{
    return kz_database_fingerprint(k.options->signatures) +
           3 * kz_database_fingerprint(k.options->fallback);
}

static void close_channel(generation_t *g)
{
    if (g->channel >= 0)
        close(g->channel);
    g->channel = -1;
}

static void be_master(unsigned number, int channel, pid_t keeper)
{
    char dir[PATH_MAX];
    kz_master_t master = {k.options, dir, k.sockets->work, channel};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != keeper)
        _exit(1);
    for (int i = 0; i < GENERATIONS; i++)
        close_channel(&k.generations[i]);
    close(k.sockets->status);
    if (k.sockets->before >= 0)
        close(k.sockets->before);
    close(k.signals);
    close(k.lock);
    kz_log_divert();
    folder(dir, number);
    _exit(kz_master_run(&master));
}

static void start_load(void)
{
    generation_t *g = at_stage(NONE);
    pid_t keeper = getpid();
    int pair[2];

    if (k.leaving)
        return;
    if (!g || at_stage(LOADING)) {
        k.wanted = 1; /* when one has ended */
        return;
    }
    k.wanted = 0;
    k.load = 0;
    k.print = fingerprint();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
        k.load = now_s() + RETRY_S;
        return;
    }
    g->channel = -1;
    g->number = ++k.count;
    g->pid = fork();
    if (g->pid == 0) {
        close(pair[0]);
        be_master(g->number, pair[1], keeper);
    }
    close(pair[1]);
    g->channel = pair[0];
    g->stage = LOADING;
    if (g->pid < 0) {
        kz_log("fork: %s", strerror(errno));
        close_channel(g);
        g->stage = NONE;
        k.load = now_s() + RETRY_S;
    }
}

/* A master has loaded: it takes over unless that would make things worse. */
static void on_loaded(generation_t *g)
{
    generation_t *old = at_stage(SERVING);
    kz_scand_status_t status;
    ssize_t got = recv(g->channel, &status, sizeof status, MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got != sizeof status ||
        (status.state != KZ_SCAND_READY && old && k.status.state == KZ_SCAND_READY)) {
        if (got == sizeof status)
            kz_log("new signatures refused, the old ones stay: %s", status.reason);
        kill(g->pid, SIGKILL);
        close_channel(g);
        g->stage = DRAINING;
        k.load = now_s() + (k.status.state == KZ_SCAND_READY ? RETRY_LONG_S : RETRY_S);
        return;
    }
    if (send(g->channel, "!", 1, MSG_NOSIGNAL) != 1)
        return; /* it has just died, which is seen soon */
    close_channel(g);
    g->stage = SERVING;
    if (kz_sockets_take(k.sockets))
        raise(SIGTERM);
    k.since = now_s();
    k.status = status;
    k.load = status.state == KZ_SCAND_READY ? 0 : now_s() + RETRY_S;
    if (status.state == KZ_SCAND_READY)
        kz_log("ready: %u %ssignatures, libclamav %s, %u workers", status.signatures,
               status.test_only ? "TEST " : "", status.version, status.workers);
    else
        kz_log("every scan is refused: %s", status.reason);
    if (old) {
        old->stage = DRAINING;
        kill(old->pid, SIGTERM);
    }
}

static void on_death(generation_t *g, int status)
{
    stage_t stage = g->stage;
    unsigned wait;

    close_channel(g);
    g->stage = NONE;
    if (stage == DRAINING)
        return;
    kz_log("the %s master ended, status 0x%x", stage == SERVING ? "serving" : "loading",
           (unsigned)status);
    if (stage == SERVING) {
        wait = k.deaths ? 1u << (k.deaths - 1) : 0;
        k.deaths += k.deaths <= BACKOFF_MAX;
        k.status.state = KZ_SCAND_LOADING;
        k.load = now_s() + wait;
        k.wanted = !wait;
    } else if (!k.load) {
        k.load = now_s() + (at_stage(SERVING) ? RETRY_LONG_S : 1u << (k.deaths % BACKOFF_MAX));
        k.deaths += k.deaths <= BACKOFF_MAX;
    }
}

/* Buries masters, and workers whose master died; empties the folders of both. */
static void bury(void)
{
    char path[PATH_MAX];
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (int i = 0; i < GENERATIONS; i++)
            if (k.generations[i].pid == pid && k.generations[i].stage != NONE)
                on_death(&k.generations[i], status);
        for (int i = 0; i < GENERATIONS; i++)
            if (k.generations[i].stage == NONE && k.generations[i].number) {
                folder(path, k.generations[i].number);
                kz_tmpdir_clear(path, 1);
            }
    }
}

/* Another keeper has our path: what is being scanned is scanned to its end, what waits is sent to
 * the other one by hanging up. */
static void leave(void)
{
    k.leaving = 1;
    for (int i = 0; i < GENERATIONS; i++) {
        generation_t *g = &k.generations[i];

        if (g->stage == LOADING || g->stage == SERVING) {
            kill(g->pid, g->stage == LOADING ? SIGKILL : SIGTERM);
            g->stage = DRAINING;
        }
    }
}

/* Returns 1 when all is to end. */
static int on_signal(void)
{
    struct signalfd_siginfo info;

    if (read(k.signals, &info, sizeof info) != sizeof info)
        return 0;
    if (info.ssi_signo == SIGCHLD)
        bury();
    else if (info.ssi_signo == SIGUSR1)
        leave();
    else if (info.ssi_signo == SIGHUP)
        start_load();
    else
        return 1;
    return 0;
}

static void on_time(void)
{
    time_t now = now_s();

    if (now >= k.check) {
        k.check = now + k.options->poll_s;
        if (!at_stage(LOADING) && fingerprint() != k.print)
            k.wanted = 1;
        if (at_stage(SERVING) && now - k.since >= STEADY_S)
            k.deaths = 0;
    }
    if ((k.load && now >= k.load) || k.wanted)
        start_load();
}

static void stop(void)
{
    for (int i = 0; i < GENERATIONS; i++)
        if (k.generations[i].stage != NONE)
            kill(k.generations[i].pid, SIGKILL); /* their workers die with them */
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
        continue;
    kz_sockets_remove(k.sockets);
    kz_tmpdir_clear(k.tmp, 1);
    kz_log_relay();
    kz_log("ended");
}

static void turn_away(void)
{
    int fd;

    while ((fd = accept4(k.sockets->work, NULL, NULL, SOCK_CLOEXEC)) >= 0)
        close(fd);
}

/* Returns 1 when all is to end. */
static int has_left(void)
{
    if (!k.leaving)
        return 0;
    turn_away();
    for (int i = 0; i < GENERATIONS; i++)
        if (k.generations[i].stage != NONE)
            return 0;
    return 1;
}

int kz_keeper_run(const kz_options_t *options, kz_sockets_t *sockets, const char *tmp, int lock,
                  int signals)
{
    kz_log_role("keeper");
    if (kz_log_collect())
        return 1;
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* workers whose master died are buried here */
    k.options = options;
    k.sockets = sockets;
    k.tmp = tmp;
    k.lock = lock;
    k.signals = signals;
    k.status = (kz_scand_status_t){
        .magic = KZ_SCAND_MAGIC, .state = KZ_SCAND_LOADING, .workers = options->workers};
    for (int i = 0; i < GENERATIONS; i++)
        k.generations[i].channel = -1;
    k.check = now_s() + options->poll_s;
    start_load();
    for (;;) {
        generation_t *loading = at_stage(LOADING);
        struct pollfd waits[] = {{k.signals, POLLIN, 0},
                                 {sockets->status, POLLIN, 0},
                                 {loading ? loading->channel : -1, POLLIN, 0},
                                 {kz_log_source(), POLLIN, 0},
                                 {k.leaving ? sockets->work : -1, POLLIN, 0}};

        poll(waits, sizeof waits / sizeof *waits, 1000);
        if (waits[3].revents)
            kz_log_relay();
        if (waits[1].revents)
            kz_sockets_answer(sockets, &k.status);
        if (waits[2].revents)
            on_loaded(loading);
        if (waits[0].revents && on_signal())
            break;
        if (has_left())
            break;
        on_time();
    }
    stop();
    return 0;
}
