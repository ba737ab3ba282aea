/* Counters and timings of one process; a monitor sums them over processes. Any thread counts
 * without a lock: each number is that of the moment in which it is read, not all are of the same
 * moment. The names are in metrics.def. */
#ifndef KZ_BASE_METRICS_H
#define KZ_BASE_METRICS_H

#include <stdatomic.h>

#include <apr_time.h>

typedef enum kz_counter_id_t {
#define KZ_COUNTER(id, name, help) KZ_COUNTER_##id,
#define KZ_TIMING(id, name, help)
#include "base/metrics.def"
#undef KZ_COUNTER
#undef KZ_TIMING
    KZ_COUNTERS /* how many */
} kz_counter_id_t;

typedef enum kz_timing_id_t {
#define KZ_COUNTER(id, name, help)
#define KZ_TIMING(id, name, help) KZ_TIMING_##id,
#include "base/metrics.def"
#undef KZ_COUNTER
#undef KZ_TIMING
    KZ_TIMINGS /* how many */
} kz_timing_id_t;

/* How many took at most 100 us, 1 ms, 10 ms, 100 ms, 1 s, 10 s; and longer. */
#define KZ_TIMING_BOUNDS  6
#define KZ_TIMING_BUCKETS (KZ_TIMING_BOUNDS + 1)

typedef struct kz_timing_t { /* zeros to begin with */
    atomic_ullong sum;       /* microseconds */
    atomic_ullong bucket[KZ_TIMING_BUCKETS];
} kz_timing_t;

typedef struct kz_timing_sum_t {
    unsigned long long count, sum; /* sum: microseconds */
    unsigned long long bucket[KZ_TIMING_BUCKETS];
} kz_timing_sum_t;

/* KZ_COUNT(DB_BUSY): one more. */
#define KZ_COUNT(id)       kz_metrics_count(KZ_COUNTER_##id)
/* KZ_TIME(DB_WAIT, start): it took from START (kz_clock_now()) until now. */
#define KZ_TIME(id, start) kz_metrics_time(kz_metrics_timing(KZ_TIMING_##id), start)

void kz_metrics_count(kz_counter_id_t id);
kz_timing_t *kz_metrics_timing(kz_timing_id_t id);
/* Adds to TIMING what passed since START; a caller's own timing, too. */
void kz_metrics_time(kz_timing_t *timing, apr_time_t start);

/* Reads a counter or a timing. ID: below KZ_COUNTERS, KZ_TIMINGS. */
unsigned long long kz_metrics_counted(kz_counter_id_t id);
void kz_metrics_sum(kz_timing_sum_t *sum, const kz_timing_t *timing);
const char *kz_metrics_counter_name(kz_counter_id_t id);
const char *kz_metrics_timing_name(kz_timing_id_t id);
/* The upper bound of a bucket in microseconds; 0: the last one has none. */
apr_time_t kz_metrics_bound(int bucket);

#endif
