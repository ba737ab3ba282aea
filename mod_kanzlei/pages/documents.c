/* Documents: the list of all; one of them with its proof; its bytes; releasing and discarding it.
 */
#include "base/log.h"
#include "http/route.h"

#include <string.h>

#include <apr_strings.h>

#include "base/str.h"
#include "model/document/document.h"
#include "pages/list.h"
#include "pages/rows.h"
#include "queries.h"
#include "views.h"
#include "http/csrf.h"
#include "http/fetch.h"
#include "http/form.h"

#define EVENTS 200 /* shown of one document; the statement asks for one more */

/* Finds what the other side sent and this side has not opened. */
static kz_err_t *find_new(kz_q_documents_t **rows, int *n, const kz_list_asked_t *asked,
                          kz_grant_t *grant)
{
    const char *direction = kz_grant_is_staff(grant) ? "from_client" : "from_firm";
    kz_q_documents_new_args_t args = {KZ_LIST_WHOLE(asked), .direction = direction};
    kz_q_documents_new_mine_args_t mine = {KZ_LIST_MINE(asked), .direction = direction};

    if (kz_list_whole(asked, grant))
        return kz_q_documents_new(rows, n, kz_grant_db(grant), &args, asked->rq->pool);
    return kz_q_documents_new_mine(rows, n, kz_grant_db(grant), &mine, asked->rq->pool);
}

static kz_err_t *find_documents(kz_q_documents_t **rows, int *n, const kz_list_asked_t *asked,
                                kz_grant_t *grant)
{
    int available = kz_list_is(asked, "available"), kept = kz_list_is(asked, "unscannable");
    kz_q_documents_args_t args = {KZ_LIST_WHOLE(asked), .available = available,
                                  .unscannable = kept};
    kz_q_documents_mine_args_t mine = {KZ_LIST_MINE(asked), .available = available,
                                       .unscannable = kept};
    kz_q_documents_found_args_t found = {KZ_LIST_WHOLE(asked), .like = asked->like,
                                         .state = asked->state};
    apr_pool_t *pool = asked->rq->pool;

    if (asked->like)
        return kz_q_documents_found(rows, n, kz_grant_db(grant), &found, pool);
    if (kz_list_is(asked, "new"))
        return find_new(rows, n, asked, grant);
    if (kz_list_whole(asked, grant))
        return kz_q_documents(rows, n, kz_grant_db(grant), &args, pool);
    return kz_q_documents_mine(rows, n, kz_grant_db(grant), &mine, pool);
}

/* GET /documents */
kz_err_t *page_documents(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_view_t *view = kz_reply_page(out, "documents");
    kz_list_asked_t asked;
    kz_q_documents_t *rows;
    int n, i;

    KZ_TRY(kz_list_ask(&asked, &kz_list_documents, rq));
    KZ_TRY(kz_grant_settle(grant)); /* whether all clients are seen decides what is asked */
    KZ_TRY(kz_list_filter(view, &asked, grant));
    if (kz_list_wrong(out, &asked))
        return NULL;
    do
        KZ_TRY(find_documents(&rows, &n, &asked, grant));
    while (kz_list_again(&asked, n));
    rows = kz_list_page(&n, view, &asked, rows);
    kz_show_documents(view, "documents", rows, n);
    for (i = 0; i < n; i++)
        kz_rows_message(kz_view_at(view, "documents", i), grant, rows[i].state, rows[i].reason);
    return NULL;
}

/* The history; why the firm has released or discarded something is not its CLIENT's business. */
static void show_events(kz_view_t *view, kz_q_events_of_document_t *events, int n, int client)
{
    int skipped = n > EVENTS ? n - EVENTS : 0, i; /* the oldest one */

    kz_view_flag(view, "events_more", skipped > 0);
    events += skipped;
    n -= skipped;
    kz_show_events_of_document(view, "events", events, n);
    for (i = 0; i < n; i++) {
        kz_view_t *row = kz_view_at(view, "events", i);

        kz_view_text(row, "document_name", NULL); /* it is the page's own */
        if (client)
            kz_view_text(row, "detail", NULL);
        kz_rows_event(row, events[i].kind, events[i].sent, client ? NULL : events[i].detail);
    }
}

