#include "pages/rows.h"

#include <string.h>

#include <apr_strings.h>

#include "model/proof/event.h"

void kz_rows_message(kz_view_t *row, const kz_grant_t *grant, const char *state, const char *reason)
{
    apr_pool_t *pool = kz_view_pool(row);
    int staff = kz_grant_is_staff(grant);

    if (state && strcmp(state, "unscannable") == 0)
        kz_view_say(row, "message",
                    apr_pstrcat(pool, staff ? "kept." : "unscannable.", reason, NULL));
    else if (state && strcmp(state, "infected") == 0)
        kz_view_say(row, "message", staff ? "infected_staff" : "infected");
    else if (state && strcmp(state, "failed") == 0)
        kz_view_say(row, "message", "failed");
    else
        kz_view_text(row, "message", NULL);
}

kz_err_t *kz_rows_infected(const kz_request_t *rq, const char *name, const char *what)
{
    kz_view_t *words = kz_view_create(rq->words, rq->pool);

    kz_view_text(words, "name", name);
    kz_view_text(words, "what", what);
    return kz_err_say(KZ_ERR_INFECTED, kz_view_phrase(rq->words, "infected", words, rq->pool));
}

void kz_rows_event(kz_view_t *row, const char *kind, int sent, const char *detail)
{
    kz_view_say(row, "event_text",
                sent ? "step.sent" : apr_pstrcat(kz_view_pool(row), "event.", kind, NULL));
    if (strcmp(kind, kz_event_name(KZ_EVENT_HELD)) == 0)
        kz_view_text(row, "detail", NULL);
    else if (detail && strcmp(detail, "firm_code") == 0)
        kz_view_say(row, "detail", "step.firm_code");
}
