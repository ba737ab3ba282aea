#include "http/tcp.h"

#include <stddef.h>
#include <string.h>

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define TRIES 10 /* acknowledgements may come between two looks */

/* The states of linux/tcp_states.h, which programs don't get. */
enum {
    ESTABLISHED = 1,
    FIN_WAIT1 = 4,
    FIN_WAIT2 = 5,
    TIME_WAIT = 6,
    CLOSE = 7,
    CLOSE_WAIT = 8,
    LAST_ACK = 9,
    CLOSING = 11
};

static kz_tcp_state_t state_of(unsigned state)
{
    switch (state) {
    case ESTABLISHED:
    case FIN_WAIT1:
    case FIN_WAIT2:
        return KZ_TCP_OPEN;
    case TIME_WAIT:
    case CLOSE_WAIT:
    case LAST_ACK:
    case CLOSING:
        return KZ_TCP_ENDED;
    default:
        return KZ_TCP_GONE;
    }
}

static int read_info(struct tcp_info *info, int fd)
{
    socklen_t len = sizeof *info;

    memset(info, 0, sizeof *info);
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &len) == 0 &&
           len >= offsetof(struct tcp_info, tcpi_bytes_received) + sizeof info->tcpi_bytes_received;
}

int kz_tcp_look(kz_tcp_t *tcp, int fd)
{
    struct tcp_info before, after;
    int i;

    for (i = 0; i < TRIES; i++) {
        int queued = 0;

        if (!read_info(&before, fd) || ioctl(fd, SIOCOUTQ, &queued) != 0 || !read_info(&after, fd))
            return 0;
        if (before.tcpi_bytes_acked != after.tcpi_bytes_acked ||
            before.tcpi_state != after.tcpi_state)
            continue;
        tcp->state = state_of(after.tcpi_state);
        tcp->acked = after.tcpi_bytes_acked;
        tcp->queued = (uint64_t)queued;
        tcp->heard = after.tcpi_bytes_received;
        return 1;
    }
    return 0;
}
