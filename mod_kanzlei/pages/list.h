/* Drives the lists of lists.def: reads the query string, and makes the links to the other pages.
 *
 * A handler asks, shows the filter, stops when something was wrong, finds the rows (again, when
 * kz_list_again() says so), and shows what kz_list_page() leaves of them. */
#ifndef KZ_PAGES_LIST_H
#define KZ_PAGES_LIST_H

#include "http/reply.h"
#include "http/request.h"
#include "queries.h"

typedef enum kz_list_order_t { KZ_LIST_NEWEST, KZ_LIST_NAME } kz_list_order_t;

typedef struct kz_list_t {
    const char *name; /* "clients" */
    int most;         /* rows on one page */
    kz_list_order_t order;
    size_t size, at, id; /* of a row of its query; where its time and its id are in it */
} kz_list_t;

/* Each list of lists.def: kz_list_clients ... */
#define KZ_LIST(list, path, rows, query, most, order, at, id, leads)                               \
    extern const kz_list_t kz_list_##list;
#include "lists.def"

/* A request for a list. A member that is not asked for is NULL or 0. */
typedef struct kz_list_asked_t {
    const kz_list_t *list;
    kz_request_t *rq;
    const char *client, *matter; /* UUIDs */
    const char *state;           /* one of the filter's values */
    const char *like;            /* the words as a pattern of LIKE, in lower case */
    apr_time_t from, to;         /* from <= time < to */
    int active;                  /* any of these is set, rightly or wrongly */
    int back;                    /* 1: the rows before the place, 0: those behind it */
    apr_time_t at;               /* the place: time and id of a row, for the order NEWEST */
    const char *id;              /* NULL: the start of the list */
    int count;                   /* rows to ask for: one more than a page has */
    int row;                     /* number of the first row, from 1 on; 0: unknown */
    apr_table_t *wrong; /* names of filters with wrong values, and the sentences for these */
} kz_list_asked_t;

/* The place and the number of rows, as initialisers of a statement's arguments. In a list by NAME
 * "place" is an id; in one that goes from new to old "at" (when it is read on from there) or
 * "before" (when it is read back) is the time of "id". */
#define KZ_LIST_BY_NAME(asked) .place = (asked)->id, .back = (asked)->back, .count = (asked)->count
#define KZ_LIST_BY_TIME(asked)                                                                     \
    .at = (asked)->back ? 0 : (asked)->at, .before = (asked)->back ? (asked)->at : 0,              \
    .id = (asked)->id, .count = (asked)->count
/* With the days; and with client and matter, where it isn't about somebody's own clients ("mine").
 */
#define KZ_LIST_MINE(asked) .from = (asked)->from, .to = (asked)->to, KZ_LIST_BY_TIME(asked)
#define KZ_LIST_WHOLE(asked)                                                                       \
    .client = (asked)->client, .matter = (asked)->matter, KZ_LIST_MINE(asked)

/* Reads what RQ's query string asks of LIST. A filter with a wrong value is not set, and noted in
 * WRONG. Errors: BAD_REQUEST, when the place is none: nobody types it. */
kz_err_t *kz_list_ask(kz_list_asked_t *asked, const kz_list_t *list, kz_request_t *rq);

/* Fills "filter" of VIEW, with what is asked for in words ("words"), and "clients" and "matters"
 * when LIST has filters of these kinds. A wrong value is shown as it was typed, with its sentence
 * as "err_<name>". Needs a settled grant. */
kz_err_t *kz_list_filter(kz_view_t *view, const kz_list_asked_t *asked, kz_grant_t *grant);

/* Whether a filter had a wrong value. Then OUT, a page, gets status 422 and its "problem", as a
 * form that comes back has them, and there is nothing to find. */
int kz_list_wrong(kz_reply_t *out, const kz_list_asked_t *asked);

/* Whether the state STATE is asked for. */
int kz_list_is(const kz_list_asked_t *asked, const char *state);

/* Whether a list is read as a whole: by somebody who sees every client, or of one client or one
 * matter. Else it is put together from those of each visible client. Needs a settled grant. */
int kz_list_whole(const kz_list_asked_t *asked, const kz_grant_t *grant);

/* Whether to find again, at the start: on the way back less than a page was left (N rows). */
int kz_list_again(kz_list_asked_t *asked, int n);

/* The *N ROWS found (an array of the list's query) without the one that was asked for beyond the
 * page; *N becomes what is shown. Fills "first", "previous" and "next" of VIEW: the URLs of the
 * start and of the pages before and behind this one, null where there is none; and "rows": which
 * rows these are, and whether others follow. */
void *kz_list_page(int *n, kz_view_t *view, const kz_list_asked_t *asked, void *rows);

/* From now on ASKED is for the start of the list. */
void kz_list_start(kz_list_asked_t *asked);
/* From now on ASKED is for the rows behind ROW, of which the place is copied. */
void kz_list_behind(kz_list_asked_t *asked, const void *row);

/* PATH (of a page, "/k/muster/clients") with the filters that are set as its query. In RQ's pool.
 */
const char *kz_list_url(const kz_list_asked_t *asked, const char *path);

#endif
