#include "model/document/document.h"

#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "model/proof/event.h"
#include "queries.h"

struct kz_document_content_t {
    kz_grant_t *grant;
    kz_q_document_content_t *row;
    kz_store_object_t *object;
    kz_seal_reader_t *reader;
};

struct kz_document_reader_t {
    kz_portal_t *portal;
    int firm;
    const char *account, *document;
    apr_int64_t size; /* of the document, bytes */
};

kz_err_t *kz_document_provide(kz_grant_t *grant, const char *document, const char *client,
                              const char *by, int from_firm)
{
    kz_event_t event = {.account = by, .client = client, .document = document};

    KZ_TRY(kz_q_delivery_add_later(kz_grant_db(grant), &(kz_q_delivery_add_args_t){document}));
    KZ_TRY(kz_event_add(grant, KZ_EVENT_PROVIDED, &event));
    if (!from_firm)
        return NULL;
    return kz_q_job_provided_later(kz_grant_db(grant),
                                   &(kz_q_job_provided_args_t){document, client});
}

static const kz_event_kind_t kinds[] = {KZ_EVENT_OPENED, KZ_EVENT_DELIVERED, KZ_EVENT_RECEIVED,
                                        KZ_EVENT_CONFIRMED}; /* by kz_document_step_t */

/* As kz_document_step(), of ACCOUNT, which is GRANT's own unless GRANT is the portal itself. */
static kz_err_t *note_step(kz_grant_t *grant, const char *account, const char *document,
                           kz_document_step_t step)
{
    kz_q_delivery_step_args_t args = {
        .document = document, .step = kz_event_name(kinds[step]), .account = account};
    kz_q_delivery_step_t *rows;
    int n, i;

    KZ_TRY(kz_q_delivery_step(&rows, &n, kz_grant_db(grant), &args, kz_grant_pool(grant)));
    for (i = 0; i < n; i++) {
        kz_event_t event = {.account = account, .client = rows[i].client, .document = document};

        if (rows[i].opened && step != KZ_DOCUMENT_OPENED) /* a download at once opens it, too */
            KZ_TRY(kz_event_add(grant, KZ_EVENT_OPENED, &event));
        KZ_TRY(kz_event_add(grant, kinds[step], &event));
    }
    return NULL;
}

kz_err_t *kz_document_step(kz_grant_t *grant, const char *document, kz_document_step_t step)
{
    KZ_TRY(kz_grant_settle(grant)); /* whose step it is */
    return note_step(grant, kz_grant_account(grant), document, step);
}

static kz_err_t *remove_later(kz_grant_t *grant, const char *object)
{
    char id[KZ_STR_UUID_SIZE];
    kz_q_job_remove_args_t args = {.id = id, .object = object};

    kz_str_uuid_v7(id);
    args.wait = apr_time_as_msec(kz_grant_services(grant)->conf->discard_grace);
    return kz_q_job_remove_later(kz_grant_db(grant), &args);
}

kz_err_t *kz_document_remove(kz_grant_t *grant, const char *object)
{
    kz_portal_t *portal = kz_grant_services(grant);
    apr_pool_t *pool = kz_grant_pool(grant);
    kz_q_job_object_t *row;

    KZ_TRY(kz_q_job_object(&row, kz_grant_db(grant), &(kz_q_job_object_args_t){object}, pool));
    if (row->wanted)
        return kz_err_create(KZ_ERR_INVALID, "a document needs the object %s", object);
    kz_grant_rest(grant);
    KZ_TRY(kz_stores_remove(portal->stores, object, kz_clock_now() + portal->conf->store_timeout,
                            pool));
    KZ_TRY(kz_grant_again(grant));
    KZ_TRY(kz_q_job_object_gone(NULL, kz_grant_db(grant), &(kz_q_job_object_gone_args_t){object}));
    return kz_grant_commit(grant);
}

kz_err_t *kz_document_decide(kz_grant_t *grant, const char *document, int release,
                             const char *reason)
{
    kz_q_document_decide_args_t args = {
        .document = document, .state = release ? "available" : "discarded", .reason = reason};
    kz_q_document_decide_t *row;
    kz_event_t event = {.document = document, .detail = reason};

    KZ_TRY(kz_q_document_decide(&row, kz_grant_db(grant), &args, kz_grant_pool(grant)));
    if (!row)
        return kz_err_create(KZ_ERR_CONFLICT, "the document is not kept back any more");
    event.client = row->client;
    KZ_TRY(kz_event_add(grant, release ? KZ_EVENT_RELEASED : KZ_EVENT_DISCARDED, &event));
    if (!release)
        return remove_later(grant, row->object);
    return kz_document_provide(grant, document, row->client, row->by, row->from_firm);
}

