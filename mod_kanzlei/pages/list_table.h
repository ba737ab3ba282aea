/* The filters of lists.def, as list.c and list_filter.c read them. */
#ifndef KZ_PAGES_LIST_TABLE_H
#define KZ_PAGES_LIST_TABLE_H

#include "pages/list.h"

typedef enum kz_list__kind_t {
    KZ_LIST__WORDS,
    KZ_LIST__FILE_WORDS,
    KZ_LIST__CHOICE,
    KZ_LIST__CLIENT,
    KZ_LIST__MATTER,
    KZ_LIST__FROM,
    KZ_LIST__TO
} kz_list__kind_t;

typedef struct kz_list__filter_t {
    const kz_list_t *list;
    const char *name; /* of the parameter */
    kz_list__kind_t kind;
    size_t most;        /* characters of words */
    const char *values; /* of CHOICE: "new|available" */
    const char *label;  /* key of its text */
} kz_list__filter_t;

/* All of them; the last one has no list. */
extern const kz_list__filter_t kz_list__filters[];

/* What the query string has for FILTER; NULL when it is not there or empty. */
const char *kz_list__typed(const kz_list_asked_t *asked, const kz_list__filter_t *filter);

/* The day that TEXT names ("23.11.2026", "2026-11-23") as "2026-11-23" in POOL; TEXT itself when it
 * names none. */
const char *kz_list__day(const char *text, apr_pool_t *pool);

#endif
