/* Clients: the list, and the page of one. */
#include "http/route.h"

#include <string.h>

#include <apr_escape.h>
#include <apr_strings.h>

#include "base/str.h"
#include "pages/rows.h"
#include "queries.h"
#include "views.h"

#define KZ_CLIENTS_ROWS 50 /* on one page; the queries ask for one more */

typedef struct clients_t {
    const char *q,
        *like; /* as typed, and as a pattern; both NULL if there is nothing to look for */
    int locked;
    const char *after; /* UUID of the last one shown, or NULL */
} clients_t;

static kz_err_t *read_query(clients_t *asked, const kz_request_t *rq)
{
    const char *q = kz_request_query(rq, "q"), *state = kz_request_query(rq, "state");

    memset(asked, 0, sizeof *asked);
    asked->like = kz_rows_like(q, rq->pool);
    asked->q = asked->like ? q : NULL;
    asked->locked = state && strcmp(state, "locked") == 0;
    asked->after = kz_request_query(rq, "after");
    if (asked->after && !*asked->after)
        asked->after = NULL;
    if (asked->after && !kz_str_is_uuid(asked->after))
        return kz_err_create(KZ_ERR_BAD_REQUEST, "\"after\" is no client");
    return NULL;
}

static void show_filter(kz_view_t *view, const clients_t *asked)
{
    kz_view_t *filter = kz_view_object(view, "filter");

    kz_view_text(filter, "q", asked->q);
    kz_view_enum(filter, "state", asked->locked ? "locked" : NULL, "locked");
    kz_view_flag(filter, "active", asked->q || asked->locked);
}

/* LAST is the last row shown when there are more behind it, or NULL. */
static void show_paging(kz_view_t *view, const kz_request_t *rq, const clients_t *asked,
                        const char *last)
{
    const char *q = asked->q ? apr_pescape_urlencoded(rq->pool, asked->q) : NULL;
    const char *first = apr_pstrcat(rq->pool, rq->base, "/clients", q || asked->locked ? "?" : "",
                                    q ? "q=" : "", q ? q : "", q && asked->locked ? "&" : "",
                                    asked->locked ? "state=locked" : "", NULL);

    kz_view_text(view, "first", asked->after ? first : NULL);
    kz_view_text(
        view, "next",
        last ? apr_pstrcat(rq->pool, first, strchr(first, '?') ? "&" : "?", "after=", last, NULL)
             : NULL);
}

static kz_err_t *list_found(const char **last, kz_view_t *view, const clients_t *asked,
                            kz_request_t *rq, kz_grant_t *grant)
{
    kz_q_clients_found_args_t args = {.like = asked->like ? asked->like : "%",
                                      .after = asked->after,
                                      .count = KZ_CLIENTS_ROWS + 1};
    kz_q_clients_found_t *rows;
    int n;

    KZ_TRY((asked->locked ? kz_q_clients_locked : kz_q_clients_found)(&rows, &n, kz_grant_db(grant),
                                                                      &args, rq->pool));
    kz_show_clients_found(view, "clients", rows, n < KZ_CLIENTS_ROWS ? n : KZ_CLIENTS_ROWS);
    *last = n > KZ_CLIENTS_ROWS ? rows[KZ_CLIENTS_ROWS - 1].id : NULL;
    return NULL;
}

static kz_err_t *list_all(const char **last, kz_view_t *view, const clients_t *asked,
                          kz_request_t *rq, kz_grant_t *grant)
{
    kz_q_clients_args_t args = {.after = asked->after, .count = KZ_CLIENTS_ROWS + 1};
    kz_q_clients_t *rows;
    int n;

    KZ_TRY((kz_grant_has(grant, "all") ? kz_q_clients : kz_q_clients_mine)(
        &rows, &n, kz_grant_db(grant), &args, rq->pool));
    kz_show_clients(view, "clients", rows, n < KZ_CLIENTS_ROWS ? n : KZ_CLIENTS_ROWS);
    *last = n > KZ_CLIENTS_ROWS ? rows[KZ_CLIENTS_ROWS - 1].id : NULL;
    return NULL;
}

/* GET /clients?q=&state=locked&after=: by name. */
kz_err_t *page_clients(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_view_t *view = kz_reply_page(out, "clients");
    const char *last;
    clients_t asked;

    KZ_TRY(read_query(&asked, rq));
    KZ_TRY(kz_grant_settle(grant));
    KZ_TRY((asked.like || asked.locked ? list_found : list_all)(&last, view, &asked, rq, grant));
    show_filter(view, &asked);
    show_paging(view, rq, &asked, last);
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
    return kz_db_commit_send(db);
}

static kz_err_t *show_people(kz_view_t *view, kz_db_t *db, apr_pool_t *pool)
{
    kz_q_assignments_of_client_t *assigned;
    kz_q_assignable_t *others;
    int n;

    KZ_TRY(kz_q_assignments_of_client_read(&assigned, &n, db, pool));
    kz_show_assignments_of_client(view, "assignments", assigned, n);
    KZ_TRY(kz_q_assignable_read(&others, &n, db, pool));
    kz_show_assignable(view, "assignable", others, n);
    return NULL;
}

/* GET /clients/{client}: what is stored, matters, accesses, the last events, who works for it. */
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
    kz_show_matters_of_client(view, "matters", matters, n);
    KZ_TRY(kz_q_accounts_of_client_read(&accounts, &n, db, rq->pool));
    kz_show_accounts_of_client(view, "accounts", accounts, n);
    KZ_TRY(kz_q_events_of_client_read(&events, &n, db, rq->pool));
    kz_show_events_of_client(view, "events", events, n);
    for (i = 0; i < n; i++)
        kz_rows_event(kz_view_at(view, "events", i), events[i].kind);
    kz_view_flag(view, "several", 0);
    return show_people(view, db, rq->pool);
}

/* GET /matters: the matters of all clients that somebody acts for. */
kz_err_t *page_matters(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_view_t *view = kz_reply_page(out, "matters");
    kz_db_t *db = kz_grant_db(grant);
    kz_q_matters_mine_t *matters;
    kz_q_visible_count_t *clients;
    int n;

    KZ_TRY(kz_q_matters_mine_send(db));
    KZ_TRY(kz_q_visible_count_send(db));
    KZ_TRY(kz_db_commit_send(db)); /* all is asked */
    KZ_TRY(kz_q_matters_mine_read(&matters, &n, db, rq->pool));
    kz_show_matters_mine(view, "matters", matters, n);
    KZ_TRY(kz_q_visible_count_read(&clients, db, rq->pool));
    kz_view_flag(view, "several", clients->count > 1);
    return NULL;
}
