#include "ctl/ctl.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/time.h"
#include "io/scan/scan.h"
#include "model/master.h"
#include "model/worker.h"
#include "queries.h"

#define WAIT (5 * APR_USEC_PER_SEC) /* for each answer */
#define COPY_LATE                                                                                  \
    (3600 * APR_USEC_PER_SEC) /* a copy missing for longer is not on its way any more */
#define JOBS_LATE (10 * 60 * APR_USEC_PER_SEC) /* behind its time, a job waits in vain */
#define FREE_LOW  (256 << 20)                  /* bytes */
#define JOBS      20                           /* with errors, shown */

/* Something is not as it should be. */
static void bad(kz_ctl_t *ctl, const char *what)
{
    json_array_append_new(json_object_get(ctl->result, "problems"), json_string(what));
    kz_ctl__say(ctl, "  PROBLEM: %s", what);
    ctl->code = KZ_CTL_FAILED;
}

static void put_number(json_t *object, const char *name, apr_int64_t number)
{
    json_object_set_new(object, name, json_integer(number));
}

/* Free bytes where PATH is; -1 if that is not known. A disk, called WHAT, is not good when it can
 * only be read or is nearly full. */
static apr_int64_t look_at_disk(kz_ctl_t *ctl, const char *what, const char *path)
{
    struct statvfs info;
    apr_int64_t left;

    if (statvfs(path, &info) != 0)
        return -1;
    left = (apr_int64_t)info.f_bavail * (apr_int64_t)info.f_frsize;
    if (info.f_flag & ST_RDONLY)
        bad(ctl, apr_psprintf(ctl->pool, "%s is on a disk that can only be read", what));
    else if (left < FREE_LOW)
        bad(ctl, apr_psprintf(ctl->pool, "%s is nearly full", what));
    return left;
}

static const char *size_of(apr_int64_t bytes, apr_pool_t *pool)
{
    char room[5];
    const char *text = apr_strfsize(bytes, room);

    return apr_pstrdup(pool, text + strspn(text, " "));
}

/* What it means that a job of KIND has failed for good. */
static const char *failure_of(const char *kind)
{
    static const char *const known[][2] = {
#define KZ_JOB(NAME, name, lane, unit, tries, lease, handler, failure) {name, failure},
#include "jobs.def"
#undef KZ_JOB
    };
    size_t i;

    for (i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i][0], kind) == 0)
            return known[i][1];
    }
    return "this version knows no such job";
}

static void show_jobs(kz_ctl_t *ctl, json_t *list, kz_db_t *db)
{
    kz_q_ctl_status_jobs_args_t args = {.limit = JOBS};
    kz_q_ctl_status_jobs_t *rows;
    int count = 0, i;
    kz_err_t *err = kz_q_ctl_status_jobs(&rows, &count, db, &args, ctl->pool);

    if (err)
        bad(ctl, kz_err_detail(err));
    for (i = 0; !err && i < count; i++) {
        json_t *job = json_object();

        kz_ctl__text(job, "firm", rows[i].slug);
        kz_ctl__text(job, "id", rows[i].id);
        kz_ctl__text(job, "kind", rows[i].kind);
        kz_ctl__text(job, "state", rows[i].state);
        put_number(job, "tries", rows[i].tries);
        kz_ctl__text(job, "error", rows[i].error);
        kz_ctl__time(job, "due", rows[i].due);
        if (strcmp(rows[i].state, "failed") == 0)
            kz_ctl__text(job, "means", failure_of(rows[i].kind));
        json_array_append_new(list, job);
        kz_ctl__say(ctl, "  %s %s of %s, try %d: %s", rows[i].state, rows[i].kind, rows[i].slug,
                    rows[i].tries, rows[i].error);
        if (strcmp(rows[i].state, "failed") == 0)
            kz_ctl__say(ctl, "    %s", failure_of(rows[i].kind));
    }
    kz_err_free(err);
}

