/* Names of rows that several pages share. */
#ifndef KZ_PAGES_ROWS_H
#define KZ_PAGES_ROWS_H

#include "http/request.h"
#include "template/view.h"

/* "message" of a document row: what its STATE means to the reader; REASON is why it was kept
 * back. Null when there is nothing to say. The row must have its "name". */
void kz_rows_message(kz_view_t *row, const kz_grant_t *grant, const char *state,
                     const char *reason);

/* KZ_ERR_INFECTED with its sentence: NAME was refused because of the signature WHAT. */
kz_err_t *kz_rows_infected(const kz_request_t *rq, const char *name, const char *what);

/* "event_text" of an event row: the text event.KIND, filled from the row. */
void kz_rows_event(kz_view_t *row, const char *kind);

/* WORDS as a pattern of LIKE that finds them anywhere, in lower case; NULL if there are none. */
const char *kz_rows_like(const char *words, apr_pool_t *pool);

/* A place in a list that goes from new to old: "after" in the query, "<microseconds>_<id>". AT is 0
 * and ID NULL at the start. Errors: BAD_REQUEST. */
kz_err_t *kz_rows_place(apr_time_t *at, const char **id, const kz_request_t *rq);
/* "next": URL of the rows after the one at AT with ID (AT 0: null); "first": URL of the start, when
 * this isn't it. Other parameters of the query stay. */
void kz_rows_paging(kz_view_t *view, const kz_request_t *rq, apr_time_t at, const char *id);

#endif
