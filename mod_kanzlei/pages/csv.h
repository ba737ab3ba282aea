/* A list as CSV, with the columns that lists.def says: RFC 4180 but for UTF-8 with a byte order
 * mark and semicolons, as spreadsheets here expect it. */
#ifndef KZ_PAGES_CSV_H
#define KZ_PAGES_CSV_H

#include "pages/list.h"

typedef struct kz_csv_t kz_csv_t;

/* An export of what is ASKED, with its headings, in the reader's language: from now on that is the
 * first rows of the list, more than a page has. Ends with the request's pool. */
kz_csv_t *kz_csv_open(kz_list_asked_t *asked);
/* Appends the N ROWS that were found. Whether there are more: ASKED is for these then. */
int kz_csv_rows(kz_csv_t *csv, const void *rows, int n, apr_pool_t *scratch);
/* Answers with it; browsers store it as FILE_NAME, which is ASCII. */
void kz_csv_send(kz_reply_t *out, const kz_csv_t *csv, const char *file_name);

#endif
