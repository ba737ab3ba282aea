#include "pages/csv.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <csv.h>

#include "base/time.h"

#define KZ_CSV_ROWS 500   /* found at once */
#define KZ_CSV_MAX  50000 /* rows of one export */

typedef enum kind_t { TEXT, SIZE, TIME } kind_t;

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

struct kz_csv_t {
    kz_list_asked_t *asked;
    int rows;
    char *text;
    size_t len, room;
};

static void add(kz_csv_t *csv, const char *text, size_t len)
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
static void add_field(kz_csv_t *csv, const char *text)
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
static void end_line(kz_csv_t *csv)
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
    return apr_psprintf(pool, "%04d-%02d-%02d %02d:%02d:%02d", t.year, t.month, t.day, t.hour,
                        t.minute, t.second);
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
    }
    return NULL;
}

static apr_status_t drop(void *text)
{
    free(*(char **)text);
    return APR_SUCCESS;
}

kz_csv_t *kz_csv_open(kz_list_asked_t *asked)
{
    kz_request_t *rq = asked->rq;
    kz_csv_t *csv = apr_pcalloc(rq->pool, sizeof *csv);
    size_t i;

    csv->asked = asked;
    kz_list_start(asked);
    asked->count = KZ_CSV_ROWS;
    apr_pool_cleanup_register(rq->pool, &csv->text, drop, apr_pool_cleanup_null);
    add(csv, "\xef\xbb\xbf", 3);
    for (i = 0; i < COLUMNS; i++) {
        if (columns[i].list == asked->list)
            add_field(csv, kz_view_phrase(rq->words, columns[i].heading, NULL, rq->pool));
    }
    end_line(csv);
    return csv;
}

static void add_row(kz_csv_t *csv, const char *row, apr_pool_t *scratch)
{
    size_t i;

    for (i = 0; i < COLUMNS; i++) {
        if (columns[i].list == csv->asked->list)
            add_field(csv, text_of(row + columns[i].at, columns[i].kind, scratch));
    }
    end_line(csv);
}

int kz_csv_rows(kz_csv_t *csv, const void *rows, int n, apr_pool_t *scratch)
{
    size_t size = csv->asked->list->size;
    const char *row = rows;
    int i;

    for (i = 0; i < n; i++)
        add_row(csv, row + size * (size_t)i, scratch);
    csv->rows += n;
    if (n < KZ_CSV_ROWS || csv->rows >= KZ_CSV_MAX)
        return 0;
    kz_list_behind(csv->asked, row + size * (size_t)(n - 1));
    return 1;
}

void kz_csv_send(kz_reply_t *out, const kz_csv_t *csv, const char *file_name)
{
    kz_reply_bytes(out, "text/csv; charset=utf-8", csv->text, csv->len);
    kz_reply_header(out, "Content-Disposition",
                    apr_pstrcat(out->pool, "attachment; filename=\"", file_name, "\"", NULL));
}
