/* A list as CSV, with the columns that lists.def says: RFC 4180 but for UTF-8 with a byte order
 * mark and semicolons, as spreadsheets here expect it. Times are local, with seconds and offset. */
#ifndef KZ_PAGES_CSV_H
#define KZ_PAGES_CSV_H

#include "pages/list.h"

/* Finds the rows that are ASKED for: *ROWS, an array of the list's query, in POOL. */
typedef kz_err_t *(*kz_csv_find_t)(const void **rows, int *n, const kz_list_asked_t *asked,
                                   kz_grant_t *grant, apr_pool_t *pool);

/* Answers with all rows that are ASKED for, from the first one on: found by FIND page by page while
 * they are sent, each page in a transaction that enters anew, so that memory stays flat and the
 * export ends with the rights to it. Its file name is TITLE with the words of the filter, which
 * OUT's view has (kz_list_filter()), and ".csv". Errors of the first page are returned; a later one
 * cuts the answer. */
kz_err_t *kz_csv_send(kz_reply_t *out, const kz_list_asked_t *asked, kz_csv_find_t find,
                      kz_grant_t *grant, const char *title);

#endif
