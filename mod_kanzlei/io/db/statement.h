/* Called by the generated queries: values in, rows out. For queries.c alone. */
#ifndef KZ_IO_DB_STATEMENT_H
#define KZ_IO_DB_STATEMENT_H

#include "io/db/db.h"

#define KZ_DB_STATEMENTS 512 /* at most so many queries; prepared flags per connection */
#define KZ_DB_ARGS       24
#define KZ_DB_NAME       64 /* bytes of a prepared statement's name, as PostgreSQL's NAMEDATALEN */

typedef struct kz_db_rows_t kz_db_rows_t;

/* A part of a statement's text. It stands in the statement when each condition of WITH, and none of
 * WITHOUT, is asked for; bits. */
typedef struct kz_db_part_t {
    unsigned with, without;
    const char *text;
} kz_db_part_t;

typedef struct kz_db_statement_t {
    int number; /* 0 to KZ_DB_STATEMENTS - 1 */
    const char *name;
    const kz_db_part_t *parts;     /* the last one has no text */
    const char *const *conditions; /* the name of each, by its bit; NULL: there is none */
    const unsigned *types;         /* OID of each argument */
    int args, columns;
    int writes; /* 1: it changes something, and needs a commit */
} kz_db_statement_t;

typedef struct kz_db_values_t {
    int count;
    unsigned asked; /* the statement's conditions that are asked for; bits */
    const char *value[KZ_DB_ARGS];
    int length[KZ_DB_ARGS];
    int format[KZ_DB_ARGS]; /* 0 text, 1 binary */
    char room[KZ_DB_ARGS][32];
} kz_db_values_t;

void kz_db__values_start(kz_db_values_t *values);
void kz_db__arg_text(kz_db_values_t *values, const char *value); /* NULL: SQL's NULL */
void kz_db__arg_bool(kz_db_values_t *values, int value);
void kz_db__arg_int4(kz_db_values_t *values, int value);
void kz_db__arg_int8(kz_db_values_t *values, apr_int64_t value);
void kz_db__arg_time(kz_db_values_t *values, apr_time_t value); /* 0: SQL's NULL */
void kz_db__arg_interval(kz_db_values_t *values, apr_int64_t milliseconds);
void kz_db__arg_bytes(kz_db_values_t *values, kz_db_bytes_t value);

kz_err_t *kz_db__send(kz_db_t *db, const kz_db_statement_t *statement,
                      const kz_db_values_t *values);
kz_err_t *kz_db__later(kz_db_t *db, const kz_db_statement_t *statement,
                       const kz_db_values_t *values);
kz_err_t *kz_db__read(kz_db_rows_t **rows, int *count, kz_db_t *db,
                      const kz_db_statement_t *statement);
kz_err_t *kz_db__read_exec(int *affected, kz_db_t *db);
void kz_db__rows_free(kz_db_rows_t *rows);

const char *kz_db__text(kz_db_rows_t *rows, int row, int column, apr_pool_t *pool);
const char *kz_db__uuid(kz_db_rows_t *rows, int row, int column, apr_pool_t *pool);
kz_db_bytes_t kz_db__bytes(kz_db_rows_t *rows, int row, int column, apr_pool_t *pool);
int kz_db__int4(kz_db_rows_t *rows, int row, int column);
apr_int64_t kz_db__int8(kz_db_rows_t *rows, int row, int column);
int kz_db__bool(kz_db_rows_t *rows, int row, int column);
apr_time_t kz_db__time(kz_db_rows_t *rows, int row, int column);

#endif
