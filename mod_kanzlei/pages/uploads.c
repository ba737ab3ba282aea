/* tus 1.0 (core, creation, expiration, termination, checksum;
 * https://tus.io/protocols/resumable-upload). */
#include "http/route.h"

#include <string.h>

#include <apr_strings.h>

#include "base/log.h"
#include "base/str.h"
#include "model/document/document.h"
#include "model/field.h"
#include "model/upload/upload.h"
#include "pages/rows.h"
#include "queries.h"
#include "http/checksum.h"
#include "http/tus.h"

#define KZ_UPLOADS_BLOCK (64 * 1024)

static void tus_headers(kz_reply_t *out, const kz_upload_info_t *info)
{
    kz_reply_header(out, "Tus-Resumable", "1.0.0");
    if (!info)
        return;
    kz_reply_header(out, "Upload-Offset",
                    apr_psprintf(out->pool, "%" APR_UINT64_T_FMT, info->offset));
    kz_reply_header(out, "Upload-Length",
                    apr_psprintf(out->pool, "%" APR_UINT64_T_FMT, info->size));
    if (info->expires) {
        char date[APR_RFC822_DATE_LEN];

        apr_rfc822_date(date, info->expires);
        kz_reply_header(out, "Upload-Expires", apr_pstrdup(out->pool, date));
    }
}

static kz_err_t *check_version(const kz_request_t *rq, kz_reply_t *out)
{
    const char *version = kz_request_header(rq, "Tus-Resumable");

    if (version && strcmp(version, "1.0.0") == 0)
        return NULL;
    kz_reply_header(out, "Tus-Version", "1.0.0");
    return kz_err_create(KZ_ERR_PRECONDITION, "Tus-Resumable: %.20s", version ? version : "-");
}

static kz_err_t *number_header(apr_uint64_t *value, const kz_request_t *rq, const char *name)
{
    return kz_tus_number(value, kz_request_header(rq, name), name);
}

/* The answer when the last byte has come: over, refused, or still being checked. Whoever sent it
 * must still be allowed to: the session may have ended meanwhile, or the right to see the matter.
 * An error behind the moment in which all bytes are noted says that nobody needs to send again. */
static kz_err_t *finish(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out,
                        const kz_upload_info_t *info)
{
    kz_upload_end_t end;
    kz_err_t *err;

    KZ_TRY(kz_grant_again(grant));
    kz_grant_rest(grant);
    err = kz_upload_finish(&end, grant, info->id, info->size, rq->pool);
    if (end.outcome == KZ_UPLOAD_WAITING || end.outcome == KZ_UPLOAD_TAKEN)
        return kz_err_tell(err, "err.kept");
    if (err || end.outcome != KZ_UPLOAD_OVER)
        return err;
    kz_reply_header(out, "Upload-State", end.state);
    if (strcmp(end.state, "infected") == 0)
        return kz_rows_infected(rq, info->name, end.what);
    return NULL;
}

/* POST /matters/{matter}/uploads: creation. */
kz_err_t *page_upload_create(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    const char *name, *id;
    apr_uint64_t size;
    apr_size_t len;

    KZ_TRY(check_version(rq, out));
    KZ_TRY(number_header(&size, rq, "Upload-Length"));
    KZ_TRY(kz_tus_metadata(&name, &len, kz_request_header(rq, "Upload-Metadata"), "filename",
                           rq->pool));
    kz_field_read(&name, KZ_FIELD_upload_filename, name, len, rq->pool);
    KZ_TRY(kz_upload_create(&id, grant, kz_request_id(rq, "matter"), name,
                            kz_document_type(name, NULL, 0), size));
    kz_reply_empty(out, 201);
    tus_headers(out, NULL);
    kz_reply_header(out, "Location", apr_pstrcat(rq->pool, rq->base, "/uploads/", id, NULL));
    if (size > 0)
        return NULL;
    return finish(rq, grant, out, &(kz_upload_info_t){.id = id, .name = name});
}

