#include <string.h>

#include <libpq-fe.h>

#include "io/db/db.h"

static int is_uri(const char *conninfo)
{
    return strncmp(conninfo, "postgresql://", strlen("postgresql://")) == 0 ||
           strncmp(conninfo, "postgres://", strlen("postgres://")) == 0;
}

/* Returns 1 if VALUE, which libpq has read for NAME in a URI, is the end of a password with an "@"
 * or "/" that is not written as %40 or %2F. */
static int is_rest_of_password(const char *name, const char *value)
{
    if (!value || !*value)
        return 0;
    if (strcmp(name, "host") == 0) /* an abstract socket begins with "@" */
        return strchr(value + 1, '@') != NULL;
    if (strcmp(name, "port") == 0)
        return value[strspn(value, "0123456789,")] != '\0';
    return strcmp(name, "dbname") == 0 && strpbrk(value, "@/") != NULL;
}

static int can_be_read(const char *conninfo)
{
    PQconninfoOption *options, *option;
    int fine = 1;

    if (!is_uri(conninfo) && !strchr(conninfo, '='))
        return !strstr(conninfo, "://"); /* a database's name, no misspelt URI */
    options = PQconninfoParse(conninfo, NULL);
    if (!options)
        return 0;
    for (option = options; fine && option->keyword; option++)
        fine = !is_uri(conninfo) || !is_rest_of_password(option->keyword, option->val);
    PQconninfoFree(options);
    return fine;
}

kz_err_t *kz_db_conninfo_check(const char *conninfo)
{
    if (can_be_read(conninfo))
        return NULL;
    return kz_err_create(KZ_ERR_CONFIG,
                         "the connection string can't be read: see PostgreSQL's documentation of "
                         "libpq, quote values with blanks, and write %%40 and %%2F for the \"@\" "
                         "and \"/\" of a password in a URI");
}