/* Whether the five steps are shown: to the firm, of what it has provided. */
static int shows_steps(const kz_q_document_t *document, const kz_grant_t *grant)
{
    return document->from_firm && kz_grant_is_staff(grant);
}

/* Fills the page of a document, also when its form comes back. Nothing can be asked afterwards. */
static kz_err_t *fill_page(kz_view_t *view, const kz_q_document_t *document, kz_request_t *rq,
                           kz_grant_t *grant)
{
    int available = strcmp(document->state, "available") == 0;
    kz_db_t *db = kz_grant_db(grant);
    kz_q_receipts_of_document_t *receipts;
    kz_q_events_of_document_t *events;
    int n;

    kz_show_document(view, "document", document);
    kz_rows_message(kz_view_object(view, "document"), grant, document->state, document->reason);
    kz_view_say(kz_view_object(view, "document"), "type_text",
                kz_document_type_word(document->media_type));
    kz_view_flag(view, "preview", available && strcmp(document->kind, "other") != 0);
    kz_view_flag(view, "may_confirm",
                 available && kz_grant_is_client(grant) && document->from_firm &&
                     !document->confirmed);
    kz_view_flag(view, "may_decide",
                 strcmp(document->state, "unscannable") == 0 && kz_grant_is_staff(grant) &&
                     kz_grant_has(grant, KZ_RIGHT_RELEASE));
    KZ_TRY(kz_q_events_of_document_send(db, &(kz_q_events_of_document_args_t){document->id}));
    KZ_TRY(kz_q_receipts_of_document_send(db, &(kz_q_receipts_of_document_args_t){document->id}));
    KZ_TRY(kz_grant_commit_send(grant)); /* all is asked */
    KZ_TRY(kz_q_events_of_document_read(&events, &n, db, rq->pool));
    show_events(view, events, n, kz_grant_is_client(grant));
    KZ_TRY(kz_q_receipts_of_document_read(&receipts, &n, db, rq->pool));
    kz_show_receipts_of_document(view, "steps", receipts, shows_steps(document, grant) ? n : 0);
    return NULL;
}

static const char *page_of(const kz_request_t *rq)
{
    return apr_pstrcat(rq->pool, "/documents/", kz_request_id(rq, "document"), NULL);
}

/* Whether DOCUMENT was sent by the other side than that of GRANT, which may open it. */
static int is_received(const kz_q_document_t *document, const kz_grant_t *grant)
{
    return strcmp(document->state, "available") == 0 &&
           document->from_firm != kz_grant_is_staff(grant);
}

typedef struct shown_t {
    kz_grant_t *grant;
    const char *document;
} shown_t;

static kz_err_t *note_opened(void *baton, const kz_sent_t *how)
{
    shown_t *shown = baton;

    if (how->status != 200)
        return NULL;
    KZ_TRY(kz_grant_again(shown->grant));
    KZ_TRY(kz_document_step(shown->grant, shown->document, KZ_DOCUMENT_OPENED));
    return kz_grant_commit(shown->grant);
}

/* GET /documents/{document}: where a person of the receiving side goes to it, it counts as opened
 * when the page has gone out. */
kz_err_t *page_document(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    const char *id = kz_request_id(rq, "document");
    kz_view_t *view = kz_reply_page(out, "document");
    kz_q_document_t *document;
    shown_t *shown;

    KZ_TRY(kz_q_document(&document, kz_grant_db(grant), &(kz_q_document_args_t){id}, rq->pool));
    if (is_received(document, grant) && kz_fetch_is_navigation(rq)) {
        shown = apr_palloc(rq->pool, sizeof *shown);
        *shown = (shown_t){grant, id};
        out->sent = note_opened;
        out->sent_baton = shown;
    }
    kz_form_show(view, rq, KZ_FORM_decision);
    return fill_page(view, document, rq, grant);
}

/* Plain text, in whatever charset. */
static int is_text(const char *type)
{
    return strncmp(type, "text/plain", 10) == 0 && strchr(";", type[10]);
}

