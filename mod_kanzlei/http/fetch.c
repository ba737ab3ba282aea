#include "http/fetch.h"

#include <string.h>

int kz_fetch_is_ahead(const kz_request_t *rq)
{
    static const char *const names[] = {"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"};
    size_t i;

    for (i = 0; i < sizeof names / sizeof *names; i++) {
        if (kz_request_header(rq, names[i]))
            return 1;
    }
    return 0;
}

/* Whether the header NAME has VALUE or is not there. */
static int agrees(const kz_request_t *rq, const char *name, const char *value)
{
    const char *sent = kz_request_header(rq, name);

    return !sent || strcmp(sent, value) == 0;
}

int kz_fetch_is_navigation(const kz_request_t *rq)
{
    return strcmp(rq->method, "GET") == 0 && !kz_fetch_is_ahead(rq) &&
           agrees(rq, "Sec-Fetch-Dest", "document") && agrees(rq, "Sec-Fetch-Mode", "navigate");
}
