/* From the last byte to a document: scan, store, commit. */
#include "model/finish.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/str.h"
#include "io/scan/scan.h"
#include "model/document.h"
#include "model/event.h"
#include "model/worker.h"
#include "queries.h"

/* Many may end in the same moment: who waits holds nothing but a thread, and is found by the
 * sweeper or by whoever sends the last byte again. */
#define KZ_FINISH_WAIT  (10 * 60 * APR_USEC_PER_SEC)
#define KZ_FINISH_STRAY 600 /* seconds after which a file without a row is nobody's */

typedef struct finish_t {
    kz_portal_t *portal;
    kz_grant_t *grant;
    apr_pool_t *pool;
    const char *spool, *object; /* file, key in the stores */
    kz_q_upload_take_t *row;
    kz_seal_key_t *key;
    apr_uint64_t size;
    unsigned char sha256[KZ_SEAL_SHA256];
    const char *state, *what;
} finish_t;

/* How long nobody else may work on it: all that a step may wait for, and some more. */
static apr_int64_t lease(const kz_conf_t *conf)
{
    return apr_time_as_msec(conf->scan_time * 2 + conf->store_timeout * 2 + conf->db_timeout * 4) +
           10000;
}

/* What the document is, by its first bytes; a large one keeps what its name says. */
static void look_at(finish_t *f, int memfd)
{
    unsigned char head[512];
    ssize_t len = pread(memfd, head, sizeof head, 0);

    f->row->type = kz_document_type(f->row->name, head, len > 0 ? (size_t)len : 0);
}

/* Scans through a memfd; a document over the bound is read for its size and hash alone. */
static kz_err_t *scan(kz_scan_verdict_t *verdict, finish_t *f)
{
    const kz_conf_t *conf = f->portal->conf;
    apr_uint64_t size = (apr_uint64_t)f->row->size;
    apr_time_t deadline = apr_time_now() + conf->scan_time * 2;
    int memfd = -1;
    kz_err_t *err;

    err = kz_scan_reserve(&memfd, size, deadline);
    if (err && kz_err_code(err) == KZ_ERR_TOO_LARGE) {
        kz_err_free(err);
        verdict->result = KZ_SCAN_UNSCANNABLE;
        verdict->what = "too_large";
        return kz_seal_scan_copy(&f->size, f->sha256, f->spool, -1, f->key, f->row->id);
    }
    KZ_TRY(err);
    err = kz_seal_scan_copy(&f->size, f->sha256, f->spool, memfd, f->key, f->row->id);
    if (!err)
        look_at(f, memfd);
    if (!err)
        err = kz_scan_memfd(verdict, conf->scanner, memfd, deadline, f->pool);
    kz_scan_release(memfd, size);
    return err;
}

/* The upload is over: its last state, and its file goes. */
static kz_err_t *end(finish_t *f, const char *state, const char *what)
{
    kz_q_upload_end_args_t args = {f->row->id, f->portal->worker, state, what};

    KZ_TRY(kz_q_upload_end_later(kz_grant_db(f->grant), &args));
    KZ_TRY(kz_grant_commit(f->grant));
    unlink(f->spool);
    f->state = state;
    f->what = what;
    return NULL;
}

static kz_err_t *refuse(finish_t *f, const char *signature)
{
    kz_event_t event = {
        .account = f->row->account,
        .client = f->row->client,
        .subject = f->row->matter,
        .detail = apr_pstrcat(f->pool, f->row->name, ": ", signature, NULL),
    };

    KZ_TRY(kz_grant_again(f->grant));
    KZ_TRY(kz_event_add(f->grant, "infected", &event));
    return end(f, "infected", signature);
}

/* Notes the verdict, so that a crash from here on does not scan again. That must last before the
 * spool becomes an object and goes to the stores: a row that knows nothing of it could neither go
 * on nor be given up. */
static kz_err_t *scanned(finish_t *f, const kz_scan_verdict_t *verdict)
{
    kz_q_upload_scanned_args_t args = {
        .upload = f->row->id,
        .worker = f->portal->worker,
        .size = (apr_int64_t)f->size,
        .sha256 = {f->sha256, sizeof f->sha256},
        .what = verdict->result == KZ_SCAN_CLEAN ? "" : verdict->what,
        .type = f->row->type,
    };
    int n;

    KZ_TRY(kz_grant_again(f->grant));
    KZ_TRY(kz_q_upload_scanned_send(kz_grant_db(f->grant), &args));
    KZ_TRY(kz_db_commit_send(kz_grant_db(f->grant)));
    KZ_TRY(kz_q_upload_scanned_read(&n, kz_grant_db(f->grant)));
    KZ_TRY(kz_grant_commit(f->grant));
    f->what = args.what;
    return n == 1 ? NULL : kz_err_create(KZ_ERR_LOCKED, "somebody else took the upload");
}

