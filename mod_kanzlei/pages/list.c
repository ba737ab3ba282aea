#include "pages/list_table.h"

#include <string.h>

#include <apr_escape.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "base/str.h"
#include "base/text.h"
#include "base/time.h"

#define ROW_MAX 100000000 /* of a row's number in a URL */

#define KZ_LIST(list, path, rows, query, most, order, at, id, leads)                               \
    const kz_list_t kz_list_##list = {#list,                                                       \
                                      most,                                                        \
                                      KZ_LIST_##order,                                             \
                                      sizeof(kz_q_##query##_t),                                    \
                                      offsetof(kz_q_##query##_t, at),                              \
                                      offsetof(kz_q_##query##_t, id)};
#include "lists.def"

const kz_list__filter_t kz_list__filters[] = {
#define KZ_FILTER(list, name, kind, most, values, label)                                           \
    {&kz_list_##list, #name, KZ_LIST__##kind, most, values, label},
#include "lists.def"
    {NULL, NULL, KZ_LIST__WORDS, 0, NULL, NULL},
};

const char *kz_list__typed(const kz_list_asked_t *asked, const kz_list__filter_t *filter)
{
    const char *typed = kz_request_query(asked->rq, filter->name);

    return typed && *typed ? typed : NULL;
}

static void wrong(kz_list_asked_t *asked, const kz_list__filter_t *filter, const char *key)
{
    kz_request_t *rq = asked->rq;

    apr_table_setn(asked->wrong, filter->name, kz_view_phrase(rq->words, key, NULL, rq->pool));
}

/* TYPED as a pattern of LIKE that finds it anywhere, in lower case. It is folded as the names are
 * that it is looked for in. */
static void read_words(kz_list_asked_t *asked, const kz_list__filter_t *filter, const char *typed)
{
    const char *folded = (filter->kind == KZ_LIST__FILE_WORDS ? kz_text_file_part : kz_text_line)(
        typed, strlen(typed), asked->rq->pool);
    char *to;

    if (!folded) {
        wrong(asked, filter, "field.characters");
        return;
    }
    if (kz_text_length(folded) > filter->most) {
        wrong(asked, filter, "field.too_long");
        return;
    }
    asked->like = to = apr_palloc(asked->rq->pool, 2 * strlen(folded) + 3);
    *to++ = '%';
    for (; *folded; folded++) {
        if (strchr("%_\\", *folded))
            *to++ = '\\';
        *to++ = (char)apr_tolower(*folded);
    }
    *to++ = '%';
    *to = '\0';
}

static void read_choice(kz_list_asked_t *asked, const kz_list__filter_t *filter, const char *typed)
{
    if (kz_str_is_one_of(filter->values, typed, strlen(typed)))
        asked->state = typed;
    else
        wrong(asked, filter, "filter.unknown");
}

static void read_id(const char **id, kz_list_asked_t *asked, const kz_list__filter_t *filter,
                    const char *typed)
{
    if (kz_str_is_uuid(typed))
        *id = typed;
    else
        wrong(asked, filter, "filter.unknown");
}

/* Takes up to MOST digits at *AT, and END behind them, if it is not NUL. -1: there are none. */
static int take_number(const char **at, size_t most, char end)
{
    const char *start = *at;
    int number = 0;

    while (apr_isdigit(**at) && (size_t)(*at - start) < most)
        number = number * 10 + *(*at)++ - '0';
    if (*at == start || **at != end)
        return -1;
    *at += end != '\0';
    return number;
}

const char *kz_list__day(const char *text, apr_pool_t *pool)
{
    const char *at = text;
    int day = take_number(&at, 2, '.');
    int month = day < 0 ? -1 : take_number(&at, 2, '.');
    int year = month < 0 ? -1 : take_number(&at, 4, '\0');

    return year < 1000 ? text : apr_psprintf(pool, "%04d-%02d-%02d", year, month, day);
}

static void read_day(kz_list_asked_t *asked, const kz_list__filter_t *filter, const char *typed)
{
    apr_time_t start, end;
    kz_err_t *err = kz_time_day(&start, &end, kz_list__day(typed, asked->rq->pool));

    if (err) {
        kz_err_expected(err); /* it says no more than the sentence */
        wrong(asked, filter, "field.date");
    } else if (filter->kind == KZ_LIST__FROM) {
        asked->from = start;
    } else {
        asked->to = end;
        if (asked->from >= end) /* FROM stands before TO in lists.def */
            wrong(asked, filter, "filter.order");
    }
}

static void read_filter(kz_list_asked_t *asked, const kz_list__filter_t *filter)
{
    const char *typed = kz_list__typed(asked, filter);

    if (!typed)
        return;
    asked->active = 1;
    switch (filter->kind) {
    case KZ_LIST__WORDS:
    case KZ_LIST__FILE_WORDS:
        read_words(asked, filter, typed);
        break;
    case KZ_LIST__CHOICE:
        read_choice(asked, filter, typed);
        break;
    case KZ_LIST__CLIENT:
        read_id(&asked->client, asked, filter, typed);
        break;
    case KZ_LIST__MATTER:
        read_id(&asked->matter, asked, filter, typed);
        break;
    case KZ_LIST__FROM:
    case KZ_LIST__TO:
        read_day(asked, filter, typed);
        break;
    }
}

/* A place: "<id>" in a list by name, "<microseconds>_<id>" in one that goes from new to old. */
static kz_err_t *read_place(kz_list_asked_t *asked)
{
    const char *after = kz_request_query(asked->rq, "after");
    const char *before = kz_request_query(asked->rq, "before");
    const char *row = kz_request_query(asked->rq, "row");
    const char *id;
    char *end;

    asked->back = before && *before;
    id = asked->back ? before : after;
    if (!id || !*id)
        return NULL;
    if (asked->back && after && *after)
        return kz_err_create(KZ_ERR_BAD_REQUEST, "\"after\" and \"before\" in one query");
    if (asked->list->order == KZ_LIST_NEWEST) {
        asked->at = apr_strtoi64(id, &end, 10);
        if (asked->at <= 0 || *end != '_')
            return kz_err_create(KZ_ERR_BAD_REQUEST, "no place in the list %s", asked->list->name);
        id = end + 1;
    }
    if (!kz_str_is_uuid(id))
        return kz_err_create(KZ_ERR_BAD_REQUEST, "no place in the list %s", asked->list->name);
    asked->id = id;
    asked->row = row ? (int)apr_strtoi64(row, NULL, 10) : 0;
    if (asked->row < 1 || asked->row > ROW_MAX)
        asked->row = 0;
    return NULL;
}

kz_err_t *kz_list_ask(kz_list_asked_t *asked, const kz_list_t *list, kz_request_t *rq)
{
    const kz_list__filter_t *filter;

    memset(asked, 0, sizeof *asked);
    asked->list = list;
    asked->rq = rq;
    asked->count = list->most + 1;
    asked->row = 1;
    asked->wrong = apr_table_make(rq->pool, 2);
    for (filter = kz_list__filters; filter->list; filter++) {
        if (filter->list == list)
            read_filter(asked, filter);
    }
    return read_place(asked);
}

int kz_list_is(const kz_list_asked_t *asked, const char *state)
{
    return asked->state && strcmp(asked->state, state) == 0;
}

int kz_list_whole(const kz_list_asked_t *asked, const kz_grant_t *grant)
{
    return asked->client || asked->matter || kz_grant_has(grant, KZ_RIGHT_ALL);
}

void kz_list_start(kz_list_asked_t *asked)
{
    asked->back = 0;
    asked->at = 0;
    asked->id = NULL;
    asked->row = 1;
}

int kz_list_again(kz_list_asked_t *asked, int n)
{
    if (!asked->back || n >= asked->list->most)
        return 0;
    kz_list_start(asked);
    return 1;
}

const char *kz_list_url(const kz_list_asked_t *asked, const char *path)
{
    const kz_list__filter_t *filter;
    apr_pool_t *pool = asked->rq->pool;
    const char *url = path;

    for (filter = kz_list__filters; filter->list; filter++) {
        const char *typed = filter->list == asked->list ? kz_list__typed(asked, filter) : NULL;

        if (typed)
            url = apr_pstrcat(pool, url, url == path ? "?" : "&", filter->name, "=",
                              apr_pescape_urlencoded(pool, typed), NULL);
    }
    return url;
}

static const char *id_of(const kz_list_t *list, const char *row)
{
    return *(const char *const *)(row + list->id);
}

static apr_time_t time_of(const kz_list_t *list, const char *row)
{
    return list->order == KZ_LIST_NEWEST ? *(const apr_time_t *)(row + list->at) : 0;
}

void kz_list_behind(kz_list_asked_t *asked, const void *row)
{
    asked->back = 0;
    asked->at = time_of(asked->list, row);
    asked->id = apr_pstrdup(asked->rq->pool, id_of(asked->list, row));
}

/* URL of the rows WHICH ("after", "before") the ROW; the first of them is number FIRST, 0: unknown.
 */
static const char *url_at(const kz_list_asked_t *asked, const char *start, const char *which,
                          const char *row, int first)
{
    const char *place = id_of(asked->list, row);
    apr_pool_t *pool = asked->rq->pool;

    if (asked->list->order == KZ_LIST_NEWEST)
        place = apr_psprintf(pool, "%" APR_TIME_T_FMT "_%s", time_of(asked->list, row), place);
    return apr_pstrcat(pool, start, strchr(start, '?') ? "&" : "?", which, "=", place,
                       first > 0 ? apr_psprintf(pool, "&row=%d", first) : "", NULL);
}

/* "rows": the numbers of the first and the last row shown, where the first is known; how many there
 * are, when the last is the end; "more": others follow. */
static void show_rows(kz_view_t *view, const kz_list_asked_t *asked, int n, int is_end)
{
    kz_view_t *rows = kz_view_object(view, "rows");
    int last = asked->row + n - 1;

    kz_view_text(rows, "first", NULL);
    kz_view_text(rows, "last", NULL);
    kz_view_text(rows, "total", NULL);
    kz_view_flag(rows, "more", !is_end);
    if (n == 0 || !asked->row)
        return;
    kz_view_number(rows, "first", asked->row);
    kz_view_number(rows, "last", last);
    if (is_end)
        kz_view_number(rows, "total", last);
}

void *kz_list_page(int *n, kz_view_t *view, const kz_list_asked_t *asked, void *rows)
{
    const char *start = kz_list_url(asked, asked->rq->path);
    char *shown = rows;
    const kz_list_t *list = asked->list;
    int more = *n > list->most; /* in the direction of reading */
    int is_start = asked->back ? !more : !asked->id;
    int is_end = asked->back ? 0 : !more;
    const char *last;

    if (more) {
        shown += asked->back ? list->size * (size_t)(*n - list->most) : 0;
        *n = list->most;
    }
    last = *n > 0 ? shown + list->size * (size_t)(*n - 1) : NULL;
    kz_view_text(view, "first", is_start ? NULL : start);
    kz_view_text(
        view, "previous",
        is_start || !last ? NULL : url_at(asked, start, "before", shown, asked->row - list->most));
    kz_view_text(view, "next",
                 is_end || !last
                     ? NULL
                     : url_at(asked, start, "after", last, asked->row ? asked->row + *n : 0));
    show_rows(view, asked, *n, is_end);
    return shown;
}
