#include "model/people/staff.h"

#include <string.h>

#include <apr_strings.h>

#include "base/str.h"
#include "model/field.h"
#include "model/proof/event.h"
#include "model/people/code.h"
#include "model/people/password.h"
#include "queries.h"

kz_err_t *kz_staff_right_check(const char *name)
{
    if (kz_right_find(name) != KZ_RIGHT_NONE)
        return NULL;
    return kz_err_create(KZ_ERR_INVALID, "there is no right \"%s\": %s", name, kz_right_names());
}

/* Checks STAFF, and folds its texts. */
static kz_err_t *check(kz_staff_new_t *staff, apr_pool_t *pool)
{
    int i;

    KZ_TRY(kz_field_take(&staff->user, KZ_FIELD_access_user, staff->user, pool));
    KZ_TRY(kz_field_take(&staff->name, KZ_FIELD_access_name, staff->name, pool));
    KZ_TRY(kz_field_take(&staff->email, KZ_FIELD_access_email, staff->email, pool));
    KZ_TRY(kz_field_take(&staff->language, KZ_FIELD_access_language, staff->language, pool));
    if (staff->invite && !*staff->email)
        return kz_err_create(KZ_ERR_INVALID, "an invitation needs a mail address");
    for (i = 0; i < staff->rights->nelts; i++)
        KZ_TRY(kz_staff_right_check(APR_ARRAY_IDX(staff->rights, i, const char *)));
    return NULL;
}

static kz_err_t *add_rights(kz_grant_t *grant, const char *id, const kz_staff_new_t *staff)
{
    int i;

    for (i = 0; i < staff->rights->nelts; i++)
        KZ_TRY(kz_q_ctl_right_add(
            NULL, kz_grant_db(grant),
            &(kz_q_ctl_right_add_args_t){.staff = id,
                                         .name = APR_ARRAY_IDX(staff->rights, i, const char *)}));
    return NULL;
}

kz_err_t *kz_staff_create(const char **id, kz_grant_t *grant, kz_staff_new_t *staff,
                          apr_pool_t *pool)
{
    char *made = apr_palloc(pool, KZ_STR_UUID_SIZE);
    kz_db_t *db = kz_grant_db(grant);
    kz_q_ctl_account_add_args_t args = {.id = made};
    const char *typed = staff->user;
    kz_err_t *err;

    KZ_TRY(check(staff, pool));
    args.user = staff->user;
    args.name = staff->name;
    args.email = staff->email;
    args.language = staff->language;
    kz_str_uuid_v7(made);
    if (staff->password)
        KZ_TRY(kz_password_hash(&args.password, grant, staff->password, pool));
    err = kz_q_ctl_account_add(NULL, db, &args);
    if (err && strcmp(kz_db_constraint(db), "account_user_taken") == 0) {
        kz_err_expected(err);
        return kz_err_create(KZ_ERR_CONFLICT, "the user name \"%s\" is taken", typed);
    }
    if (err)
        return err;
    KZ_TRY(kz_q_ctl_staff_add(NULL, db, &(kz_q_ctl_staff_add_args_t){.id = made}));
    KZ_TRY(add_rights(grant, made, staff));
    KZ_TRY(kz_event_add(grant, KZ_EVENT_STAFF_CREATED,
                        &(kz_event_t){.subject = made, .detail = staff->user}));
    if (staff->invite)
        KZ_TRY(kz_code_mail(grant, made, KZ_CODE_INVITATION));
    *id = made;
    return NULL;
}

static kz_staff_account_t account_of(const kz_q_ctl_accounts_t *row)
{
    return (kz_staff_account_t){.id = row->id,
                                .user = row->user_name,
                                .name = row->name,
                                .email = row->email,
                                .kind = row->kind,
                                .rights = row->rights,
                                .has_password = row->has_password,
                                .locked = row->locked,
                                .signed_in = row->signed_in};
}

kz_err_t *kz_staff_accounts(kz_staff_account_t **accounts, int *count, kz_grant_t *grant,
                            const char *after, int limit, apr_pool_t *pool)
{
    kz_q_ctl_accounts_t *rows;
    int i;

    KZ_TRY(kz_q_ctl_accounts(&rows, count, kz_grant_db(grant),
                             &(kz_q_ctl_accounts_args_t){.after = after, .limit = limit}, pool));
    *accounts = apr_pcalloc(pool, sizeof **accounts * (size_t)(*count ? *count : 1));
    for (i = 0; i < *count; i++)
        (*accounts)[i] = account_of(&rows[i]);
    return NULL;
}

kz_err_t *kz_staff_find(kz_staff_account_t **account, kz_grant_t *grant, const char *user,
                        apr_pool_t *pool)
{
    kz_q_ctl_account_t *row;

    KZ_TRY(
        kz_q_ctl_account(&row, kz_grant_db(grant), &(kz_q_ctl_account_args_t){.user = user}, pool));
    if (!row)
        return kz_err_create(KZ_ERR_NOT_FOUND, "the firm \"%s\" has no account \"%s\"",
                             kz_grant_slug(grant), user);
    *account = apr_pcalloc(pool, sizeof **account);
    **account = (kz_staff_account_t){.id = row->id,
                                     .user = row->user_name,
                                     .name = row->name,
                                     .email = row->email,
                                     .kind = row->kind,
                                     .has_password = row->has_password,
                                     .locked = row->locked};
    return NULL;
}

kz_err_t *kz_staff_set_password(kz_grant_t *grant, const kz_staff_account_t *account,
                                const char *password, apr_pool_t *scratch_pool)
{
    kz_db_t *db = kz_grant_db(grant);
    kz_q_ctl_password_args_t args = {.account = account->id};

    KZ_TRY(kz_password_hash(&args.password, grant, password, scratch_pool));
    KZ_TRY(kz_q_ctl_password(NULL, db, &args));
    KZ_TRY(kz_q_ctl_codes_void(NULL, db, &(kz_q_ctl_codes_void_args_t){account->id}));
    KZ_TRY(kz_q_sessions_end(NULL, db,
                             &(kz_q_sessions_end_args_t){.account = account->id, .keep = NULL}));
    return kz_event_add(grant, KZ_EVENT_PASSWORD_SET,
                        &(kz_event_t){.subject = account->id, .detail = "kanzleictl"});
}

kz_err_t *kz_staff_unlock(int *was, kz_grant_t *grant, const kz_staff_account_t *account)
{
    kz_q_account_unlock_args_t args = {account->id};
    kz_q_account_unlock_t *row;

    KZ_TRY(kz_q_account_unlock(&row, kz_grant_db(grant), &args, kz_grant_pool(grant)));
    *was = row->unlocked;
    if (*was)
        KZ_TRY(kz_event_add(grant, KZ_EVENT_UNLOCKED,
                            &(kz_event_t){.subject = account->id, .detail = "kanzleictl"}));
    return NULL;
}