static kz_err_t *put(unsigned char *held, finish_t *f)
{
    kz_seal_meta_t meta = {
        .firm = kz_grant_firm(f->grant),
        .document = f->row->id,
        .client = f->row->client,
        .matter = f->row->matter,
        .name = f->row->name,
        .type = f->row->type,
        .by = f->row->account,
        .at = f->row->created,
        .size = f->size,
    };
    apr_time_t deadline = apr_time_now() + kz_conf_store_time(f->portal->conf, f->size);
    struct stat info;
    kz_err_t *err;
    int fd;

    memcpy(meta.sha256, f->sha256, sizeof meta.sha256);
    KZ_TRY(kz_seal_spool_finish(f->spool, f->key, &meta, f->pool));
    fd = open(f->spool, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0)
        return kz_err_status(KZ_ERR_STORE_DOWN, APR_FROM_OS_ERROR(errno), "spool");
    err = kz_stores_give(held, f->portal->stores, f->object, fd, (apr_uint64_t)info.st_size,
                         deadline);
    close(fd);
    return err;
}

static kz_err_t *add_document(finish_t *f, const char *state)
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
static kz_err_t *commit(finish_t *f, const unsigned char *held)
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
 * sees that. */
static kz_err_t *give_way(finish_t *f, kz_err_t *err)
{
    kz_err_t *failed =
        kz_err_create(KZ_ERR_SEAL, "upload %s has failed: %s", f->row->id, kz_err_detail(err));

    kz_err_free(err);
    err = kz_grant_again(f->grant);
    if (!err)
        err = end(f, "failed", "");
    if (!err)
        return failed;
    kz_err_free(failed);
    return err;
}

static int is_lost(const kz_err_t *err)
{
    return err && (kz_err_code(err) == KZ_ERR_SEAL || kz_err_code(err) == KZ_ERR_NOT_FOUND);
}

static kz_err_t *work(finish_t *f)
{
    unsigned char *held = apr_pcalloc(f->pool, (apr_size_t)kz_stores_count(f->portal->stores));
    kz_scan_verdict_t verdict = {KZ_SCAN_UNSCANNABLE, "error"};
    kz_err_t *err;

    f->what = f->row->what;
    if (f->row->sha256.len == KZ_SEAL_SHA256) { /* scanned before a crash */
        memcpy(f->sha256, f->row->sha256.data, KZ_SEAL_SHA256);
        f->size = (apr_uint64_t)f->row->size;
    } else {
        err = scan(&verdict, f);
        if (is_lost(err))
            return give_way(f, err);
        KZ_TRY(err);
        if (verdict.result == KZ_SCAN_INFECTED)
            return refuse(f, verdict.what);
        KZ_TRY(scanned(f, &verdict));
    }
    err = put(held, f);
    if (is_lost(err))
        return give_way(f, err);
    KZ_TRY(err);
    return commit(f, held);
}

/* Takes the lease; NULL in f->row when somebody else has it or it is over. Should PostgreSQL crash
 * and forget it, the upload is as it was before its last byte. */
static kz_err_t *take(finish_t *f, const char *id)
{
    kz_q_upload_take_args_t args = {id, f->portal->worker, lease(f->portal->conf),
                                    KZ_CONF_STORE_RATE / 2};
    kz_seal_key_t *firm_key;

    KZ_TRY(kz_worker_live(f->portal));
    KZ_TRY(kz_db_soon(kz_grant_db(f->grant)));
    KZ_TRY(kz_q_upload_take_send(kz_grant_db(f->grant), &args));
    KZ_TRY(kz_db_commit_send(kz_grant_db(f->grant)));
    KZ_TRY(kz_q_upload_take_read(&f->row, kz_grant_db(f->grant), f->pool));
    KZ_TRY(kz_grant_commit(f->grant));
    if (!f->row)
        return kz_err_create(KZ_ERR_LOCKED, "upload %s is taken or over", id);
    KZ_TRY(kz_grant_firm_key(&firm_key, f->grant));
    return kz_seal_document_open(&f->key, firm_key, id, f->row->key.data, f->pool);
}

