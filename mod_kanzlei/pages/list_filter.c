/* The filter above a list: the typed values, the choices, the errors. */
#include "pages/list_table.h"

#include <string.h>

#include <apr_strings.h>

#include "base/str.h"
#include "views.h"

#define KZ_LIST_CLIENTS 200 /* more than that can't be chosen from */

/* The clients to choose from; when there are too many, only the chosen one. */
static kz_err_t *show_clients(kz_view_t *view, const char *chosen, kz_grant_t *grant,
                              apr_pool_t *pool)
{
    kz_q_filter_clients_t *clients;
    int n, i;

    KZ_TRY((kz_grant_has(grant, KZ_RIGHT_ALL) ? kz_q_filter_clients : kz_q_filter_clients_mine)(
        &clients, &n, kz_grant_db(grant), pool));
    if (n > KZ_LIST_CLIENTS) {
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

static kz_err_t *show_matters(kz_view_t *view, const kz_list_asked_t *asked, kz_grant_t *grant)
{
    kz_q_filter_matters_args_t args = {asked->client};
    kz_q_filter_matters_t *matters;
    int n, i;

    kz_view_list(view, "matters");
    if (!asked->client)
        return NULL;
    KZ_TRY(kz_q_filter_matters(&matters, &n, kz_grant_db(grant), &args, asked->rq->pool));
    kz_show_filter_matters(view, "matters", matters, n);
    for (i = 0; i < n; i++)
        kz_view_flag(kz_view_at(view, "matters", i), "selected",
                     asked->matter && strcmp(matters[i].id, asked->matter) == 0);
    return NULL;
}

static kz_err_t *show(kz_view_t *view, kz_view_t *shown, const kz_list_asked_t *asked,
                      const kz_list__filter_t *filter, kz_grant_t *grant)
{
    apr_pool_t *pool = asked->rq->pool;
    const char *typed = kz_list__typed(asked, filter);
    const char *wrong = apr_table_get(asked->wrong, filter->name);

    if (typed && !kz_str_is_utf8(typed, strlen(typed)))
        typed = NULL; /* no page and no JSON could say it */
    if (wrong) {
        kz_view_text(shown, apr_pstrcat(pool, "err_", filter->name, NULL), wrong);
        kz_view_text(shown, filter->name, typed);
    }
    switch (filter->kind) {
    case KZ_LIST__CLIENT:
        return show_clients(view, asked->client, grant, pool);
    case KZ_LIST__MATTER:
        return show_matters(view, asked, grant);
    case KZ_LIST__CHOICE:
        if (!wrong)
            kz_view_enum(shown, filter->name, typed, filter->values);
        return NULL;
    case KZ_LIST__FROM:
    case KZ_LIST__TO:
        if (!wrong)
            kz_view_text(shown, filter->name, typed ? kz_list__day(typed, pool) : NULL);
        return NULL;
    case KZ_LIST__WORDS:
    case KZ_LIST__FILE_WORDS:
        kz_view_text(shown, filter->name, typed);
        return NULL;
    }
    return NULL;
}

kz_err_t *kz_list_filter(kz_view_t *view, const kz_list_asked_t *asked, kz_grant_t *grant)
{
    kz_view_t *shown = kz_view_object(view, "filter");
    const kz_list__filter_t *filter;

    for (filter = kz_list__filters; filter->list; filter++) {
        if (filter->list == asked->list)
            KZ_TRY(show(view, shown, asked, filter, grant));
    }
    kz_view_flag(shown, "active", asked->active);
    return NULL;
}

int kz_list_wrong(kz_reply_t *out, const kz_list_asked_t *asked)
{
    const apr_table_entry_t *entry = (const apr_table_entry_t *)apr_table_elts(asked->wrong)->elts;
    kz_view_t *problem, *row;
    int i;

    if (apr_is_empty_table(asked->wrong))
        return 0;
    out->status = 422;
    kz_view_object(out->view, "form"); /* so that the page's title says that something is wrong */
    problem = kz_view_object(out->view, "problem");
    kz_view_say(problem, "title", "form.problem");
    kz_view_list(problem, "fields");
    for (i = 0; i < apr_table_elts(asked->wrong)->nelts; i++) {
        row = kz_view_row(problem, "fields");
        kz_view_text(row, "name", entry[i].key);
        kz_view_text(row, "text", entry[i].val);
    }
    return 1;
}
