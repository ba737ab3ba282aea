#include "model/people/firm.h"

#include <string.h>

#include <apr_strings.h>

#include "model/field.h"
#include "queries.h"

static kz_err_t *check(kz_firm_t *firm, apr_pool_t *pool)
{
    KZ_TRY(kz_field_take(&firm->slug, KZ_FIELD_firm_slug, firm->slug, pool));
    KZ_TRY(kz_field_take(&firm->name, KZ_FIELD_firm_name, firm->name, pool));
    KZ_TRY(kz_field_take(&firm->email, KZ_FIELD_firm_email, firm->email, pool));
    KZ_TRY(kz_field_take(&firm->language, KZ_FIELD_firm_language, firm->language, pool));
    return NULL;
}

kz_err_t *kz_firm_create(kz_firm_t *firm, kz_db_t *db, const kz_seal_keyring_t *keys,
                         apr_pool_t *scratch_pool)
{
    unsigned char wrapped[KZ_SEAL_WRAPPED];
    kz_q_ctl_firm_reserve_t *reserved;
    kz_q_ctl_firm_add_args_t args = {.key = {wrapped, sizeof wrapped}};
    kz_q_ctl_firm_add_t *row;
    kz_err_t *err;

    KZ_TRY(check(firm, scratch_pool));
    args.slug = firm->slug;
    args.name = firm->name;
    args.email = firm->email;
    args.language = firm->language;
    KZ_TRY(kz_q_ctl_firm_reserve(&reserved, db, scratch_pool));
    KZ_TRY(kz_seal_firm_create(wrapped, keys, reserved->firm, scratch_pool));
    args.firm = firm->id = reserved->firm;
    err = kz_q_ctl_firm_add(&row, db, &args, scratch_pool);
    if (err && strcmp(kz_db_constraint(db), "firm_slug_taken") == 0) {
        kz_err_expected(err);
        return kz_err_create(KZ_ERR_CONFLICT, "there is a firm \"%s\" already", firm->slug);
    }
    if (!err)
        firm->created = row->created;
    return err;
}

kz_err_t *kz_firm_list(kz_firm_t **firms, int *count, kz_portal_t *portal, apr_pool_t *result_pool)
{
    kz_q_ctl_firms_t *rows;
    kz_db_t *db;
    int i;

    KZ_TRY(kz_db_begin(&db, portal->db, result_pool));
    KZ_TRY(kz_q_ctl_firms(&rows, count, db, result_pool));
    kz_db_end(db);
    *firms = apr_pcalloc(result_pool, sizeof **firms * (size_t)(*count ? *count : 1));
    for (i = 0; i < *count; i++)
        (*firms)[i] = (kz_firm_t){.id = rows[i].id,
                                  .slug = rows[i].slug,
                                  .name = rows[i].name,
                                  .email = rows[i].email,
                                  .language = rows[i].language,
                                  .created = rows[i].created};
    return NULL;
}

kz_err_t *kz_firm_find(kz_firm_t **firm, kz_portal_t *portal, const char *slug,
                       apr_pool_t *result_pool)
{
    kz_firm_t *firms;
    int count, i;

    KZ_TRY(kz_firm_list(&firms, &count, portal, result_pool));
    for (i = 0; i < count; i++) {
        if (strcmp(firms[i].slug, slug) == 0) {
            *firm = &firms[i];
            return NULL;
        }
    }
    return kz_err_create(KZ_ERR_NOT_FOUND, "there is no firm \"%s\"", slug);
}
