/* From the last byte to the answer: the state machine that upload.h draws, in its order.
 *
 *     complete        receiving -> scanning     note_complete
 *     scan_and_store                            scan_begin, store_begin, scan_await
 *     refuse          scanning -> infected      store_drop, note_infected
 *     publish         scanning -> storing       note_scanned
 *                     storing -> available      store_settle, note_document
 *                             or unscannable
 *     fail            either -> failed          store_drop, note_lost
 *
 * A job that resumes an upload after a crash begins where its row says. */
#include "model/upload/internal.h"

#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/background.h"
#include "base/log.h"
#include "model/worker.h"

/* The results of the steps so far. */
typedef struct progress_t {
    kz_upload__content_t content;
    int infected;
    const char *what;         /* signature, or why it is unscannable; "": clean */
    kz_stores_write_t *write; /* to the stores; NULL: none is under way */
} progress_t;

/* The portal's grant for FIRM, and where the upload ID is. */
static kz_err_t *enter(kz_upload__work_t *work, int firm, const char *id)
{
    work->spool = kz_upload__spool(work->portal, id, work->pool);
    work->object = apr_psprintf(work->pool, "%d/%.2s/%s/1", firm, id + strlen(id) - 2, id);
    if (work->who)
        return kz_grant_portal_behind(&work->grant, work->portal, firm, work->who, work->pool);
    return kz_grant_portal(&work->grant, work->portal, firm, work->pool);
}

static kz_err_t *open_key(kz_upload__work_t *work)
{
    kz_seal_key_t *firm_key;

    KZ_TRY(kz_grant_firm_key(&firm_key, work->grant));
    return kz_seal_document_open(&work->key, firm_key, work->row->id, work->row->key.data,
                                 work->pool);
}

static kz_err_t *enter_complete(kz_upload_end_t *end, kz_upload__work_t *work, int firm,
                                const char *id, apr_uint64_t size, const char *worker)
{
    KZ_TRY(enter(work, firm, id));
    KZ_TRY(kz_upload__note_complete(work, id, size, worker));
    if (!work->row)
        return kz_upload__look(end, work, id);
    end->outcome = KZ_UPLOAD_WAITING;
    return NULL;
}

/* Notes that all bytes are there. END is WAITING when the upload is WORKER's (NULL: a job's),
 * otherwise TAKEN or OVER. */
static kz_err_t *complete(kz_upload_end_t *end, kz_upload__work_t *work, int firm, const char *id,
                          apr_uint64_t size, const char *worker)
{
    kz_err_t *err;

    *end = (kz_upload_end_t){KZ_UPLOAD_RECEIVING, NULL, NULL};
    err = enter_complete(end, work, firm, id, size, worker);
    kz_grant_rest(work->grant);
    return err;
}

static int is_scanned(const kz_upload__work_t *work)
{
    return work->row->sha256.len == KZ_SEAL_SHA256;
}

/* It was scanned before a crash: it only has to be stored. */
static kz_err_t *store_scanned(progress_t *at, const kz_upload__work_t *work)
{
    memcpy(at->content.sha256, work->row->sha256.data, KZ_SEAL_SHA256);
    at->content.size = (apr_uint64_t)work->row->size;
    at->content.type = work->row->type;
    at->what = work->row->what;
    return kz_upload__store_begin(&at->write, work, &at->content);
}

/* Scanner and stores work at the same time; what the one has not called clean has no name in the
 * others. An upload that did not come to its end before is scanned first and stored then: nobody
 * waits for it, and while there is no scanner no disk writes in vain. */
static kz_err_t *scan_and_store(progress_t *at, const kz_upload__work_t *work)
{
    kz_scan_verdict_t verdict;
    kz_upload__scan_t *scan;
    kz_err_t *err = NULL;

    KZ_TRY(kz_upload__scan_begin(&scan, &at->content, work));
    if (!work->again)
        err = kz_upload__store_begin(&at->write, work, &at->content);
    if (!err)
        err = kz_upload__scan_await(&verdict, scan);
    kz_upload__scan_end(scan);
    KZ_TRY(err);
    at->infected = verdict.result == KZ_SCAN_INFECTED;
    at->what = verdict.result == KZ_SCAN_CLEAN ? "" : verdict.what;
    if (work->again && !at->infected)
        err = kz_upload__store_begin(&at->write, work, &at->content);
    return err;
}

/* The upload is over, unless it is not OURS. */
static kz_err_t *end_as(kz_upload_end_t *end, const kz_upload__work_t *work, int ours,
                        const char *state, const char *what)
{
    end->outcome = KZ_UPLOAD_TAKEN;
    if (!ours)
        return NULL;
    kz_upload__spool_remove(work->spool, work->pool);
    *end = (kz_upload_end_t){KZ_UPLOAD_OVER, state, what};
    return NULL;
}

