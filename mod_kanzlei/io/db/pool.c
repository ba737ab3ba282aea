/* The connections of a process: borrowed by one thread at a time, the one used last first. */
#include <apr_atomic.h>
#include <apr_strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "io/db/conn.h"

struct kz_db_pool_t {
    const char *conninfo;
    apr_interval_time_t timeout;
    int max, open;          /* connections */
    kz_db_conn_t *idle;     /* the one used last comes first */
    kz_db_health_t *health; /* NULL: this process is alone, and says itself what it meets */
    pthread_mutex_t mutex;  /* of all above */
    pthread_cond_t freed;
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
                          apr_interval_time_t timeout, kz_db_health_t *health, apr_pool_t *pool)
{
    kz_db_pool_t *p = apr_pcalloc(pool, sizeof *p);

    KZ_TRY(kz_db_conninfo_check(conninfo));
    p->conninfo = apr_pstrdup(pool, conninfo);
    p->timeout = timeout;
    p->max = max;
    p->health = health;
    if (pthread_mutex_init(&p->mutex, NULL) != 0 || pthread_cond_init(&p->freed, NULL) != 0)
        return kz_err_create(KZ_ERR_INTERNAL, "database pool");
    apr_pool_cleanup_register(pool, p, close_all, apr_pool_cleanup_null);
    *dbpool = p;
    return NULL;
}

kz_err_t *kz_db__note(kz_db_pool_t *dbpool, kz_err_t *err)
{
    kz_db_health_t *health = dbpool->health;
    apr_time_t now = kz_clock_now();

    if (!health)
        return err;
    if (!err && health->away && apr_atomic_cas32(&health->away, 0, 1) == 1)
        KZ_LOG(KZ_LOG_WARNING, KZ_LOGNO(0063) "the database is back after %d s",
               (int)apr_time_sec(now - health->since));
    if (!err || (kz_err_code(err) != KZ_ERR_DB_DOWN && kz_err_code(err) != KZ_ERR_DB_BUSY))
        return err;
    if (kz_err_code(err) == KZ_ERR_DB_BUSY)
        return health->away ? kz_err_told(err) : err;
    if (apr_atomic_cas32(&health->away, 1, 0) == 0) {
        health->since = now;
        kz_log_err_keep(KZ_LOG_ERR, KZ_LOGNO(0064) "the database is away: ", err);
    }
    return kz_err_told(err); /* also when it is back by now */
}

void kz_db__give_back(kz_db_pool_t *dbpool, kz_db_conn_t *conn)
{
    pthread_mutex_lock(&dbpool->mutex);
    if (conn) {
        conn->next = dbpool->idle;
        dbpool->idle = conn;
    } else {
        dbpool->open--;
    }
    pthread_cond_signal(&dbpool->freed);
    pthread_mutex_unlock(&dbpool->mutex);
}

/* An idle connection, or the right to open one (*CONN is NULL then). */
static kz_err_t *take_place(kz_db_conn_t **conn, kz_db_pool_t *dbpool, apr_time_t deadline)
{
    kz_err_t *err = NULL;

    *conn = NULL;
    pthread_mutex_lock(&dbpool->mutex);
    while (!dbpool->idle && dbpool->open >= dbpool->max && !err) {
        if (kz_clock_now() < deadline) {
            kz_clock_wait(&dbpool->freed, &dbpool->mutex, deadline);
        } else {
            KZ_COUNT(DB_BUSY);
            err = kz_err_create(KZ_ERR_DB_BUSY, "database: all %d connections are in use",
                                dbpool->max);
        }
    }
    if (!err && dbpool->idle) {
        *conn = dbpool->idle;
        dbpool->idle = (*conn)->next;
    } else if (!err) {
        dbpool->open++;
    }
    pthread_mutex_unlock(&dbpool->mutex);
    return err;
}

/* A new connection in a place that was taken for it, or the place is given back. */
static kz_err_t *fill_place(kz_db_conn_t **conn, kz_db_pool_t *dbpool, apr_time_t deadline)
{
    kz_err_t *err;

    KZ_COUNT(DB_CONNECTS);
    err = kz_db__note(dbpool, kz_db__connect(conn, dbpool->conninfo, dbpool->timeout, deadline));
    if (err)
        kz_db__give_back(dbpool, NULL);
    return err;
}

kz_err_t *kz_db__borrow(kz_db_conn_t **conn, kz_db_pool_t *dbpool)
{
    apr_time_t deadline = kz_clock_now() + dbpool->timeout, start = kz_clock_now();

    do {
        kz_err_t *err = take_place(conn, dbpool, deadline);

        if (err)
            return kz_db__note(dbpool, err);
        if (*conn && kz_db__stale(*conn)) {
            kz_db__disconnect(*conn);
            *conn = NULL;
            kz_db__give_back(dbpool, NULL);
            continue;
        }
        if (!*conn)
            KZ_TRY(fill_place(conn, dbpool, deadline));
    } while (!*conn);
    KZ_TIME(DB_WAIT, start);
    (*conn)->transaction++;
    (*conn)->first_by = deadline;
    return NULL;
}
