#include "io/db/db.h"

#include <string.h>

#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include "io/db/conn.h"

struct kz_db_pool_t {
    const char *conninfo;
    apr_interval_time_t timeout;
    int max, open;      /* connections */
    kz_db_conn_t *idle; /* the one used last comes first */
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *freed;
};

struct kz_db_t {
    kz_db_pool_t *dbpool;
    kz_db_conn_t *conn; /* NULL: over */
    apr_pool_t *pool;
    kz_err_t *(*first)(void *baton); /* reads what was sent before, or NULL */
    void *first_baton;
    int failed; /* 1: a statement failed, 2: the connection is of no use any more */
    int ending; /* COMMIT was sent */
    char constraint[64];
};

static apr_status_t close_all(void *baton)
{
    kz_db_pool_t *dbpool = baton;

    while (dbpool->idle) {
        kz_db_conn_t *conn = dbpool->idle;

        dbpool->idle = conn->next;
        kz_db__disconnect(conn);
    }
    return APR_SUCCESS;
}

kz_err_t *kz_db_pool_open(kz_db_pool_t **dbpool, const char *conninfo, int max,
                          apr_interval_time_t timeout, apr_pool_t *pool)
{
    kz_db_pool_t *p = apr_pcalloc(pool, sizeof *p);
    apr_status_t status;

    p->conninfo = apr_pstrdup(pool, conninfo);
    p->timeout = timeout;
    p->max = max;
    status = apr_thread_mutex_create(&p->mutex, APR_THREAD_MUTEX_DEFAULT, pool);
    if (status == APR_SUCCESS)
        status = apr_thread_cond_create(&p->freed, pool);
    if (status != APR_SUCCESS)
        return kz_err_status(KZ_ERR_INTERNAL, status, "database pool");
    apr_pool_cleanup_register(pool, p, close_all, apr_pool_cleanup_null);
    *dbpool = p;
    return NULL;
}

/* Gives back a place in the pool, with its connection if that is still good. */
static void give_back(kz_db_pool_t *dbpool, kz_db_conn_t *conn)
{
    apr_thread_mutex_lock(dbpool->mutex);
    if (conn) {
        conn->next = dbpool->idle;
        dbpool->idle = conn;
    } else {
        dbpool->open--;
    }
    apr_thread_cond_signal(dbpool->freed);
    apr_thread_mutex_unlock(dbpool->mutex);
}

/* An idle connection, or the right to open one (*CONN is NULL then). */
static kz_err_t *borrow(kz_db_conn_t **conn, kz_db_pool_t *dbpool, apr_time_t deadline)
{
    kz_err_t *err = NULL;

    *conn = NULL;
    apr_thread_mutex_lock(dbpool->mutex);
    while (!dbpool->idle && dbpool->open >= dbpool->max && !err) {
        apr_interval_time_t left = deadline - apr_time_now();

        if (left <= 0)
            err = kz_err_create(KZ_ERR_DB_BUSY, "database: all %d connections are in use",
                                dbpool->max);
        else
            apr_thread_cond_timedwait(dbpool->freed, dbpool->mutex, left);
    }
    if (!err && dbpool->idle) {
        *conn = dbpool->idle;
        dbpool->idle = (*conn)->next;
    } else if (!err) {
        dbpool->open++;
    }
    apr_thread_mutex_unlock(dbpool->mutex);
    return err;
}

static apr_status_t roll_back(void *baton)
{
    kz_db_t *db = baton;

    if (db->conn)
        db->failed |= 1;
    kz_db_end(db);
    return APR_SUCCESS;
}

