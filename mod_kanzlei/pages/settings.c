/* What the firm's administrators decide for the whole firm. */
#include "http/form.h"
#include "http/route.h"

#include "model/proof/event.h"
#include "queries.h"
#include "views.h"

/* GET /settings */
kz_err_t *page_settings(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_view_t *view = kz_reply_page(out, "settings");
    kz_q_firm_settings_t *settings;

    KZ_TRY(kz_q_firm_settings(&settings, kz_grant_db(grant), rq->pool));
    kz_show_firm_settings(view, "form", settings);
    kz_form_edit(out, view, rq, KZ_FORM_settings);
    return NULL;
}

/* POST /settings: 409 when somebody else has changed them since the form was made. */
kz_err_t *page_settings_change(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_form_t *form = kz_form_read(rq, KZ_FORM_settings);
    kz_q_firm_settings_change_args_t args = {kz_form_value(form, KZ_FIELD_settings_mail_detail)};
    kz_view_t *now = kz_view_create(rq->words, rq->pool);
    kz_q_firm_settings_t *stored;

    KZ_TRY(kz_q_firm_settings_locked(&stored, kz_grant_db(grant), rq->pool));
    kz_row_firm_settings(now, stored);
    KZ_TRY(kz_form_compare(form, now));
    if (kz_form_failed(form)) {
        kz_form_again(out, form, "settings");
        return NULL;
    }
    KZ_TRY(kz_q_firm_settings_change(NULL, kz_grant_db(grant), &args));
    KZ_TRY(
        kz_event_add(grant, KZ_EVENT_SETTINGS_CHANGED, &(kz_event_t){.detail = args.mail_detail}));
    return kz_form_done(rq, grant, out, "/settings", "saved");
}