static void give_back(finish_t *f)
{
    kz_q_upload_release_args_t args = {f->row->id, f->portal->worker};
    kz_err_t *err = kz_grant_again(f->grant);

    if (!err)
        err = kz_q_upload_release(NULL, kz_grant_db(f->grant), &args);
    if (!err)
        err = kz_grant_commit(f->grant);
    kz_err_free(err); /* the lease ends by itself */
}

static kz_err_t *finish(const char **state, const char **what, kz_portal_t *portal, int firm,
                        const char *id, apr_pool_t *pool)
{
    finish_t f = {.portal = portal, .pool = pool};
    kz_err_t *err;

    KZ_TRY(kz_grant_portal(&f.grant, portal, firm, pool));
    f.spool = kz_upload__spool(portal, id, pool);
    f.object = apr_psprintf(pool, "%d/%.2s/%s/1", firm, id + strlen(id) - 2, id);
    err = take(&f, id);
    if (!err) {
        err = work(&f);
        if (err)
            give_back(&f);
    }
    kz_grant_rest(f.grant);
    *state = f.state;
    *what = f.what;
    return err;
}

kz_err_t *kz_upload_finish(const char **state, const char **what, kz_portal_t *portal, int firm,
                           const char *id, apr_pool_t *pool)
{
    kz_err_t *err;

    KZ_TRY(kz_slots_take(portal->finishing, KZ_FINISH_WAIT));
    err = finish(state, what, portal, firm, id, pool);
    kz_slots_give(portal->finishing);
    return err;
}

/* Files that no upload knows: a crash came between file and row, or between row and unlink. And
 * those of dead workers that had taken nothing. */
static void remove_strays(kz_portal_t *portal, apr_pool_t *pool)
{
    DIR *dir = opendir(portal->conf->spool);
    struct dirent *entry;

    while (dir && (entry = readdir(dir)) != NULL) {
        const char *path = kz_upload__spool(portal, entry->d_name, pool);
        kz_q_upload_known_t *row = NULL;
        struct stat info;
        kz_db_t *db;
        kz_err_t *err;

        if (stat(path, &info) != 0 ||
            apr_time_sec(apr_time_now()) - info.st_mtime < KZ_FINISH_STRAY)
            continue;
        if (strncmp(entry->d_name, KZ_WORKER_FILE, strlen(KZ_WORKER_FILE)) == 0 &&
            kz_worker_is_dead(path))
            unlink(path);
        if (!kz_str_is_uuid(entry->d_name))
            continue;
        err = kz_db_begin(&db, portal->db, pool);
        if (!err)
            err = kz_q_upload_known(&row, db, &(kz_q_upload_known_args_t){entry->d_name}, pool);
        if (!err) {
            kz_db_end(db);
            if (!row->known)
                unlink(path);
        }
        kz_err_free(err);
    }
    if (dir)
        closedir(dir);
}

static kz_err_t *give_up(kz_portal_t *portal, int firm, const char *id, apr_pool_t *pool)
{
    kz_grant_t *grant;

    KZ_TRY(kz_grant_portal(&grant, portal, firm, pool));
    KZ_TRY(kz_q_upload_remove(NULL, kz_grant_db(grant), &(kz_q_upload_remove_args_t){id}));
    KZ_TRY(kz_grant_commit(grant));
    unlink(kz_upload__spool(portal, id, pool));
    return NULL;
}

kz_err_t *kz_upload_sweep(int *found, kz_portal_t *portal, int look, apr_pool_t *pool)
{
    const kz_conf_t *conf = portal->conf;
    kz_q_upload_taken_args_t args = {portal->worker, lease(conf),
                                     apr_time_as_msec(conf->upload_life)};
    kz_q_upload_taken_t *row;
    const char *state, *what;
    kz_db_t *db;

    *found = 0;
    if (look)
        remove_strays(portal, pool);
    KZ_TRY(kz_db_begin(&db, portal->db, pool));
    KZ_TRY(kz_q_upload_taken(&row, db, &args, pool));
    KZ_TRY(kz_db_commit(db));
    if (!row)
        return NULL;
    *found = 1;
    if (strcmp(row->state, "receiving") == 0)
        return give_up(portal, row->firm, row->id, pool);
    return finish(&state, &what, portal, row->firm, row->id, pool);
}