/* The schema's version against the program's. */
static void judge_version(kz_ctl_t *ctl, json_t *object, int version)
{
    int newest = 0;
    kz_err_t *err = kz_ctl__newest(&newest, ctl);

    put_number(object, "version", version);
    if (err) {
        bad(ctl, kz_err_detail(err));
        kz_err_free(err);
        return;
    }
    put_number(object, "program", newest);
    kz_ctl__say(ctl, "Database: version %d", version);
    if (version < newest)
        bad(ctl, "the database is older than the program: run \"kanzleictl migrate\"");
    if (version > newest)
        bad(ctl, "the database is newer than the program");
}

/* The work that httpd's jobs should have done by now. */
static void show_waiting(kz_ctl_t *ctl, json_t *object, const kz_q_ctl_status_t *row)
{
    apr_time_t late = apr_time_now() - JOBS_LATE;

    kz_ctl__time(object, "jobs_oldest", row->jobs_oldest);
    kz_ctl__time(object, "seals_oldest", row->seals_oldest);
    if (row->jobs_oldest && row->jobs_oldest < late)
        bad(ctl, apr_psprintf(ctl->pool,
                              "nobody does the jobs: one waits since %s (is httpd running, with "
                              "KanzleiJobInterval above 0?)",
                              kz_time_iso(row->jobs_oldest, ctl->pool)));
    if (row->seals_oldest && row->seals_oldest < late - ctl->portal->conf->seal_interval)
        bad(ctl, apr_psprintf(ctl->pool, "events are not sealed: one waits since %s",
                              kz_time_iso(row->seals_oldest, ctl->pool)));
}

static void show_rows(kz_ctl_t *ctl, json_t *object, const kz_q_ctl_status_t *row)
{
    put_number(object, "firms", row->firms);
    put_number(object, "uploads", row->uploads);
    put_number(object, "uploads_late", row->uploads_late);
    put_number(object, "held", row->held);
    put_number(object, "jobs_waiting", row->jobs_waiting);
    put_number(object, "jobs_failed", row->jobs_failed);
    put_number(object, "copies_open", row->copies_open);
    put_number(object, "copies_gone", row->copies_gone);
    kz_ctl__time(object, "copies_oldest", row->copies_oldest);
    kz_ctl__say(ctl, "Firms: %" APR_INT64_T_FMT, row->firms);
    kz_ctl__say(ctl, "Uploads under way: %" APR_INT64_T_FMT, row->uploads);
    if (row->uploads_late)
        bad(ctl, apr_psprintf(ctl->pool,
                              "uploads (%" APR_INT64_T_FMT ") can't be scanned or stored for more "
                              "than half an hour: what is wrong above or below is why, or "
                              "httpd's error log says it",
                              row->uploads_late));
    kz_ctl__say(ctl, "Documents kept back by the scanner: %" APR_INT64_T_FMT, row->held);
    kz_ctl__say(ctl, "Copies to be repaired: %" APR_INT64_T_FMT "%s%s", row->copies_open,
                row->copies_oldest ? ", the oldest of a document of " : "",
                row->copies_oldest ? kz_time_iso(row->copies_oldest, ctl->pool) : "");
    if (row->copies_oldest && row->copies_oldest < apr_time_now() - COPY_LATE)
        bad(ctl, "a store misses documents for more than an hour: run \"kanzleictl check\"");
    if (row->copies_gone)
        bad(ctl,
            apr_psprintf(ctl->pool,
                         "copies (%" APR_INT64_T_FMT ") were missed by stores that are not "
                         "configured any more (%s): \"kanzleictl check --repair\" forgets them",
                         row->copies_gone, row->stores_gone));
    kz_ctl__say(ctl, "Jobs: %" APR_INT64_T_FMT " waiting, %" APR_INT64_T_FMT " failed in a day",
                row->jobs_waiting, row->jobs_failed);
    if (row->jobs_failed > 0)
        bad(ctl, "jobs have failed for good");
    show_waiting(ctl, object, row);
}

/* Whether the master keys are those that this installation was used with. */
static void show_keys(kz_ctl_t *ctl, kz_db_t *db)
{
    kz_err_t *err = kz_master_check(ctl->portal, db, ctl->pool);

    json_object_set_new(ctl->result, "master_keys", json_boolean(!err));
    kz_ctl__say(ctl, "Master keys: %s", err ? "not proven" : "proven");
    if (err)
        bad(ctl, kz_err_detail(err));
    kz_err_free(err);
}

