#include "io/scan/scan.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "io/scan/internal.h"

#define SEALS      (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)
#define SILENCE_MS 1200 /* after which the scanner is asked whether it lives */
#define STATUS_MS  500  /* that it has to answer */
#define STARVED_MS 6000 /* that one at work may be silent while its keeper lives: short of time */
#define MARGIN_MS                                                                                  \
    500             /* a worker stops this much earlier than we stop waiting, so that we hear why */
#define AGAIN_MS 10 /* between tries to connect while its queue is full */

typedef enum outcome_t {
    ASKED, /* and no answer yet */
    ANSWERED,
    DIED,     /* hung up while it was at it */
    GONE,     /* nobody listens, or hung up before */
    HUNG,     /* silent for too long */
    LATE,     /* the deadline came while a worker was at it */
    NOT_BEGUN /* the deadline came before */
} outcome_t;

struct kz_scan_t {
    const char *path;
    int fd; /* connected and asked; -1: over */
    int memfd;
    apr_int64_t end; /* of the wait, by now_ms() */
    apr_pool_t *pool;
};

static apr_int64_t now_ms(void)
{
    return apr_time_as_msec(kz_clock_now());
}

static int timeout_until(apr_int64_t end)
{
    apr_int64_t left = end - now_ms();

    return left <= 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

/* Waits for something to read. Returns 1, or 0 at the end of time. */
static int readable(int fd, apr_int64_t end)
{
    struct pollfd wait = {fd, POLLIN, 0};

    for (;;) {
        int got = poll(&wait, 1, timeout_until(end));

        if (got > 0)
            return 1;
        if (got < 0 && errno != EINTR)
            return 1; /* reading says what is wrong */
        if (now_ms() >= end)
            return 0;
    }
}

/* A connected socket, or -1 with errno: EAGAIN when the queue was full until END. */
static int connect_until(const char *path, const char *suffix, apr_int64_t end)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd, rc, saved;

    if (strlen(path) + strlen(suffix) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    apr_cpystrn(address.sun_path, path, sizeof address.sun_path);
    strcat(address.sun_path, suffix);
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    while ((rc = connect(fd, (struct sockaddr *)&address, sizeof address)) &&
           (errno == EINTR || (errno == EAGAIN && now_ms() < end)))
        poll(NULL, 0, AGAIN_MS);
    if (rc == 0)
        return fd;
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

/* Returns 0, or errno. *USER: whom the scanner runs as; may be NULL. */
static int ask_status(kz_scand_status_t *status, uid_t *user, const char *path, apr_int64_t end)
{
    int fd = connect_until(path, KZ_SCAND_STATUS_SUFFIX, end);
    struct ucred peer = {.uid = (uid_t)-1};
    socklen_t size = sizeof peer;
    ssize_t got;

    if (fd < 0)
        return errno;
    if (user && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0)
        *user = peer.uid;
    got = readable(fd, end) ? recv(fd, status, sizeof *status, MSG_DONTWAIT) : -2;
    close(fd);
    if (got == -2)
        return ETIMEDOUT;
    return kz_scan__is_status(status, got) ? 0 : EPROTO;
}

static int send_request(int fd, int memfd, apr_int64_t end)
{
    apr_int64_t left = end - now_ms();
    apr_int64_t margin = left / 10 < MARGIN_MS ? left / 10 : MARGIN_MS;
    kz_scand_request_t request = {KZ_SCAND_MAGIC, 0, (uint64_t)(end - margin)};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct iovec part = {&request, sizeof request};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    ssize_t sent;

    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof memfd);
    memcpy(CMSG_DATA(head), &memfd, sizeof memfd);
    while ((sent = sendmsg(fd, &message, MSG_NOSIGNAL)) < 0 && errno == EINTR)
        continue;
    return sent == sizeof request ? 0 : -1;
}

/* Nothing was heard for SILENCE_MS: all workers may be busy, or the scanner hung. */
static int is_hung(const char *path, apr_int64_t end)
{
    apr_int64_t soon = now_ms() + STATUS_MS;
    kz_scand_status_t status;

    return ask_status(&status, NULL, path, soon < end ? soon : end) ||
           status.state == KZ_SCAND_LOADING;
}

static outcome_t await(kz_scand_reply_t *reply, int fd, const char *path, apr_int64_t end)
{
    apr_int64_t heard = now_ms();
    int begun = 0;

    for (;;) {
        apr_int64_t quiet = now_ms() + SILENCE_MS;
        ssize_t got;

        if (!readable(fd, quiet < end ? quiet : end)) {
            if (now_ms() >= end)
                return !begun ? NOT_BEGUN : now_ms() >= heard + SILENCE_MS ? HUNG : LATE;
            if ((begun && now_ms() >= heard + STARVED_MS) || is_hung(path, end))
                return HUNG;
            continue;
        }
        heard = now_ms();
        got = recv(fd, reply, sizeof *reply, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (!kz_scan__is_reply(reply, got))
            return begun ? DIED : GONE;
        if (reply->kind != KZ_SCAND_ALIVE)
            return ANSWERED;
        begun = 1;
    }
}

/* Sends the request on *FD, made here; closed unless it is ASKED. */
static outcome_t ask(int *fd, const char *path, int memfd, apr_int64_t end)
{
    apr_int64_t quiet = now_ms() + SILENCE_MS;

    /* A full queue is a busy scanner, or a hung one. */
    while ((*fd = connect_until(path, "", quiet < end ? quiet : end)) < 0 && errno == EAGAIN) {
        if (now_ms() >= end)
            return NOT_BEGUN;
        if (is_hung(path, end))
            return HUNG;
        quiet = now_ms() + SILENCE_MS;
    }
    if (*fd < 0)
        return GONE;
    if (send_request(*fd, memfd, end) == 0)
        return ASKED;
    close(*fd);
    *fd = -1;
    return GONE;
}

/* Ends the connection of a scan that ended as OUTCOME. Who answered or hung up holds nothing. */
static void end_connection(int fd, int memfd, outcome_t outcome)
{
    if (outcome == ANSWERED || outcome == DIED || outcome == GONE)
        close(fd);
    else
        kz_scan__let_go(fd, memfd);
}

static outcome_t ask_once(kz_scand_reply_t *reply, const char *path, int memfd, apr_int64_t end)
{
    int fd;
    outcome_t outcome = ask(&fd, path, memfd, end);

    if (outcome != ASKED)
        return outcome;
    outcome = await(reply, fd, path, end);
    end_connection(fd, memfd, outcome);
    return outcome;
}

/* When a worker dies, a second one is asked. If it dies too, that is the document's fault, unless
 * the whole scanner is going down. A worker that hung up before it began has seen nothing. */
static outcome_t await_twice(kz_scand_reply_t *reply, kz_scan_t *scan)
{
    outcome_t outcome = await(reply, scan->fd, scan->path, scan->end);
    kz_scand_status_t status;

    end_connection(scan->fd, scan->memfd, outcome);
    scan->fd = -1;
    if (outcome != DIED && outcome != GONE)
        return outcome;
    outcome = ask_once(reply, scan->path, scan->memfd, scan->end);
    if (outcome == DIED && ask_status(&status, NULL, scan->path, now_ms() + STATUS_MS))
        outcome = GONE;
    return outcome;
}

/* An earlier try has done it. */
static int is_sealed(int memfd)
{
    int saved = errno, seals = fcntl(memfd, F_GET_SEALS);

    errno = saved;
    return seals >= 0 && (seals & SEALS) == SEALS;
}

/* Why there is no verdict. */
static kz_err_t *unanswered(outcome_t outcome, const char *path)
{
    if (outcome == NOT_BEGUN)
        return kz_err_create(KZ_ERR_BUSY, "the scanner is busy until the deadline");
    if (outcome == HUNG)
        return kz_err_create(KZ_ERR_SCANNER_DOWN, "the scanner at %s hangs or loads", path);
    return kz_err_create(KZ_ERR_SCANNER_DOWN, "nobody listens at %s", path);
}

/* Nobody waits for the verdict any more. */
static apr_status_t leave(void *baton)
{
    kz_scan_t *scan = baton;

    if (scan->fd >= 0)
        kz_scan__let_go(scan->fd, scan->memfd);
    scan->fd = -1;
    return APR_SUCCESS;
}

void kz_scan_leave(kz_scan_t *scan)
{
    apr_pool_cleanup_run(scan->pool, scan, leave);
}

kz_err_t *kz_scan_begin(kz_scan_t **scan, const char *socket_path, int memfd, apr_time_t deadline,
                        apr_pool_t *pool)
{
    kz_scan_t *made = apr_palloc(pool, sizeof *made);
    outcome_t outcome;

    made->path = apr_pstrdup(pool, socket_path);
    made->memfd = memfd;
    made->end = apr_time_as_msec(deadline);
    made->pool = pool;
    if (fcntl(memfd, F_ADD_SEALS, SEALS) && !is_sealed(memfd))
        return kz_err_status(KZ_ERR_INTERNAL, errno, "sealing a memfd");
    outcome = ask(&made->fd, socket_path, memfd, made->end);
    if (outcome == GONE)
        outcome = ask(&made->fd, socket_path, memfd, made->end);
    if (outcome != ASKED)
        return unanswered(outcome, socket_path);
    apr_pool_cleanup_register(pool, made, leave, apr_pool_cleanup_null);
    *scan = made;
    return NULL;
}

kz_err_t *kz_scan_await(kz_scan_verdict_t *verdict, kz_scan_t *scan, apr_pool_t *result_pool)
{
    apr_time_t start = kz_clock_now();
    kz_scand_reply_t reply;
    outcome_t outcome;

    /* Only an answer can improve this. */
    *verdict = (kz_scan_verdict_t){KZ_SCAN_UNSCANNABLE, "error"};
    outcome = await_twice(&reply, scan);
    KZ_TIME(SCAN_ANSWER, start);
    if (outcome != ANSWERED)
        KZ_COUNT(SCAN_ERRORS);
    kz_scan_leave(scan);
    if (outcome == ANSWERED)
        return kz_scan__verdict(verdict, &reply, result_pool);
    if (outcome == LATE)
        verdict->what = "timeout";
    else if (outcome != DIED)
        return unanswered(outcome, scan->path);
    return NULL; /* DIED: "error" */
}

kz_err_t *kz_scan_status(kz_scan_status_t *status, const char *socket_path, apr_time_t deadline,
                         apr_pool_t *result_pool)
{
    kz_scand_status_t raw;
    uid_t user = (uid_t)-1;
    int rc = ask_status(&raw, &user, socket_path, apr_time_as_msec(deadline));

    memset(status, 0, sizeof *status);
    if (rc)
        return kz_err_status(KZ_ERR_SCANNER_DOWN, rc, "asking the scanner at %s", socket_path);
    KZ_TRY(kz_scan__status(status, &raw, result_pool));
    status->user = user;
    return NULL;
}
