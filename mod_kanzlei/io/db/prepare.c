/* Which statements one connection has prepared. */
#include "io/db/conn.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

/* Whether a part of a statement stands in it when ASKED is asked for. */
static int stands(const kz_db_part_t *part, unsigned asked)
{
    return (part->with & ~asked) == 0 && (part->without & asked) == 0;
}

/* The text for what is ASKED, for the caller to free(); NULL: out of memory. */
static char *text_of(const kz_db_statement_t *statement, unsigned asked)
{
    const kz_db_part_t *part;
    size_t len = 0;
    char *text;

    for (part = statement->parts; part->text; part++)
        len += strlen(part->text);
    text = calloc(1, len + 1);
    for (part = statement->parts, len = 0; text && part->text; part++) {
        if (stands(part, asked)) {
            memcpy(text + len, part->text, strlen(part->text));
            len += strlen(part->text);
        }
    }
    return text;
}

/* "documents.client.from": the generator sees to it that this fits. */
static void name_of(char *name, const kz_db_statement_t *statement, unsigned asked)
{
    char *at = apr_cpystrn(name, statement->name, KZ_DB_NAME);
    unsigned bit;

    for (bit = 0; asked >> bit; bit++) {
        if (asked >> bit & 1) {
            at = apr_cpystrn(at, ".", (apr_size_t)(name + KZ_DB_NAME - at));
            at = apr_cpystrn(at, statement->conditions[bit], (apr_size_t)(name + KZ_DB_NAME - at));
        }
    }
}

static kz_db_variant_t *find_variant(kz_db_conn_t *conn, const kz_db_statement_t *statement,
                                     unsigned asked)
{
    int i;

    for (i = 0; i < KZ_DB_VARIANTS; i++) {
        if (conn->variant[i].statement == statement && conn->variant[i].asked == asked)
            return &conn->variant[i];
    }
    return NULL;
}

/* A place for one more: an empty one, or that of the variant which was used longest ago, which the
 * server is told to forget. */
static kz_err_t *make_room(kz_db_variant_t **room, kz_db_conn_t *conn)
{
    kz_db_variant_t *oldest = &conn->variant[0];
    char name[KZ_DB_NAME];
    int i;

    for (i = 1; i < KZ_DB_VARIANTS && oldest->statement; i++) {
        if (!conn->variant[i].statement || conn->variant[i].used < oldest->used)
            oldest = &conn->variant[i];
    }
    *room = oldest;
    if (!oldest->statement)
        return NULL;
    name_of(name, oldest->statement, oldest->asked);
    oldest->statement = NULL;
    return kz_db__forget(conn, name);
}

kz_err_t *kz_db__prepare(char *name, kz_db_conn_t *conn, const kz_db_statement_t *statement,
                         unsigned asked)
{
    kz_db_variant_t *variant = NULL;
    kz_err_t *err;
    char *text;

    name_of(name, statement, asked);
    if (statement->conditions)
        variant = find_variant(conn, statement, asked);
    if (variant)
        variant->used = ++conn->uses;
    if (variant || (!statement->conditions && conn->prepared[statement->number]))
        return NULL;
    if (statement->conditions)
        KZ_TRY(make_room(&variant, conn));
    text = text_of(statement, asked);
    err = kz_db__parse(conn, name, text, statement, asked);
    free(text);
    if (err)
        return err;
    if (variant)
        *variant = (kz_db_variant_t){statement, asked, ++conn->uses};
    else
        conn->prepared[statement->number] = 1;
    return NULL;
}

void kz_db__unprepared(kz_db_conn_t *conn, const kz_db_statement_t *statement, unsigned asked)
{
    kz_db_variant_t *variant = statement->conditions ? find_variant(conn, statement, asked) : NULL;

    if (variant)
        variant->statement = NULL;
    else
        conn->prepared[statement->number] = 0;
}
