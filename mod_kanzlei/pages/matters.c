/* A matter: its documents, and the way to send some. */
#include "pages/matters.h"

#include "pages/list.h"
#include "pages/rows.h"
#include "queries.h"
#include "views.h"
#include "http/route.h"

kz_err_t *kz_matters_show(kz_reply_t *out, kz_request_t *rq, kz_grant_t *grant)
{
    kz_view_t *view = kz_reply_page(out, "matter");
    const char *id = kz_request_id(rq, "matter");
    kz_q_documents_of_matter_t *rows;
    kz_list_asked_t asked;
    kz_q_matter_t *matter;
    kz_q_matter_readers_t *readers;
    int n, i;

    KZ_TRY(kz_list_ask(&asked, &kz_list_matter_documents, rq));
    do {
        kz_q_documents_of_matter_args_t args = {KZ_LIST_BY_TIME(&asked), .matter = id};

        KZ_TRY(kz_q_matter_send(kz_grant_db(grant), &(kz_q_matter_args_t){id}));
        KZ_TRY(kz_q_matter_readers_send(kz_grant_db(grant), &(kz_q_matter_readers_args_t){id}));
        KZ_TRY(kz_q_documents_of_matter_send(kz_grant_db(grant), &args));
        if (!asked.back)
            KZ_TRY(kz_db_end_send(kz_grant_db(grant))); /* all is asked */
        KZ_TRY(kz_q_matter_read(&matter, kz_grant_db(grant), rq->pool));
        KZ_TRY(kz_q_matter_readers_read(&readers, kz_grant_db(grant), rq->pool));
        KZ_TRY(kz_q_documents_of_matter_read(&rows, &n, kz_grant_db(grant), rq->pool));
    } while (kz_list_again(&asked, n));
    rows = kz_list_page(&n, view, &asked, rows);
    kz_show_matter(view, "matter", matter);
    kz_view_flag(view, "may_send", 1);
    kz_view_flag(view, "no_access", readers->no_access);
    kz_view_flag(view, "no_mail", readers->no_mail);
    kz_view_size(view, "max_size", rq->portal->conf->max_size);
    kz_show_documents_of_matter(view, "documents", rows, n);
    for (i = 0; i < n; i++)
        kz_rows_message(kz_view_at(view, "documents", i), grant, rows[i].state, rows[i].reason);
    return NULL;
}

/* GET /matters/{matter}: the documents of one matter, newest first. */
kz_err_t *page_matter(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    return kz_matters_show(out, rq, grant);
}
