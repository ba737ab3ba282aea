/* What keeps workers waiting, and connections, by address: whoever keeps many of them, or a crowd
 * that does, is waited for no longer, while a single slow line is. */
#ifndef KZ_HTTP_CROWD_H
#define KZ_HTTP_CROWD_H

#include <apr_ring.h>
#include <httpd.h>

#include "http/address.h"

typedef enum kz_crowd_kind_t {
    KZ_CROWD_BODY,  /* the next bytes of a request's body */
    KZ_CROWD_ANSWER /* a reader who takes a document */
} kz_crowd_kind_t;

/* One worker that waits; its own, on its stack. */
typedef struct kz_crowd_wait_t {
    APR_RING_ENTRY(kz_crowd_wait_t) link;
    unsigned char address[KZ_ADDRESS_NETWORK];
    kz_crowd_kind_t kind;
    int is_stream; /* of HTTP/2, which has workers of its own */
    int entered;
} kz_crowd_wait_t;

/* Registers what makes ready a child, and bounds the connections of an address to the portal. For
 * the module. */
void kz_crowd_register(void);

/* How many requests a child can have at work at once, whichever version of HTTP they come by. */
int kz_crowd_threads(server_rec *server);

/* R's worker begins, and ends, to wait for this. */
void kz_crowd_enter(kz_crowd_wait_t *wait, const request_rec *r, kz_crowd_kind_t kind);
void kz_crowd_leave(kz_crowd_wait_t *wait); /* all zeros is fine: it hasn't begun */
typedef enum kz_crowd_size_t {
    KZ_CROWD_FEW,
    KZ_CROWD_MANY, /* who sends goes on, who doesn't is waited for no longer */
    KZ_CROWD_FULL  /* the rest of the workers is needed for others */
} kz_crowd_size_t;

/* How many wait for the same since before WAIT, of its address or of all. Of readers there are
 * never MANY. */
kz_crowd_size_t kz_crowd_size(const kz_crowd_wait_t *wait);

#endif