kz_err_t *kz_db_begin(kz_db_t **db, kz_db_pool_t *dbpool, apr_pool_t *pool)
{
    apr_time_t deadline = apr_time_now() + dbpool->timeout;
    kz_db_t *d = apr_pcalloc(pool, sizeof *d);
    kz_err_t *err = NULL;

    d->dbpool = dbpool;
    d->pool = pool;
    do {
        KZ_TRY(borrow(&d->conn, dbpool, deadline));
        if (d->conn && kz_db__stale(d->conn)) {
            kz_db__disconnect(d->conn);
            d->conn = NULL;
            give_back(dbpool, NULL);
            continue;
        }
        if (!d->conn)
            err = kz_db__connect(&d->conn, dbpool->conninfo, dbpool->timeout, deadline);
        if (err) {
            give_back(dbpool, NULL);
            return err;
        }
    } while (!d->conn);
    d->conn->transaction++;
    d->conn->first_by = deadline;
    apr_pool_cleanup_register(pool, d, roll_back, apr_pool_cleanup_null);
    err = kz_db__command(d->conn, KZ_DB_BEGIN);
    if (err) {
        d->failed = 2;
        kz_db_end(d);
        return err;
    }
    *db = d;
    return NULL;
}

static kz_err_t *ask(kz_db_t *db, kz_db_kind_t kind, const kz_db_statement_t *statement,
                     const kz_db_values_t *values)
{
    kz_err_t *err;

    if (!db->conn || db->failed || db->ending)
        return kz_err_create(KZ_ERR_INTERNAL, "database: %s after the transaction's end",
                             statement->name);
    err = kz_db__query(db->conn, kind, statement, values);
    if (err)
        db->failed = 2;
    return err;
}

kz_err_t *kz_db__send(kz_db_t *db, const kz_db_statement_t *statement, const kz_db_values_t *values)
{
    return ask(db, KZ_DB_QUERY, statement, values);
}

kz_err_t *kz_db__later(kz_db_t *db, const kz_db_statement_t *statement,
                       const kz_db_values_t *values)
{
    return ask(db, KZ_DB_COMMAND, statement, values);
}

void kz_db_defer(kz_db_t *db, kz_err_t *(*first)(void *baton), void *baton)
{
    db->first = first;
    db->first_baton = baton;
}

static kz_err_t *read_deferred(kz_db_t *db)
{
    kz_err_t *(*first)(void *baton) = db->first;

    db->first = NULL;
    return first ? first(db->first_baton) : NULL;
}

/* Reads answers until that of the oldest query of this transaction. */
static kz_err_t *answer(PGresult **result, kz_db_t *db, const char *what)
{
    kz_err_t *err = NULL;

    KZ_TRY(read_deferred(db));
    if (!db->conn || db->failed)
        return kz_err_create(KZ_ERR_INTERNAL, "database: %s after the transaction's end", what);
    db->constraint[0] = '\0';
    for (;;) {
        kz_db_kind_t kind;
        unsigned transaction;
        ExecStatusType status;

        err = kz_db__next(result, &kind, &transaction, db->conn);
        if (err) {
            db->failed = 2;
            return kz_err_wrap(err, "%s", what);
        }
        status = PQresultStatus(*result);
        if (transaction != db->conn->transaction) { /* the end of the one before */
            PQclear(*result);
            continue;
        }
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
            db->failed |= 1;
            err = kz_db__error(*result, what, db->constraint);
            PQclear(*result);
            return err;
        }
        if (kind == KZ_DB_QUERY)
            return NULL;
        PQclear(*result);
    }
}

kz_err_t *kz_db__read(kz_db_rows_t **rows, int *count, kz_db_t *db,
                      const kz_db_statement_t *statement)
{
    PGresult *result;

    KZ_TRY(answer(&result, db, statement->name));
    if (PQnfields(result) != statement->columns) {
        PQclear(result);
        return kz_err_create(KZ_ERR_INTERNAL, "database: %s: other columns than declared",
                             statement->name);
    }
    *rows = (kz_db_rows_t *)result;
    *count = PQntuples(result);
    return NULL;
}

kz_err_t *kz_db__read_exec(int *affected, kz_db_t *db, const kz_db_statement_t *statement)
{
    PGresult *result;

    KZ_TRY(answer(&result, db, statement->name));
    if (affected)
        *affected = (int)apr_atoi64(PQcmdTuples(result));
    PQclear(result);
    return NULL;
}

/* Sends LAST (COMMIT or ROLLBACK) and a sync behind it. */
static kz_err_t *send_end(kz_db_t *db, kz_db_command_t last)
{
    if (db->failed == 1) /* the pipeline is aborted: it takes nothing before a sync */
        KZ_TRY(kz_db__sync(db->conn));
    KZ_TRY(kz_db__command(db->conn, last));
    return kz_db__sync(db->conn);
}