/* Notes that the copy in STORE is STATE, "missing" or "damaged", which the repair job goes by.
 * Should that fail, the next reader notes it. */
static kz_err_t *add_bad(const kz_document_content_t *content, int store, const char *state)
{
    kz_q_object_copy_bad_args_t args = {
        .document = content->row->id,
        .store = kz_stores_name(kz_grant_services(content->grant)->stores, store),
        .state = state,
    };

    KZ_TRY(kz_grant_again(content->grant));
    KZ_TRY(kz_q_object_copy_bad_later(kz_grant_db(content->grant), &args));
    return kz_grant_commit(content->grant);
}

static void note_bad(const kz_document_content_t *content, int store, const char *state)
{
    kz_log_err(KZ_LOG_WARNING,
               KZ_LOGNO(0205) "a bad copy is not noted: ", add_bad(content, store, state));
    kz_grant_rest(content->grant);
}

/* The copy at hand is damaged (ERR, which this ends): notes it for the repair job and turns to
 * another one. */
static kz_err_t *turn(kz_document_content_t *content, kz_err_t *err)
{
    int bad = kz_stores_source(content->object);
    kz_err_t *next = kz_stores_next(content->object);

    if (bad >= 0)
        note_bad(content, bad, "damaged");
    if (next)
        return kz_log_second(next, err);
    kz_log_err(KZ_LOG_WARNING, KZ_LOGNO(0005) "a damaged copy, another one is read: ", err);
    return NULL;
}

/* Opens the object, and notes the stores that should have it and don't. */
static kz_err_t *open_object(kz_document_content_t *content)
{
    const kz_portal_t *portal = kz_grant_services(content->grant);
    apr_time_t deadline = kz_clock_now() + portal->conf->store_timeout;
    apr_uint64_t size;
    kz_err_t *err = kz_stores_get(&content->object, &size, portal->stores, content->row->object,
                                  deadline, kz_grant_pool(content->grant));
    int lost = err && kz_err_code(err) == KZ_ERR_NOT_FOUND, i;

    if (err && !lost)
        return err;
    for (i = 0; i < kz_stores_count(portal->stores); i++) {
        if (!lost && !kz_stores_missed(content->object, i))
            continue;
        note_bad(content, i, "missing");
        KZ_LOG(KZ_LOG_WARNING, KZ_LOGNO(0206) "store %s: the copy of document %s is missing",
               kz_stores_name(portal->stores, i), content->row->id);
    }
    if (!lost)
        return NULL;
    kz_err_expected(err); /* said by the next one as what it is */
    return kz_err_create(KZ_ERR_STORE_CORRUPT, "document %s is lost: no store has a copy",
                         content->row->id);
}

static kz_err_t *open_reader(kz_document_content_t *content, const kz_seal_key_t *key)
{
    apr_pool_t *pool = kz_grant_pool(content->grant);
    kz_err_t *err;

    while ((err = kz_seal_reader_open(&content->reader, kz_stores_read, content->object, key,
                                      content->row->id, pool)) != NULL) {
        if (kz_err_code(err) != KZ_ERR_SEAL)
            return err;
        KZ_TRY(turn(content, err));
    }
    return NULL;
}

kz_err_t *kz_document_content_open(kz_document_content_t **content, kz_grant_t *grant,
                                   const char *document)
{
    apr_pool_t *pool = kz_grant_pool(grant);
    kz_document_content_t *made = apr_pcalloc(pool, sizeof *made);
    kz_q_document_content_args_t args = {.document = document};
    kz_seal_key_t *firm_key, *key;
    const unsigned char *first;
    size_t len;

    made->grant = grant;
    KZ_TRY(kz_q_document_content(&made->row, kz_grant_db(grant), &args, pool));
    KZ_TRY(kz_grant_firm_key(&firm_key, grant));
    kz_grant_rest(grant);
    if (made->row->key.len != KZ_SEAL_WRAPPED)
        return kz_err_create(KZ_ERR_SEAL, "document %s has no key", document);
    KZ_TRY(kz_seal_document_open(&key, firm_key, document, made->row->key.data, pool));
    KZ_TRY(open_object(made));
    KZ_TRY(open_reader(made, key));
    if (kz_seal_reader_meta(made->reader)->size != (apr_uint64_t)made->row->size)
        return kz_err_create(KZ_ERR_STORE_CORRUPT, "document %s has another size", document);
    /* A document that nobody can read is refused in words, not by an answer that breaks off. */
    KZ_TRY(kz_document_content_read(&first, &len, made));
    KZ_TRY(kz_document_content_seek(made, 0));
    *content = made;
    return NULL;
}

