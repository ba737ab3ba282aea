#include "model/proof/event.h"

#include "base/str.h"
#include "queries.h"

kz_err_t *kz_event_add(kz_grant_t *grant, const char *kind, const kz_event_t *event)
{
    char id[KZ_STR_UUID_SIZE];
    kz_q_event_add_args_t args = {
        .id = id,
        .kind = kind,
        .account = event->account ? event->account : kz_grant_account(grant),
        .client = event->client,
        .document = event->document,
        .subject = event->subject,
        .detail = event->detail ? event->detail : "",
    };

    kz_str_uuid_v7(id);
    return kz_q_event_add_later(kz_grant_db(grant), &args);
}
