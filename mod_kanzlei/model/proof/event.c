#include "model/proof/event.h"

#include "base/str.h"
#include "queries.h"

typedef enum when_t { WHEN_REQUEST, WHEN_COMMIT, WHEN_SENT } when_t;

static const struct {
    const char *name;
    when_t when; /* it becomes true */
} kinds[] = {
#define KZ_EVENT(NAME, name, when) {name, WHEN_##when},
#include "events.def"
#undef KZ_EVENT
};

const char *kz_event_name(kz_event_kind_t kind)
{
    return kinds[kind].name;
}

/* Whether something that becomes true at WHEN may be noted by GRANT. */
static int can_be_true(const kz_grant_t *grant, when_t when)
{
    if (kz_grant_is_portal(grant))
        return 1;
    switch (kz_grant_effect(grant)) {
    case KZ_EFFECT_READS:
        return 0;
    case KZ_EFFECT_PROVES:
        return when != WHEN_COMMIT;
    case KZ_EFFECT_WRITES:
        return when != WHEN_SENT;
    }
    return 0;
}

kz_err_t *kz_event_add(kz_grant_t *grant, kz_event_kind_t kind, const kz_event_t *event)
{
    char id[KZ_STR_UUID_SIZE];
    kz_q_event_add_args_t args = {
        .id = id,
        .kind = kz_event_name(kind),
        .account = event->account ? event->account : kz_grant_account(grant),
        .client = event->client,
        .document = event->document,
        .subject = event->subject,
        .detail = event->detail ? event->detail : "",
    };

    if (!can_be_true(grant, kinds[kind].when))
        return kz_err_create(KZ_ERR_INTERNAL, "the event %s can't be true here", args.kind);
    kz_str_uuid_v7(id);
    return kz_q_event_add_later(kz_grant_db(grant), &args);
}