const char *kz_document_content_name(const kz_document_content_t *content)
{
    return content->row->name;
}

const char *kz_document_content_type(const kz_document_content_t *content)
{
    return content->row->type;
}

const char *kz_document_content_hash(const kz_document_content_t *content)
{
    return kz_str_hex(content->row->sha256.data, content->row->sha256.len,
                      kz_grant_pool(content->grant));
}

apr_uint64_t kz_document_content_size(const kz_document_content_t *content)
{
    return (apr_uint64_t)content->row->size;
}

kz_err_t *kz_document_content_seek(void *baton, apr_uint64_t offset)
{
    return kz_seal_seek(((kz_document_content_t *)baton)->reader, offset);
}

kz_err_t *kz_document_content_read(const unsigned char **data, size_t *len, void *baton)
{
    kz_document_content_t *content = baton;
    kz_err_t *err;

    while ((err = kz_seal_read(data, len, content->reader)) != NULL) {
        if (kz_err_code(err) != KZ_ERR_SEAL)
            return err;
        KZ_TRY(turn(content, err));
    }
    return NULL;
}

int kz_document_content_is_incoming(const kz_document_content_t *content)
{
    return content->row->from_firm != kz_grant_is_staff(content->grant);
}

/* Notes STEP, DELIVERED or RECEIVED, of ACCOUNT with PARTS of a document of SIZE bytes, if these
 * and what came before are all of it. */
static kz_err_t *note_parts(kz_grant_t *grant, const kz_document_reader_t *reader,
                            kz_document_step_t step, const char *parts)
{
    const char *all =
        apr_psprintf(kz_grant_pool(grant), "{[0,%" APR_INT64_T_FMT ")}", reader->size);
    kz_q_delivery_part_args_t args = {.document = reader->document,
                                      .account = reader->account,
                                      .step = kz_event_name(kinds[step]),
                                      .parts = parts};
    kz_q_delivery_part_t *row;

    if (reader->size > 0 && strcmp(parts, all) != 0) {
        KZ_TRY(kz_q_delivery_part(&row, kz_grant_db(grant), &args, kz_grant_pool(grant)));
        if (!row->whole)
            return NULL;
    }
    return note_step(grant, reader->account, reader->document, step);
}

kz_err_t *kz_document_content_sent(kz_document_content_t *content, const char *parts, int opens)
{
    kz_grant_t *grant = content->grant;

    if (!opens && !parts)
        return NULL;
    KZ_TRY(kz_grant_again(grant));
    if (opens)
        KZ_TRY(kz_document_step(grant, content->row->id, KZ_DOCUMENT_OPENED));
    if (parts)
        KZ_TRY(note_parts(grant, kz_document_reader(content, kz_grant_pool(grant)),
                          KZ_DOCUMENT_DELIVERED, parts));
    return kz_grant_commit(grant);
}

kz_document_reader_t *kz_document_reader(const kz_document_content_t *content, apr_pool_t *pool)
{
    kz_document_reader_t *made = apr_palloc(pool, sizeof *made);

    made->portal = kz_grant_services(content->grant);
    made->firm = kz_grant_firm(content->grant);
    made->account = apr_pstrdup(pool, kz_grant_account(content->grant));
    made->document = apr_pstrdup(pool, content->row->id);
    made->size = content->row->size;
    return made;
}

kz_err_t *kz_document_arrived(const kz_document_reader_t *reader, const char *parts,
                              apr_pool_t *pool)
{
    kz_grant_t *grant;
    kz_err_t *err = kz_grant_portal(&grant, reader->portal, reader->firm, pool);

    if (!err)
        err = note_parts(grant, reader, KZ_DOCUMENT_RECEIVED, parts);
    if (!err)
        err = kz_grant_commit(grant);
    kz_grant_rest(grant);
    return err;
}
