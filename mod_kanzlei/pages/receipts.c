/* The firm's log of proof: who was provided with what, and when it was notified, opened, received,
 * confirmed. */
#include "http/route.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <csv.h>

#include "base/time.h"
#include "pages/filter.h"
#include "pages/rows.h"
#include "queries.h"
#include "views.h"

#define KZ_RECEIPTS_ROWS     50    /* on one page */
#define KZ_RECEIPTS_CSV_ROWS 500   /* fetched at once for the export */
#define KZ_RECEIPTS_CSV_MAX  50000 /* rows of one export */
#define KZ_RECEIPTS_STATES   "unopened|opened|received|confirmed"

static kz_err_t *find_receipts(kz_q_receipts_t **rows, int *n, const kz_filter_t *filter, int count,
                               kz_grant_t *grant, apr_pool_t *pool)
{
    kz_q_receipts_args_t args = {
        KZ_FILTER_WHOLE(filter),
        .unopened = kz_filter_is(filter, "unopened"),
        .opened = kz_filter_is(filter, "opened"),
        .received = kz_filter_is(filter, "received"),
        .confirmed = kz_filter_is(filter, "confirmed"),
        .count = count,
    };
    kz_q_receipts_mine_args_t mine = {
        KZ_FILTER_MINE(filter),    .unopened = args.unopened,   .opened = args.opened,
        .received = args.received, .confirmed = args.confirmed, .count = count,
    };

    if (kz_filter_whole(filter, grant))
        return kz_q_receipts(rows, n, kz_grant_db(grant), &args, pool);
    return kz_q_receipts_mine(rows, n, kz_grant_db(grant), &mine, pool);
}

kz_err_t *page_receipts(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_view_t *view = kz_reply_page(out, "receipts");
    const char *query = strchr(rq->here, '?');
    kz_q_receipts_t *rows;
    kz_filter_t filter;
    int n, i;

    KZ_TRY(kz_filter_read(&filter, rq, KZ_RECEIPTS_STATES));
    KZ_TRY(kz_grant_settle(grant)); /* whether all clients are seen decides what is asked */
    KZ_TRY(kz_filter_view(view, &filter, rq, grant));
    KZ_TRY(find_receipts(&rows, &n, &filter, KZ_RECEIPTS_ROWS + 1, grant, rq->pool));
    kz_show_receipts(view, "receipts", rows, n < KZ_RECEIPTS_ROWS ? n : KZ_RECEIPTS_ROWS);
    i = n > KZ_RECEIPTS_ROWS ? KZ_RECEIPTS_ROWS - 1 : 0;
    kz_rows_paging(view, rq, i ? rows[i].provided : 0, i ? rows[i].document_id : NULL);
    kz_view_text(view, "csv",
                 apr_pstrcat(rq->pool, rq->base, "/receipts.csv", query ? query : "", NULL));
    kz_view_time(view, "now", apr_time_now());
    return NULL;
}

/* --- export: UTF-8 with BOM, semicolons (RFC 4180 otherwise), as spreadsheets here expect it
 * ------------ */

typedef struct csv_t {
    char *text;
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
static void field(csv_t *csv, const char *text, char end)
{
    char quoted[4200]; /* the longest field is 1,000 bytes, each at most doubled */
    const char *safe = text ? text : "";
    char room[1100];
    size_t len;

    if (*safe && strchr("=+-@\t\r", *safe)) {
        apr_snprintf(room, sizeof room, "'%s", safe);
        safe = room;
    }
    len = csv_write2(quoted, sizeof quoted, safe, strlen(safe), '"');
    add(csv, quoted, len < sizeof quoted ? len : sizeof quoted);
    add(csv, end == '\n' ? "\r\n" : ";", end == '\n' ? 2 : 1);
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

static void head(csv_t *csv, const kz_request_t *rq)
{
    static const char *const keys[] = {"csv.document",    "csv.client",    "csv.number",
                                       "csv.matter",      "csv.size",      "csv.provided",
                                       "csv.provided_by", "csv.notified",  "csv.notified_by",
                                       "csv.opened",      "csv.opened_by", "csv.received",
                                       "csv.received_by", "csv.confirmed", "csv.confirmed_by"};
    size_t i, n = sizeof keys / sizeof *keys;

    add(csv, "\xef\xbb\xbf", 3);
    for (i = 0; i < n; i++)
        field(csv, kz_view_phrase(rq->words, keys[i], NULL, rq->pool), i + 1 < n ? ';' : '\n');
}

static void line(csv_t *csv, const kz_q_receipts_t *r, apr_pool_t *pool)
{
    const char *fields[] = {r->document_name,
                            r->client_name,
                            r->client_number,
                            r->matter_title,
                            apr_psprintf(pool, "%" APR_INT64_T_FMT, r->size),
                            when(r->provided, pool),
                            r->provided_by,
                            when(r->notified, pool),
                            r->notified_by,
                            when(r->opened, pool),
                            r->opened_by,
                            when(r->received, pool),
                            r->received_by,
                            when(r->confirmed, pool),
                            r->confirmed_by};
    size_t i, n = sizeof fields / sizeof *fields;

    for (i = 0; i < n; i++)
        field(csv, fields[i], i + 1 < n ? ';' : '\n');
}

static apr_status_t drop(void *text)
{
    free(*(char **)text);
    return APR_SUCCESS;
}

kz_err_t *page_receipts_csv(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    csv_t *csv = apr_pcalloc(rq->pool, sizeof *csv);
    kz_q_receipts_t *rows;
    kz_filter_t filter;
    apr_pool_t *turn;
    int n, i, all = 0;

    apr_pool_cleanup_register(rq->pool, &csv->text, drop, apr_pool_cleanup_null);
    apr_pool_create(&turn, rq->pool);
    KZ_TRY(kz_filter_read(&filter, rq, KZ_RECEIPTS_STATES));
    KZ_TRY(kz_grant_settle(grant));
    head(csv, rq);
    do {
        KZ_TRY(find_receipts(&rows, &n, &filter, KZ_RECEIPTS_CSV_ROWS, grant, turn));
        for (i = 0; i < n; i++)
            line(csv, &rows[i], turn);
        if (n > 0) {
            filter.at = rows[n - 1].provided;
            filter.id = apr_pstrdup(rq->pool, rows[n - 1].document_id);
        }
        apr_pool_clear(turn);
        all += n;
    } while (n == KZ_RECEIPTS_CSV_ROWS && all < KZ_RECEIPTS_CSV_MAX);
    kz_reply_bytes(out, "text/csv; charset=utf-8", csv->text, csv->len);
    kz_reply_header(out, "Content-Disposition", "attachment; filename=\"nachweis.csv\"");
    return NULL;
}
