/* A complete upload and PostgreSQL: each function is one transaction. */
#include "model/upload/internal.h"

#include <string.h>

#include <apr_strings.h>

#include "model/document/document.h"
#include "model/proof/event.h"

#define KZ_NOTE_RATE (KZ_CONF_STORE_RATE / 2) /* bytes a second that the stores take at least */

apr_int64_t kz_upload__lease(const kz_conf_t *conf)
{
    return apr_time_as_msec(conf->scan_time * 2 + conf->store_timeout * 2 + conf->db_timeout * 4) +
           10000;
}

/* The lease lasts for the wait for a slot, too. */
kz_err_t *kz_upload__note_complete(kz_upload__work_t *work, const char *id, apr_uint64_t size,
                                   const char *worker)
{
    kz_q_upload_complete_args_t args = {
        .upload = id,
        .size = (apr_int64_t)size,
        .worker = worker,
        .lease = kz_upload__lease(work->portal->conf) + apr_time_as_msec(KZ_UPLOAD__SLOT_WAIT),
        .rate = KZ_NOTE_RATE,
    };
    kz_q_upload_complete_t *row;

    KZ_TRY(kz_q_upload_complete_send(kz_grant_db(work->grant), &args));
    KZ_TRY(kz_grant_commit_send(work->grant));
    KZ_TRY(kz_q_upload_complete_read(&row, kz_grant_db(work->grant), work->pool));
    KZ_TRY(kz_grant_commit(work->grant));
    work->row = row;
    return NULL;
}

/* Should PostgreSQL crash and forget this, the lease before it ends by itself. */
kz_err_t *kz_upload__note_resumed(kz_upload__work_t *work, const kz_q_upload_taken_t *taken)
{
    kz_q_upload_take_args_t args = {taken->id, work->portal->worker, taken->lease,
                                    kz_upload__lease(work->portal->conf), KZ_NOTE_RATE};
    kz_q_upload_complete_t *row;

    KZ_TRY(kz_db_soon(kz_grant_db(work->grant)));
    KZ_TRY(kz_q_upload_take_send(kz_grant_db(work->grant), &args));
    KZ_TRY(kz_grant_commit_send(work->grant));
    KZ_TRY(kz_q_upload_take_read(&row, kz_grant_db(work->grant), work->pool));
    KZ_TRY(kz_grant_commit(work->grant));
    work->row = row;
    return NULL;
}

kz_err_t *kz_upload__note_released(const kz_upload__work_t *work)
{
    kz_q_upload_release_args_t args = {work->row->id, work->portal->worker, work->row->lease};

    KZ_TRY(kz_grant_again(work->grant));
    KZ_TRY(kz_q_upload_release(NULL, kz_grant_db(work->grant), &args));
    return kz_grant_commit(work->grant);
}

kz_err_t *kz_upload__note_scanned(int *ours, const kz_upload__work_t *work,
                                  const kz_upload__content_t *content, const char *what)
{
    kz_q_upload_scanned_args_t args = {
        .upload = work->row->id,
        .worker = work->portal->worker,
        .lease = work->row->lease,
        .size = (apr_int64_t)content->size,
        .sha256 = {content->sha256, sizeof content->sha256},
        .what = what,
        .type = content->type,
    };

    KZ_TRY(kz_grant_again(work->grant));
    KZ_TRY(kz_db_soon(kz_grant_db(work->grant)));
    KZ_TRY(kz_q_upload_scanned_send(kz_grant_db(work->grant), &args));
    KZ_TRY(kz_grant_commit_send(work->grant));
    KZ_TRY(kz_q_upload_scanned_read(ours, kz_grant_db(work->grant)));
    return kz_grant_commit(work->grant);
}

/* The last state, and the end of the transaction, which is undone if the upload is not OURS. */
static kz_err_t *note_end(int *ours, const kz_upload__work_t *work, const char *state,
                          const char *what)
{
    kz_q_upload_end_args_t args = {work->row->id, work->portal->worker, work->row->lease, state,
                                   what};
    kz_err_t *err;

    *ours = 1;
    KZ_TRY(kz_q_upload_end_later(kz_grant_db(work->grant), &args));
    err = kz_grant_commit(work->grant);
    if (err && kz_err_code(err) == KZ_ERR_LOCKED) { /* raised by kz_upload_end() */
        kz_err_expected(err);
        err = NULL;
        *ours = 0;
    }
    return err;
}