/* The disk of an embedded database: appliance/kanzleictl says where it is. */
static void show_database_disk(kz_ctl_t *ctl, json_t *object)
{
    const char *folder = getenv("KANZLEI_DATABASE_FOLDER");
    apr_int64_t left;

    if (!folder || !*folder)
        return;
    left = look_at_disk(ctl, "the database", folder);
    put_number(object, "free", left);
    if (left < 0)
        bad(ctl, apr_psprintf(ctl->pool, "the database's folder %s is away", folder));
    else
        kz_ctl__say(ctl, "  %s free", size_of(left, ctl->pool));
}

/* Whether a commit still reaches the database's disk. */
static kz_err_t *try_to_write(kz_ctl_t *ctl)
{
    kz_q_ctl_trial_t *row;
    kz_db_t *db;

    KZ_TRY(kz_db_begin(&db, ctl->portal->db, ctl->pool));
    KZ_TRY(kz_q_ctl_trial(&row, db, ctl->pool));
    if (row->read_only)
        return kz_err_create(KZ_ERR_DB_DOWN, "it can only be read");
    return kz_db_commit(db);
}

static void show_database(kz_ctl_t *ctl)
{
    json_t *object = json_object(), *jobs = json_array();
    kz_q_ctl_status_args_t args = {kz_portal_stores(ctl->portal, ctl->pool)};
    kz_q_ctl_status_t *row;
    kz_db_t *db;
    kz_err_t *err = kz_db_begin(&db, ctl->portal->db, ctl->pool);

    json_object_set_new(ctl->result, "database", object);
    json_object_set_new(object, "jobs", jobs);
    show_database_disk(ctl, object);
    if (!err)
        err = kz_q_ctl_status(&row, db, &args, ctl->pool);
    if (err) {
        bad(ctl, kz_err_detail(err));
        kz_err_free(err);
        return;
    }
    judge_version(ctl, object, row->version);
    show_keys(ctl, db);
    show_rows(ctl, object, row);
    show_jobs(ctl, jobs, db);
    kz_db_end(db);
    err = try_to_write(ctl);
    if (err)
        bad(ctl, apr_psprintf(ctl->pool, "the database takes no changes: %s", kz_err_detail(err)));
    kz_err_free(err);
}

static void show_store(kz_ctl_t *ctl, json_t *list, int i)
{
    const char *name = kz_stores_name(ctl->portal->stores, i), *free_text = "";
    const char *url = APR_ARRAY_IDX(ctl->portal->conf->stores, i, kz_conf_pair_t).value;
    kz_err_t *err = kz_stores_try(ctl->portal->stores, i, kz_clock_now() + WAIT, ctl->pool);
    json_t *store = json_object();
    apr_int64_t left = -1;

    /* One that hangs would hold up this look, too. */
    if (strncmp(url, "dir:", 4) == 0 && (!err || kz_err_code(err) == KZ_ERR_NO_SPACE))
        left = look_at_disk(ctl, apr_pstrcat(ctl->pool, "the store ", name, NULL), url + 4);

    kz_ctl__text(store, "name", name);
    json_object_set_new(store, "good", json_boolean(!err));
    if (left >= 0) {
        put_number(store, "free", left);
        free_text = apr_psprintf(ctl->pool, ", %s free", size_of(left, ctl->pool));
    }
    kz_ctl__text(store, "error", err ? kz_err_detail(err) : NULL);
    json_array_append_new(list, store);
    kz_ctl__say(ctl, "Store %s: %s%s", name, err ? "down" : "good", free_text);
    if (err)
        bad(ctl, apr_psprintf(ctl->pool, "the store %s is down: %s", name, kz_err_detail(err)));
    kz_err_free(err);
}

