/* The filter above a list: the typed values, the choices, the errors. */
#include "pages/list_table.h"

#include <string.h>

#include <apr_strings.h>

#include "base/str.h"
#include "pages/rows.h"
#include "views.h"

#define KZ_LIST_CLIENTS 200 /* more than that can't be chosen from */

/* Whether a choice is the CHOSEN one; then *NAME is WORDS. */
static void select_row(const char **name, kz_view_t *row, const char *id, const char *chosen,
                       const char *words)
{
    int selected = chosen && strcmp(id, chosen) == 0;

    kz_view_flag(row, "selected", selected);
    if (selected)
        *name = words;
}

/* The clients to choose from; when there are too many, only the chosen one. */
static kz_err_t *show_clients(const char **name, kz_view_t *view, const char *chosen,
                              kz_grant_t *grant, apr_pool_t *pool)
{
    kz_q_filter_clients_t *clients;
    int n, i;

    KZ_TRY((kz_grant_has(grant, KZ_RIGHT_ALL) ? kz_q_filter_clients : kz_q_filter_clients_mine)(
        &clients, &n, kz_grant_db(grant), pool));
    kz_view_flag(view, "clients_many", n > KZ_LIST_CLIENTS);
    if (n > KZ_LIST_CLIENTS) {
        n = 0;
        if (chosen)
            KZ_TRY(kz_q_filter_client(&clients, &n, kz_grant_db(grant),
                                      &(kz_q_filter_client_args_t){chosen}, pool));
    }
    kz_show_filter_clients(view, "clients", clients, n);
    for (i = 0; i < n; i++)
        select_row(name, kz_view_at(view, "clients", i), clients[i].id, chosen,
                   clients[i].client_name);
    return NULL;
}

static kz_err_t *show_matters(const char **name, kz_view_t *view, const kz_list_asked_t *asked,
                              kz_grant_t *grant)
{
    kz_q_filter_matters_args_t args = {asked->client};
    kz_q_filter_matters_t *matters;
    int n, i;

    kz_view_list(view, "matters");
    kz_view_flag(view, "matters_more", 0);
    if (!asked->client)
        return NULL;
    KZ_TRY(kz_q_filter_matters(&matters, &n, kz_grant_db(grant), &args, asked->rq->pool));
    kz_view_cut(view, "matters_more", &n, KZ_ROWS_MOST);
    kz_show_filter_matters(view, "matters", matters, n);
    for (i = 0; i < n; i++)
        select_row(name, kz_view_at(view, "matters", i), matters[i].id, asked->matter,
                   matters[i].title);
    return NULL;
}

/* Appends "label value" to the words of what is asked for. */
static void add_words(const char **words, const kz_list_asked_t *asked,
                      const kz_list__filter_t *filter, const char *value)
{
    apr_pool_t *pool = asked->rq->pool;

    if (value)
        *words = apr_pstrcat(pool, *words, **words ? ", " : "",
                             kz_view_phrase(asked->rq->words, filter->label, NULL, pool), " ",
                             value, NULL);
}

/* *VALUE: what is chosen, in words; NULL: nothing. */
static kz_err_t *show(const char **value, kz_view_t *view, const kz_list_asked_t *asked,
                      const kz_list__filter_t *filter, kz_grant_t *grant)
{
    kz_view_t *shown = kz_view_object(view, "filter");
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
        return show_clients(value, view, asked->client, grant, pool);
    case KZ_LIST__MATTER:
        return show_matters(value, view, asked, grant);
    case KZ_LIST__CHOICE:
        if (wrong)
            return NULL;
        kz_view_enum(shown, filter->name, typed, filter->values);
        if (typed)
            *value = kz_view_phrase(
                asked->rq->words, apr_pstrcat(pool, "filter.", asked->list->name, ".", typed, NULL),
                NULL, pool);
        return NULL;
    case KZ_LIST__FROM:
    case KZ_LIST__TO:
        if (!wrong)
            kz_view_text(shown, filter->name, *value = typed ? kz_list__day(typed, pool) : NULL);
        return NULL;
    case KZ_LIST__WORDS:
    case KZ_LIST__FILE_WORDS:
        kz_view_text(shown, filter->name, *value = typed);
        return NULL;
    }
    return NULL;
}

kz_err_t *kz_list_filter(kz_view_t *view, const kz_list_asked_t *asked, kz_grant_t *grant)
{
    kz_view_t *shown = kz_view_object(view, "filter");
    const kz_list__filter_t *filter;
    const char *words = "";

    for (filter = kz_list__filters; filter->list; filter++) {
        const char *value = NULL;

        if (filter->list != asked->list)
            continue;
        KZ_TRY(show(&value, view, asked, filter, grant));
        add_words(&words, asked, filter, value);
    }
    kz_view_text(shown, "words", words);
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
