/* Chooses HTML or JSON, German or English. */
#include "http/http.h"

#include <string.h>

#include "http/accept.h"

kz_err_t *kz_http__accept(int *json, const char *accept)
{
    int html, data;

    *json = 0;
    if (!accept || !*accept)
        return NULL;
    html = kz_accept_type(accept, "text/html");
    data = kz_accept_type(accept, "application/json");
    if (html == 0 && data == 0)
        return kz_err_create(KZ_ERR_NOT_ACCEPTABLE, "neither HTML nor JSON is accepted");
    *json = data > html;
    return NULL;
}

const kz_words_t *kz_http__language(const kz_site_t *site, const char *cookie, const char *header)
{
    const char *names[KZ_SITE_LANGUAGES];
    int count, chosen;

    for (count = 0; site->languages[count]; count++) {
        names[count] = kz_words_language(site->languages[count]);
        if (cookie && strcmp(cookie, names[count]) == 0)
            return site->languages[count];
    }
    chosen = header ? kz_accept_language(header, names, count) : -1;
    return site->languages[chosen < 0 ? 0 : chosen];
}
