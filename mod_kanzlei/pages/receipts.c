/* The firm's log of proof: who was provided with what, and when it was notified, opened, received,
 * confirmed. */
#include "http/route.h"

#include <apr_strings.h>

#include "pages/csv.h"
#include "pages/list.h"
#include "queries.h"
#include "views.h"

#define COUNT_MAX 500 /* rows that are counted, to say "1 to 50 of 130" */

static kz_err_t *find_receipts(kz_q_receipts_t **rows, int *n, const kz_list_asked_t *asked,
                               kz_grant_t *grant, apr_pool_t *pool)
{
    kz_q_receipts_args_t args = {
        KZ_LIST_WHOLE(asked),
        .unopened = kz_list_is(asked, "unopened"),
        .opened = kz_list_is(asked, "opened"),
        .received = kz_list_is(asked, "received"),
        .confirmed = kz_list_is(asked, "confirmed"),
    };
    kz_q_receipts_mine_args_t mine = {
        KZ_LIST_MINE(asked),       .unopened = args.unopened,   .opened = args.opened,
        .received = args.received, .confirmed = args.confirmed,
    };

    if (kz_list_whole(asked, grant))
        return kz_q_receipts(rows, n, kz_grant_db(grant), &args, pool);
    return kz_q_receipts_mine(rows, n, kz_grant_db(grant), &mine, pool);
}

/* Whatever the place. *N is at most 501. */
static kz_err_t *count_receipts(int *n, const kz_list_asked_t *asked, kz_grant_t *grant,
                                apr_pool_t *pool)
{
    kz_q_receipts_count_args_t args = {
        .client = asked->client,
        .matter = asked->matter,
        .unopened = kz_list_is(asked, "unopened"),
        .opened = kz_list_is(asked, "opened"),
        .received = kz_list_is(asked, "received"),
        .confirmed = kz_list_is(asked, "confirmed"),
        .from = asked->from,
        .to = asked->to,
    };
    kz_q_receipts_count_mine_args_t mine = {args.unopened,  args.opened, args.received,
                                            args.confirmed, args.from,   args.to};
    kz_q_receipts_count_t *row;

    if (kz_list_whole(asked, grant))
        KZ_TRY(kz_q_receipts_count(&row, kz_grant_db(grant), &args, pool));
    else
        KZ_TRY(kz_q_receipts_count_mine(&row, kz_grant_db(grant), &mine, pool));
    *n = row->n;
    return NULL;
}

/* What is asked for, and the page's filter; when something is wrong with it, *WRONG: the page says
 * so. */
static kz_err_t *ask_receipts(int *wrong, kz_list_asked_t *asked, kz_request_t *rq,
                              kz_grant_t *grant, kz_reply_t *out)
{
    kz_view_t *view = kz_reply_page(out, "receipts");

    KZ_TRY(kz_list_ask(asked, &kz_list_receipts, rq));
    KZ_TRY(kz_grant_settle(grant)); /* whether all clients are seen decides what is asked */
    kz_view_text(view, "csv",
                 kz_list_url(asked, apr_pstrcat(rq->pool, rq->base, "/receipts.csv", NULL)));
    kz_view_time(view, "now", apr_time_now());
    KZ_TRY(kz_list_filter(view, asked, grant));
    *wrong = kz_list_wrong(out, asked);
    return NULL;
}

/* GET /receipts */
kz_err_t *page_receipts(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_list_asked_t asked;
    kz_q_receipts_t *rows;
    int n, wrong;

    KZ_TRY(ask_receipts(&wrong, &asked, rq, grant, out));
    if (wrong)
        return NULL;
    do
        KZ_TRY(find_receipts(&rows, &n, &asked, grant, rq->pool));
    while (kz_list_again(&asked, n));
    rows = kz_list_page(&n, out->view, &asked, rows);
    kz_show_receipts(out->view, "receipts", rows, n);
    if (kz_view_said(out->view, "next")) { /* else the last row says it */
        KZ_TRY(count_receipts(&n, &asked, grant, rq->pool));
        if (n <= COUNT_MAX)
            kz_view_number(kz_view_object(out->view, "rows"), "total", n);
    }
    return NULL;
}

static kz_err_t *find_for_export(const void **rows, int *n, const kz_list_asked_t *asked,
                                 kz_grant_t *grant, apr_pool_t *pool)
{
    kz_q_receipts_t *found = NULL;
    kz_err_t *err = find_receipts(&found, n, asked, grant, pool);

    *rows = found;
    return err;
}

/* GET /receipts.csv: all of them, whichever page the query names. */
kz_err_t *page_receipts_csv(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_list_asked_t asked;
    int wrong;

    KZ_TRY(ask_receipts(&wrong, &asked, rq, grant, out));
    if (wrong)
        return NULL;
    return kz_csv_send(out, &asked, find_for_export, grant,
                       kz_view_phrase(rq->words, "receipts.title", NULL, rq->pool));
}
