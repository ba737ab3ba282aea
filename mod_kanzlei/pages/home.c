/* GET /: for staff the worklist, most urgent first; for a client the new documents. */
#include "http/route.h"

#include <apr_strings.h>

#include "pages/list.h"
#include "pages/rows.h"
#include "queries.h"
#include "views.h"

#define KZ_HOME_ROWS 5 /* of each list; the queries ask for one more */

/* Sends all queries of the staff's page; the answers are read in this order. There are other
 * statements with the same columns for staff that see few clients. */
static kz_err_t *ask(const kz_grant_t *grant)
{
    int all = kz_grant_has(grant, KZ_RIGHT_ALL);
    kz_db_t *db = kz_grant_db(grant);

    KZ_TRY((all ? kz_q_home_counts_send : kz_q_home_counts_mine_send)(db));
    KZ_TRY(kz_q_home_locked_send(db));
    KZ_TRY(kz_q_home_unreachable_send(db));
    KZ_TRY((all ? kz_q_home_kept_send : kz_q_home_kept_mine_send)(db));
    KZ_TRY((all ? kz_q_home_fresh_send : kz_q_home_fresh_mine_send)(db));
    KZ_TRY((all ? kz_q_home_unopened_send : kz_q_home_unopened_mine_send)(db));
    return kz_db_end_send(db);
}

static int shown(int n)
{
    return n < KZ_HOME_ROWS ? n : KZ_HOME_ROWS;
}

/* The name of a list's count is there only when there is more than is shown.
 * view names: locked_count unreachable_count kept_count fresh_count unopened_count */
static void more(kz_view_t *view, const char *name, int found, int count)
{
    kz_view_count(view, name, found > KZ_HOME_ROWS ? count : 0);
}

static kz_err_t *locked(int *count, kz_view_t *view, kz_request_t *rq, kz_grant_t *grant)
{
    kz_q_home_locked_t *rows;
    int n;

    KZ_TRY(kz_q_home_locked_read(&rows, &n, kz_grant_db(grant), rq->pool));
    kz_show_home_locked(view, "locked", rows, shown(n));
    more(view, "locked_count", n, n);
    *count += n;
    return NULL;
}

/* Whom mails don't reach. */
static kz_err_t *unreachable(int *count, kz_view_t *view, kz_request_t *rq, kz_grant_t *grant)
{
    kz_q_home_unreachable_t *rows;
    int n;

    KZ_TRY(kz_q_home_unreachable_read(&rows, &n, kz_grant_db(grant), rq->pool));
    kz_show_home_unreachable(view, "unreachable", rows, shown(n));
    kz_view_flag(view, "has_unreachable", n > 0);
    more(view, "unreachable_count", n, n);
    *count += n;
    return NULL;
}

static kz_err_t *kept(int *count, kz_view_t *view, kz_request_t *rq, kz_grant_t *grant, int total)
{
    kz_q_home_kept_t *rows;
    int n, i;

    KZ_TRY(kz_q_home_kept_read(&rows, &n, kz_grant_db(grant), rq->pool));
    kz_show_home_kept(view, "kept", rows, shown(n));
    for (i = 0; i < shown(n); i++)
        kz_rows_message(kz_view_at(view, "kept", i), grant, "unscannable", rows[i].reason);
    more(view, "kept_count", n, total);
    *count += n;
    return NULL;
}

static kz_err_t *fresh(int *count, kz_view_t *view, kz_request_t *rq, kz_grant_t *grant, int total)
{
    kz_q_home_fresh_t *rows;
    int n;

    KZ_TRY(kz_q_home_fresh_read(&rows, &n, kz_grant_db(grant), rq->pool));
    kz_show_home_fresh(view, "fresh", rows, shown(n));
    more(view, "fresh_count", n, total);
    *count += n;
    return NULL;
}

static kz_err_t *unopened(int *count, kz_view_t *view, kz_request_t *rq, kz_grant_t *grant,
                          int total)
{
    kz_q_home_unopened_t *rows;
    int n;

    KZ_TRY(kz_q_home_unopened_read(&rows, &n, kz_grant_db(grant), rq->pool));
    kz_show_home_unopened(view, "unopened", rows, shown(n));
    more(view, "unopened_count", n, total);
    *count += n;
    return NULL;
}

kz_err_t *page_home_staff(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_view_t *view = kz_reply_page(out, "home-staff");
    kz_q_home_counts_t *counts;
    int all = 0;

    KZ_TRY(kz_grant_settle(grant)); /* the right to see all clients decides on the queries */
    KZ_TRY(ask(grant));
    KZ_TRY(kz_q_home_counts_read(&counts, kz_grant_db(grant), rq->pool));
    KZ_TRY(locked(&all, view, rq, grant));
    KZ_TRY(unreachable(&all, view, rq, grant));
    KZ_TRY(kept(&all, view, rq, grant, counts->kept));
    KZ_TRY(fresh(&all, view, rq, grant, counts->fresh));
    KZ_TRY(unopened(&all, view, rq, grant, counts->unopened));
    kz_view_flag(view, "all_done", all == 0);
    return NULL;
}

kz_err_t *page_home_client(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_view_t *view = kz_reply_page(out, "home-client");
    kz_q_home_fresh_client_t *fresh;
    kz_q_matters_mine_t *matters;
    kz_q_visible_count_t *clients;
    int n;

    KZ_TRY(kz_q_home_fresh_client_send(kz_grant_db(grant)));
    KZ_TRY(kz_q_matters_mine_send(kz_grant_db(grant),
                                  &(kz_q_matters_mine_args_t){.count = kz_list_matters.most}));
    KZ_TRY(kz_q_visible_count_send(kz_grant_db(grant)));
    KZ_TRY(kz_db_end_send(kz_grant_db(grant))); /* all is asked */
    KZ_TRY(kz_q_home_fresh_client_read(&fresh, &n, kz_grant_db(grant), rq->pool));
    kz_show_home_fresh_client(view, "fresh", fresh, shown(n));
    more(view, "fresh_count", n, n);
    KZ_TRY(kz_q_matters_mine_read(&matters, &n, kz_grant_db(grant), rq->pool));
    kz_show_matters_mine(view, "matters", matters, n);
    kz_view_text(view, "send_matter_id", n == 1 ? matters[0].id : NULL);
    KZ_TRY(kz_q_visible_count_read(&clients, kz_grant_db(grant), rq->pool));
    kz_view_flag(view, "several", clients->count > 1);
    return NULL;
}
