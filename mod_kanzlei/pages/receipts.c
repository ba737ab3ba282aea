/* The firm's log of proof: who was provided with what, and when it was notified, opened, received,
 * confirmed. */
#include "http/route.h"

#include <apr_strings.h>

#include "pages/csv.h"
#include "pages/list.h"
#include "queries.h"
#include "views.h"

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
    return NULL;
}

/* GET /receipts.csv: all of them, whichever page the query names. */
kz_err_t *page_receipts_csv(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_list_asked_t asked;
    kz_q_receipts_t *rows;
    apr_pool_t *turn;
    kz_csv_t *csv;
    int n, wrong, more;

    KZ_TRY(ask_receipts(&wrong, &asked, rq, grant, out));
    if (wrong)
        return NULL;
    apr_pool_create(&turn, rq->pool);
    csv = kz_csv_open(&asked);
    do {
        KZ_TRY(find_receipts(&rows, &n, &asked, grant, turn));
        more = kz_csv_rows(csv, rows, n, turn);
        apr_pool_clear(turn);
    } while (more);
    kz_csv_send(out, csv, "nachweis.csv");
    return NULL;
}