static void show_stores(kz_ctl_t *ctl)
{
    json_t *list = json_array();
    apr_int64_t left = look_at_disk(ctl, "the spool", ctl->portal->conf->spool);
    kz_err_t *err;
    int i;

    json_object_set_new(ctl->result, "stores", list);
    for (i = 0; i < kz_stores_count(ctl->portal->stores); i++)
        show_store(ctl, list, i);
    put_number(ctl->result, "spool_free", left);
    kz_ctl__say(ctl, "Spool: %s",
                left < 0 ? "away"
                         : apr_pstrcat(ctl->pool, size_of(left, ctl->pool), " free", NULL));
    if (left < 0)
        bad(ctl, "the spool is away: no upload goes on");
    err = kz_worker_marker(ctl->portal->conf, ctl->pool);
    if (err)
        bad(ctl, kz_err_detail(err));
    kz_err_free(err);
}

/* How far the scanner is from the portal, which owns the spool. */
static void show_cage(kz_ctl_t *ctl, json_t *object, const kz_scan_status_t *status)
{
    struct stat spool;
    int known = stat(ctl->portal->conf->spool, &spool) == 0;
    int own = known && spool.st_uid != status->user;

    json_object_set_new(object, "own_user", known ? json_boolean(own) : json_null());
    put_number(object, "landlock", status->landlock);
    if (known && !own)
        kz_ctl__say(ctl,
                    "  as the portal's own user: seccomp and Landlock alone keep it from keys, "
                    "which is weaker than a user of its own");
    if (!status->landlock)
        kz_ctl__say(ctl, "  without Landlock, which this kernel lacks: its user's rights alone "
                         "keep it from files");
}

static void show_scanner(kz_ctl_t *ctl)
{
    const kz_conf_t *conf = ctl->portal->conf;
    json_t *object = json_object();
    kz_scan_status_t status;
    kz_err_t *err = kz_scan_status(&status, conf->scanner, kz_clock_now() + WAIT, ctl->pool);

    json_object_set_new(ctl->result, "scanner", object);
    json_object_set_new(object, "running", json_boolean(!err));
    if (err) {
        bad(ctl, apr_psprintf(ctl->pool, "the scanner is down, no document is let through: %s",
                              kz_err_detail(err)));
        kz_err_free(err);
        return;
    }
    kz_ctl__text(object, "version", status.version);
    put_number(object, "workers", status.workers);
    put_number(object, "signatures", status.signatures);
    json_object_set_new(object, "test_signatures_only", json_boolean(status.test_only));
    json_object_set_new(object, "refusing", json_boolean(status.refusing));
    kz_ctl__text(object, "reason", status.reason);
    kz_ctl__time(object, "loaded", status.loaded);
    kz_ctl__say(ctl, "Scanner: ClamAV %s, %u signatures loaded %s, %d workers", status.version,
                status.signatures, status.loaded ? kz_time_iso(status.loaded, ctl->pool) : "never",
                status.workers);
    show_cage(ctl, object, &status);
    if (status.refusing)
        bad(ctl, apr_psprintf(ctl->pool, "the scanner refuses to scan: %s", status.reason));
    if (status.test_only && strcasecmp(conf->demonstration, "on") == 0)
        kz_ctl__say(ctl, "  TEST SIGNATURES ONLY: real malware is not found (demonstration)");
    else if (status.test_only)
        bad(ctl, "the scanner has TEST SIGNATURES ONLY: real malware is not found");
}

static kz_err_t *show(kz_ctl_t *ctl)
{
    json_object_set_new(ctl->result, "healthy", json_false());
    json_object_set_new(ctl->result, "problems", json_array());
    show_database(ctl);
    show_stores(ctl);
    show_scanner(ctl);
    json_object_set_new(ctl->result, "healthy", json_boolean(ctl->code == KZ_CTL_FINE));
    kz_ctl__say(ctl, ctl->code == KZ_CTL_FINE ? "All is well." : "NOT ALL IS WELL.");
    return NULL;
}

static const apr_getopt_option_t options[] = {
    {"sql", KZ_CTL_OPTION, 1, "DIR: where schema/ is (KANZLEI_SQL)"},
    {NULL, 0, 0, NULL},
};

const kz_ctl_command_t kz_ctl__status = {"status",
                                         "[--sql DIR]",
                                         "Says how the installation is\n\n"
                                         "Database, stores, scanner, jobs, uploads, documents kept "
                                         "back, copies to be repaired. The exit\n"
                                         "code is 0 only when all is well.\n",
                                         NULL,
                                         options,
                                         show};
