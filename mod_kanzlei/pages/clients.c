/* Clients: the list, and the page of one. */
#include "http/route.h"

#include "pages/list.h"
#include "pages/rows.h"
#include "queries.h"
#include "views.h"

/* By name; of those that a person sees, or of those that are looked for. */
static kz_err_t *find_clients(kz_q_clients_t **rows, int *n, const kz_list_asked_t *asked,
                              kz_grant_t *grant)
{
    kz_q_clients_args_t args = {KZ_LIST_BY_NAME(asked)};
    kz_q_clients_found_args_t found = {KZ_LIST_BY_NAME(asked), .like = asked->like};
    kz_db_t *db = kz_grant_db(grant);
    apr_pool_t *pool = asked->rq->pool;

    if (asked->state) /* "locked", there is no other */
        return kz_q_clients_locked(rows, n, db, &found, pool);
    if (asked->like)
        return kz_q_clients_found(rows, n, db, &found, pool);
    return (kz_grant_has(grant, KZ_RIGHT_ALL) ? kz_q_clients : kz_q_clients_mine)(rows, n, db,
                                                                                  &args, pool);
}

/* GET /clients */
kz_err_t *page_clients(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_view_t *view = kz_reply_page(out, "clients");
    kz_list_asked_t asked;
    kz_q_clients_t *rows;
    int n;

    KZ_TRY(kz_list_ask(&asked, &kz_list_clients, rq));
    KZ_TRY(kz_grant_settle(grant));
    KZ_TRY(kz_list_filter(view, &asked, grant));
    if (kz_list_wrong(out, &asked))
        return NULL;
    do
        KZ_TRY(find_clients(&rows, &n, &asked, grant));
    while (kz_list_again(&asked, n));
    rows = kz_list_page(&n, view, &asked, rows);
    kz_show_clients(view, "clients", rows, n);
    return NULL;
}

static kz_err_t *send_queries(kz_db_t *db, const char *id)
{
    KZ_TRY(kz_q_client_send(db, &(kz_q_client_args_t){id}));
    KZ_TRY(kz_q_matters_of_client_send(db, &(kz_q_matters_of_client_args_t){id}));
    KZ_TRY(kz_q_accounts_of_client_send(db, &(kz_q_accounts_of_client_args_t){id}));
    KZ_TRY(kz_q_events_of_client_send(db, &(kz_q_events_of_client_args_t){id}));
    KZ_TRY(kz_q_assignments_of_client_send(db, &(kz_q_assignments_of_client_args_t){id}));
    KZ_TRY(kz_q_assignable_send(db, &(kz_q_assignable_args_t){id}));
    return kz_db_end_send(db);
}

static kz_err_t *show_people(kz_view_t *view, kz_db_t *db, apr_pool_t *pool)
{
    kz_q_assignments_of_client_t *assigned;
    kz_q_assignable_t *others;
    int n;

    KZ_TRY(kz_q_assignments_of_client_read(&assigned, &n, db, pool));
    kz_view_cut(view, "assignments_more", &n, KZ_ROWS_MOST);
    kz_show_assignments_of_client(view, "assignments", assigned, n);
    KZ_TRY(kz_q_assignable_read(&others, &n, db, pool));
    kz_view_cut(view, "assignable_more", &n, KZ_ROWS_MOST);
    kz_show_assignable(view, "assignable", others, n);
    return NULL;
}

/* GET /clients/{client}: its data, matters, accesses, last events, and the staff assigned to it. */
kz_err_t *page_client(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_view_t *view = kz_reply_page(out, "client");
    kz_db_t *db = kz_grant_db(grant);
    kz_q_client_t *client;
    kz_q_matters_of_client_t *matters;
    kz_q_accounts_of_client_t *accounts;
    kz_q_events_of_client_t *events;
    int n, i;

    KZ_TRY(send_queries(db, kz_request_id(rq, "client")));
    KZ_TRY(kz_q_client_read(&client, db, rq->pool));
    kz_show_client(view, "client", client);
    KZ_TRY(kz_q_matters_of_client_read(&matters, &n, db, rq->pool));
    kz_view_cut(view, "matters_more", &n, KZ_ROWS_MOST);
    kz_show_matters_of_client(view, "matters", matters, n);
    KZ_TRY(kz_q_accounts_of_client_read(&accounts, &n, db, rq->pool));
    kz_view_cut(view, "accounts_more", &n, KZ_ROWS_MOST);
    kz_show_accounts_of_client(view, "accounts", accounts, n);
    KZ_TRY(kz_q_events_of_client_read(&events, &n, db, rq->pool));
    kz_show_events_of_client(view, "events", events, n);
    for (i = 0; i < n; i++)
        kz_rows_event(kz_view_at(view, "events", i), events[i].kind, events[i].sent,
                      events[i].detail);
    kz_view_flag(view, "several", 0);
    return show_people(view, db, rq->pool);
}

/* GET /matters: the matters of all clients that somebody acts for. */
kz_err_t *page_matters(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_view_t *view = kz_reply_page(out, "matters");
    kz_q_matters_mine_t *rows;
    kz_q_visible_count_t *clients;
    kz_list_asked_t asked;
    int n;

    KZ_TRY(kz_list_ask(&asked, &kz_list_matters, rq));
    do {
        kz_q_matters_mine_args_t args = {KZ_LIST_BY_TIME(&asked)};

        KZ_TRY(kz_q_matters_mine_send(kz_grant_db(grant), &args));
        KZ_TRY(kz_q_visible_count_send(kz_grant_db(grant)));
        if (!asked.back)
            KZ_TRY(kz_db_end_send(kz_grant_db(grant))); /* all is asked */
        KZ_TRY(kz_q_matters_mine_read(&rows, &n, kz_grant_db(grant), rq->pool));
        KZ_TRY(kz_q_visible_count_read(&clients, kz_grant_db(grant), rq->pool));
    } while (kz_list_again(&asked, n));
    rows = kz_list_page(&n, view, &asked, rows);
    kz_show_matters_mine(view, "matters", rows, n);
    kz_view_flag(view, "several", clients->count > 1);
    return NULL;
}
