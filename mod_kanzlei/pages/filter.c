#include "pages/filter.h"

#include <string.h>

#include "base/str.h"
#include "base/time.h"
#include "pages/rows.h"
#include "queries.h"
#include "views.h"

#define KZ_FILTER_CLIENTS 200 /* more than that are not listed */

static const char *uuid_or_null(const char *text)
{
    return text && kz_str_is_uuid(text) ? text : NULL;
}

static const char *one_of(const char *text, const char *values)
{
    size_t len = text ? strlen(text) : 0;
    const char *at;

    for (at = values; len > 0 && (at = strstr(at, text)) != NULL; at += len) {
        if ((at == values || at[-1] == '|') && (at[len] == '|' || !at[len]))
            return text;
    }
    return NULL;
}

/* The start (or, LAST, the end) of the day that the query names; 0 if it names none. */
static apr_time_t day(const kz_request_t *rq, const char *name, int last)
{
    const char *text = kz_request_query(rq, name);
    apr_time_t start, end;
    kz_err_t *err;

    if (!text || !*text)
        return 0;
    err = kz_time_day(&start, &end, text);
    if (!err)
        return last ? end : start;
    kz_err_expected(err); /* no day: no bound */
    return 0;
}

kz_err_t *kz_filter_read(kz_filter_t *filter, const kz_request_t *rq, const char *states)
{
    memset(filter, 0, sizeof *filter);
    filter->client = uuid_or_null(kz_request_query(rq, "client"));
    filter->matter = uuid_or_null(kz_request_query(rq, "matter"));
    filter->state = one_of(kz_request_query(rq, "state"), states);
    filter->like = kz_rows_like(kz_request_query(rq, "q"), rq->pool);
    filter->from = day(rq, "from", 0);
    filter->to = day(rq, "to", 1);
    return kz_rows_place(&filter->at, &filter->id, rq);
}

int kz_filter_is(const kz_filter_t *filter, const char *state)
{
    return filter->state && strcmp(filter->state, state) == 0;
}

int kz_filter_whole(const kz_filter_t *filter, const kz_grant_t *grant)
{
    return filter->client || filter->matter || kz_grant_has(grant, KZ_RIGHT_ALL);
}

static const char *or_null(const char *text)
{
    return text && *text ? text : NULL;
}

/* The clients to choose from; when there are too many, only the chosen one. */
static kz_err_t *show_clients(kz_view_t *view, const char *chosen, kz_grant_t *grant,
                              apr_pool_t *pool)
{
    kz_q_filter_clients_t *clients;
    int n, i;

    KZ_TRY((kz_grant_has(grant, KZ_RIGHT_ALL) ? kz_q_filter_clients : kz_q_filter_clients_mine)(
        &clients, &n, kz_grant_db(grant), pool));
    if (n > KZ_FILTER_CLIENTS) {
        n = 0;
        if (chosen)
            KZ_TRY(kz_q_filter_client(&clients, &n, kz_grant_db(grant),
                                      &(kz_q_filter_client_args_t){chosen}, pool));
    }
    kz_show_filter_clients(view, "clients", clients, n);
    for (i = 0; i < n; i++)
        kz_view_flag(kz_view_at(view, "clients", i), "selected",
                     chosen && strcmp(clients[i].id, chosen) == 0);
    return NULL;
}

static kz_err_t *show_matters(kz_view_t *view, const kz_filter_t *filter, kz_grant_t *grant,
                              apr_pool_t *pool)
{
    kz_q_filter_matters_args_t args = {filter->client};
    kz_q_filter_matters_t *matters;
    int n, i;

    kz_view_list(view, "matters");
    if (!filter->client)
        return NULL;
    KZ_TRY(kz_q_filter_matters(&matters, &n, kz_grant_db(grant), &args, pool));
    kz_show_filter_matters(view, "matters", matters, n);
    for (i = 0; i < n; i++)
        kz_view_flag(kz_view_at(view, "matters", i), "selected",
                     filter->matter && strcmp(matters[i].id, filter->matter) == 0);
    return NULL;
}

kz_err_t *kz_filter_view(kz_view_t *view, const kz_filter_t *filter, const kz_request_t *rq,
                         kz_grant_t *grant)
{
    kz_view_t *shown = kz_view_object(view, "filter");

    kz_view_text(shown, "q", or_null(kz_request_query(rq, "q")));
    kz_view_text(shown, "from", filter->from ? kz_request_query(rq, "from") : NULL);
    kz_view_text(shown, "to", filter->to ? kz_request_query(rq, "to") : NULL);
    kz_view_enum(shown, "state", filter->state,
                 "new|available|unscannable|infected|unopened|opened|received|confirmed");
    kz_view_flag(shown, "active",
                 filter->client || filter->matter || filter->state || filter->like ||
                     filter->from || filter->to);
    KZ_TRY(show_clients(view, filter->client, grant, rq->pool));
    return show_matters(view, filter, grant, rq->pool);
}