static void release(kz_db_t *db)
{
    kz_db_conn_t *conn = db->conn;

    db->conn = NULL;
    apr_pool_cleanup_kill(db->pool, db, roll_back);
    if (db->failed > 1) {
        kz_db__disconnect(conn);
        conn = NULL;
    }
    give_back(db->dbpool, conn);
}

/* Reads all that is outstanding; the first error of this transaction is returned. */
static kz_err_t *drain(kz_db_t *db)
{
    kz_err_t *first = NULL;

    while (db->conn->count > 0) {
        kz_db_kind_t kind;
        unsigned transaction;
        PGresult *result;
        ExecStatusType status;
        kz_err_t *err = kz_db__next(&result, &kind, &transaction, db->conn);

        if (err) {
            db->failed = 2;
            kz_err_free(first);
            return err;
        }
        status = PQresultStatus(result);
        if (status == PGRES_FATAL_ERROR && transaction == db->conn->transaction && !first)
            first = kz_db__error(result, "commit", db->constraint);
        /* COMMIT of a failed transaction answers "ROLLBACK" and no error. */
        else if (kind == KZ_DB_COMMAND && strcmp(PQcmdStatus(result), "ROLLBACK") == 0 && !first)
            first = kz_err_create(KZ_ERR_INTERNAL, "database: rolled back instead of committed");
        PQclear(result);
    }
    return first;
}

/* An error before COMMIT, sent already, lets the server skip it: the transaction is open still. */
static void roll_back_skipped(kz_db_t *db)
{
    kz_err_t *err = NULL;

    if (db->failed < 2 && PQtransactionStatus(db->conn->pg) == PQTRANS_INERROR) {
        err = send_end(db, KZ_DB_ROLLBACK);
        if (!err)
            err = drain(db);
    }
    if (db->conn->count > 0 || PQtransactionStatus(db->conn->pg) != PQTRANS_IDLE)
        db->failed = 2;
    kz_err_free(err); /* "rolled back" is what was wanted */
}

kz_err_t *kz_db_soon(kz_db_t *db)
{
    kz_err_t *err = kz_db__command(db->conn, KZ_DB_SOON);

    if (err)
        db->failed = 2;
    return err;
}

kz_err_t *kz_db_commit_send(kz_db_t *db)
{
    kz_err_t *err;

    if (!db->conn || db->failed || db->ending)
        return kz_err_create(KZ_ERR_INTERNAL, "database: commit after the transaction's end");
    err = send_end(db, KZ_DB_COMMIT);
    if (err)
        db->failed = 2;
    else
        db->ending = 1;
    return err;
}

kz_err_t *kz_db_commit(kz_db_t *db)
{
    kz_err_t *err, *rest = NULL;

    if (!db->conn)
        return kz_err_create(KZ_ERR_INTERNAL, "database: committed twice");
    if (db->failed) {
        kz_db_end(db);
        return kz_err_create(KZ_ERR_INTERNAL, "database: commit after an error");
    }
    err = db->ending ? NULL : kz_db_commit_send(db);
    if (!err)
        err = read_deferred(db);
    if (db->failed < 2)
        rest = drain(db);
    if (err)
        kz_err_free(rest);
    else
        err = rest;
    if (err)
        roll_back_skipped(db);
    release(db);
    return err;
}

void kz_db_end(kz_db_t *db)
{
    kz_err_t *err = NULL;

    if (!db || !db->conn)
        return;
    if (db->failed < 2 && !db->ending)
        err = send_end(db, db->failed ? KZ_DB_ROLLBACK : KZ_DB_COMMIT);
    if (!err && db->failed == 1) { /* after an error nothing is left for the next to stumble over */
        err = drain(db);
        if (db->ending)
            roll_back_skipped(db);
    } else if (!err && db->failed == 0)
        kz_db__flush(db->conn);
    if (err && db->failed != 1)
        db->failed = 2;
    kz_err_free(err);
    release(db);
}

const char *kz_db_constraint(const kz_db_t *db)
{
    return db->constraint;
}
