/* A scanner that misbehaves as a test tells it: one step per connection, in order. It is two
 * threads. */
#ifndef KZ_TESTS_SCAN_FAKE_H
#define KZ_TESTS_SCAN_FAKE_H

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "scand/protocol.h"

typedef enum {
    SAY,         /* ALIVE, then KIND and WHAT */
    DIE_AT_ONCE, /* hang up after the request */
    DIE_AT_WORK, /* ALIVE, then hang up */
    GO_ON,       /* ALIVE until the client leaves */
    SILENT,      /* nothing until the client leaves */
    FALL_SILENT, /* ALIVE once, then nothing until the client leaves */
    HOLD,        /* ALIVE, and holds on until let_go, although the client has left */
    GARBAGE      /* an answer of three bytes */
} behaviour_t;

typedef struct {
    behaviour_t behaviour;
    kz_scand_kind_t kind;
    const char *what;
} step_t;

typedef struct {
    char folder[64], path[80];
    const step_t *steps;
    int count;
    volatile int served;      /* requests taken */
    volatile int seals;       /* seals of the last descriptor */
    volatile long long left;  /* milliseconds to the last request's deadline, as it came */
    volatile long long bytes; /* size of the last descriptor */
    int state;                /* answered to who asks; 0: nobody answers */
    int listening, asked;
    volatile int stop, let_go;
    pthread_t worker, keeper;
} fake_t;

static inline long long fake_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static inline int fake_listen(const char *path, int backlog)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%.100s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, backlog), 0);
    return fd;
}

static inline void fake_take(fake_t *fake, int fd)
{
    char control[CMSG_SPACE(sizeof(int))];
    kz_scand_request_t request;
    struct iovec part = {&request, sizeof request};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    struct cmsghdr *head;
    struct stat st;
    int memfd;

    if (recvmsg(fd, &message, MSG_CMSG_CLOEXEC) != sizeof request)
        return;
    head = CMSG_FIRSTHDR(&message);
    if (!head || request.magic != KZ_SCAND_MAGIC)
        return;
    memcpy(&memfd, CMSG_DATA(head), sizeof memfd);
    fake->left = (long long)request.deadline_ms - fake_now_ms();
    fake->seals = fcntl(memfd, F_GET_SEALS);
    if (!fstat(memfd, &st))
        fake->bytes = st.st_size;
    close(memfd);
    fake->served++;
}

static inline int fake_say(int fd, kz_scand_kind_t kind, const char *what)
{
    kz_scand_reply_t reply = {.magic = KZ_SCAND_MAGIC, .kind = kind};

    memcpy(reply.what, what, strnlen(what, sizeof reply.what));
    return send(fd, &reply, sizeof reply, MSG_NOSIGNAL) == sizeof reply;
}

/* Waits until the client has left, which who speaks learns; who is silent waits longer than any
 * client does. */
static inline void fake_wait(fake_t *fake, int fd, int alive)
{
    struct pollfd wait = {fd, POLLIN, 0};
    int turns = 0;

    while (!fake->stop && poll(&wait, 1, 100) == 0) {
        if (alive && !fake_say(fd, KZ_SCAND_ALIVE, ""))
            break;
        if (!alive && ++turns == 200)
            break;
    }
}

static inline void fake_step(fake_t *fake, const step_t *step, int fd)
{
    while (step->behaviour == HOLD && !fake->let_go) {
        fake_say(fd, KZ_SCAND_ALIVE, "");
        poll(NULL, 0, 10);
    }
    if (step->behaviour != DIE_AT_ONCE && step->behaviour != SILENT)
        fake_say(fd, KZ_SCAND_ALIVE, "");
    if (step->behaviour == SAY)
        fake_say(fd, step->kind, step->what);
    else if (step->behaviour == GARBAGE)
        send(fd, "abc", 3, MSG_NOSIGNAL);
    else if (step->behaviour >= GO_ON && step->behaviour <= FALL_SILENT)
        fake_wait(fake, fd, step->behaviour == GO_ON);
}

static inline void *fake_work(void *data)
{
    fake_t *fake = data;
    int at = 0;

    while (!fake->stop) {
        struct pollfd wait = {fake->listening, POLLIN, 0};
        int fd;

        if (at == fake->count || poll(&wait, 1, 10) != 1) {
            poll(NULL, 0, 1);
            continue;
        }
        fd = accept(fake->listening, NULL, NULL);
        fake_take(fake, fd);
        fake_step(fake, &fake->steps[at++], fd);
        close(fd);
    }
    return NULL;
}

static inline void *fake_keep(void *data)
{
    fake_t *fake = data;
    kz_scand_status_t status = {.magic = KZ_SCAND_MAGIC,
                                .state = (uint32_t)fake->state,
                                .workers = 2,
                                .signatures = 7,
                                .test_only = 1,
                                .loaded = 1700000000,
                                .version = "1.2.3",
                                .reason = "because"};

    while (!fake->stop) {
        struct pollfd wait = {fake->asked, POLLIN, 0};
        int fd;

        if (!fake->state || poll(&wait, 1, 10) != 1) {
            poll(NULL, 0, 1);
            continue;
        }
        fd = accept(fake->asked, NULL, NULL);
        send(fd, &status, sizeof status, MSG_NOSIGNAL);
        close(fd);
    }
    return NULL;
}

static inline void fake_start(fake_t *fake, const step_t *steps, int count, int state)
{
    char path[128];

    memset(fake, 0, sizeof *fake);
    strcpy(fake->folder, "/tmp/scan_test.XXXXXX");
    assert_non_null(mkdtemp(fake->folder));
    snprintf(fake->path, sizeof fake->path, "%s/sock", fake->folder);
    snprintf(path, sizeof path, "%s" KZ_SCAND_STATUS_SUFFIX, fake->path);
    fake->steps = steps;
    fake->count = count;
    fake->state = state;
    fake->listening = fake_listen(fake->path, 0);
    fake->asked = fake_listen(path, 8);
    assert_int_equal(pthread_create(&fake->worker, NULL, fake_work, fake), 0);
    assert_int_equal(pthread_create(&fake->keeper, NULL, fake_keep, fake), 0);
}

static inline void fake_stop(fake_t *fake)
{
    char path[128];

    fake->stop = 1;
    pthread_join(fake->worker, NULL);
    pthread_join(fake->keeper, NULL);
    close(fake->listening);
    close(fake->asked);
    snprintf(path, sizeof path, "%s" KZ_SCAND_STATUS_SUFFIX, fake->path);
    unlink(path);
    unlink(fake->path);
    rmdir(fake->folder);
}

#endif
