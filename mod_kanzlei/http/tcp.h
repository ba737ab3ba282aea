/* What the kernel knows of a TCP connection (Linux, linux/tcp.h). */
#ifndef KZ_HTTP_TCP_H
#define KZ_HTTP_TCP_H

#include <stdint.h>

typedef enum kz_tcp_state_t {
    KZ_TCP_OPEN,  /* the other side may still send */
    KZ_TCP_ENDED, /* the other side has ended it in order */
    KZ_TCP_GONE   /* closed: after that, or reset */
} kz_tcp_state_t;

typedef struct kz_tcp_t {
    kz_tcp_state_t state;
    uint64_t acked;  /* bytes that the other side has acknowledged, since the connection began */
    uint64_t queued; /* bytes that it hasn't, sent or not (SIOCOUTQ) */
    uint64_t heard;  /* bytes that came from there; its orderly end counts as one */
} kz_tcp_t;

/* Looks at the socket FD; acked and queued are of the same moment. 0 where that can't be known. */
int kz_tcp_look(kz_tcp_t *tcp, int fd);

#endif
