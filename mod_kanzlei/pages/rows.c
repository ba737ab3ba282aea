#include "pages/rows.h"

#include <string.h>

#include <apr_escape.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "base/str.h"

void kz_rows_message(kz_view_t *row, const kz_grant_t *grant, const char *state, const char *reason)
{
    apr_pool_t *pool = kz_view_pool(row);
    int staff = kz_grant_is_staff(grant);

    if (state && strcmp(state, "unscannable") == 0)
        kz_view_say(row, "message",
                    apr_pstrcat(pool, staff ? "kept." : "unscannable.", reason, NULL));
    else if (state && strcmp(state, "infected") == 0)
        kz_view_say(row, "message", staff ? "infected_staff" : "infected");
    else if (state && strcmp(state, "failed") == 0)
        kz_view_say(row, "message", "failed");
    else
        kz_view_text(row, "message", NULL);
}

kz_err_t *kz_rows_infected(const kz_request_t *rq, const char *name, const char *what)
{
    kz_view_t *words = kz_view_create(rq->words, rq->pool);

    kz_view_text(words, "name", name);
    kz_view_text(words, "what", what);
    return kz_err_say(KZ_ERR_INFECTED, kz_view_phrase(rq->words, "infected", words, rq->pool));
}

void kz_rows_event(kz_view_t *row, const char *kind)
{
    kz_view_say(row, "event_text", apr_pstrcat(kz_view_pool(row), "event.", kind, NULL));
}

const char *kz_rows_like(const char *words, apr_pool_t *pool)
{
    size_t len = words ? strlen(words) : 0;
    char *pattern, *to;

    if (len == 0 || len > 200 || !kz_str_is_utf8(words, len))
        return NULL;
    pattern = to = apr_palloc(pool, 2 * len + 3);
    *to++ = '%';
    for (; *words; words++) {
        if (strchr("%_\\", *words))
            *to++ = '\\';
        *to++ = (char)apr_tolower(*words);
    }
    *to++ = '%';
    *to = '\0';
    return pattern;
}

kz_err_t *kz_rows_place(apr_time_t *at, const char **id, const kz_request_t *rq)
{
    const char *after = kz_request_query(rq, "after");
    char *end;

    *at = 0;
    *id = NULL;
    if (!after || !*after)
        return NULL;
    *at = apr_strtoi64(after, &end, 10);
    if (*at <= 0 || *end != '_' || !kz_str_is_uuid(end + 1))
        return kz_err_create(KZ_ERR_BAD_REQUEST, "\"after\" is no place in a list");
    *id = end + 1;
    return NULL;
}

/* The URL of this page with its query, but for "after" and "notice". */
static const char *without_place(const kz_request_t *rq)
{
    const char *url = rq->path, *separator = "?";
    const apr_table_entry_t *entry = (const apr_table_entry_t *)apr_table_elts(rq->query)->elts;
    int i;

    for (i = 0; i < apr_table_elts(rq->query)->nelts; i++) {
        if (strcmp(entry[i].key, "after") == 0 || strcmp(entry[i].key, "notice") == 0)
            continue;
        url = apr_pstrcat(rq->pool, url, separator, apr_pescape_urlencoded(rq->pool, entry[i].key),
                          "=", apr_pescape_urlencoded(rq->pool, entry[i].val), NULL);
        separator = "&";
    }
    return url;
}

void kz_rows_paging(kz_view_t *view, const kz_request_t *rq, apr_time_t at, const char *id)
{
    const char *start = without_place(rq);

    kz_view_text(view, "first", kz_request_query(rq, "after") ? start : NULL);
    kz_view_text(view, "next",
                 at == 0 ? NULL
                         : apr_psprintf(rq->pool, "%s%safter=%" APR_TIME_T_FMT "_%s", start,
                                        strchr(start, '?') ? "&" : "?", at, id));
}
