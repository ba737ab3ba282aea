/* The frames of HTTP/2. The first byte is the size of the pieces in which the rest comes: however
 * it is cut, the same streams end. */
#include "http/frames.h"

#include <stdlib.h>
#include <string.h>

#define MOST 64

typedef struct ends_t {
    uint32_t stream[MOST];
    int count;
} ends_t;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ended(void *baton, uint32_t stream)
{
    ends_t *ends = baton;

    if (stream == 0 || stream > 0x7fffffff)
        abort();
    ends->stream[ends->count++ % MOST] = stream;
}

static void take(ends_t *ends, const char *bytes, size_t len, size_t piece)
{
    kz_frames_t frames = {{0}, 0, 0};

    memset(ends, 0, sizeof *ends);
    while (len > 0) {
        size_t n = len < piece ? len : piece;

        if (!kz_frames_skip(&frames, n))
            kz_frames_take(&frames, bytes, n, ended, ends);
        bytes += n;
        len -= n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ends_t whole, cut;

    if (size == 0)
        return 0;
    take(&whole, (const char *)data + 1, size - 1, size);
    take(&cut, (const char *)data + 1, size - 1, data[0] ? data[0] : 1);
    if (memcmp(&whole, &cut, sizeof whole) != 0)
        abort();
    return 0;
}
