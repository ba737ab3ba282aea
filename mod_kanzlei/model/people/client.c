#include "model/people/client.h"

#include <string.h>

#include <apr_strings.h>

#include "base/str.h"
#include "model/proof/event.h"
#include "queries.h"

static kz_q_client_add_args_t args_of(const char *id, const kz_client_t *client)
{
    return (kz_q_client_add_args_t){
        .id = id,
        .number = client->number,
        .kind = client->kind,
        .salutation = client->salutation,
        .first_name = client->first_name,
        .name = client->name,
        .street = client->street,
        .postcode = client->postcode,
        .city = client->city,
        .country = client->country,
        .email = client->email,
        .language = client->language,
    };
}

/* ERR, or CONFLICT when it says that the number is taken. */
static kz_err_t *explained(kz_err_t *err, kz_grant_t *grant)
{
    if (!err || strcmp(kz_db_constraint(kz_grant_db(grant)), "client_number_taken") != 0)
        return err;
    kz_err_expected(err);
    return kz_err_create(KZ_ERR_CONFLICT, "the client's number is taken");
}

kz_err_t *kz_client_create(const char **id, kz_grant_t *grant, const kz_client_t *client,
                           apr_pool_t *pool)
{
    char *made = apr_palloc(pool, KZ_STR_UUID_SIZE);
    kz_q_client_add_args_t args;

    kz_str_uuid_v7(made);
    args = args_of(made, client);
    KZ_TRY(explained(kz_q_client_add(NULL, kz_grant_db(grant), &args), grant));
    KZ_TRY(kz_event_add(grant, KZ_EVENT_CLIENT_CREATED, &(kz_event_t){.client = made}));
    if (!kz_grant_has(grant, KZ_RIGHT_ALL))
        KZ_TRY(kz_client_assign(grant, made, kz_grant_account(grant)));
    *id = made;
    return NULL;
}

kz_err_t *kz_client_change(kz_grant_t *grant, const char *id, const kz_client_t *client)
{
    kz_q_client_add_args_t args = args_of(id, client);

    KZ_TRY(explained(kz_q_client_change(NULL, kz_grant_db(grant), &args), grant));
    return kz_event_add(grant, KZ_EVENT_CLIENT_CHANGED, &(kz_event_t){.client = id});
}

kz_err_t *kz_client_assign(kz_grant_t *grant, const char *id, const char *staff)
{
    char row[KZ_STR_UUID_SIZE];
    int added;

    kz_str_uuid_v7(row);
    KZ_TRY(kz_q_assignment_add(&added, kz_grant_db(grant),
                               &(kz_q_assignment_add_args_t){row, staff, id}));
    if (added == 0)
        return NULL;
    return kz_event_add(grant, KZ_EVENT_ASSIGNED, &(kz_event_t){.client = id, .subject = staff});
}

kz_err_t *kz_client_unassign(int *was, kz_grant_t *grant, const char *id, const char *staff)
{
    int ended;

    KZ_TRY(
        kz_q_assignment_end(&ended, kz_grant_db(grant), &(kz_q_assignment_end_args_t){staff, id}));
    if (was)
        *was = ended > 0;
    if (ended == 0)
        return NULL;
    return kz_event_add(grant, KZ_EVENT_UNASSIGNED, &(kz_event_t){.client = id, .subject = staff});
}