/* HEAD and GET /uploads/{upload}: where it stands; for people, as JSON. */
kz_err_t *page_upload(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_upload_info_t info;
    kz_view_t *view;

    KZ_TRY(kz_upload_stat(&info, grant, kz_request_id(rq, "upload")));
    tus_headers(out, &info);
    if (strcmp(rq->method, "HEAD") == 0) {
        kz_reply_empty(out, 200);
        return NULL;
    }
    view = kz_reply_page(out, "upload");
    kz_view_text(view, "id", info.id);
    kz_view_text(view, "name", info.name);
    kz_view_size(view, "size", (apr_int64_t)info.size);
    kz_view_number(view, "offset", (apr_int64_t)info.offset);
    kz_view_enum(view, "state", info.state,
                 "receiving|scanning|storing|available|infected|unscannable|failed");
    kz_view_text(view, "what", info.what);
    kz_rows_message(view, grant, info.state, info.what);
    return NULL;
}

/* Takes the body from OFFSET on. When the connection breaks, the bytes that came are kept. With a
 * checksum, all of it or nothing. */
static kz_err_t *receive(kz_request_t *rq, kz_grant_t *grant, kz_upload_t *upload,
                         kz_upload_info_t *info, kz_checksum_t *checksum)
{
    char *block = apr_palloc(rq->pool, KZ_UPLOADS_BLOCK);
    kz_err_t *err = NULL, *close_err;
    apr_size_t len;

    if (kz_checksum_announced(checksum))
        err = kz_upload_hold(upload);
    for (len = 1; !err && len > 0; info->offset += len) {
        len = KZ_UPLOADS_BLOCK;
        err = kz_request_read(rq, block, &len);
        if (!err && len > 0) {
            kz_checksum_add(checksum, block, len);
            err = kz_upload_write(upload, block, len);
        }
        if (!err)
            err = kz_grant_keep(grant);
    }
    if (!err)
        err = kz_checksum_verify(checksum);
    if (!err)
        kz_upload_keep(upload);
    close_err = kz_upload_close(&upload);
    return kz_log_second(err, close_err);
}

/* PATCH /uploads/{upload}: more bytes. */
kz_err_t *page_upload_patch(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    const char *type = kz_request_header(rq, "Content-Type");
    const char *id = kz_request_id(rq, "upload");
    kz_upload_info_t info;
    kz_checksum_t *checksum;
    kz_upload_t *upload;
    apr_uint64_t offset;
    kz_err_t *err;
    int over;

    KZ_TRY(check_version(rq, out));
    if (!type || strcmp(type, "application/offset+octet-stream") != 0)
        return kz_err_create(KZ_ERR_MEDIA_TYPE, "an upload is application/offset+octet-stream");
    KZ_TRY(number_header(&offset, rq, "Upload-Offset"));
    KZ_TRY(kz_checksum_create(&checksum, kz_request_header(rq, "Upload-Checksum"), rq->pool));
    err = kz_upload_open(&upload, &info, grant, id);
    over = err && kz_err_code(err) == KZ_ERR_COMPLETE;
    if (err && !(over && offset != info.offset)) /* a wrong offset is said first, as tus has it */
        return err;
    if (offset != info.offset) {
        kz_err_expected(err); /* complete, or none */
        KZ_TRY(over ? NULL : kz_upload_close(&upload));
        tus_headers(out, &info);
        return kz_err_create(KZ_ERR_CONFLICT, "Upload-Offset is not where the upload stands");
    }
    if (kz_request_length(rq) > (apr_int64_t)(info.size - info.offset)) {
        KZ_TRY(kz_upload_close(&upload));
        return kz_err_create(KZ_ERR_TOO_LARGE, "more bytes than were announced");
    }
    KZ_TRY(receive(rq, grant, upload, &info, checksum));
    kz_reply_empty(out, 204);
    if (info.offset == info.size) {
        err = finish(rq, grant, out, &info);
        if (!err || kz_err_code(err) != KZ_ERR_NOT_FOUND) /* given up: it stands nowhere */
            tus_headers(out, &info);
        return err;
    }
    tus_headers(out, &info);
    KZ_TRY(kz_grant_again(grant));
    KZ_TRY(kz_q_upload_touch(NULL, kz_grant_db(grant), &(kz_q_upload_touch_args_t){id}));
    return kz_grant_commit(grant);
}

/* DELETE /uploads/{upload}: termination. */
kz_err_t *page_upload_delete(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    KZ_TRY(check_version(rq, out));
    KZ_TRY(kz_upload_remove(grant, kz_request_id(rq, "upload")));
    kz_reply_empty(out, 204);
    tus_headers(out, NULL);
    return NULL;
}
