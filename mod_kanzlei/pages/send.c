/* POST /matters/{matter}/documents: files by a plain form, for browsers without JavaScript. Each is
 * sealed as it arrives. The form's token comes first, and nothing is kept before it was checked.
 * The matter's page then shows the result of each file, also when a later one ends in an error. */
#include "http/route.h"

#include <string.h>

#include <apr_strings.h>

#include "base/log.h"
#include "model/document/document.h"
#include "model/field.h"
#include "model/upload/upload.h"
#include "pages/matters.h"
#include "pages/rows.h"
#include "queries.h"
#include "http/csrf.h"
#include "http/form.h"
#include "http/multipart.h"

#define KZ_SEND_PARTS  100  /* parts of one form */
#define KZ_SEND_HEADER 4096 /* bytes of a part's headers */
#define KZ_SEND_BLOCK  (64 * 1024)
#define KZ_SEND_FOLLOW 20           /* looks at the same file, sent at the same moment */
#define KZ_SEND_PAUSE  (100 * 1000) /* between two */

typedef struct send_t {
    kz_request_t *rq;
    kz_grant_t *grant;
    kz_view_t *view; /* "results" */
    int checked;     /* the token was right */
    int in_token;    /* the part at hand is the token */
    char token[KZ_CSRF_TEXT];
    size_t token_len;
    char form[KZ_STR_UUID_SIZE]; /* the form's own id; "": it has none */
    kz_form_file_t *file;        /* the file at hand */
    kz_upload_t *upload;         /* the file at hand, or NULL */
    const char *id, *name;       /* name: NULL once it is told */
    apr_uint64_t size;
    int files, taken;    /* sent; provided to the other side */
    kz_err_code_t code;  /* of the first that was refused */
    const char *refused; /* sentence about it, or NULL */
} send_t;

/* Adds the result of the file at hand. */
static kz_view_t *add_result(send_t *s, const char *state, const char *what, const char *key)
{
    kz_view_t *row = kz_view_row(s->view, "results");

    kz_view_text(row, "name", s->name);
    kz_view_text(row, "what", what);
    kz_view_enum(row, "state", state, "scanning|available|infected|unscannable|failed");
    if (key)
        kz_view_say(row, "message", key);
    else
        kz_rows_message(row, s->grant, state, what);
    s->name = NULL;
    return row;
}

static void refuse(send_t *s, kz_err_code_t code, const char *state, const char *what,
                   const char *key)
{
    const char *message = kz_view_said(add_result(s, state, what, key), "message");

    if (s->refused)
        return;
    s->code = code;
    s->refused = message;
}

static kz_err_t *begin(void *baton, const char *name, const char *filename, const char *type)
{
    send_t *s = baton;
    kz_upload_info_t info;

    (void)type;
    /* The first one counts; in a form of fields it is the same. */
    s->in_token = !s->checked && !filename && strcmp(name, "csrf") == 0;
    s->upload = NULL;
    if (!filename || !*filename || strcmp(name, "files") != 0)
        return NULL; /* an empty file field is sent without a name */
    if (!s->checked)
        return kz_err_create(KZ_ERR_FORGED, "a file before the form token");
    s->size = 0;
    kz_field_read(&s->name, KZ_FIELD_upload_filename, filename, strlen(filename), s->rq->pool);
    s->file = kz_form_file_begin(s->rq, s->form, s->files++, s->name);
    KZ_TRY(kz_grant_again(s->grant));
    KZ_TRY(kz_upload_create(&s->id, s->grant, kz_request_id(s->rq, "matter"), s->name,
                            kz_document_type(s->name, NULL, 0), 0));
    KZ_TRY(kz_grant_again(s->grant));
    KZ_TRY(kz_upload_open(&s->upload, &info, s->grant, s->id));
    kz_upload_allow(s->upload, (apr_uint64_t)s->rq->portal->conf->max_size);
    return NULL;
}

/* Removes a file that did not come whole: nobody can continue it. */
static kz_err_t *drop(send_t *s)
{
    kz_log_err(KZ_LOG_INFO,
               KZ_LOGNO(0036) "closing an upload that is dropped: ", kz_upload_close(&s->upload));
    kz_grant_rest(s->grant);
    return kz_upload_drop(s->grant, s->id);
}

/* The same behind an error, which is what is answered. */
static void give_up(send_t *s)
{
    kz_log_err(KZ_LOG_INFO, KZ_LOGNO(0037) "a file stays until its time is over: ", drop(s));
}