static kz_err_t *refuse(kz_upload_end_t *end, progress_t *at, const kz_upload__work_t *work)
{
    int ours;

    kz_upload__store_drop(&at->write);
    if (work->again) /* it was clean by older signatures, and that is forgotten */
        KZ_TRY(kz_upload__store_remove(work));
    KZ_TRY(kz_upload__note_infected(&ours, work, at->what));
    return end_as(end, work, ours, "infected", at->what);
}

/* Names the object in the stores. A store may hold other bytes under its key: those of an earlier
 * try, whose spool was finished anew since. No document has them, and no further try would ever
 * succeed, so they are removed, and the next one stores anew. */
static kz_err_t *settle(unsigned char *held, progress_t *at, const kz_upload__work_t *work)
{
    kz_err_t *err = kz_upload__store_settle(held, &at->write, work, &at->content), *later;
    int ours = 0;

    if (!err || kz_err_code(err) != KZ_ERR_CONFLICT)
        return err;
    later = kz_err_create(KZ_ERR_STORE_DOWN, "an earlier try's object is removed first: %s",
                          kz_err_detail(err));
    kz_log_err(KZ_LOG_WARNING, KZ_LOGNO(0090) "an upload is stored anew: ", err);
    err = kz_upload__note_storing_anew(&ours, work);
    if (!err && ours)
        err = kz_upload__store_remove(work);
    return kz_log_second(later, err);
}

static kz_err_t *publish(kz_upload_end_t *end, progress_t *at, const kz_upload__work_t *work)
{
    unsigned char *held =
        apr_pcalloc(work->pool, (apr_size_t)kz_stores_count(work->portal->stores));
    int ours = 1;

    if (!is_scanned(work))
        KZ_TRY(kz_upload__note_scanned(&ours, work, &at->content, at->what));
    if (ours) {
        KZ_TRY(settle(held, at, work));
        KZ_TRY(kz_upload__note_document(&ours, work, &at->content, at->what, held));
    }
    return end_as(end, work, ours, *at->what ? "unscannable" : "available", at->what);
}

/* The spool can't be read any more, as CAUSE says, which ends here. The sender sees that, unless
 * the document is there already. */
static kz_err_t *fail(kz_upload_end_t *end, const kz_upload__work_t *work, kz_err_t *cause)
{
    kz_err_t *failed =
        kz_err_create(KZ_ERR_SEAL, "upload %s has failed: %s", work->row->id, kz_err_detail(cause));
    int ours;
    kz_err_t *err = kz_upload__note_lost(&ours, end, work);

    kz_log_err(KZ_LOG_INFO, KZ_LOGNO(0031) "what was sent can't be read any more: ", cause);
    if (!err)
        err = end_as(end, work, ours, end->state, end->what);
    if (!err && ours && strcmp(end->state, "failed") == 0)
        return failed;
    kz_err_expected(failed); /* its document is there, or ERR says more */
    return err;
}

/* A process that began after the upload was made may have begun with another folder than the spool:
 * then a missing file proves nothing before the time is over for which an upload may wait. */
static int may_be_elsewhere(const kz_upload__work_t *work, apr_time_t since)
{
    apr_time_t created = work->row->created;

    return since > created && apr_time_now() - created < work->portal->conf->upload_life;
}

/* ERR as it is to be reported: STORE_DOWN instead of NOT_FOUND where the spool may be away. */
static kz_err_t *see_spool(kz_err_t *err, const kz_upload__work_t *work)
{
    kz_err_t *down;
    apr_time_t since;
    int has;

    err = kz_upload__see_spool(&since, err, work->portal, work->spool);
    if (!err || kz_err_code(err) != KZ_ERR_NOT_FOUND || !may_be_elsewhere(work, since))
        return err;
    down = kz_upload__has_document(&has, work);
    if (!down && has) /* its file was removed for that */
        return err;
    kz_err_expected(err);
    return down ? down
                : kz_err_create(KZ_ERR_STORE_DOWN, "%s is not there, or this is another spool",
                                work->spool);
}

static int is_lost(const kz_err_t *err)
{
    return kz_err_code(err) == KZ_ERR_SEAL || kz_err_code(err) == KZ_ERR_NOT_FOUND;
}

/* From "scanning" or "storing" to the end. */
static kz_err_t *run(kz_upload_end_t *end, progress_t *at, kz_upload__work_t *work)
{
    kz_err_t *err;

    KZ_TRY(open_key(work));
    if (work->again)
        kz_upload__store_sweep(work);
    err = is_scanned(work) ? store_scanned(at, work) : scan_and_store(at, work);
    if (err) {
        kz_upload__store_drop(&at->write);
        err = see_spool(err, work);
        return is_lost(err) ? fail(end, work, err) : err;
    }
    err = at->infected ? refuse(end, at, work) : publish(end, at, work);
    kz_upload__store_drop(&at->write);
    return err;
}

