/* PostgreSQL: a bounded pool of connections per process, and transactions in libpq's pipeline mode.
 *
 * A transaction is begun without a word to the server: BEGIN and the queries that follow are
 * queued, and go out together when the first answer is read. Queries are the typed functions that
 * sql/generate makes of sql/query (queries.h): kz_q_NAME() sends and reads, kz_q_NAME_send() and
 * kz_q_NAME_read() are its halves, for several queries in one round trip; answers are read in the
 * order of sending. Of what gives no rows, kz_q_NAME_later() sends it and lets nobody wait: its
 * error is that of a later call, at the latest of the commit. Every wait is bounded. PQ* is named
 * in this folder alone. */
#ifndef KZ_IO_DB_H
#define KZ_IO_DB_H

#include <apr_pools.h>
#include <apr_time.h>

#include "base/err.h"

typedef struct kz_db_pool_t kz_db_pool_t; /* connections of one process; used by all threads */
typedef struct kz_db_t kz_db_t;           /* one transaction; used by one thread */

typedef struct kz_db_bytes_t {
    const unsigned char *data; /* NULL: SQL's NULL */
    apr_size_t len;
} kz_db_bytes_t;

/* Refuses a libpq string that can't be read, before libpq does: its words would repeat a part,
 * maybe of the password. Errors: CONFIG, which says nothing of what CONNINFO holds. */
kz_err_t *kz_db_conninfo_check(const char *conninfo);

/* Whether the server is there, as the processes that share this memory have seen it last. The one
 * that finds it away says so in the log, and the one that finds it back: one line each, however
 * many requests and jobs fail meanwhile (their errors are kz_err_told()). */
typedef struct kz_db_health_t {
    volatile apr_uint32_t away; /* 1: it did not answer the last one who asked */
    volatile apr_time_t since;  /* by kz_clock_now() */
} kz_db_health_t;

/* A pool of at most MAX connections by the libpq string CONNINFO. HEALTH lives as long as POOL;
 * NULL: a process that is alone, and that says itself what it meets. Connects when needed, so this
 * does not fail when the server is down. TIMEOUT (microseconds) bounds the wait for a connection,
 * connecting and the first answer in sum, each further answer, and, at the server, each statement.
 * Closed with POOL. Errors: CONFIG (kz_db_conninfo_check). */
kz_err_t *kz_db_pool_open(kz_db_pool_t **dbpool, const char *conninfo, int max,
                          apr_interval_time_t timeout, kz_db_health_t *health, apr_pool_t *pool);

/* Borrows a connection and begins. It is ended (kz_db_end) when POOL is cleared, at the latest.
 * Errors: DB_DOWN (no server), DB_BUSY (no connection became free in time). */
kz_err_t *kz_db_begin(kz_db_t **db, kz_db_pool_t *dbpool, apr_pool_t *pool);

/* FIRST is called once, before the answer to any query after this call is read: it reads the
 * answers of the queries sent so far. So that they go out together with what follows. */
void kz_db_defer(kz_db_t *db, kz_err_t *(*first)(void *baton), void *baton);

/* A crash of PostgreSQL within the next second may undo this transaction, though it was committed:
 * its commit waits for no disk. For steps that are repeated then. */
kz_err_t *kz_db_soon(kz_db_t *db);

/* Sends COMMIT behind what was sent, without waiting: answers read from now on come together with
 * it, and the server is woken once, not twice. Nothing can be sent any more. A transaction that has
 * changed something commits, and kz_db_commit() tells how it ended; one that has only read ends,
 * and kz_db_end() is enough. INTERNAL when kz_db_end_send() finds a change. */
kz_err_t *kz_db_commit_send(kz_db_t *db);
kz_err_t *kz_db_end_send(kz_db_t *db);

/* Commits, waits for it and gives the connection back. On an error nothing is committed, or, when
 * the connection broke in that moment, the outcome is unknown: a caller that tries again must be
 * able to do it twice. INTERNAL when the transaction is over, or one of its statements has failed.
 */
kz_err_t *kz_db_commit(kz_db_t *db);

/* Ends a transaction that nobody commits, and gives the connection back: rolls back when a
 * statement was sent that changes something (see sql/generate), or one has failed. One that has
 * only read ends with a COMMIT, which keeps the note of the session's use; it isn't waited for when
 * all answers were read. Does nothing when it is over already; NULL is fine. */
void kz_db_end(kz_db_t *db);

/* 1 when a statement was sent that changes something, and the transaction is not over. */
int kz_db_is_changed(const kz_db_t *db);

/* Name of the constraint that the last statement violated, "" if none; DB may be NULL. */
const char *kz_db_constraint(const kz_db_t *db);

/* Runs a script of several statements (migrations), outside a pool and without a bound: connects by
 * CONNINFO, runs each of SCRIPTS in order on one connection, disconnects. For kanzleictl alone.
 * DB_BUSY: a lock was not to be had in time (lock_timeout), or a deadlock; can be repeated. */
typedef struct kz_db_admin_t kz_db_admin_t;
kz_err_t *kz_db_admin_open(kz_db_admin_t **admin, const char *conninfo, apr_pool_t *pool);
kz_err_t *kz_db_admin_run(kz_db_admin_t *admin, const char *script);
/* The first column of the first row as text in POOL, NULL when there is none. */
kz_err_t *kz_db_admin_ask(const char **answer, kz_db_admin_t *admin, const char *query,
                          const char *const *args, int nargs, apr_pool_t *pool);

#endif
