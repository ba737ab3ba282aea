#include "pages/csv.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <csv.h>

#include "base/str.h"
#include "base/time.h"

#define KZ_CSV_ROWS 1000 /* found at once */

typedef enum kind_t { TEXT, SIZE, TIME, FLAG } kind_t;

#define KZ_LIST(list, path, rows, query, most, order, at, id, leads)                               \
    typedef kz_q_##query##_t list##_row_t;
#include "lists.def"

static const struct {
    const kz_list_t *list;
    kind_t kind;
    size_t at; /* in a row */
    const char *heading;
} columns[] = {
#define KZ_EXPORT(list, kind, name)                                                                \
    {&kz_list_##list, kind, offsetof(list##_row_t, name), "csv." #name},
#include "lists.def"
};

#define COLUMNS (sizeof columns / sizeof *columns)

/* An export under way. */
typedef struct csv_t {
    kz_list_asked_t asked;
    kz_csv_find_t find;
    kz_grant_t *grant;
    apr_pool_t *turn; /* cleared with each page */
    int over;         /* the last row was found */
    char *text;       /* of one page */
    size_t len, room;
} csv_t;

static void add(csv_t *csv, const char *text, size_t len)
{
    if (csv->len + len > csv->room) {
        csv->room = (csv->len + len) * 2;
        csv->text = realloc(csv->text, csv->room);
        if (!csv->text)
            abort();
    }
    memcpy(csv->text + csv->len, text, len);
    csv->len += len;
}

/* One field, quoted. What a spreadsheet would take for a formula gets an apostrophe in front. */
static void add_field(csv_t *csv, const char *text)
{
    char quoted[4200]; /* the longest field is 1,000 bytes, each at most doubled */
    const char *safe = text ? text : "";
    char room[2100];
    size_t len;

    if (*safe && strchr("=+-@\t\r", *safe)) {
        apr_snprintf(room, sizeof room, "'%s", safe);
        safe = room;
    }
    len = csv_write2(quoted, sizeof quoted, safe, strlen(safe), '"');
    add(csv, quoted, len < sizeof quoted ? len : sizeof quoted);
    add(csv, ";", 1);
}

/* The last field has no semicolon behind it. */
static void end_line(csv_t *csv)
{
    csv->len--;
    add(csv, "\r\n", 2);
}

static const char *when(apr_time_t at, apr_pool_t *pool)
{
    kz_time_parts_t t;

    if (!at)
        return "";
    kz_time_parts(&t, at);
    return apr_psprintf(pool, "%04d-%02d-%02d %02d:%02d:%02d%s", t.year, t.month, t.day, t.hour,
                        t.minute, t.second, kz_time_offset(&t, pool));
}

static const char *text_of(const void *value, kind_t kind, apr_pool_t *pool)
{
    switch (kind) {
    case TEXT:
        return *(const char *const *)value;
    case SIZE:
        return apr_psprintf(pool, "%" APR_INT64_T_FMT, *(const apr_int64_t *)value);
    case TIME:
        return when(*(const apr_time_t *)value, pool);
    case FLAG:
        return *(const int *)value ? "x" : "";
    }
    return NULL;
}

static apr_status_t drop(void *text)
{
    free(*(char **)text);
    return APR_SUCCESS;
}

static void add_heading(csv_t *csv)
{
    const kz_request_t *rq = csv->asked.rq;
    size_t i;

    add(csv, "\xef\xbb\xbf", 3);
    for (i = 0; i < COLUMNS; i++) {
        if (columns[i].list == csv->asked.list)
            add_field(csv, kz_view_phrase(rq->words, columns[i].heading, NULL, rq->pool));
    }
    end_line(csv);
}

static void add_row(csv_t *csv, const char *row)
{
    size_t i;

    for (i = 0; i < COLUMNS; i++) {
        if (columns[i].list == csv->asked.list)
            add_field(csv, text_of(row + columns[i].at, columns[i].kind, csv->turn));
    }
    end_line(csv);
}

/* Appends the next page. */
static kz_err_t *add_page(csv_t *csv)
{
    size_t size = csv->asked.list->size;
    const void *rows;
    const char *row;
    int n, i;

    apr_pool_clear(csv->turn);
    KZ_TRY(csv->find(&rows, &n, &csv->asked, csv->grant, csv->turn));
    row = rows;
    for (i = 0; i < n; i++)
        add_row(csv, row + size * (size_t)i);
    csv->over = n < KZ_CSV_ROWS;
    if (!csv->over)
        kz_list_behind(&csv->asked, row + size * (size_t)(n - 1));
    return NULL;
}

/* Gives the page at hand; the first one is there before the answer begins. */
static kz_err_t *read_page(const char **data, apr_size_t *len, void *baton)
{
    csv_t *csv = baton;

    if (csv->len == 0 && !csv->over) {
        KZ_TRY(kz_grant_again(csv->grant));
        KZ_TRY(add_page(csv));
        kz_grant_rest(csv->grant); /* a slow reader holds no connection */
    }
    *data = csv->text;
    *len = csv->len;
    csv->len = 0;
    return NULL;
}

/* TITLE and what is asked for in words: "Nachweis, Stand geöffnet, Von 2026-01-01.csv". */
static const char *file_name(const char *title, kz_reply_t *out)
{
    const char *words = kz_view_said(kz_view_object(out->view, "filter"), "words");

    return apr_pstrcat(out->pool, title, words ? ", " : "", words ? words : "", ".csv", NULL);
}

kz_err_t *kz_csv_send(kz_reply_t *out, const kz_list_asked_t *asked, kz_csv_find_t find,
                      kz_grant_t *grant, const char *title)
{
    csv_t *csv = apr_pcalloc(out->pool, sizeof *csv);

    csv->asked = *asked;
    csv->asked.count = KZ_CSV_ROWS;
    csv->find = find;
    csv->grant = grant;
    apr_pool_create(&csv->turn, out->pool);
    apr_pool_cleanup_register(out->pool, &csv->text, drop, apr_pool_cleanup_null);
    kz_list_start(&csv->asked);
    add_heading(csv);
    KZ_TRY(add_page(csv));
    kz_reply_stream(out, "text/csv; charset=utf-8", read_page, csv);
    kz_reply_header(
        out, "Content-Disposition",
        kz_str_content_disposition(KZ_STR_ATTACHMENT, file_name(title, out), out->pool));
    return NULL;
}
