/* The frames of HTTP/2 in a stream of bytes (RFC 9113, section 4.1): which streams one side ends.
 * Knows no httpd: fuzzed alone. */
#ifndef KZ_HTTP_FRAMES_H
#define KZ_HTTP_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#define KZ_FRAMES_HEAD 9 /* bytes of a frame's head */

/* Where the bytes have come to. All zeros: before the first frame. */
typedef struct kz_frames_t {
    unsigned char head[KZ_FRAMES_HEAD];
    unsigned have; /* bytes of the head */
    uint64_t left; /* bytes of the payload that are still to come */
} kz_frames_t;

/* Passes over LEN bytes if they are all payload: 1; else nothing is done: 0. */
int kz_frames_skip(kz_frames_t *frames, uint64_t len);

/* Takes LEN bytes; calls ENDED for each DATA or HEADERS frame with END_STREAM (sections 6.1
 * and 6.2) whose payload has come whole. */
void kz_frames_take(kz_frames_t *frames, const char *bytes, size_t len,
                    void (*ended)(void *baton, uint32_t stream), void *baton);

#endif
