/* One connection in pipeline mode and the queue of answers that are still to come. For this folder.
 */
#ifndef KZ_IO_DB_CONN_H
#define KZ_IO_DB_CONN_H

#include <libpq-fe.h>

#include "io/db/statement.h"

#define KZ_DB_QUEUE 64 /* answers outstanding on one connection, at most */
#define KZ_DB_LAST                                                                                 \
    2 /* answers to the end of a transaction: COMMIT's or ROLLBACK's, and the sync's */
#define KZ_DB_VARIANTS 64 /* variants of statements prepared on one connection, at most */

typedef enum kz_db_kind_t {
    KZ_DB_COMMAND, /* a kz_db_command_t, or a query of which nobody reads the answer */
    KZ_DB_PREPARE,
    KZ_DB_FORGET,
    KZ_DB_QUERY,
    KZ_DB_SYNC
} kz_db_kind_t;

typedef enum kz_db_command_t {
    KZ_DB_BEGIN,
    KZ_DB_COMMIT,
    KZ_DB_ROLLBACK,
    KZ_DB_SOON
} kz_db_command_t;
#define KZ_DB_COMMANDS 4

/* A statement with some of its conditions. */
typedef struct kz_db_variant_t {
    const kz_db_statement_t *statement; /* NULL: an empty place */
    unsigned asked;
    apr_uint64_t used; /* when it was used last: larger is later */
} kz_db_variant_t;

typedef struct kz_db_conn_t {
    struct kz_db_conn_t *next; /* in the pool's list of idle ones */
    PGconn *pg;
    apr_interval_time_t timeout;
    apr_time_t first_by; /* when the transaction's first answer must be there; 0: it was */
    unsigned char prepared[KZ_DB_STATEMENTS + KZ_DB_COMMANDS]; /* of what has no conditions */
    kz_db_variant_t variant[KZ_DB_VARIANTS];                   /* of what has some */
    apr_uint64_t uses;
    int worn; /* no good for another transaction: the server keeps what we have forgotten, or said
               * that it is down */
    struct {
        kz_db_kind_t kind;
        const kz_db_statement_t *statement;
        unsigned asked;       /* of the statement's conditions */
        unsigned transaction; /* which one asked */
    } queue[KZ_DB_QUEUE];
    int first, count;     /* of the queue, a ring */
    int unasked;          /* something was queued since the server was last asked to send */
    unsigned transaction; /* number of the one at work */
} kz_db_conn_t;

/* Connects until DEADLINE; TIMEOUT is for each answer later. Errors: DB_DOWN. */
kz_err_t *kz_db__connect(kz_db_conn_t **conn, const char *conninfo, apr_interval_time_t timeout,
                         apr_time_t deadline);
void kz_db__disconnect(kz_db_conn_t *conn);
/* 1 if the server has hung up or said something unasked for on an idle connection, or it is worn.
 */
int kz_db__stale(kz_db_conn_t *conn);

/* A connection of DBPOOL for one transaction: an idle one, or a new one. Errors: DB_DOWN, DB_BUSY.
 */
kz_err_t *kz_db__borrow(kz_db_conn_t **conn, kz_db_pool_t *dbpool);
/* Notes how a call to the server ended: ERR, which may be NULL, comes back, marked as told when the
 * server is away. */
kz_err_t *kz_db__note(kz_db_pool_t *dbpool, kz_err_t *err);
/* Gives CONN back; NULL: it was not good any more, and its place is free. */
void kz_db__give_back(kz_db_pool_t *dbpool, kz_db_conn_t *conn);

kz_err_t *kz_db__command(kz_db_conn_t *conn, kz_db_command_t command);
/* KIND: COMMAND or QUERY. */
kz_err_t *kz_db__query(kz_db_conn_t *conn, kz_db_kind_t kind, const kz_db_statement_t *statement,
                       const kz_db_values_t *values);
kz_err_t *kz_db__sync(kz_db_conn_t *conn);
/* Pushes what is queued to the server, as far as it takes it now. */
void kz_db__flush(kz_db_conn_t *conn);

/* Puts into NAME (KZ_DB_NAME bytes) what STATEMENT is called with the conditions ASKED, and
 * prepares it unless it is. At most KZ_DB_VARIANTS of statements that have
 * conditions are kept: the one that was used longest ago is forgotten for the next. */
kz_err_t *kz_db__prepare(char *name, kz_db_conn_t *conn, const kz_db_statement_t *statement,
                         unsigned asked);
/* It isn't after all: the answer was an error, or the server skipped it after one. */
void kz_db__unprepared(kz_db_conn_t *conn, const kz_db_statement_t *statement, unsigned asked);
/* Queues the preparing of TEXT (NULL: out of memory) as NAME, and the forgetting of NAME. */
kz_err_t *kz_db__parse(kz_db_conn_t *conn, const char *name, const char *text,
                       const kz_db_statement_t *statement, unsigned asked);
kz_err_t *kz_db__forget(kz_db_conn_t *conn, const char *name);

typedef struct kz_db_answer_t {
    PGresult *result; /* the caller's to PQclear() */
    kz_db_kind_t kind;
    const kz_db_statement_t *statement; /* NULL: a sync, or something forgotten */
    unsigned asked;                     /* of the statement's conditions */
    int own; /* 1: of the transaction at work, 0: the end of the one before */
} kz_db_answer_t;

/* Reads the answer to the oldest entry of the queue. Errors: DB_DOWN, DB_BUSY (time-out); the
 * connection is unusable then. */
kz_err_t *kz_db__next(kz_db_answer_t *answer, kz_db_conn_t *conn);

/* What a SQLSTATE means to us, as sqlstate.def says; INTERNAL if it doesn't. */
kz_err_code_t kz_db__code(const char *state);
/* An error of the server as ours; CONSTRAINT (64 bytes) takes the violated one's name or "". */
kz_err_t *kz_db__error(const PGresult *result, const char *what, char *constraint);

#endif
