/* How a language says times and sizes. For view.c. */
#ifndef KZ_TEMPLATE_WORDS_H
#define KZ_TEMPLATE_WORDS_H

#include "base/time.h"
#include "template/view.h"

#define KZ_WORDS_UNITS 4

struct kz_words_t {
    const kz_templates_t *templates;
    const char *language;
    const char *month[12], *today, *yesterday, *date, *exact; /* patterns with gaps */
    const char *unit[KZ_WORDS_UNITS], *point;
};

/* "12. November 2026" */
const char *kz_words_date(const kz_words_t *words, const kz_time_parts_t *at, apr_pool_t *pool);
/* "heute, 08:14", "gestern, 17:30" or the date; *EXACT is date and time to the second. TODAY is
 * kz_time_day_number() of now. */
const char *kz_words_time(const char **exact, const kz_words_t *words, apr_time_t time, long today,
                          apr_pool_t *pool);
/* "12,4 MB"; units of 1,000. */
const char *kz_words_size(const kz_words_t *words, apr_int64_t bytes, apr_pool_t *pool);

#endif
