/* What the client wants: HTML or JSON, German or English. */
#include "http/http.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

/* The weight of one item of an Accept header, whose parameters start at PARAMETERS. */
static double weight(const char *parameters, size_t len)
{
    const char *end = parameters + len, *at;

    for (at = parameters; at + 3 <= end; at++) {
        if (*at == ';') {
            at += 1 + strspn(at + 1, " \t");
            if (at + 2 < end && (*at == 'q' || *at == 'Q') && at[1] == '=')
                return atof(at + 2);
        }
    }
    return 1;
}

/* How much TYPE ("text/html") is wanted, 0 to 1: the most specific range decides. */
static double wanted(const char *accept, const char *type)
{
    size_t major = strcspn(type, "/") + 1;
    int best = -1;
    double found = 0;

    while (*accept) {
        size_t item = strcspn(accept, ","), skip = strspn(accept, " \t");
        const char *range = accept + skip;
        size_t len;
        int rank = -1;

        if (skip > item)
            skip = item;
        len = strcspn(range, ",; \t");
        if (len == strlen(type) && strncasecmp(range, type, len) == 0)
            rank = 2;
        else if (len == major + 1 && strncasecmp(range, type, major) == 0 && range[major] == '*')
            rank = 1;
        else if (len == 3 && strncmp(range, "*/*", 3) == 0)
            rank = 0;
        if (rank > best) {
            best = rank;
            found = weight(range + len, item - skip - len);
        }
        accept += item + (accept[item] == ',');
    }
    return found;
}

kz_err_t *kz_http__accept(int *json, const char *accept)
{
    double html, data;

    *json = 0;
    if (!accept || !*accept)
        return NULL;
    html = wanted(accept, "text/html");
    data = wanted(accept, "application/json");
    if (html <= 0 && data <= 0)
        return kz_err_create(KZ_ERR_NOT_ACCEPTABLE, "neither HTML nor JSON is accepted");
    *json = data > html;
    return NULL;
}

const kz_words_t *kz_http__language(request_rec *r, const kz_site_t *site)
{
    const char *cookie = kz_http__cookie(r, "kz-language");
    const char *header = apr_table_get(r->headers_in, "Accept-Language");
    double most = 0;
    const kz_words_t *chosen = site->languages[0];
    int i;

    for (i = 0; cookie && site->languages[i]; i++) {
        if (strcmp(cookie, kz_words_language(site->languages[i])) == 0)
            return site->languages[i];
    }
    for (; header && *header;) {
        size_t item = strcspn(header, ","), skip = strspn(header, " \t"), len;

        len = strcspn(header + skip, ",; \t-");
        for (i = 0; skip < item && site->languages[i]; i++) {
            const char *language = kz_words_language(site->languages[i]);
            double here = weight(header + skip, item - skip);

            if (len == strlen(language) && strncasecmp(header + skip, language, len) == 0 &&
                here > most) {
                most = here;
                chosen = site->languages[i];
            }
        }
        header += item + (header[item] == ',');
    }
    return chosen;
}
