#include "io/db/conn.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"

/* Waits for the socket until DEADLINE. 1: ready, 0: time-out, -1: error. */
static int wait_socket(PGconn *pg, short events, apr_time_t deadline)
{
    struct pollfd pfd = {.fd = PQsocket(pg), .events = events};
    apr_interval_time_t left;
    int n;

    if (pfd.fd < 0)
        return -1;
    do {
        left = deadline - kz_clock_now();
        if (left < 0)
            left = 0;
        n = poll(&pfd, 1, (int)((left + 999) / 1000));
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -1 : n > 0;
}

static kz_err_t *down(PGconn *pg, const char *what)
{
    const char *words = pg ? PQerrorMessage(pg) : "out of memory";

    return kz_err_create(KZ_ERR_DB_DOWN, "database: %s: %.*s", what, (int)strcspn(words, "\n"),
                         words);
}

static kz_err_t *finish_connecting(PGconn *pg, apr_time_t deadline)
{
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;

    while (state != PGRES_POLLING_OK) {
        int ready;

        if (state == PGRES_POLLING_FAILED)
            return down(pg, "connect");
        ready = wait_socket(pg, state == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline);
        if (ready == 0)
            return kz_err_create(KZ_ERR_DB_DOWN, "database: connect: no answer in time");
        if (ready < 0)
            return down(pg, "connect");
        state = PQconnectPoll(pg);
    }
    return NULL;
}

kz_err_t *kz_db__connect(kz_db_conn_t **conn, const char *conninfo, apr_interval_time_t timeout,
                         apr_time_t deadline)
{
    char options[384];
    const char *keywords[] = {"dbname", "options", "client_encoding", NULL};
    const char *values[] = {conninfo, options, "UTF8", NULL};
    apr_int64_t ms = apr_time_as_msec(timeout);
    kz_db_conn_t *c = calloc(1, sizeof *c);
    kz_err_t *err;

    if (!c)
        return down(NULL, "connect");
    /* Index pages of a busy portal are in memory, or on a disk that doesn't seek: with the default
     * of 4.0 a list of 50 may become the reading of a whole index. Each set of conditions is a
     * statement of its own, so that one plan is good for all arguments: none is planned per page.
     */
    apr_snprintf(options, sizeof options,
                 "-c statement_timeout=%" APR_INT64_T_FMT " -c lock_timeout=%" APR_INT64_T_FMT
                 " -c idle_in_transaction_session_timeout=%" APR_INT64_T_FMT
                 " -c jit=off -c random_page_cost=1.1 -c plan_cache_mode=force_generic_plan"
                 " -c timezone=UTC",
                 ms, ms, ms * 10);
    c->timeout = timeout;
    c->pg = PQconnectStartParams(keywords, values, 1);
    if (!c->pg || PQstatus(c->pg) == CONNECTION_BAD)
        err = down(c->pg, "connect");
    else
        err = finish_connecting(c->pg, deadline);
    if (!err && (PQsetnonblocking(c->pg, 1) != 0 || PQenterPipelineMode(c->pg) != 1))
        err = down(c->pg, "pipeline mode");
    if (err) {
        kz_db__disconnect(c);
        return err;
    }
    *conn = c;
    return NULL;
}

void kz_db__disconnect(kz_db_conn_t *conn)
{
    if (conn->pg)
        PQfinish(conn->pg);
    free(conn);
}

int kz_db__stale(kz_db_conn_t *conn)
{
    struct pollfd pfd = {.fd = PQsocket(conn->pg), .events = POLLIN | POLLRDHUP};

    if (PQstatus(conn->pg) == CONNECTION_BAD || pfd.fd < 0 || conn->worn)
        return 1;
    if (poll(&pfd, 1, 0) <= 0)
        return 0;
    if (pfd.revents & (POLLHUP | POLLERR | POLLRDHUP))
        return 1;
    return conn->count == 0; /* with nothing outstanding only a close can have come */
}

static kz_err_t *enqueue(kz_db_conn_t *conn, kz_db_kind_t kind, const kz_db_statement_t *statement,
                         unsigned asked)
{
    int at = (conn->first + conn->count) % KZ_DB_QUEUE;

    KZ_ASSERT(conn->count < KZ_DB_QUEUE); /* so many were sent, and the first one never read */
    conn->queue[at].kind = kind;
    conn->queue[at].statement = statement;
    conn->queue[at].asked = asked;
    conn->queue[at].transaction = conn->transaction;
    conn->count++;
    conn->unasked = 1;
    return NULL;
}

kz_err_t *kz_db__parse(kz_db_conn_t *conn, const char *name, const char *text,
                       const kz_db_statement_t *statement, unsigned asked)
{
    if (!text)
        return kz_err_create(KZ_ERR_INTERNAL, "database: %s: out of memory", name);
    if (PQsendPrepare(conn->pg, name, text, statement->args, statement->types) != 1)
        return down(conn->pg, name);
    return enqueue(conn, KZ_DB_PREPARE, statement, asked);
}

/* The protocol's Close has no function in libpq before 17. */
kz_err_t *kz_db__forget(kz_db_conn_t *conn, const char *name)
{
    char text[KZ_DB_NAME + 16];

    apr_snprintf(text, sizeof text, "DEALLOCATE \"%s\"", name);
    if (PQsendQueryParams(conn->pg, text, 0, NULL, NULL, NULL, NULL, 1) != 1)
        return down(conn->pg, text);
    return enqueue(conn, KZ_DB_FORGET, NULL, 0);
}

kz_err_t *kz_db__query(kz_db_conn_t *conn, kz_db_kind_t kind, const kz_db_statement_t *statement,
                       const kz_db_values_t *values)
{
    char name[KZ_DB_NAME];

    KZ_TRY(kz_db__prepare(name, conn, statement, values->asked));
    if (PQsendQueryPrepared(conn->pg, name, values->count, values->value, values->length,
                            values->format, 1) != 1)
        return down(conn->pg, name);
    return enqueue(conn, kind, statement, values->asked);
}

kz_err_t *kz_db__command(kz_db_conn_t *conn, kz_db_command_t command)
{
    /* Numbered behind the generated ones. */
    static const kz_db_part_t texts[][2] = {
        [KZ_DB_BEGIN] = {{0, 0, "BEGIN"}, {0, 0, NULL}},
        [KZ_DB_COMMIT] = {{0, 0, "COMMIT"}, {0, 0, NULL}},
        [KZ_DB_ROLLBACK] = {{0, 0, "ROLLBACK"}, {0, 0, NULL}},
        [KZ_DB_SOON] = {{0, 0, "SET LOCAL synchronous_commit = off"}, {0, 0, NULL}},
    };
    static const kz_db_statement_t commands[] = {
        [KZ_DB_BEGIN] = {KZ_DB_STATEMENTS, "BEGIN", texts[KZ_DB_BEGIN], NULL, NULL, 0, 0, 0},
        [KZ_DB_COMMIT] = {KZ_DB_STATEMENTS + 1, "COMMIT", texts[KZ_DB_COMMIT], NULL, NULL, 0, 0, 0},
        [KZ_DB_ROLLBACK] = {KZ_DB_STATEMENTS + 2, "ROLLBACK", texts[KZ_DB_ROLLBACK], NULL, NULL, 0,
                            0, 0},
        [KZ_DB_SOON] = {KZ_DB_STATEMENTS + 3, "SOON", texts[KZ_DB_SOON], NULL, NULL, 0, 0, 0},
    };
    kz_db_values_t none;

    kz_db__values_start(&none);
    return kz_db__query(conn, KZ_DB_COMMAND, &commands[command], &none);
}

kz_err_t *kz_db__sync(kz_db_conn_t *conn)
{
    if (PQpipelineSync(conn->pg) != 1)
        return down(conn->pg, "sync");
    return enqueue(conn, KZ_DB_SYNC, NULL, 0);
}

void kz_db__flush(kz_db_conn_t *conn)
{
    PQflush(conn->pg);
}

/* Pushes and pulls until libpq has a whole answer. */
static kz_err_t *wait_answer(kz_db_conn_t *conn, apr_time_t deadline)
{
    int unsent = PQflush(conn->pg);

    while (PQisBusy(conn->pg)) {
        int ready = wait_socket(conn->pg, unsent > 0 ? POLLIN | POLLOUT : POLLIN, deadline);

        if (ready == 0)
            return kz_err_create(KZ_ERR_DB_BUSY, "database: no answer in time");
        if (ready < 0 || PQconsumeInput(conn->pg) != 1)
            return down(conn->pg, "read");
        unsent = PQflush(conn->pg);
        if (unsent < 0)
            return down(conn->pg, "write");
    }
    return NULL;
}

/* Each answer but a sync's is followed by a NULL. */
static kz_err_t *read_result(kz_db_answer_t *answer, kz_db_conn_t *conn, apr_time_t deadline)
{
    PGresult *end;
    kz_err_t *err;

    KZ_TRY(wait_answer(conn, deadline));
    answer->result = PQgetResult(conn->pg);
    if (!answer->result)
        return down(conn->pg, "no answer");
    if (answer->kind == KZ_DB_SYNC)
        return NULL;
    err = wait_answer(conn, deadline);
    if (err) {
        PQclear(answer->result);
        return err;
    }
    while ((end = PQgetResult(conn->pg)) != NULL)
        PQclear(end);
    return NULL;
}

/* Returns 1 if a migration changed or dropped an object of the statement while it ran. The server
 * plans the statement again next time, unless its result has other columns now: then the prepared
 * statement fails until its connection ends. PostgreSQL never translates the words of XX000. */
static int is_outdated(const PGresult *result)
{
    static const char *const words[] = {"cache lookup failed", "could not open relation with OID",
                                        "tuple concurrently"};
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *said = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    size_t i;

    if (!state || !said)
        return 0;
    for (i = 0; strcmp(state, "XX000") == 0 && i < sizeof words / sizeof *words; i++) {
        if (strncmp(said, words[i], strlen(words[i])) == 0)
            return 1;
    }
    return strcmp(state, "0A000") == 0; /* "cached plan must not change result type" */
}

kz_err_t *kz_db__next(kz_db_answer_t *answer, kz_db_conn_t *conn)
{
    apr_time_t deadline = conn->first_by ? conn->first_by : kz_clock_now() + conn->timeout;
    int failed;

    answer->kind = conn->queue[conn->first].kind;
    answer->statement = conn->queue[conn->first].statement;
    answer->asked = conn->queue[conn->first].asked;
    answer->own = conn->queue[conn->first].transaction == conn->transaction;
    if (conn->unasked && PQsendFlushRequest(conn->pg) != 1)
        return down(conn->pg, "flush");
    conn->unasked = 0;
    KZ_TRY(read_result(answer, conn, deadline));
    if (answer->own)
        conn->first_by = 0;
    conn->first = (conn->first + 1) % KZ_DB_QUEUE;
    conn->count--;
    failed = PQresultStatus(answer->result) != PGRES_COMMAND_OK;
    if (answer->kind == KZ_DB_PREPARE && failed)
        kz_db__unprepared(conn, answer->statement, answer->asked);
    else if (failed && (answer->kind == KZ_DB_FORGET || is_outdated(answer->result)))
        conn->worn = 1;
    if (PQstatus(conn->pg) == CONNECTION_BAD) {
        PQclear(answer->result);
        return down(conn->pg, "lost");
    }
    return NULL;
}

kz_err_code_t kz_db__code(const char *state)
{
    static const struct {
        const char *prefix;
        kz_err_code_t code;
    } codes[] = {
#define KZ_SQLSTATE(prefix, code) {prefix, KZ_ERR_##code},
#include "io/db/sqlstate.def"
#undef KZ_SQLSTATE
    };
    size_t i;

    for (i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (strncmp(state, codes[i].prefix, strlen(codes[i].prefix)) == 0)
            return codes[i].code;
    }
    return KZ_ERR_INTERNAL;
}

kz_err_t *kz_db__error(const PGresult *result, const char *what, char *constraint)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *words = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *name = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    kz_err_code_t code;

    if (!state)
        state = "08006"; /* libpq's own: the connection broke */
    code = is_outdated(result) ? KZ_ERR_DB_BUSY : kz_db__code(state);
    apr_cpystrn(constraint, name ? name : "", 64);
    /* The primary message names tables and constraints, never values (the detail would). */
    return kz_err_create(code, "database: %s: %s %s", what, state, words ? words : "");
}
