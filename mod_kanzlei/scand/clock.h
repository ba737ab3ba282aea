/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KZ_SCAND_CLOCK_H
#define KZ_SCAND_CLOCK_H

#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC in milliseconds, the clock of all deadlines here. */
static inline uint64_t kz_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

#endif
