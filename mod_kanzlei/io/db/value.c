#include "io/db/statement.h"

#include <stdint.h>
#include <string.h>

#include <apr_strings.h>
#include <libpq-fe.h>

#include "base/str.h"

/* Microseconds from 1970-01-01 to 2000-01-01, where PostgreSQL's binary timestamps start. */
#define KZ_DB_EPOCH APR_INT64_C(946684800000000)

static apr_uint64_t big_endian(const unsigned char *bytes, int count)
{
    apr_uint64_t value = 0;

    while (count-- > 0)
        value = value << 8 | *bytes++;
    return value;
}

static void put(kz_db_values_t *values, const char *value, int length, int format)
{
    int i = values->count++;

    values->value[i] = value;
    values->length[i] = length;
    values->format[i] = format;
}

static void put_big_endian(kz_db_values_t *values, apr_uint64_t value, int length)
{
    char *room = values->room[values->count];
    int i;

    for (i = length - 1; i >= 0; i--, value >>= 8)
        room[i] = (char)(value & 0xff);
    put(values, room, length, 1);
}

void kz_db__values_start(kz_db_values_t *values)
{
    values->count = 0;
    values->asked = 0;
}

void kz_db__arg_text(kz_db_values_t *values, const char *value)
{
    put(values, value, 0, 0);
}

void kz_db__arg_bool(kz_db_values_t *values, int value)
{
    put_big_endian(values, value ? 1 : 0, 1);
}

void kz_db__arg_int4(kz_db_values_t *values, int value)
{
    put_big_endian(values, (apr_uint32_t)value, 4);
}

void kz_db__arg_int8(kz_db_values_t *values, apr_int64_t value)
{
    put_big_endian(values, (apr_uint64_t)value, 8);
}

void kz_db__arg_time(kz_db_values_t *values, apr_time_t value)
{
    if (value == 0)
        put(values, NULL, 0, 1);
    else
        put_big_endian(values, (apr_uint64_t)(value - KZ_DB_EPOCH), 8);
}

void kz_db__arg_interval(kz_db_values_t *values, apr_int64_t milliseconds)
{
    char *room = values->room[values->count];

    apr_snprintf(room, sizeof values->room[0], "%" APR_INT64_T_FMT " ms", milliseconds);
    put(values, room, 0, 0);
}

void kz_db__arg_bytes(kz_db_values_t *values, kz_db_bytes_t value)
{
    put(values, (const char *)value.data, (int)value.len, 1);
}

void kz_db__rows_free(kz_db_rows_t *rows)
{
    PQclear((PGresult *)rows);
}

static const unsigned char *cell(kz_db_rows_t *rows, int row, int column, int length)
{
    const PGresult *result = (const PGresult *)rows;

    if (PQgetisnull(result, row, column) || PQgetlength(result, row, column) != length)
        return NULL;
    return (const unsigned char *)PQgetvalue(result, row, column);
}

const char *kz_db__text(kz_db_rows_t *rows, int row, int column, apr_pool_t *pool)
{
    const PGresult *result = (const PGresult *)rows;

    if (PQgetisnull(result, row, column))
        return NULL;
    return apr_pstrmemdup(pool, PQgetvalue(result, row, column),
                          (apr_size_t)PQgetlength(result, row, column));
}

const char *kz_db__uuid(kz_db_rows_t *rows, int row, int column, apr_pool_t *pool)
{
    const unsigned char *bytes = cell(rows, row, column, KZ_STR_UUID_BYTES);
    char *text;

    if (!bytes)
        return NULL;
    text = apr_palloc(pool, KZ_STR_UUID_SIZE);
    kz_str_uuid_text(text, bytes);
    return text;
}

kz_db_bytes_t kz_db__bytes(kz_db_rows_t *rows, int row, int column, apr_pool_t *pool)
{
    const PGresult *result = (const PGresult *)rows;
    kz_db_bytes_t bytes = {NULL, 0};

    if (!PQgetisnull(result, row, column)) {
        bytes.len = (apr_size_t)PQgetlength(result, row, column);
        bytes.data = apr_pmemdup(pool, PQgetvalue(result, row, column), bytes.len + 1);
    }
    return bytes;
}

int kz_db__int4(kz_db_rows_t *rows, int row, int column)
{
    const unsigned char *bytes = cell(rows, row, column, 4);

    return bytes ? (int)(apr_int32_t)big_endian(bytes, 4) : 0;
}

apr_int64_t kz_db__int8(kz_db_rows_t *rows, int row, int column)
{
    const unsigned char *bytes = cell(rows, row, column, 8);

    return bytes ? (apr_int64_t)big_endian(bytes, 8) : 0;
}

int kz_db__bool(kz_db_rows_t *rows, int row, int column)
{
    const unsigned char *bytes = cell(rows, row, column, 1);

    return bytes && *bytes;
}

apr_time_t kz_db__time(kz_db_rows_t *rows, int row, int column)
{
    const unsigned char *bytes = cell(rows, row, column, 8);
    apr_int64_t time = bytes ? (apr_int64_t)big_endian(bytes, 8) : -KZ_DB_EPOCH;

    /* 'infinity' is the largest number, and stays that. */
    return time > INT64_MAX - KZ_DB_EPOCH ? INT64_MAX : time + KZ_DB_EPOCH;
}
