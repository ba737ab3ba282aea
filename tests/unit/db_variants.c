/* Asks PostgreSQL with more sets of conditions than one connection keeps. A tool for
 * tests/sql/test_variants.py, no test of its own: prints a line of JSON for each question.
 *
 *   db_variants CONNINFO [break]
 *
 * BREAK: a statement fails while the connection is full, in front of a set that is new to it. */
#include <stdio.h>
#include <string.h>

#include <apr_general.h>

#include "io/db/statement.h"

#define SETS 100 /* of conditions; a connection keeps 64 */

static const char *const conditions[] = {"a", "b", "c", "d", "e", "f", "g"};
static const kz_db_part_t parts[] = {
    {0, 0, "SELECT (SELECT count(*)::int4 FROM pg_prepared_statements WHERE name LIKE 'set%'),"},
    {0, 0, " pg_backend_pid(), 0"},
    {1u << 0, 0, " + 1"},
    {1u << 1, 0, " + 2"},
    {1u << 2, 0, " + 4"},
    {1u << 3, 0, " + 8"},
    {1u << 4, 0, " + 16"},
    {1u << 5, 0, " + 32"},
    {1u << 6, 0, " + 64"},
    {0, 0, NULL},
};
static const unsigned no_types[] = {0};
static const kz_db_statement_t set = {
    .number = 0,
    .name = "set",
    .parts = parts,
    .conditions = conditions,
    .types = no_types,
    .columns = 3,
};
static const kz_db_part_t wrong_parts[] = {{0, 0, "SELECT 1 / 0"}, {0, 0, NULL}};
static const kz_db_statement_t wrong = {
    .number = 1,
    .name = "wrong",
    .parts = wrong_parts,
    .types = no_types,
    .columns = 1,
};

static kz_err_t *ask(kz_db_t *db, unsigned asked)
{
    kz_db_values_t values;
    kz_db_rows_t *rows;
    int n;

    kz_db__values_start(&values);
    values.asked = asked;
    KZ_TRY(kz_db__send(db, &set, &values));
    KZ_TRY(kz_db__read(&rows, &n, db, &set));
    printf("{\"asked\": %u, \"kept\": %d, \"pid\": %d, \"got\": %d}\n", asked,
           kz_db__int4(rows, 0, 0), kz_db__int4(rows, 0, 1), kz_db__int4(rows, 0, 2));
    kz_db__rows_free(rows);
    return NULL;
}

/* A transaction that only reads. */
static kz_err_t *ask_alone(kz_db_pool_t *dbpool, unsigned asked, apr_pool_t *parent)
{
    apr_pool_t *pool;
    kz_err_t *err;
    kz_db_t *db;

    apr_pool_create(&pool, parent);
    err = kz_db_begin(&db, dbpool, pool);
    if (!err)
        err = ask(db, asked);
    apr_pool_destroy(pool); /* rolls back */
    return err;
}

/* PostgreSQL skips the statements after the failing one, including the one that forgets the oldest
 * set. */
static kz_err_t *fail(kz_db_pool_t *dbpool, unsigned asked, apr_pool_t *parent)
{
    kz_db_values_t none;
    apr_pool_t *pool;
    kz_err_t *err;
    kz_db_t *db;

    kz_db__values_start(&none);
    apr_pool_create(&pool, parent);
    err = kz_db_begin(&db, dbpool, pool);
    if (!err)
        err = kz_db__send(db, &wrong, &none);
    if (!err) {
        none.asked = asked;
        err = kz_db__send(db, &set, &none);
    }
    if (!err) {
        kz_db_rows_t *rows;
        int n;

        kz_err_free(kz_db__read(&rows, &n, db, &wrong));
    }
    apr_pool_destroy(pool);
    return err;
}

static kz_err_t *run(const char *conninfo, int breaks, apr_pool_t *pool)
{
    kz_db_pool_t *dbpool;
    unsigned asked;

    KZ_TRY(kz_db_pool_open(&dbpool, conninfo, 1, apr_time_from_sec(30), NULL, pool));
    for (asked = 0; asked < SETS; asked++)
        KZ_TRY(ask_alone(dbpool, asked, pool));
    if (breaks)
        KZ_TRY(fail(dbpool, SETS, pool));
    KZ_TRY(ask_alone(dbpool, SETS - 1, pool)); /* kept */
    return ask_alone(dbpool, 0, pool);         /* forgotten long ago */
}

int main(int argc, char **argv)
{
    apr_pool_t *pool;
    kz_err_t *err;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    err = run(argv[1], argc > 2 && strcmp(argv[2], "break") == 0, pool);
    if (err)
        fprintf(stderr, "%s\n", kz_err_detail(err));
    apr_pool_destroy(pool);
    apr_terminate();
    return err != NULL;
}
