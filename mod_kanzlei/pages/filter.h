/* The filter above a list, remembered in the URL: client, matter, state, days, words. */
#ifndef KZ_PAGES_FILTER_H
#define KZ_PAGES_FILTER_H

#include "http/request.h"

typedef struct kz_filter_t {
    const char *client, *matter; /* UUIDs, or NULL */
    const char *state;           /* one of the page's, or NULL */
    const char *like;            /* pattern of LIKE for "q", or NULL */
    apr_time_t from, to;         /* 0: open */
    apr_time_t at;               /* the place in the list */
    const char *id;
} kz_filter_t;

/* Whether FILTER asks for the state STATE. */
int kz_filter_is(const kz_filter_t *filter, const char *state);

/* What the statement of a list takes from the filter F, as initialisers of its arguments: the days
 * and the place in the list, which all have; the client and the matter, where it is not of MINE. */
#define KZ_FILTER_MINE(f)  .from = (f)->from, .to = (f)->to, .at = (f)->at, .id = (f)->id
#define KZ_FILTER_WHOLE(f) .client = (f)->client, .matter = (f)->matter, KZ_FILTER_MINE(f)

/* Reads the filter of RQ; STATES ("new|available") are those that the page has. A wrong value
 * counts as not set, but a wrong place is BAD_REQUEST. */
kz_err_t *kz_filter_read(kz_filter_t *filter, const kz_request_t *rq, const char *states);

/* Whether a list under FILTER is read as a whole: by somebody who sees every client, or of one
 * client or one matter. Else it is put together from those of each visible client. */
int kz_filter_whole(const kz_filter_t *filter, const kz_grant_t *grant);

/* Fills "filter", "clients" and "matters" of VIEW. */
kz_err_t *kz_filter_view(kz_view_t *view, const kz_filter_t *filter, const kz_request_t *rq,
                         kz_grant_t *grant);

#endif
