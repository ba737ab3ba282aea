/* The Cookie header. A first byte that is odd makes a header of known meaning of the rest; an even
 * one takes the rest as the header. */
#include "http/cookie.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#define WANTED "kz-muster"

static apr_pool_t *pool;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each line of TEXT is a value; the bits of its first byte say whose. */
static void known(const char *text)
{
    static const char *const names[] = {"__Host-" WANTED,    "__Host-kz",       WANTED,
                                        "__Host-kz-muster2", "x__Host-" WANTED, "__host-" WANTED};
    const char *header = "", *expected = NULL, *found;

    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        size_t name = (unsigned char)*line % (sizeof names / sizeof *names);
        const char *value = apr_pstrmemdup(pool, line, strcspn(line, "\n;"));

        header = apr_pstrcat(pool, header, names[name], "=", value, *line & 8 ? "; " : ";", NULL);
        if (name == 0 && !expected)
            expected = value;
    }
    found = kz_cookie_find(header, WANTED, pool);
    if (!found != !expected || (found && strcmp(found, expected) != 0))
        abort();
}

/* A value that is found is in the header, under its name, and is a single cookie. */
static void any(const char *header)
{
    const char *found = kz_cookie_find(header, WANTED, pool);
    const char *pair = found ? apr_pstrcat(pool, "__Host-" WANTED "=", found, NULL) : NULL;

    if (found && (strchr(found, ';') || !strstr(header, pair)))
        abort();
    found =
        kz_cookie_find(apr_pstrcat(pool, "__Host-" WANTED "=first; ", header, NULL), WANTED, pool);
    if (!found || strcmp(found, "first") != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text;

    if (size == 0)
        return 0;
    if (!pool) {
        apr_initialize();
        apr_pool_create(&pool, NULL);
    }
    text = strndup((const char *)data + 1, size - 1);
    if (!text)
        abort();
    if (data[0] % 2)
        known(text);
    else
        any(text);
    free(text);
    apr_pool_clear(pool);
    return 0;
}