static kz_err_t *data(void *baton, const char *bytes, size_t len)
{
    send_t *s = baton;
    kz_err_t *err;

    if (s->in_token) {
        if (len > KZ_CSRF_TEXT - 1 - s->token_len)
            return kz_err_create(KZ_ERR_FORGED, "the form token is too long");
        memcpy(s->token + s->token_len, bytes, len);
        s->token_len += len;
        return NULL;
    }
    if (!s->upload)
        return NULL;
    s->size += len;
    kz_form_file_add(s->file, bytes, len);
    err = kz_upload_write(s->upload, bytes, len);
    if (!err)
        return kz_grant_keep(s->grant);
    if (kz_err_code(err) != KZ_ERR_TOO_LARGE)
        return err;
    kz_err_expected(err); /* the rest of it is read past */
    refuse(s, KZ_ERR_TOO_LARGE, "failed", "too_large", "sent.too_large");
    return drop(s);
}

/* Adds what END says of the file. */
static void add_end(send_t *s, const kz_upload_end_t *end)
{
    if (end->outcome != KZ_UPLOAD_OVER) {
        add_result(s, "scanning", NULL, "sent.scanning");
    } else if (strcmp(end->state, "available") == 0) {
        s->taken++;
        add_result(s, end->state, NULL, kz_grant_is_staff(s->grant) ? "sent.staff" : "sent.client");
    } else if (strcmp(end->state, "infected") == 0) {
        refuse(s, KZ_ERR_INFECTED, end->state, end->what, "infected");
    } else if (strcmp(end->state, "failed") == 0) {
        refuse(s, KZ_ERR_SEAL, end->state, end->what, NULL);
    } else {
        add_result(s, end->state, end->what, NULL);
    }
}

/* How the upload ID stands that has taken a file: END becomes RECEIVING where it stands nowhere, as
 * after a crash. */
static kz_err_t *look(kz_upload_end_t *end, send_t *s, const char *id)
{
    apr_pool_t *pool = s->rq->pool;
    kz_q_upload_document_t *document;
    kz_q_upload_t *row;
    kz_err_t *err;

    *end = (kz_upload_end_t){.outcome = KZ_UPLOAD_RECEIVING};
    KZ_TRY(kz_grant_again(s->grant));
    KZ_TRY(kz_q_upload_document(&document, kz_grant_db(s->grant),
                                &(kz_q_upload_document_args_t){id}, pool));
    if (document) {
        *end = (kz_upload_end_t){KZ_UPLOAD_OVER, document->state, document->reason};
        return NULL;
    }
    err = kz_q_upload(&row, kz_grant_db(s->grant), &(kz_q_upload_args_t){id}, pool);
    if (err && kz_err_code(err) == KZ_ERR_NOT_FOUND) {
        kz_err_expected(err);
        return NULL;
    }
    KZ_TRY(err);
    if (strcmp(row->state, "scanning") == 0 || strcmp(row->state, "storing") == 0)
        end->outcome = KZ_UPLOAD_TAKEN;
    else if (strcmp(row->state, "receiving") != 0)
        *end = (kz_upload_end_t){KZ_UPLOAD_OVER, row->state, row->what};
    return NULL;
}

/* The file at hand came with the same form before, as the upload BEFORE: that one counts, unless
 * there is nothing of it. *DONE: what became of it is told. */
static kz_err_t *follow(int *done, send_t *s, const char *before)
{
    kz_upload_end_t end;
    int tries = KZ_SEND_FOLLOW;

    *done = 0;
    for (;;) { /* who sends the same in this moment notes soon that all of it came */
        KZ_TRY(look(&end, s, before));
        kz_grant_rest(s->grant);
        if (end.outcome != KZ_UPLOAD_RECEIVING)
            break;
        if (tries-- == 0)
            return NULL;
        apr_sleep(KZ_SEND_PAUSE);
    }
    give_up(s);
    *done = 1;
    add_end(s, &end);
    return NULL;
}

/* Whether the file at hand was sent before, by a double click or an answer that was lost. */
static kz_err_t *is_again(int *done, send_t *s)
{
    const char *before;

    *done = 0;
    KZ_TRY(kz_form_file_end(&before, s->file, s->grant, s->id));
    return before ? follow(done, s, before) : NULL;
}

/* All bytes of a file are there. One that can't be checked or stored now is, later, by a job: that
 * is no error of the form, whose other files go on. */
