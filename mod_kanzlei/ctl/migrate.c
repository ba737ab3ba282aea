#include "ctl/ctl.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <sodium.h>

#include "base/clock.h"
#include "base/str.h"
#include "model/master.h"

#define STORES_TIME (30 * APR_USEC_PER_SEC) /* for the stores' markers */
#define LOCK_TRIES  8
#define LOCK_PAUSE  (500 * 1000) /* between tries: meanwhile the portal goes on */

typedef struct migration_t {
    int number;
    const char *name, *path; /* "001_portal" */
} migration_t;

typedef struct migrate_t {
    kz_ctl_t *ctl;
    kz_db_admin_t *db;
    const char *sql; /* folder of schema, policy and migrate */
    apr_pool_t *pool;
} migrate_t;

/* In this order (the rules grant what the views show); each may be applied again and again. */
static const char *const policies[] = {"sees.sql",   "view.sql",     "access.sql", "policy.sql",
                                       "secret.sql", "operator.sql", "enter.sql",  "step.sql",
                                       "form.sql",   "search.sql",   "grant.sql"};
#define POLICIES (sizeof policies / sizeof *policies)

/* Where the statements are: --sql, KANZLEI_SQL, beside this program, or as installed. */
static const char *sql_folder(const kz_ctl_t *ctl)
{
    const char *given = kz_ctl__option(ctl, "sql");
    char self[4096];
    ssize_t len;
    apr_finfo_t info;

    if (!given)
        given = getenv("KANZLEI_SQL");
    if (given && *given)
        return given;
    len = readlink("/proc/self/exe", self, sizeof self);
    if (len > 0 && len < (ssize_t)sizeof self) {
        char *slash;

        self[len] = '\0';
        slash = strrchr(self, '/');
        *slash = '\0';
        given = apr_pstrcat(ctl->pool, self, "/../share/kanzleipost/sql", NULL);
        if (apr_stat(&info, given, APR_FINFO_TYPE, ctl->pool) == APR_SUCCESS)
            return given;
    }
    return KZ_DATADIR "/sql";
}

static kz_err_t *read_file(const char **text, const char *path, apr_pool_t *pool)
{
    apr_file_t *file;
    apr_finfo_t info;
    apr_size_t len = 0;
    char *room = NULL;
    apr_status_t status = apr_file_open(&file, path, APR_FOPEN_READ, 0, pool);

    if (status == APR_SUCCESS)
        status = apr_file_info_get(&info, APR_FINFO_SIZE, file);
    if (status == APR_SUCCESS) {
        room = apr_palloc(pool, (apr_size_t)info.size + 1);
        status = apr_file_read_full(file, room, (apr_size_t)info.size, &len);
    }
    if (status != APR_SUCCESS)
        return kz_err_status(KZ_ERR_CONFIG, status, "%s", path);
    room[len] = '\0';
    *text = room;
    return NULL;
}

/* Runs the script FILE of the folder of statements. */
static kz_err_t *run_file(migrate_t *m, const char *file)
{
    const char *text;
    kz_err_t *err;

    KZ_TRY(read_file(&text, apr_pstrcat(m->pool, m->sql, "/", file, NULL), m->pool));
    err = kz_db_admin_run(m->db, text);
    return err ? kz_err_wrap(err, "%s", file) : NULL;
}

/* The one answer to the statement migrate/NAME.sql. */
static kz_err_t *ask(const char **answer, migrate_t *m, const char *name, const char *const *args,
                     int count)
{
    const char *text;

    KZ_TRY(
        read_file(&text, apr_pstrcat(m->pool, m->sql, "/migrate/", name, ".sql", NULL), m->pool));
    return kz_db_admin_ask(answer, m->db, text, args, count, m->pool);
}

static int by_number(const void *a, const void *b)
{
    return ((const migration_t *)a)->number - ((const migration_t *)b)->number;
}

