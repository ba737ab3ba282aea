/* SPDX-License-Identifier: GPL-2.0-only */
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "sandbox.h"
#include "tmpdir.h"

#define REQUEST_MS 2000 /* how long a connection may stay silent */
#define GRACE_MS   1000 /* after the limit, until the worker ends itself */
#define CANARY_MS  30000
#define SEALS      (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK)

static volatile sig_atomic_t ending;

/* What the alarm needs of the scan at hand. */
static volatile int client = -1;
static volatile uint64_t last_ms;

static ssize_t reply(int fd, kz_scand_kind_t kind, const char *what)
{
    kz_scand_reply_t message = {.magic = KZ_SCAND_MAGIC, .kind = kind};

    memcpy(message.what, what, strnlen(what, sizeof message.what - 1));
    return send(fd, &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void on_term(int number)
{
    (void)number;
    ending = 1;
}

/* Says that the scan goes on; ends the process when nobody waits for it or it does not end. Calls
 * nothing that is not async-signal-safe. */
static void on_alarm(int number)
{
    int saved = errno;

    (void)number;
    if (reply(client, KZ_SCAND_ALIVE, "") < 0 && (errno == EPIPE || errno == ECONNRESET))
        _exit(KZ_WORKER_GONE);
    if (kz_now_ms() > last_ms) {
        reply(client, KZ_SCAND_UNSCANNABLE, "timeout");
        _exit(KZ_WORKER_LATE);
    }
    errno = saved;
}

static void heartbeat(int on)
{
    const struct timeval every = {0, on ? KZ_SCAND_ALIVE_MS * 1000 : 0};
    const struct itimerval timer = {every, every};

    setitimer(ITIMER_REAL, &timer, NULL);
}

/* The one descriptor that came with MESSAGE; -1, and all closed, if there were none or more. */
static int descriptor(struct msghdr *message)
{
    struct cmsghdr *head = CMSG_FIRSTHDR(message);
    int fds[2] = {-1, -1}; /* the kernel rounds the room for one up to two */

    if (!head || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS ||
        head->cmsg_len > CMSG_LEN(sizeof fds))
        return -1;
    memcpy(fds, CMSG_DATA(head), head->cmsg_len - CMSG_LEN(0));
    if (fds[1] < 0 && !(message->msg_flags & MSG_CTRUNC))
        return fds[0];
    close(fds[0]);
    if (fds[1] >= 0)
        close(fds[1]);
    return -1;
}

/* Takes the request and the descriptor that comes with it. Returns the descriptor or -1. */
static int receive(kz_scand_request_t *request, int fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec part = {request, sizeof *request};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct pollfd wait = {fd, POLLIN, 0};
    ssize_t got;
    int memfd;

    if (poll(&wait, 1, REQUEST_MS) != 1 ||
        (got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT)) < 0)
        return -1;
    memfd = descriptor(&message);
    if (memfd >= 0 && (got != sizeof *request || message.msg_flags & MSG_TRUNC ||
                       request->magic != KZ_SCAND_MAGIC || request->reserved)) {
        close(memfd);
        return -1;
    }
    return memfd;
}

static void scan(kz_verdict_t *verdict, const kz_worker_t *worker, int memfd, uint64_t deadline_ms)
{
    uint64_t now = kz_now_ms(), left;
    struct stat st;
    int seals = fcntl(memfd, F_GET_SEALS);

    memset(verdict, 0, sizeof *verdict);
    verdict->kind = KZ_SCAND_UNSCANNABLE;
    if (*worker->reason) {
        verdict->kind = KZ_SCAND_REFUSED;
        memcpy(verdict->what, worker->reason, strnlen(worker->reason, KZ_SCAND_WHAT_MAX - 1));
    } else if (seals < 0 || (seals & SEALS) != SEALS || fstat(memfd, &st) || !S_ISREG(st.st_mode)) {
        verdict->kind = KZ_SCAND_REFUSED;
        strcpy(verdict->what, "not a sealed memfd");
    } else if ((uint64_t)st.st_size > worker->options->max_bytes) {
        strcpy(verdict->what, "too_large");
    } else if (deadline_ms <= now) {
        strcpy(verdict->what, "timeout");
    } else {
        left = deadline_ms - now;
        if (left > worker->options->max_time_ms)
            left = worker->options->max_time_ms;
        last_ms = now + left + GRACE_MS;
        heartbeat(1);
        kz_engine_scan(verdict, worker->engine, memfd, (uint64_t)st.st_size, (unsigned)left);
        heartbeat(0);
        if (verdict->kind != KZ_SCAND_CLEAN)
            kz_log("%s %s, %lld bytes in %llu ms",
                   verdict->kind == KZ_SCAND_INFECTED ? "infected:" : "unscannable:", verdict->what,
                   (long long)st.st_size, (unsigned long long)(kz_now_ms() - now));
    }
}

static void serve(const kz_worker_t *worker, int fd)
{
    kz_scand_request_t request;
    kz_verdict_t verdict;
    int memfd = receive(&request, fd);

    if (memfd < 0) {
        reply(fd, KZ_SCAND_REFUSED, "not a request with one descriptor");
        return;
    }
    client = fd;
    /* Tells that it has begun, and finds out whether anybody still waits. */
    if (reply(fd, KZ_SCAND_ALIVE, "") > 0) {
        scan(&verdict, worker, memfd, request.deadline_ms);
        /* The files in the folder are the document's: they are removed before the next one comes.
         */
        kz_tmpdir_clear(worker->dir, 0);
        close(memfd); /* before the answer: then the client gives its memory to the next */
        memfd = -1;
        reply(fd, verdict.kind, verdict.what);
    }
    client = -1;
    if (memfd >= 0)
        close(memfd);
    malloc_trim(0);
}

/* The EICAR test file (https://www.eicar.org), put together here so that this program's own file is
 * not taken for it, in a sealed memfd. */
static int canary_memfd(void)
{
    char text[72] = "X5O!P%@AP[4\\PZX54(P^)7CC)7}";
    int fd = memfd_create("canary", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    strcat(text, "$EICAR-STANDARD-");
    strcat(text, "ANTIVIRUS-TEST-FILE!$H+H*");
    if (fd < 0 || write(fd, text, 68) != 68 || fcntl(fd, F_ADD_SEALS, SEALS)) {
        kz_log("canary: %s", strerror(errno));
        return -1;
    }
    return fd;
}

static int canary_found(const kz_worker_t *worker, int fd)
{
    kz_verdict_t verdict = {.kind = KZ_SCAND_REFUSED};

    if (fd >= 0 && worker->engine)
        kz_engine_scan(&verdict, worker->engine, fd, 68, CANARY_MS);
    return verdict.kind == KZ_SCAND_INFECTED;
}

static void signals(sigset_t *idle)
{
    struct sigaction term = {.sa_handler = on_term}, tick = {.sa_handler = on_alarm};
    sigset_t blocked;

    tick.sa_flags = SA_RESTART;
    sigaction(SIGTERM, &term, NULL);
    sigaction(SIGALRM, &tick, NULL);
    sigemptyset(idle);
    blocked = *idle;
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
}

int kz_worker_run(const kz_worker_t *worker)
{
    kz_worker_t self = *worker;
    int canary = canary_memfd();
    sigset_t idle;

    if (worker->listening < 0)
        alarm(2 * CANARY_MS / 1000);
    else
        signals(&idle);
    if (worker->engine)
        kz_engine_tmpdir(worker->engine, worker->dir);
    if (kz_sandbox_enter(worker->dir, worker->options->max_unpacked, worker->options->landlock))
        return KZ_WORKER_BAD;
    if (!canary_found(worker, canary) && !*self.reason)
        self.reason = "the canary was missed";
    if (worker->listening < 0)
        return *self.reason ? KZ_WORKER_BAD : KZ_WORKER_OK;
    close(canary);
    while (!ending) {
        struct pollfd wait = {worker->listening, POLLIN, 0};
        int fd;

        if (ppoll(&wait, 1, NULL, &idle) != 1)
            continue;
        fd = accept4(worker->listening, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue; /* another worker was faster */
        serve(&self, fd);
        close(fd);
    }
    return KZ_WORKER_OK;
}
