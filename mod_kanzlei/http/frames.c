#include "http/frames.h"

#include <string.h>

#define TYPE_DATA    0x0
#define TYPE_HEADERS 0x1
#define END_STREAM   0x1

static uint64_t payload_of(const unsigned char *head)
{
    return (uint64_t)head[0] << 16 | (uint64_t)head[1] << 8 | head[2];
}

/* The stream that the frame with this head ends, or 0. */
static uint32_t ended_by(const unsigned char *head)
{
    if ((head[3] != TYPE_DATA && head[3] != TYPE_HEADERS) || !(head[4] & END_STREAM))
        return 0;
    return ((uint32_t)head[5] & 0x7f) << 24 | (uint32_t)head[6] << 16 | (uint32_t)head[7] << 8 |
           head[8];
}

int kz_frames_skip(kz_frames_t *frames, uint64_t len)
{
    if (frames->have < KZ_FRAMES_HEAD || len >= frames->left)
        return 0; /* the frame's end is for kz_frames_take() */
    frames->left -= len;
    return 1;
}

void kz_frames_take(kz_frames_t *frames, const char *bytes, size_t len,
                    void (*ended)(void *baton, uint32_t stream), void *baton)
{
    for (;;) {
        size_t n;

        if (frames->have < KZ_FRAMES_HEAD) {
            n = KZ_FRAMES_HEAD - frames->have;
            n = len < n ? len : n;
            memcpy(frames->head + frames->have, bytes, n);
            frames->have += (unsigned)n;
            if (frames->have < KZ_FRAMES_HEAD)
                return;
            frames->left = payload_of(frames->head);
        } else {
            n = len < frames->left ? len : (size_t)frames->left;
            frames->left -= n;
        }
        bytes += n;
        len -= n;
        if (frames->left == 0) {
            uint32_t stream = ended_by(frames->head);

            frames->have = 0;
            if (stream)
                ended(baton, stream);
        }
        if (len == 0)
            return;
    }
}
