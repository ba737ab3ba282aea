#include "io/db/db.h"

#include <string.h>

#include <apr_strings.h>

#include "base/log.h"
#include "io/db/conn.h"

typedef enum kz_db_state_t { /* a transaction's; it gets worse, never better */
                             KZ_DB_GOOD,
                             KZ_DB_ABORTED, /* a statement failed: the server takes nothing but the
                                               end */
                             KZ_DB_LOST     /* the connection is of no use any more */
} kz_db_state_t;

struct kz_db_t {
    kz_db_pool_t *dbpool;
    kz_db_conn_t *conn; /* NULL: over */
    apr_pool_t *pool;
    kz_err_t *(*first)(void *baton); /* reads what was sent before, or NULL */
    void *first_baton;
    kz_db_state_t state;
    int writes;    /* a statement was sent that changes something */
    int ending;    /* COMMIT was sent */
    int committed; /* and has succeeded */
    char constraint[64];
};

static apr_status_t end_with_pool(void *baton)
{
    kz_db_end(baton);
    return APR_SUCCESS;
}

kz_err_t *kz_db_begin(kz_db_t **db, kz_db_pool_t *dbpool, apr_pool_t *pool)
{
    kz_db_t *d = apr_pcalloc(pool, sizeof *d);
    kz_err_t *err;

    d->dbpool = dbpool;
    d->pool = pool;
    KZ_TRY(kz_db__borrow(&d->conn, dbpool));
    apr_pool_cleanup_register(pool, d, end_with_pool, apr_pool_cleanup_null);
    err = kz_db__command(d->conn, KZ_DB_BEGIN);
    if (err) {
        d->state = KZ_DB_LOST;
        kz_db_end(d);
        return err;
    }
    *db = d;
    return NULL;
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

/* Reads the oldest answer. An error of the server comes as ours. */
static kz_err_t *take_answer(kz_db_answer_t *answer, kz_db_t *db)
{
    kz_err_t *err = kz_db__next(answer, db->conn);
    ExecStatusType status;

    if (err) {
        db->state = KZ_DB_LOST;
        return kz_db__note(db->dbpool, err);
    }
    status = PQresultStatus(answer->result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_PIPELINE_SYNC)
        return NULL;
    if (status == PGRES_PIPELINE_ABORTED && db->state == KZ_DB_ABORTED)
        return NULL;                                      /* skipped: the error came before */
    db->state = answer->own ? KZ_DB_ABORTED : KZ_DB_LOST; /* not the end of the one before */
    err = kz_db__error(answer->result, answer->statement ? answer->statement->name : "sync",
                       db->constraint);
    if (kz_err_code(err) == KZ_ERR_DB_DOWN)
        db->conn->worn = 1; /* it may stay so, as a session that was begun read-only does */
    PQclear(answer->result);
    return kz_db__note(db->dbpool, err);
}

/* Reads answers that nobody waits for, so that there is room for more. */
static kz_err_t *make_room(kz_db_t *db)
{
    kz_db_conn_t *conn = db->conn;

    if (conn->count < KZ_DB_QUEUE / 2)
        return NULL;
    KZ_TRY(read_deferred(db));
    while (conn->count > 0 && conn->queue[conn->first].kind != KZ_DB_QUERY) {
        kz_db_answer_t answer;

        KZ_TRY(take_answer(&answer, db));
        PQclear(answer.result);
    }
    return NULL;
}

static kz_err_t *ask(kz_db_t *db, kz_db_kind_t kind, const kz_db_statement_t *statement,
                     const kz_db_values_t *values)
{
    kz_err_t *err;

    KZ_ASSERT(db && db->conn && db->state == KZ_DB_GOOD && !db->ending);
    KZ_TRY(make_room(db));
    db->writes |= statement->writes;
    err = kz_db__query(db->conn, kind, statement, values);
    if (err)
        db->state = KZ_DB_LOST;
    return err ? kz_db__note(db->dbpool, err) : NULL;
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

/* Reads answers until that of the oldest query of this transaction. */
static kz_err_t *answer(PGresult **result, kz_db_t *db)
{
    KZ_ASSERT(db);
    KZ_TRY(read_deferred(db));
    KZ_ASSERT(db->conn && db->state == KZ_DB_GOOD);
    db->constraint[0] = '\0';
    for (;;) {
        kz_db_answer_t next;

        KZ_ASSERT(db->conn->count > 0); /* something was sent */
        KZ_TRY(take_answer(&next, db));
        *result = next.result;
        if (next.kind == KZ_DB_QUERY && next.own)
            return NULL;
        PQclear(next.result);
    }
}

kz_err_t *kz_db__read(kz_db_rows_t **rows, int *count, kz_db_t *db,
                      const kz_db_statement_t *statement)
{
    PGresult *result;

    KZ_TRY(answer(&result, db));
    if (PQnfields(result) != statement->columns) {
        PQclear(result);
        return kz_err_create(KZ_ERR_INTERNAL, "database: %s: other columns than declared",
                             statement->name);
    }
    *rows = (kz_db_rows_t *)result;
    *count = PQntuples(result);
    return NULL;
}

kz_err_t *kz_db__read_exec(int *affected, kz_db_t *db)
{
    PGresult *result;

    KZ_TRY(answer(&result, db));
    if (affected)
        *affected = (int)apr_atoi64(PQcmdTuples(result));
    PQclear(result);
    return NULL;
}

/* Sends LAST (COMMIT or ROLLBACK) and a sync behind it. */
static kz_err_t *send_end(kz_db_t *db, kz_db_command_t last)
{
    if (db->state == KZ_DB_ABORTED) /* the pipeline takes nothing before a sync */
        KZ_TRY(kz_db__sync(db->conn));
    KZ_TRY(kz_db__command(db->conn, last));
    return kz_db__sync(db->conn);
}

/* Gives the connection back with nothing outstanding but, at most, the answers to the end: its next
 * user need not wait for them. */
static void release(kz_db_t *db)
{
    kz_db_conn_t *conn = db->conn;

    db->conn = NULL;
    apr_pool_cleanup_kill(db->pool, db, end_with_pool);
    if (db->state != KZ_DB_LOST && conn->count > KZ_DB_LAST) {
        KZ_LOG(KZ_LOG_ERR, KZ_LOGNO(0030) "%d answers nobody has read", conn->count - KZ_DB_LAST);
        db->state = KZ_DB_LOST;
    }
    if (db->state == KZ_DB_LOST) {
        kz_db__disconnect(conn);
        conn = NULL;
    }
    kz_db__give_back(db->dbpool, conn);
}

/* COMMIT of a failed transaction answers "ROLLBACK" and no error; one that the server skipped,
 * because a statement before it failed, answers nothing. */
static kz_err_t *check_end(kz_db_t *db, const kz_db_answer_t *answer)
{
    if (!answer->own || !answer->statement || strcmp(answer->statement->name, "COMMIT") != 0)
        return NULL;
    if (strcmp(PQcmdStatus(answer->result), "ROLLBACK") == 0)
        return kz_err_create(KZ_ERR_INTERNAL, "database: rolled back instead of committed");
    db->committed = strcmp(PQcmdStatus(answer->result), "COMMIT") == 0;
    return NULL;
}

/* Reads all that is outstanding; the first error is returned, those that follow from it are not.
 * What comes once COMMIT has succeeded costs the connection and nothing else: somebody who was told
 * that it has failed would do it again. */
static kz_err_t *drain(kz_db_t *db)
{
    kz_err_t *first = NULL;

    db->first = NULL;
    while (db->conn->count > 0 && db->state != KZ_DB_LOST) {
        kz_db_answer_t answer;
        kz_err_t *err = take_answer(&answer, db);

        if (!err) {
            err = check_end(db, &answer);
            PQclear(answer.result);
        } else if (db->committed) {
            db->state = KZ_DB_LOST;
            kz_log_err(KZ_LOG_INFO, KZ_LOGNO(0044) "a connection ends after its commit: ", err);
            break;
        }
        first = kz_log_second(first, err);
    }
    return first;
}

/* Reads all answers, and rolls back where an error let the server skip the end that was sent. */
static kz_err_t *drain_to_the_end(kz_db_t *db)
{
    kz_err_t *err = drain(db), *rest = NULL;

    if (db->state == KZ_DB_ABORTED && PQtransactionStatus(db->conn->pg) == PQTRANS_INERROR) {
        rest = send_end(db, KZ_DB_ROLLBACK);
        if (!rest)
            rest = drain(db);
    }
    if (rest || PQtransactionStatus(db->conn->pg) != PQTRANS_IDLE)
        db->state = KZ_DB_LOST;
    kz_log_err(KZ_LOG_INFO, KZ_LOGNO(0015) "a connection is closed: ", rest);
    return err;
}

kz_err_t *kz_db_soon(kz_db_t *db)
{
    kz_err_t *err;

    KZ_ASSERT(db && db->conn && db->state == KZ_DB_GOOD && !db->ending);
    err = kz_db__command(db->conn, KZ_DB_SOON);
    if (err)
        db->state = KZ_DB_LOST;
    return err;
}

kz_err_t *kz_db_commit_send(kz_db_t *db)
{
    kz_err_t *err;

    KZ_ASSERT(db && db->conn && db->state == KZ_DB_GOOD && !db->ending);
    err = send_end(db, KZ_DB_COMMIT);
    if (err)
        db->state = KZ_DB_LOST;
    else
        db->ending = 1;
    return err;
}

kz_err_t *kz_db_end_send(kz_db_t *db)
{
    KZ_ASSERT(db && !db->writes);
    return kz_db_commit_send(db);
}

kz_err_t *kz_db_commit(kz_db_t *db)
{
    kz_err_t *err = NULL, *rest;

    if (db && db->state != KZ_DB_GOOD)
        kz_db_end(db);
    KZ_ASSERT(db && db->conn); /* not over, and no statement has failed */
    if (!db->ending)
        err = kz_db_commit_send(db);
    if (!err)
        err = read_deferred(db);
    rest = drain_to_the_end(db);
    if (!err && !rest && db->writes)
        (void)kz_db__note(db->dbpool, NULL); /* it takes changes */
    release(db);
    return kz_log_second(err, rest);
}

void kz_db_end(kz_db_t *db)
{
    kz_err_t *err = NULL;
    int well;

    if (!db || !db->conn)
        return;
    well = db->state == KZ_DB_GOOD && !db->writes;
    if (db->state != KZ_DB_LOST && !db->ending)
        err = send_end(db, well ? KZ_DB_COMMIT : KZ_DB_ROLLBACK);
    if (err)
        db->state = KZ_DB_LOST;
    else if (db->state == KZ_DB_ABORTED || db->conn->count > KZ_DB_LAST)
        err = drain_to_the_end(db);
    else
        kz_db__flush(db->conn);
    kz_log_err(KZ_LOG_INFO, KZ_LOGNO(0016) "a transaction is rolled back: ", err);
    release(db);
}

int kz_db_is_changed(const kz_db_t *db)
{
    return db && db->conn && db->writes;
}

const char *kz_db_constraint(const kz_db_t *db)
{
    return db ? db->constraint : "";
}