typedef struct task_t {
    kz_upload_end_t *end;
    kz_upload__work_t *work;
} task_t;

static kz_err_t *run_task(void *baton)
{
    task_t *task = baton;
    progress_t at = {.what = ""};

    return run(task->end, &at, task->work);
}

/* The same behind pages, when it is its turn. A job's own thread yields already. */
static kz_err_t *run_in_turn(kz_upload_end_t *end, kz_upload__work_t *work)
{
    kz_slots_t *slots = work->portal->finishing;
    task_t task = {end, work};
    kz_err_t *err;

    if (!work->who)
        return run_task(&task);
    err = kz_slots_take(slots, work->who, KZ_UPLOAD__SLOT_WAIT);
    if (err) { /* many wait, each with a thread: a job goes on with this one */
        kz_err_expected(err);
        return NULL;
    }
    err = kz_background_run(run_task, &task);
    kz_slots_give(slots, work->who);
    return err;
}

/* The same. Releases the upload for a job unless it is over. */
static kz_err_t *run_and_release(kz_upload_end_t *end, kz_upload__work_t *work)
{
    kz_err_t *err = run_in_turn(end, work);

    if (err && kz_err_code(err) == KZ_ERR_LOCKED) { /* somebody is just looking how far it is */
        kz_err_expected(err);
        err = NULL;
    }
    if (end->outcome != KZ_UPLOAD_OVER)
        kz_log_err(KZ_LOG_INFO, KZ_LOGNO(0032) "an upload waits for the end of its lease: ",
                   kz_upload__note_released(work));
    kz_grant_rest(work->grant);
    return err;
}

kz_err_t *kz_upload_finish(kz_upload_end_t *end, const kz_grant_t *grant, const char *id,
                           apr_uint64_t size, apr_pool_t *pool)
{
    kz_portal_t *portal = kz_grant_services(grant);
    int firm = kz_grant_firm(grant), place;
    kz_upload__work_t work = {.portal = portal, .pool = pool, .who = kz_grant_caller(grant)};
    kz_err_t *dead =
        kz_worker_claim(&place, portal, id); /* then a job of another process goes on */
    kz_err_t *err = complete(end, &work, firm, id, size, dead ? NULL : portal->worker);

    if (!dead) {
        if (!err && end->outcome == KZ_UPLOAD_WAITING)
            err = run_and_release(end, &work);
        kz_worker_unclaim(portal, place);
        return err;
    }
    if (err || end->outcome != KZ_UPLOAD_WAITING) {
        kz_log_err(KZ_LOG_INFO, KZ_LOGNO(0033) "this process can't show that it lives: ", dead);
        return err;
    }
    if (kz_err_code(dead) == KZ_ERR_BUSY) { /* many wait already, each with a thread */
        kz_err_expected(dead);
        return NULL;
    }
    return dead;
}

kz_err_t *kz_upload__leave(kz_upload_end_t *end, const kz_grant_t *grant, const char *id,
                           apr_uint64_t size, apr_pool_t *pool)
{
    kz_upload__work_t work = {
        .portal = kz_grant_services(grant), .pool = pool, .who = kz_grant_caller(grant)};

    return complete(end, &work, kz_grant_firm(grant), id, size, NULL);
}

kz_err_t *kz_upload__resume(kz_portal_t *portal, const kz_q_upload_taken_t *taken, apr_pool_t *pool)
{
    kz_upload__work_t work = {.portal = portal, .pool = pool, .again = 1};
    kz_upload_end_t end = {KZ_UPLOAD_WAITING, NULL, NULL};
    kz_err_t *err;
    int place;

    KZ_TRY(enter(&work, taken->firm, taken->id));
    KZ_TRY(kz_worker_claim(&place, portal, taken->id));
    err = kz_upload__note_resumed(&work, taken);
    if (!err && work.row) /* else taken by another, or over */
        err = run_and_release(&end, &work);
    kz_worker_unclaim(portal, place);
    return err;
}

kz_err_t *kz_upload__give_up(kz_portal_t *portal, const kz_q_upload_taken_t *taken,
                             apr_pool_t *pool)
{
    kz_upload__work_t work = {.portal = portal, .pool = pool};
    kz_q_upload_remove_args_t args = {taken->id};
    int removed;

    KZ_TRY(enter(&work, taken->firm, taken->id));
    KZ_TRY(kz_q_upload_remove(&removed, kz_grant_db(work.grant), &args));
    KZ_TRY(kz_grant_commit(work.grant));
    if (removed == 1)
        kz_upload__spool_remove(work.spool, pool);
    return NULL;
}
