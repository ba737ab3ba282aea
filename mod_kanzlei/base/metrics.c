#include "base/metrics.h"

#include "base/clock.h"

static atomic_ullong counters[KZ_COUNTERS];
static kz_timing_t timings[KZ_TIMINGS];

static const char *const counter_names[] = {
#define KZ_COUNTER(id, name, help) name,
#define KZ_TIMING(id, name, help)
#include "base/metrics.def"
#undef KZ_COUNTER
#undef KZ_TIMING
};

static const char *const timing_names[] = {
#define KZ_COUNTER(id, name, help)
#define KZ_TIMING(id, name, help) name,
#include "base/metrics.def"
#undef KZ_COUNTER
#undef KZ_TIMING
};

static const apr_time_t bounds[KZ_TIMING_BOUNDS] = {100, 1000, 10000, 100000, 1000000, 10000000};

void kz_metrics_count(kz_counter_id_t id)
{
    atomic_fetch_add_explicit(&counters[id], 1, memory_order_relaxed);
}

kz_timing_t *kz_metrics_timing(kz_timing_id_t id)
{
    return &timings[id];
}

void kz_metrics_time(kz_timing_t *timing, apr_time_t start)
{
    apr_time_t took = kz_clock_now() - start;
    int i = 0;

    while (i < KZ_TIMING_BOUNDS && took > bounds[i])
        i++;
    atomic_fetch_add_explicit(&timing->sum, (unsigned long long)took, memory_order_relaxed);
    atomic_fetch_add_explicit(&timing->bucket[i], 1, memory_order_relaxed);
}

unsigned long long kz_metrics_counted(kz_counter_id_t id)
{
    return atomic_load_explicit(&counters[id], memory_order_relaxed);
}

void kz_metrics_sum(kz_timing_sum_t *sum, const kz_timing_t *timing)
{
    int i;

    sum->count = 0;
    sum->sum = atomic_load_explicit(&timing->sum, memory_order_relaxed);
    for (i = 0; i < KZ_TIMING_BUCKETS; i++) {
        sum->bucket[i] = atomic_load_explicit(&timing->bucket[i], memory_order_relaxed);
        sum->count += sum->bucket[i];
    }
}

const char *kz_metrics_counter_name(kz_counter_id_t id)
{
    return counter_names[id];
}

const char *kz_metrics_timing_name(kz_timing_id_t id)
{
    return timing_names[id];
}

apr_time_t kz_metrics_bound(int bucket)
{
    return bucket < KZ_TIMING_BOUNDS ? bounds[bucket] : 0;
}
