/* Compares a document's row with its sealed header, which nobody without the keys can write. */
#include "model/check/internal.h"

#include <string.h>

#include <apr_strings.h>

static int same(const char *one, const char *other)
{
    return strcmp(one ? one : "", other ? other : "") == 0;
}

static void differs(const char **what, int is_same, const char *column, apr_pool_t *pool)
{
    if (!is_same)
        *what = apr_pstrcat(pool, *what, **what ? ", " : "", column, NULL);
}

kz_err_t *kz_check__header(kz_check_t *check, kz_grant_t *grant, const kz_firm_t *firm,
                           const kz_q_check_documents_t *row, const kz_seal_meta_t *meta,
                           apr_pool_t *scratch_pool)
{
    kz_check_problem_t problem = {.kind = KZ_CHECK_ROW,
                                  .store = "database",
                                  .firm = firm->slug,
                                  .document = row->id,
                                  .object = row->object};
    kz_q_check_renamed_args_t args = {row->id};
    kz_q_check_renamed_t *later;
    const char *what = "";

    KZ_TRY(kz_grant_again(grant));
    KZ_TRY(kz_q_check_renamed(&later, kz_grant_db(grant), &args, scratch_pool));
    kz_grant_rest(grant);
    differs(&what, same(row->name, later->name ? later->name : meta->name), "name", scratch_pool);
    differs(&what, same(row->matter, later->matter ? later->matter : meta->matter), "matter",
            scratch_pool);
    differs(&what, same(row->client, meta->client), "client", scratch_pool);
    differs(&what, same(row->by, meta->by), "by", scratch_pool);
    differs(&what, same(row->type, meta->type), "type", scratch_pool);
    if (!*what)
        return NULL;
    problem.detail = apr_pstrcat(
        scratch_pool, "not what its sealed header says, nor an event since: ", what, NULL);
    kz_check__report(check, &problem);
    return NULL;
}
