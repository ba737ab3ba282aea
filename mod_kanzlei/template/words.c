/* One language's words: texts, and how it says times and sizes. The patterns are texts rendered
 * once with a mark (\1, \2, \3) in each gap, so that saying a time is no more than filling gaps. */
#include "template/words.h"

#include <string.h>

#include <apr_strings.h>

#include "base/str.h"
#include "base/time.h"

static const char *const units[KZ_WORDS_UNITS] = {"size.b", "size.kb", "size.mb", "size.gb"};

/* The text KEY with the marks in place of NAMES: a copy, as what is rendered has room for a page.
 * view names: amount date day month_name time year */
static kz_err_t *pattern(const char **out, const kz_words_t *words, const char *key,
                         const char *const *names, apr_pool_t *pool)
{
    static const char *const marks[] = {"\1", "\2", "\3"};
    kz_value_t view;
    const char *rendered;
    apr_pool_t *scratch;
    kz_err_t *err;
    int i;

    apr_pool_create(&scratch, pool);
    view = kz_value_object(scratch);
    for (i = 0; names[i]; i++)
        *kz_value_member(view.object, names[i], scratch) = kz_value_text(marks[i], 1, scratch);
    err = kz_templates_text(&rendered, words->templates, key, &view, scratch);
    if (!err)
        *out = apr_pstrdup(pool, rendered);
    apr_pool_destroy(scratch);
    return err;
}

static kz_err_t *load_patterns(kz_words_t *words, apr_pool_t *pool)
{
    static const char *const time[] = {"time", NULL};
    static const char *const date[] = {"day", "month_name", "year", NULL};
    static const char *const exact[] = {"date", "time", NULL};
    static const char *const amount[] = {"amount", NULL};
    static const char *const nothing[] = {NULL};
    int i;

    for (i = 0; i < 12; i++)
        KZ_TRY(
            pattern(&words->month[i], words, apr_psprintf(pool, "month.%d", i + 1), nothing, pool));
    for (i = 0; i < KZ_WORDS_UNITS; i++)
        KZ_TRY(pattern(&words->unit[i], words, units[i], amount, pool));
    KZ_TRY(pattern(&words->point, words, "size.point", nothing, pool));
    KZ_TRY(pattern(&words->today, words, "time.today", time, pool));
    KZ_TRY(pattern(&words->yesterday, words, "time.yesterday", time, pool));
    KZ_TRY(pattern(&words->exact, words, "time.exact", exact, pool));
    return pattern(&words->date, words, "time.date", date, pool);
}

kz_err_t *kz_words_load(kz_words_t **words, const char *dir, const char *language, apr_pool_t *pool)
{
    kz_words_t *made = apr_pcalloc(pool, sizeof *made);
    kz_templates_t *templates;

    KZ_TRY(kz_templates_load(&templates, dir, language, kz_view_names, kz_view_names_count, pool));
    made->templates = templates;
    made->language = apr_pstrdup(pool, language);
    KZ_TRY(load_patterns(made, pool));
    *words = made;
    return NULL;
}

const kz_templates_t *kz_words_templates(const kz_words_t *words)
{
    return words->templates;
}

const char *kz_words_language(const kz_words_t *words)
{
    return words->language;
}

/* PATTERN with its gaps filled by ONE, TWO and THREE. */
static const char *fill_gaps(const char *pattern_text, const char *one, const char *two,
                             const char *three, apr_pool_t *pool)
{
    const char *values[] = {one, two, three};
    char room[256], *to = room, *end = room + sizeof room - 1;
    const char *from;

    for (from = pattern_text; *from && to < end; from++) {
        if (*from >= 1 && *from <= 3) {
            const char *value = values[*from - 1] ? values[*from - 1] : "";

            while (*value && to < end)
                *to++ = *value++;
        } else {
            *to++ = *from;
        }
    }
    return apr_pstrmemdup(pool, room, (apr_size_t)(to - room));
}

/* VALUE in at least WIDTH digits, in ROOM of 12 bytes. */
static const char *digits(char *room, int value, int width)
{
    room[11] = '\0';
    return kz_str_digits(room + 11, value, width);
}

const char *kz_words_date(const kz_words_t *words, const kz_time_parts_t *at, apr_pool_t *pool)
{
    char day[12], year[12];

    return fill_gaps(words->date, digits(day, at->day, 1), words->month[at->month - 1],
                     digits(year, at->year, 4), pool);
}

const char *kz_words_time(const char **exact, const kz_words_t *words, apr_time_t time, long today,
                          apr_pool_t *pool)
{
    const char *date, *clock;
    kz_time_parts_t at;
    char a[12], b[12], c[12];

    kz_time_parts(&at, time);
    date = kz_words_date(words, &at, pool);
    clock = apr_pstrcat(pool, digits(a, at.hour, 2), ":", digits(b, at.minute, 2), ":",
                        digits(c, at.second, 2), NULL);
    *exact = fill_gaps(
        words->exact, date,
        apr_pstrcat(pool, clock, " UTC", at.offset ? kz_time_offset(&at, pool) : "", NULL), NULL,
        pool);
    clock = apr_pstrmemdup(pool, clock, 5);
    if (at.day_number == today)
        return fill_gaps(words->today, clock, NULL, NULL, pool);
    if (at.day_number == today - 1)
        return fill_gaps(words->yesterday, clock, NULL, NULL, pool);
    return date;
}

const char *kz_words_size(const kz_words_t *words, apr_int64_t bytes, apr_pool_t *pool)
{
    double amount = (double)bytes;
    char number[32], *point;
    int unit = 0;

    for (; amount >= 999.5 && unit < KZ_WORDS_UNITS - 1; unit++)
        amount /= 1000;
    apr_snprintf(number, sizeof number, unit > 0 && amount < 99.95 ? "%.1f" : "%.0f", amount);
    point = strchr(number, '.');
    if (point)
        *point = *words->point;
    return fill_gaps(words->unit[unit], number, NULL, NULL, pool);
}
