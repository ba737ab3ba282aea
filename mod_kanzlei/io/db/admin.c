#include "io/db/db.h"

#include <string.h>

#include <apr_strings.h>
#include <libpq-fe.h>

struct kz_db_admin_t {
    PGconn *pg;
};

static apr_status_t disconnect(void *baton)
{
    kz_db_admin_t *admin = baton;

    PQfinish(admin->pg);
    return APR_SUCCESS;
}

static kz_err_t *failed(const char *what, const char *words)
{
    return kz_err_create(KZ_ERR_DB_DOWN, "database: %s: %.*s", what, (int)strcspn(words, "\n"),
                         words);
}

/* A deadlock, or a lock that was not to be had in time. */
static int is_locked_out(const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    return state && (strcmp(state, "40P01") == 0 || strcmp(state, "55P03") == 0);
}

static kz_err_t *refused(const char *what, const PGresult *result)
{
    const char *words = PQresultErrorMessage(result);

    if (is_locked_out(result))
        return kz_err_create(KZ_ERR_DB_BUSY, "database: %s: %.*s", what, (int)strcspn(words, "\n"),
                             words);
    return failed(what, words);
}

kz_err_t *kz_db_admin_open(kz_db_admin_t **admin, const char *conninfo, apr_pool_t *pool)
{
    const char *keywords[] = {"dbname", "client_encoding", "connect_timeout", NULL};
    const char *values[] = {conninfo, "UTF8", "5", NULL};

    KZ_TRY(kz_db_conninfo_check(conninfo));
    *admin = apr_pcalloc(pool, sizeof **admin);
    (*admin)->pg = PQconnectdbParams(keywords, values, 1);
    apr_pool_cleanup_register(pool, *admin, disconnect, apr_pool_cleanup_null);
    if (PQstatus((*admin)->pg) != CONNECTION_OK)
        return failed("connect", PQerrorMessage((*admin)->pg));
    return NULL;
}

kz_err_t *kz_db_admin_run(kz_db_admin_t *admin, const char *script)
{
    PGresult *result = PQexec(admin->pg, script);
    ExecStatusType status = PQresultStatus(result);
    kz_err_t *err = NULL;

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        err = refused("script", result);
    PQclear(result);
    return err;
}

kz_err_t *kz_db_admin_ask(const char **answer, kz_db_admin_t *admin, const char *query,
                          const char *const *args, int nargs, apr_pool_t *pool)
{
    PGresult *result = PQexecParams(admin->pg, query, nargs, NULL, args, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(result);
    kz_err_t *err = NULL;

    *answer = NULL;
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        err = refused("query", result);
    else if (PQntuples(result) > 0 && !PQgetisnull(result, 0, 0))
        *answer = apr_pstrdup(pool, PQgetvalue(result, 0, 0));
    PQclear(result);
    return err;
}
