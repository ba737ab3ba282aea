#include "base/time.h"

#include <string.h>
#include <time.h>

#include <apr_strings.h>

#include "base/str.h"

/* strftime() would be the slowest part of a long list. */
const char *kz_time_iso(apr_time_t time, apr_pool_t *pool)
{
    /* Rounds down for moments before 1970 too. */
    time_t seconds = (time_t)((time - (time < 0 ? APR_USEC_PER_SEC - 1 : 0)) / APR_USEC_PER_SEC);
    char *text = apr_pstrdup(pool, "0000-00-00T00:00:00Z");
    struct tm tm;

    if (!gmtime_r(&seconds, &tm) || tm.tm_year < -1900 || tm.tm_year > 9999 - 1900)
        return text;
    kz_str_digits(text + 4, tm.tm_year + 1900, 4);
    kz_str_digits(text + 7, tm.tm_mon + 1, 2);
    kz_str_digits(text + 10, tm.tm_mday, 2);
    kz_str_digits(text + 13, tm.tm_hour, 2);
    kz_str_digits(text + 16, tm.tm_min, 2);
    kz_str_digits(text + 19, tm.tm_sec, 2);
    return text;
}

void kz_time_parts(kz_time_parts_t *parts, apr_time_t time)
{
    const long day = 24 * 60 * 60;
    time_t seconds = (time_t)apr_time_sec(time);
    struct tm local = {0};

    localtime_r(&seconds, &local);
    parts->day_number = (long)(seconds + local.tm_gmtoff) / day;
    parts->year = local.tm_year + 1900;
    parts->month = local.tm_mon + 1;
    parts->day = local.tm_mday;
    parts->hour = local.tm_hour;
    parts->minute = local.tm_min;
    parts->second = local.tm_sec;
    parts->weekday = local.tm_wday;
    parts->offset = (int)(local.tm_gmtoff / 60);
}

const char *kz_time_offset(const kz_time_parts_t *parts, apr_pool_t *pool)
{
    int minutes = parts->offset < 0 ? -parts->offset : parts->offset;
    char *text = apr_pstrdup(pool, parts->offset < 0 ? "-00:00" : "+00:00");

    kz_str_digits(text + 3, minutes / 60, 2);
    kz_str_digits(text + 6, minutes % 60, 2);
    return text;
}

long kz_time_day_number(apr_time_t time)
{
    kz_time_parts_t parts;

    kz_time_parts(&parts, time);
    return parts.day_number;
}

/* The first moment of the day that is DAYS after DATE. Where clocks are put forward at midnight,
 * that is one o'clock. */
static apr_time_t midnight(const struct tm *date, int days)
{
    struct tm tm = {.tm_year = date->tm_year,
                    .tm_mon = date->tm_mon,
                    .tm_mday = date->tm_mday + days,
                    .tm_isdst = -1};

    return apr_time_from_sec(mktime(&tm));
}

kz_err_t *kz_time_day(apr_time_t *start, apr_time_t *end, const char *date)
{
    struct tm asked = {0}, noon;
    const char *rest;

    if (!date || strlen(date) != 10 || strspn(date, "0123456789-") != 10)
        return kz_err_create(KZ_ERR_INVALID, "not a date");
    rest = strptime(date, "%Y-%m-%d", &asked);
    if (!rest || *rest)
        return kz_err_create(KZ_ERR_INVALID, "not a date: %s", date);
    /* mktime makes 2 March of 30 February: then it was no day of the calendar. */
    noon = (struct tm){.tm_year = asked.tm_year,
                       .tm_mon = asked.tm_mon,
                       .tm_mday = asked.tm_mday,
                       .tm_hour = 12,
                       .tm_isdst = -1};
    if (mktime(&noon) == -1 || noon.tm_mon != asked.tm_mon)
        return kz_err_create(KZ_ERR_INVALID, "no such day: %s", date);
    if (start)
        *start = midnight(&asked, 0);
    if (end)
        *end = midnight(&asked, 1);
    return NULL;
}