/* Every NNN_name.sql of schema/, in order. */
static kz_err_t *find_migrations(apr_array_header_t **found, const migrate_t *m)
{
    const char *folder = apr_pstrcat(m->pool, m->sql, "/schema", NULL);
    apr_dir_t *dir;
    apr_finfo_t info;
    apr_status_t status = apr_dir_open(&dir, folder, m->pool);

    if (status != APR_SUCCESS)
        return kz_err_status(KZ_ERR_CONFIG, status, "%s", folder);
    *found = apr_array_make(m->pool, 16, sizeof(migration_t));
    while (apr_dir_read(&info, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        size_t len = strlen(info.name);
        migration_t *migration;

        if (len < 9 || strcmp(info.name + len - 4, ".sql") != 0 || info.name[3] != '_' ||
            strspn(info.name, "0123456789") != 3)
            continue;
        migration = apr_array_push(*found);
        migration->number = atoi(info.name);
        migration->name = apr_pstrmemdup(m->pool, info.name, len - 4);
        migration->path = apr_pstrcat(m->pool, "schema/", info.name, NULL);
    }
    apr_dir_close(dir);
    qsort((*found)->elts, (size_t)(*found)->nelts, sizeof(migration_t), by_number);
    if ((*found)->nelts == 0)
        return kz_err_create(KZ_ERR_CONFIG, "%s: there is no migration", folder);
    return NULL;
}

/* Refuses a database that knows a migration which this program does not. */
static kz_err_t *refuse_newer(migrate_t *m, const apr_array_header_t *migrations)
{
    const char *list = "", *unknown;
    int i;

    for (i = 0; i < migrations->nelts; i++)
        list = apr_psprintf(m->pool, "%s%s%d", list, i ? "," : "",
                            APR_ARRAY_IDX(migrations, i, migration_t).number);
    list = apr_pstrcat(m->pool, "{", list, "}", NULL);
    KZ_TRY(ask(&unknown, m, "unknown", &list, 1));
    if (unknown)
        return kz_err_create(KZ_ERR_CONFLICT,
                             "the database is newer than this program: it has migration %s, this "
                             "program knows %d; nothing was changed",
                             unknown,
                             APR_ARRAY_IDX(migrations, migrations->nelts - 1, migration_t).number);
    return NULL;
}

/* Runs WHAT in a transaction that locks all tables first. The portal may be using them: when the
 * locks are not granted soon, this rolls back, so that nobody waits behind it, and tries again. */
static kz_err_t *in_transaction(migrate_t *m, kz_err_t *(*what)(migrate_t *, const void *),
                                const void *baton)
{
    kz_err_t *err;
    int tries = 0;

    for (;;) {
        KZ_TRY(kz_db_admin_run(m->db, "BEGIN"));
        err = run_file(m, "migrate/lock.sql");
        if (!err)
            err = what(m, baton);
        if (!err)
            return kz_db_admin_run(m->db, "COMMIT");
        if (kz_err_code(err) != KZ_ERR_DB_BUSY)
            return err;
        kz_err_expected(err); /* somebody else holds a table: once more */
        KZ_TRY(kz_db_admin_run(m->db, "ROLLBACK"));
        if (++tries == LOCK_TRIES)
            return kz_err_create(KZ_ERR_DB_BUSY, "another transaction holds the tables that are to "
                                                 "be changed; try again when it has ended");
        apr_sleep(LOCK_PAUSE);
    }
}

static kz_err_t *apply_one(migrate_t *m, const void *baton)
{
    const migration_t *migration = baton;
    const char *args[] = {apr_itoa(m->pool, migration->number), migration->name}, *none;

    KZ_TRY(run_file(m, migration->path));
    return ask(&none, m, "note", args, 2);
}

/* Applies MIGRATION unless it has been; in one transaction with its row. */
static kz_err_t *apply(migrate_t *m, const migration_t *migration, json_t *applied)
{
    const char *number = apr_itoa(m->pool, migration->number), *when;

    KZ_TRY(ask(&when, m, "applied", &number, 1));
    if (when)
        return NULL;
    KZ_TRY(in_transaction(m, apply_one, migration));
    json_array_append_new(applied, json_string(migration->name));
    kz_ctl__say(m->ctl, "Applied %s.", migration->name);
    return NULL;
}

static kz_err_t *policy_file(const char **text, const migrate_t *m, size_t i)
{
    return read_file(text, apr_pstrcat(m->pool, m->sql, "/policy/", policies[i], NULL), m->pool);
}

/* What the table's comment says when just these files are in force. */
static kz_err_t *policy_mark(const char **mark, const migrate_t *m)
{
    unsigned char sum[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;
    const char *text;
    size_t i;

    crypto_hash_sha256_init(&state);
    for (i = 0; i < POLICIES; i++) {
        KZ_TRY(policy_file(&text, m, i));
        crypto_hash_sha256_update(&state, (const unsigned char *)text, strlen(text) + 1);
    }
    crypto_hash_sha256_final(&state, sum);
    *mark = apr_pstrcat(m->pool, "policy ", kz_str_hex(sum, sizeof sum, m->pool), NULL);
    return NULL;
}

static kz_err_t *apply_all_policies(migrate_t *m, const void *mark)
{
    size_t i;

    for (i = 0; i < POLICIES; i++)
        KZ_TRY(run_file(m, apr_pstrcat(m->pool, "policy/", policies[i], NULL)));
    return kz_db_admin_run(
        m->db, apr_psprintf(m->pool, "COMMENT ON TABLE migration IS '%s'", (const char *)mark));
}

/* All of policy/ in one transaction: at no moment is a table without its rules. That locks every
 * table, so it is left out when these files are in force and no migration was APPLIED. */
static kz_err_t *apply_policies(migrate_t *m, const json_t *applied)
{
    const char *mark, *known;

    KZ_TRY(policy_mark(&mark, m));
    KZ_TRY(ask(&known, m, "policy", NULL, 0));
    if (known && strcmp(known, mark) == 0 && json_array_size(applied) == 0 &&
        !kz_ctl__option(m->ctl, "anew"))
        return NULL;
    return in_transaction(m, apply_all_policies, mark);
}

/* Refuses the database of another installation; the first time binds it, and the stores with it:
 * both or, when a store refuses, neither. */
static kz_err_t *bind_all(migrate_t *m)
{
    const char *own = m->ctl->portal->conf->installation, *known;

    KZ_TRY(ask(&known, m, "installation", NULL, 0));
    if (known && strcmp(known, own) != 0)
        return kz_err_create(KZ_ERR_CONFIG,
                             "the database belongs to the installation %s, the configuration to %s",
                             known, own);
    if (known)
        return NULL;
    KZ_TRY(kz_db_admin_run(m->db, "BEGIN"));
    KZ_TRY(ask(&known, m, "bind", &own, 1));
    KZ_TRY(kz_stores_initialise(m->ctl->portal->stores, kz_clock_now() + STORES_TIME, m->pool));
    KZ_TRY(kz_db_admin_run(m->db, "COMMIT"));
    kz_ctl__say(m->ctl, "Bound the database and %d stores to the installation %s.",
                kz_stores_count(m->ctl->portal->stores), own);
    return NULL;
}

/* Notes what proves the master keys from now on. */
static kz_err_t *note_keys(const migrate_t *m, const char *conninfo)
{
    const kz_portal_t *portal = m->ctl->portal;
    kz_db_pool_t *dbpool;
    kz_db_t *db;

    KZ_TRY(kz_db_pool_open(&dbpool, conninfo, 1, portal->conf->db_timeout, NULL, m->pool));
    KZ_TRY(kz_ctl__begin_root(m->ctl));
    KZ_TRY(kz_db_begin(&db, dbpool, m->pool));
    KZ_TRY(kz_ctl__end_root(m->ctl));
    KZ_TRY(kz_master_note(portal, db, m->pool));
    return kz_db_commit(db);
}

kz_err_t *kz_ctl__newest(int *number, const kz_ctl_t *ctl)
{
    const migrate_t m = {.pool = ctl->pool, .sql = sql_folder(ctl)};
    apr_array_header_t *migrations = NULL;

    KZ_TRY(find_migrations(&migrations, &m));
    *number = APR_ARRAY_IDX(migrations, migrations->nelts - 1, migration_t).number;
    return NULL;
}

static kz_err_t *migrate(kz_ctl_t *ctl)
{
    migrate_t m = {.ctl = ctl, .pool = ctl->pool, .sql = sql_folder(ctl)};
    json_t *applied = json_array();
    apr_array_header_t *migrations = NULL;
    const char *conninfo;
    int i;

    json_object_set_new(ctl->result, "applied", applied);
    KZ_TRY(kz_ctl__owner(&conninfo, ctl));
    KZ_TRY(find_migrations(&migrations, &m));
    KZ_TRY(kz_ctl__begin_root(ctl));
    KZ_TRY(kz_db_admin_open(&m.db, conninfo, ctl->pool));
    KZ_TRY(kz_ctl__end_root(ctl));
    KZ_TRY(run_file(&m, "migrate/begin.sql"));
    KZ_TRY(kz_db_admin_run(m.db, "SET lock_timeout = '1s'"));
    KZ_TRY(refuse_newer(&m, migrations));
    for (i = 0; i < migrations->nelts; i++)
        KZ_TRY(apply(&m, &APR_ARRAY_IDX(migrations, i, migration_t), applied));
    KZ_TRY(apply_policies(&m, applied));
    KZ_TRY(bind_all(&m));
    KZ_TRY(note_keys(&m, conninfo));
    i = APR_ARRAY_IDX(migrations, migrations->nelts - 1, migration_t).number;
    json_object_set_new(ctl->result, "version", json_integer(i));
    kz_ctl__say(ctl, "The database is up to date (version %d).", i);
    return NULL;
}

static const apr_getopt_option_t options[] = {
    {"database", KZ_CTL_OPTION, 1, "CONNINFO: of the schema's owner (KANZLEI_OWNER_DATABASE)"},
    {"anew", KZ_CTL_OPTION, 0, "sets the rules of policy/ also if they have not changed"},
    {"sql", KZ_CTL_OPTION, 1, "DIR: where schema/, policy/ and migrate/ are (KANZLEI_SQL)"},
    {NULL, 0, 0, NULL},
};

const kz_ctl_command_t kz_ctl__migrate = {
    "migrate",
    "[--database CONNINFO] [--sql DIR] [--anew]",
    "Brings the database up to date\n\n"
    "Makes the tables the first time, and binds database and stores to this installation. Safe to\n"
    "run again, and from several hosts at once. A database newer than the program is refused.\n",
    NULL,
    options,
    migrate};
