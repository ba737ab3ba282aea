/* From the last byte to a document: scan, store, commit. */
#include "model/upload/finish.h"

#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "model/document/document.h"
#include "model/proof/event.h"
#include "model/worker.h"

/* Many may end in the same moment: who waits holds nothing but a thread and, in the end, the lease.
 */
#define KZ_COMPLETE_WAIT (30 * APR_USEC_PER_SEC)
#define KZ_FINISH_WAIT   (10 * 60 * APR_USEC_PER_SEC)
#define KZ_FINISH_RATE   (KZ_CONF_STORE_RATE / 2)

apr_int64_t kz_upload__lease(const kz_conf_t *conf)
{
    return apr_time_as_msec(conf->scan_time * 2 + conf->store_timeout * 2 + conf->db_timeout * 4) +
           10000;
}

/* The upload is over: its last state, and its file goes. LOCKED when somebody else took it: then
 * nothing of the transaction is done. */
static kz_err_t *end(kz_finish_t *f, const char *state, const char *what)
{
    kz_q_upload_end_args_t args = {f->row->id, f->portal->worker, f->row->lease, state, what};

    KZ_TRY(kz_q_upload_end_later(kz_grant_db(f->grant), &args));
    KZ_TRY(kz_grant_commit(f->grant));
    unlink(f->spool);
    f->state = state;
    f->what = what;
    return NULL;
}

static kz_err_t *refuse(kz_finish_t *f, const char *signature)
{
    kz_event_t event = {
        .account = f->row->account,
        .client = f->row->client,
        .subject = f->row->matter,
        .detail = apr_pstrcat(f->pool, f->row->name, ": ", signature, NULL),
    };

    if (f->again) /* it was clean by older signatures, and that is forgotten */
        KZ_TRY(kz_stores_remove(f->portal->stores, f->object,
                                apr_time_now() + f->portal->conf->store_timeout, f->pool));
    KZ_TRY(kz_grant_again(f->grant));
    KZ_TRY(kz_event_add(f->grant, "infected", &event));
    return end(f, "infected", signature);
}

/* Notes the verdict, so that who goes on need not scan again. Should PostgreSQL crash and forget
 * this, it is scanned again: a finished spool can be, and one that is refused then is removed from
 * the stores. */
static kz_err_t *scanned(kz_finish_t *f)
{
    kz_q_upload_scanned_args_t args = {
        .upload = f->row->id,
        .worker = f->portal->worker,
        .lease = f->row->lease,
        .size = (apr_int64_t)f->size,
        .sha256 = {f->sha256, sizeof f->sha256},
        .what = f->verdict.result == KZ_SCAN_CLEAN ? "" : f->verdict.what,
        .type = f->row->type,
    };
    int n;

    KZ_TRY(kz_grant_again(f->grant));
    KZ_TRY(kz_db_soon(kz_grant_db(f->grant)));
    KZ_TRY(kz_q_upload_scanned_send(kz_grant_db(f->grant), &args));
    KZ_TRY(kz_db_commit_send(kz_grant_db(f->grant)));
    KZ_TRY(kz_q_upload_scanned_read(&n, kz_grant_db(f->grant)));
    KZ_TRY(kz_grant_commit(f->grant));
    f->what = args.what;
    return n == 1 ? NULL : kz_err_create(KZ_ERR_LOCKED, "somebody else took the upload");
}

static kz_err_t *add_document(kz_finish_t *f, const char *state)
{
    int from_firm = strcmp(f->row->kind, "staff") == 0;
    kz_q_document_add_args_t args = {
        .id = f->row->id,
        .client = f->row->client,
        .matter = f->row->matter,
        .direction = from_firm ? "from_firm" : "from_client",
        .name = f->row->name,
        .type = f->row->type,
        .size = (apr_int64_t)f->size,
        .sha256 = {f->sha256, sizeof f->sha256},
        .key = f->row->key,
        .object = f->object,
        .by = f->row->account,
        .state = state,
        .reason = f->what,
    };
    kz_event_t event = {
        .account = f->row->account, .client = f->row->client, .document = f->row->id};

    KZ_TRY(kz_q_document_add_later(kz_grant_db(f->grant), &args));
    if (*f->what) {
        event.detail = f->what;
        return kz_event_add(f->grant, "held", &event);
    }
    return kz_document_provide(f->grant, f->row->id, f->row->client, f->row->account, from_firm);
}