/* Media types that may be shown in the page; all others are attachments. */
static int may_be_shown(const char *type)
{
    static const char *const shown[] = {"application/pdf", "image/png", "image/jpeg", "image/gif",
                                        "image/webp"};
    size_t i;

    if (is_text(type))
        return 1;
    for (i = 0; i < sizeof shown / sizeof *shown; i++) {
        if (strcmp(type, shown[i]) == 0)
            return 1;
    }
    return 0;
}

typedef struct download_t {
    kz_document_content_t *content;
    int navigated; /* a person went to its address */
} download_t;

static kz_err_t *note_download(void *baton, const kz_sent_t *how)
{
    download_t *download = baton;

    return kz_document_content_sent(download->content, how->watched ? NULL : how->parts,
                                    download->navigated && how->status == 200);
}

static void *keep_reader(void *baton, apr_pool_t *pool)
{
    return kz_document_reader(baton, pool);
}

static kz_err_t *note_received(void *kept, const char *parts, apr_pool_t *pool)
{
    return kz_document_arrived(kept, parts, pool);
}

/* GET /documents/{document}/content: the bytes; with ?view shown in the page. A page of another
 * site could have them fetched unseen, and they would count as received: such a request is
 * redirected to the document's page. */
kz_err_t *page_document_content(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    const char *id = kz_request_id(rq, "document");
    kz_document_content_t *content;
    download_t *download;
    const char *type;
    int show;

    if (kz_csrf_is_foreign(rq)) {
        kz_reply_see(out, rq->base, page_of(rq), NULL);
        return NULL;
    }
    KZ_TRY(kz_document_content_open(&content, grant, id));
    type = kz_document_content_type(content);
    show = kz_request_query(rq, "view") && may_be_shown(type);
    out->kind = KZ_REPLY_CONTENT;
    out->status = 200;
    out->type = strcmp(type, "text/plain") == 0 ? "text/plain; charset=utf-8" : type;
    out->framed = show;
    out->content.size = kz_document_content_size(content);
    out->content.baton = content;
    out->content.seek = kz_document_content_seek;
    out->content.read = kz_document_content_read;
    if (!kz_fetch_is_ahead(rq) && kz_document_content_is_incoming(content)) {
        out->content.received = note_received;
        out->content.keep = keep_reader;
        download = apr_palloc(rq->pool, sizeof *download);
        *download = (download_t){content, kz_fetch_is_navigation(rq)};
        out->sent = note_download;
        out->sent_baton = download;
    }
    kz_reply_header(out, "ETag",
                    apr_pstrcat(rq->pool, "\"", kz_document_content_hash(content), "\"", NULL));
    kz_reply_header(out, "Content-Disposition",
                    kz_str_content_disposition(show ? KZ_STR_INLINE : KZ_STR_ATTACHMENT,
                                               kz_document_content_name(content), rq->pool));
    return NULL;
}

/* POST /documents/{document}/confirm: the client says that it has come. */
kz_err_t *page_document_confirm(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    const char *id = kz_request_id(rq, "document");

    KZ_TRY(kz_document_step(grant, id, KZ_DOCUMENT_CONFIRMED));
    return kz_form_done(rq, grant, out, page_of(rq), "confirmed");
}

static kz_err_t *decide(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out, int release)
{
    const char *id = kz_request_id(rq, "document");
    kz_form_t *form = kz_form_read(rq, KZ_FORM_decision);
    const char *reason = kz_form_value(form, KZ_FIELD_decision_reason);
    kz_q_document_t *document;

    if (kz_form_failed(form)) {
        KZ_TRY(kz_q_document(&document, kz_grant_db(grant), &(kz_q_document_args_t){id}, rq->pool));
        return fill_page(kz_form_again(out, form, "document"), document, rq, grant);
    }
    KZ_TRY(kz_document_decide(grant, id, release, reason));
    return kz_form_done(rq, grant, out, page_of(rq), release ? "released" : "discarded");
}

kz_err_t *page_document_release(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    return decide(rq, grant, out, 1);
}

kz_err_t *page_document_discard(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    return decide(rq, grant, out, 0);
}
