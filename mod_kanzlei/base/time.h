/* Times: as machines write them, and in the parts from which a person's wording is made. Moments
 * are apr_time_t (microseconds since 1970 in UTC); days are those of the process's time zone (TZ).
 */
#ifndef KZ_BASE_TIME_H
#define KZ_BASE_TIME_H

#include <apr_pools.h>
#include <apr_time.h>

#include "base/err.h"

typedef struct kz_time_parts_t {
    long day_number; /* of the local day: one more for each day of the calendar */
    int year;        /* 2026 */
    int month;       /* 1 to 12 */
    int day;         /* 1 to 31 */
    int hour;        /* 0 to 23 */
    int minute;      /* 0 to 59 */
    int second;      /* 0 to 60 */
    int weekday;     /* 0 is Sunday */
    int offset;      /* minutes east of UTC, as the clock had it then: 120 in a German summer */
} kz_time_parts_t;

/* "2026-11-12T07:14:05Z" (RFC 3339, UTC, fractions cut off), in POOL. */
const char *kz_time_iso(apr_time_t time, apr_pool_t *pool);

/* "+02:00", in POOL. */
const char *kz_time_offset(const kz_time_parts_t *parts, apr_pool_t *pool);

/* The local date and time of TIME. */
void kz_time_parts(kz_time_parts_t *parts, apr_time_t time);
long kz_time_day_number(apr_time_t time);

/* The local day that a form names ("2026-11-12", exactly so): from *START until just before *END.
 * Any of the two may be NULL. INVALID for anything else, and for days that are in no calendar. */
kz_err_t *kz_time_day(apr_time_t *start, apr_time_t *end, const char *date);

#endif