static kz_err_t *finish(send_t *s)
{
    kz_upload_end_t end = {.outcome = KZ_UPLOAD_RECEIVING};
    kz_err_t *err = kz_grant_again(s->grant); /* the session may have ended meanwhile */
    int done = 0;

    if (!err)
        err = is_again(&done, s);
    kz_grant_rest(s->grant);
    if (done)
        return NULL;
    if (!err)
        err = kz_upload_finish(&end, s->grant, s->id, s->size, s->rq->pool);
    if (end.outcome == KZ_UPLOAD_RECEIVING) {
        give_up(s);
        return err;
    }
    kz_log_err(KZ_LOG_ERR, KZ_LOGNO(0072) "a file of a form is not finished yet: ", err);
    add_end(s, &end);
    return NULL;
}

static kz_err_t *end(void *baton)
{
    send_t *s = baton;
    kz_csrf_t token;
    kz_err_t *err;

    if (s->in_token) {
        s->token[s->token_len] = '\0';
        KZ_TRY(kz_csrf_read(&token, s->rq, s->token));
        KZ_TRY(kz_csrf_check_account(&token, s->grant));
        s->checked = 1;
        memcpy(s->form, token.form, sizeof s->form);
    }
    if (!s->upload)
        return NULL;
    err = kz_upload_close(&s->upload);
    if (err) {
        give_up(s);
        return err;
    }
    return finish(s);
}

static kz_err_t *read_parts(send_t *s)
{
    static const kz_multipart_handler_t handler = {begin, data, end};
    const kz_multipart_limits_t limits = {KZ_SEND_PARTS, KZ_SEND_HEADER};
    char *block = apr_palloc(s->rq->pool, KZ_SEND_BLOCK);
    kz_multipart_t *parser;
    apr_size_t len;

    KZ_TRY(kz_multipart_create(&parser, kz_request_header(s->rq, "Content-Type"), &limits, &handler,
                               s, s->rq->pool));
    do {
        len = KZ_SEND_BLOCK;
        KZ_TRY(kz_request_read(s->rq, block, &len));
        KZ_TRY(kz_multipart_feed(parser, block, len));
    } while (len > 0);
    return kz_multipart_finish(parser);
}

/* What ERR means where files came before it, and the page with their results can't be shown. */
static kz_err_t *explain(kz_err_t *err)
{
    kz_err_code_t code = kz_err_code(err);

    if (code == KZ_ERR_DB_DOWN || code == KZ_ERR_DB_BUSY)
        return kz_err_tell(err, "err.sent_unknown");
    if (code == KZ_ERR_NOT_FOUND)
        return kz_err_tell(err, "err.sent_ended");
    return code == KZ_ERR_SIGN_IN_NEEDED ? kz_err_tell(err, "err.sent_signed_out") : err;
}

/* The matter's page with the results; ERR, which may be NULL, is its problem and its status. */
static kz_err_t *answer(send_t *s, kz_reply_t *out, const char *path, kz_err_t *err)
{
    kz_err_t *page_err;

    if (err && s->name)
        add_result(s, "failed", NULL, NULL);
    s->rq->path = s->rq->here = apr_pstrcat(s->rq->pool, s->rq->base, path, NULL);
    page_err = kz_grant_again(s->grant);
    if (!page_err)
        page_err = kz_matters_show(out, s->rq, s->grant);
    if (page_err) {
        err = kz_log_second(err, page_err);
        return s->files > 0 ? explain(err) : err;
    }
    if (err)
        kz_view_object(out->view, "form"); /* the page's title says that something is wrong */
    kz_view_flag(out->view, "sent", s->files > 0);
    kz_view_flag(out->view, "refused", err && kz_err_sentence(err) != NULL);
    out->keep = 1;
    return err;
}

kz_err_t *page_send(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    send_t s = {.rq = rq, .grant = grant, .view = out->view};
    const char *path = apr_pstrcat(rq->pool, "/matters/", kz_request_id(rq, "matter"), NULL);
    int staff = kz_grant_is_staff(grant);
    kz_err_t *err;

    s.checked = rq->form_token != NULL; /* in the header */
    KZ_TRY(kz_grant_settle(grant));
    kz_grant_rest(grant);
    err = read_parts(&s);
    if (err && s.upload)
        give_up(&s);
    if (!err && s.files == 0)
        err = kz_err_field("files", "field.files");
    if (!err && s.refused)
        err = kz_err_say(s.code, s.refused);
    if (!err && s.taken == s.files) {
        kz_reply_see(out, rq->base, path,
                     staff ? (s.taken == 1 ? "provided_one" : "provided")
                           : (s.taken == 1 ? "uploaded_one" : "uploaded"));
        return NULL;
    }
    return s.checked ? answer(&s, out, path, err) : err;
}