kz_err_t *kz_upload__note_infected(int *ours, const kz_upload__work_t *work, const char *signature)
{
    kz_event_t event = {
        .account = work->row->account,
        .client = work->row->client,
        .subject = work->row->matter,
        .detail = apr_pstrcat(work->pool, work->row->name, ": ", signature, NULL),
    };

    KZ_TRY(kz_grant_again(work->grant));
    KZ_TRY(kz_event_add(work->grant, KZ_EVENT_INFECTED, &event));
    return note_end(ours, work, "infected", signature);
}

static kz_err_t *add_document(const kz_upload__work_t *work, const kz_upload__content_t *content,
                              const char *state, const char *what)
{
    const kz_q_upload_complete_t *row = work->row;
    int from_firm = strcmp(row->kind, "staff") == 0;
    kz_q_document_add_args_t args = {
        .id = row->id,
        .client = row->client,
        .matter = row->matter,
        .direction = from_firm ? "from_firm" : "from_client",
        .name = row->name,
        .type = content->type,
        .size = (apr_int64_t)content->size,
        .sha256 = {content->sha256, sizeof content->sha256},
        .key = row->key,
        .object = work->object,
        .by = row->account,
        .state = state,
        .reason = what,
    };
    kz_event_t event = {.account = row->account, .client = row->client, .document = row->id};

    KZ_TRY(kz_q_document_add_later(kz_grant_db(work->grant), &args));
    if (*what) {
        event.detail = what;
        return kz_event_add(work->grant, KZ_EVENT_HELD, &event);
    }
    return kz_document_provide(work->grant, row->id, row->client, row->account, from_firm);
}

kz_err_t *kz_upload__note_document(int *ours, const kz_upload__work_t *work,
                                   const kz_upload__content_t *content, const char *what,
                                   const unsigned char *held)
{
    const char *state = *what ? "unscannable" : "available";
    int i;

    KZ_TRY(kz_grant_again(work->grant));
    KZ_TRY(add_document(work, content, state, what));
    for (i = 0; i < kz_stores_count(work->portal->stores); i++) {
        kz_q_object_copy_set_args_t args = {
            .document = work->row->id,
            .store = kz_stores_name(work->portal->stores, i),
            .state = held[i] ? "held" : "missing",
        };

        KZ_TRY(kz_q_object_copy_set_later(kz_grant_db(work->grant), &args));
    }
    return note_end(ours, work, state, what);
}

kz_err_t *kz_upload__has_document(int *has, const kz_upload__work_t *work)
{
    kz_q_upload_document_args_t args = {work->row->id};
    kz_q_upload_document_t *document;

    KZ_TRY(kz_grant_again(work->grant));
    KZ_TRY(kz_q_upload_document(&document, kz_grant_db(work->grant), &args, work->pool));
    kz_grant_rest(work->grant);
    *has = document != NULL;
    return NULL;
}

kz_err_t *kz_upload__note_storing_anew(int *ours, const kz_upload__work_t *work)
{
    kz_q_upload_storing_anew_args_t args = {work->row->id, work->portal->worker, work->row->lease,
                                            apr_time_as_msec(work->portal->conf->store_timeout) +
                                                1000};

    KZ_TRY(kz_grant_again(work->grant));
    KZ_TRY(kz_q_upload_storing_anew(ours, kz_grant_db(work->grant), &args));
    return kz_grant_commit(work->grant);
}

kz_err_t *kz_upload__note_lost(int *ours, kz_upload_end_t *end, const kz_upload__work_t *work)
{
    kz_q_upload_document_args_t args = {work->row->id};
    kz_q_upload_document_t *document;
    const char *state, *what;

    KZ_TRY(kz_grant_again(work->grant));
    KZ_TRY(kz_q_upload_document(&document, kz_grant_db(work->grant), &args, work->pool));
    state = document ? document->state : "failed";
    what = document ? document->reason : "";
    KZ_TRY(note_end(ours, work, state, what));
    if (*ours)
        *end = (kz_upload_end_t){KZ_UPLOAD_OVER, state, what};
    return NULL;
}

kz_err_t *kz_upload__look(kz_upload_end_t *end, const kz_upload__work_t *work, const char *id)
{
    kz_q_upload_t *row;

    KZ_TRY(kz_grant_again(work->grant));
    KZ_TRY(kz_q_upload(&row, kz_grant_db(work->grant), &(kz_q_upload_args_t){id}, work->pool));
    kz_grant_rest(work->grant);
    if (strcmp(row->state, "receiving") == 0)
        return kz_err_create(KZ_ERR_INTERNAL, "upload %s is complete, and can't be taken", id);
    *end = (kz_upload_end_t){KZ_UPLOAD_OVER, row->state, row->what};
    if (strcmp(row->state, "scanning") == 0 || strcmp(row->state, "storing") == 0)
        end->outcome = KZ_UPLOAD_TAKEN;
    return NULL;
}
