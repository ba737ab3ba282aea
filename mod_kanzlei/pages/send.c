/* POST /matters/{matter}/documents: files by a plain form, for browsers without JavaScript. Each is
 * sealed as it arrives; its token comes first in the form, and nothing is kept before that is
 * right. */
#include "web/route.h"

#include <string.h>

#include <apr_strings.h>

#include "base/str.h"
#include "model/document.h"
#include "model/upload.h"
#include "pages/rows.h"
#include "web/csrf.h"
#include "web/form.h"
#include "web/multipart.h"

#define KZ_SEND_PARTS  100  /* parts of one form */
#define KZ_SEND_HEADER 4096 /* bytes of a part's headers */
#define KZ_SEND_BLOCK  (64 * 1024)
#define KZ_SEND_TOKEN  100 /* bytes of the form's token */

typedef struct send_t {
    kz_request_t *rq;
    kz_grant_t *grant;
    int checked;  /* the token was right */
    int in_token; /* the part at hand is the token */
    char token[KZ_SEND_TOKEN];
    size_t token_len;
    kz_upload_t *upload; /* the file at hand, or NULL */
    const char *id, *name;
    apr_uint64_t size;
    int files, taken;  /* sent; received or kept back */
    const char *wrong; /* sentence about the first that was not */
} send_t;

static kz_err_t *begin(void *baton, const char *name, const char *filename, const char *type)
{
    send_t *s = baton;
    kz_upload_info_t info;

    (void)type;
    s->in_token = !filename && strcmp(name, "csrf") == 0;
    s->upload = NULL;
    if (!filename || !*filename || strcmp(name, "files") != 0)
        return NULL; /* an empty file field is sent without a name */
    if (!s->checked)
        return kz_err_create(KZ_ERR_FORGED, "a file before the form token");
    s->files++;
    s->size = 0;
    s->name = kz_str_file_name(filename, strlen(filename), s->rq->pool);
    KZ_TRY(kz_grant_again(s->grant));
    KZ_TRY(kz_upload_create(&s->id, s->grant, kz_request_id(s->rq, "matter"), s->name,
                            kz_document_type(s->name, NULL, 0), 0));
    KZ_TRY(kz_grant_again(s->grant));
    KZ_TRY(kz_upload_open(&s->upload, &info, s->grant, s->id));
    kz_upload_allow(s->upload, (apr_uint64_t)s->rq->portal->conf->max_size);
    return NULL;
}

static kz_err_t *data(void *baton, const char *bytes, size_t len)
{
    send_t *s = baton;

    if (s->in_token) {
        if (len > KZ_SEND_TOKEN - 1 - s->token_len)
            return kz_err_create(KZ_ERR_FORGED, "the form token is too long");
        memcpy(s->token + s->token_len, bytes, len);
        s->token_len += len;
        return NULL;
    }
    if (!s->upload)
        return NULL;
    s->size += len;
    return kz_upload_write(s->upload, bytes, len);
}

static void say(send_t *s, const char *state, const char *what)
{
    kz_view_t *row = kz_view_create(s->rq->words, s->rq->pool);

    kz_view_text(row, "name", s->name);
    kz_view_text(row, "what", what);
    kz_rows_message(row, s->grant, state, what);
    if (!s->wrong)
        s->wrong = kz_view_said(row, "message");
}

static kz_err_t *end(void *baton)
{
    send_t *s = baton;
    const char *state = "scanning", *what = "";
    kz_err_t *err;

    if (s->in_token) {
        s->token[s->token_len] = '\0';
        KZ_TRY(kz_csrf_check(s->rq, s->token));
        s->checked = 1;
    }
    if (!s->upload)
        return NULL;
    KZ_TRY(kz_upload_close(s->upload));
    s->upload = NULL;
    KZ_TRY(kz_upload_complete(s->grant, s->id, s->size));
    err =
        kz_upload_finish(&state, &what, s->rq->portal, kz_grant_firm(s->grant), s->id, s->rq->pool);
    KZ_TRY(err);
    if (strcmp(state, "available") == 0)
        s->taken++;
    else
        say(s, state, what);
    return NULL;
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

kz_err_t *page_send(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    send_t s = {.rq = rq, .grant = grant, .checked = kz_request_header(rq, "X-CSRF-Token") != NULL};
    const char *path = apr_pstrcat(rq->pool, "/matters/", kz_request_id(rq, "matter"), NULL);

    KZ_TRY(kz_grant_settle(grant));
    kz_grant_rest(grant);
    KZ_TRY(read_parts(&s));
    if (s.wrong)
        return kz_err_say(KZ_ERR_INFECTED, s.wrong);
    if (!s.checked || s.files == 0)
        return kz_err_field("files", "field.files");
    kz_reply_see(out, rq->base, path,
                 kz_grant_is_staff(grant) ? (s.taken == 1 ? "provided_one" : "provided")
                                          : (s.taken == 1 ? "uploaded_one" : "uploaded"));
    return NULL;
}