/* The stores hold it: document, delivery, copies, event and the job of telling, in one transaction.
 */
static kz_err_t *commit(kz_finish_t *f, const unsigned char *held)
{
    const char *state = *f->what ? "unscannable" : "available";
    int i;

    KZ_TRY(kz_grant_again(f->grant));
    KZ_TRY(add_document(f, state));
    for (i = 0; i < kz_stores_count(f->portal->stores); i++) {
        kz_q_object_copy_set_args_t args = {
            .document = f->row->id,
            .store = kz_stores_name(f->portal->stores, i),
            .state = held[i] ? "held" : "missing",
        };

        KZ_TRY(kz_q_object_copy_set_later(kz_grant_db(f->grant), &args));
    }
    return end(f, state, f->what);
}

/* What was sent can't be read any more (ERR, which this ends): the upload is over, and its sender
 * sees that; unless its document is there already. */
static kz_err_t *give_way(kz_finish_t *f, kz_err_t *err)
{
    kz_q_upload_document_args_t args = {f->row->id};
    kz_q_upload_document_t *row = NULL;
    kz_err_t *failed =
        kz_err_create(KZ_ERR_SEAL, "upload %s has failed: %s", f->row->id, kz_err_detail(err));

    kz_err_free(err);
    err = kz_grant_again(f->grant);
    if (!err)
        err = kz_q_upload_document(&row, kz_grant_db(f->grant), &args, f->pool);
    if (!err)
        err = end(f, row ? row->state : "failed", row ? row->reason : "");
    if (!err && !row)
        return failed;
    kz_err_free(failed);
    return err;
}

static int is_lost(const kz_err_t *err)
{
    return err && (kz_err_code(err) == KZ_ERR_SEAL || kz_err_code(err) == KZ_ERR_NOT_FOUND);
}

static kz_err_t *conclude(kz_finish_t *f)
{
    unsigned char *held = apr_pcalloc(f->pool, (apr_size_t)kz_stores_count(f->portal->stores));

    if (!kz_upload__is_scanned(f)) {
        if (f->verdict.result == KZ_SCAN_INFECTED) {
            kz_upload__drop(f);
            return refuse(f, f->verdict.what);
        }
        KZ_TRY(scanned(f));
    }
    KZ_TRY(kz_upload__settle(held, f));
    return commit(f, held);
}

static kz_err_t *work(kz_finish_t *f)
{
    kz_err_t *err = kz_upload__examine(f);
    int lost = is_lost(err);

    if (!err)
        err = conclude(f);
    kz_upload__drop(f);
    return lost ? give_way(f, err) : err;
}

/* The firm, and where things are: in POOL. */
static kz_err_t *prepare(kz_finish_t **f, kz_portal_t *portal, int firm, const char *id,
                         apr_pool_t *pool)
{
    kz_finish_t *made = apr_pcalloc(pool, sizeof *made);

    made->portal = portal;
    made->pool = pool;
    made->memfd = -1;
    made->verdict = (kz_scan_verdict_t){KZ_SCAN_UNSCANNABLE, "error"};
    KZ_TRY(kz_grant_portal(&made->grant, portal, firm, pool));
    made->spool = kz_upload__spool(portal, id, pool);
    made->object = apr_psprintf(pool, "%d/%.2s/%s/1", firm, id + strlen(id) - 2, id);
    *f = made;
    return NULL;
}

static void give_back(kz_finish_t *f)
{
    kz_q_upload_release_args_t args = {f->row->id, f->portal->worker, f->row->lease};
    kz_err_t *err = kz_grant_again(f->grant);

    if (!err)
        err = kz_q_upload_release(NULL, kz_grant_db(f->grant), &args);
    if (!err)
        err = kz_grant_commit(f->grant);
    kz_err_free(err); /* the lease ends by itself */
}

static kz_err_t *run(kz_finish_t *f)
{
    kz_seal_key_t *firm_key;

    KZ_TRY(kz_grant_firm_key(&firm_key, f->grant));
    KZ_TRY(kz_seal_document_open(&f->key, firm_key, f->row->id, f->row->key.data, f->pool));
    return work(f);
}

