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

/* "event_text" of an event row: the text event.KIND, or "sent" for what a client has provided. Of
 * DETAIL the mark of a step behind a code of the firm's becomes words; the code of a reason, which
 * is none, is left out. */
void kz_rows_event(kz_view_t *row, const char *kind, int sent, const char *detail);

#define KZ_ROWS_MOST 200 /* of a list without pages, which a statement asks one more of */
#define KZ_ROWS_FEW  50  /* of a shorter one */

#endif