/* There was nothing to take: who gave it up, or was quicker, has left this. */
static kz_err_t *look_again(kz_finish_t *f, const char *id)
{
    kz_q_upload_t *row;

    KZ_TRY(kz_grant_again(f->grant));
    KZ_TRY(kz_q_upload(&row, kz_grant_db(f->grant), &(kz_q_upload_args_t){id}, f->pool));
    kz_grant_rest(f->grant);
    if (strcmp(row->state, "scanning") == 0 || strcmp(row->state, "storing") == 0)
        return kz_err_create(KZ_ERR_LOCKED, "upload %s is taken", id);
    f->state = row->state;
    f->what = row->what;
    return NULL;
}

/* The lease lasts for the wait, too. WORKER NULL: it is left to others. */
static kz_err_t *complete(kz_finish_t *f, const char *id, apr_uint64_t size, const char *worker)
{
    kz_q_upload_complete_args_t args = {
        .upload = id,
        .size = (apr_int64_t)size,
        .worker = worker,
        .lease = kz_upload__lease(f->portal->conf) + apr_time_as_msec(KZ_FINISH_WAIT),
        .rate = KZ_FINISH_RATE,
    };

    KZ_TRY(kz_q_upload_complete_send(kz_grant_db(f->grant), &args));
    KZ_TRY(kz_db_commit_send(kz_grant_db(f->grant)));
    KZ_TRY(kz_q_upload_complete_read(&f->row, kz_grant_db(f->grant), f->pool));
    KZ_TRY(kz_grant_commit(f->grant));
    return f->row ? NULL : look_again(f, id);
}

kz_err_t *kz_upload_complete(kz_finish_t **finish, kz_portal_t *portal, int firm, const char *id,
                             apr_uint64_t size, apr_pool_t *pool)
{
    kz_err_t *dead = kz_worker_live(portal), *err;

    err = kz_slots_take(portal->completing, KZ_COMPLETE_WAIT);
    if (!err) {
        err = prepare(finish, portal, firm, id, pool);
        if (!err)
            err = complete(*finish, id, size, dead ? NULL : portal->worker);
        kz_slots_give(portal->completing);
    }
    if (err)
        kz_err_free(dead);
    else
        (*finish)->dead = dead;
    return err;
}

kz_err_t *kz_upload_finish(const char **state, const char **what, kz_finish_t *f)
{
    kz_err_t *err;

    *state = f->state;
    *what = f->what;
    if (f->dead || f->state)
        return f->dead;
    err = kz_slots_take(f->portal->finishing, KZ_FINISH_WAIT);
    if (!err) {
        err = run(f);
        kz_slots_give(f->portal->finishing);
    }
    if (err)
        give_back(f);
    kz_grant_rest(f->grant);
    *state = f->state;
    *what = f->what;
    return err;
}

/* Should PostgreSQL crash and forget this, the lease before it ends by itself. */
static kz_err_t *take(kz_finish_t *f, const kz_q_upload_taken_t *taken)
{
    kz_q_upload_take_args_t args = {taken->id, f->portal->worker, taken->lease,
                                    kz_upload__lease(f->portal->conf), KZ_FINISH_RATE};

    KZ_TRY(kz_db_soon(kz_grant_db(f->grant)));
    KZ_TRY(kz_q_upload_take_send(kz_grant_db(f->grant), &args));
    KZ_TRY(kz_db_commit_send(kz_grant_db(f->grant)));
    KZ_TRY(kz_q_upload_take_read(&f->row, kz_grant_db(f->grant), f->pool));
    KZ_TRY(kz_grant_commit(f->grant));
    return f->row ? NULL : kz_err_create(KZ_ERR_LOCKED, "upload %s is taken or over", taken->id);
}

kz_err_t *kz_upload__go_on(kz_portal_t *portal, const kz_q_upload_taken_t *taken, apr_pool_t *pool)
{
    kz_finish_t *f;
    kz_err_t *err;

    KZ_TRY(prepare(&f, portal, taken->firm, taken->id, pool));
    f->again = 1;
    err = take(f, taken);
    if (!err)
        err = run(f);
    if (err && f->row)
        give_back(f);
    kz_grant_rest(f->grant);
    return err;
}
