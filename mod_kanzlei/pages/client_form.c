/* Clients and matters are made, and a client's details changed. */
#include "http/route.h"

#include <string.h>

#include <apr_strings.h>

#include "base/str.h"
#include "model/people/client.h"
#include "model/proof/event.h"
#include "pages/people.h"
#include "queries.h"
#include "views.h"

/* GET /clients/new */
kz_err_t *page_client_new(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_view_t *view = kz_reply_page(out, "client-form");

    (void)grant;
    kz_view_text(view, "client", NULL);
    kz_form_show(view, rq, KZ_FORM_client);
    return NULL;
}

/* GET /clients/{client}/edit */
kz_err_t *page_client_edit(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_view_t *view = kz_reply_page(out, "client-form");
    kz_q_client_t *client;

    KZ_TRY(kz_people_client(&client, view, rq, grant));
    kz_show_client(view, "form", client);
    kz_form_edit(out, view, rq, KZ_FORM_client);
    return NULL;
}

/* A company has no first name, whatever was left in its field. */
static kz_client_t client_of(const kz_form_t *form)
{
    kz_client_t client = {
        .number = kz_form_value(form, KZ_FIELD_client_number),
        .kind = kz_form_value(form, KZ_FIELD_client_kind),
        .salutation = kz_form_value(form, KZ_FIELD_client_salutation),
        .first_name = kz_form_value(form, KZ_FIELD_client_first_name),
        .name = kz_form_value(form, KZ_FIELD_client_name),
        .street = kz_form_value(form, KZ_FIELD_client_street),
        .postcode = kz_form_value(form, KZ_FIELD_client_postcode),
        .city = kz_form_value(form, KZ_FIELD_client_city),
        .country = kz_form_value(form, KZ_FIELD_client_country),
        .email = kz_form_value(form, KZ_FIELD_client_email),
        .language = kz_form_value(form, KZ_FIELD_client_language),
    };

    if (strcmp(client.kind, "company") == 0)
        client.first_name = "";
    return client;
}

/* Notes at the field when ERR says that the number is taken; any other error comes back. */
static kz_err_t *taken(kz_err_t *err, kz_form_t *form, kz_grant_t *grant)
{
    if (!err || kz_err_code(err) != KZ_ERR_CONFLICT)
        return err;
    kz_err_expected(err);
    kz_form_fail(form, KZ_FIELD_client_number, "field.taken");
    return kz_grant_again(grant);
}

/* POST /clients */
kz_err_t *page_client_create(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_form_t *form = kz_form_read(rq, KZ_FORM_client);
    kz_client_t client = client_of(form);
    const char *id = NULL;

    if (!kz_form_failed(form))
        KZ_TRY(taken(kz_client_create(&id, grant, &client, rq->pool), form, grant));
    if (kz_form_failed(form)) {
        kz_view_text(kz_form_again(out, form, "client-form"), "client", NULL);
        return NULL;
    }
    return kz_form_done(rq, grant, out, apr_pstrcat(rq->pool, "/clients/", id, NULL),
                        "client_created");
}

/* POST /clients/{client}: 409 when somebody else has changed it since the form was made. */
kz_err_t *page_client_change(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    const char *id = kz_request_id(rq, "client");
    kz_form_t *form = kz_form_read(rq, KZ_FORM_client);
    kz_client_t client = client_of(form);
    kz_view_t *now = kz_view_create(rq->words, rq->pool);
    kz_q_client_t *stored;

    KZ_TRY(kz_q_client_locked(&stored, kz_grant_db(grant), &(kz_q_client_args_t){id}, rq->pool));
    kz_row_client(now, stored);
    KZ_TRY(kz_form_compare(form, now));
    if (!kz_form_failed(form))
        KZ_TRY(taken(kz_client_change(grant, id, &client), form, grant));
    if (kz_form_failed(form))
        return kz_people_client(NULL, kz_form_again(out, form, "client-form"), rq, grant);
    return kz_form_done(rq, grant, out, apr_pstrcat(rq->pool, "/clients/", id, NULL), "saved");
}

/* GET /clients/{client}/matters/new */
kz_err_t *page_matter_new(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_view_t *view = kz_reply_page(out, "matter-form");

    kz_form_show(view, rq, KZ_FORM_matter);
    return kz_people_client(NULL, view, rq, grant);
}

/* POST /clients/{client}/matters */
kz_err_t *page_matter_create(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    const char *client = kz_request_id(rq, "client");
    kz_form_t *form = kz_form_read(rq, KZ_FORM_matter);
    char id[KZ_STR_UUID_SIZE];
    kz_q_matter_add_args_t args = {
        .id = id,
        .client = client,
        .number = kz_form_value(form, KZ_FIELD_matter_number),
        .title = kz_form_value(form, KZ_FIELD_matter_title),
    };

    if (kz_form_failed(form))
        return kz_people_client(NULL, kz_form_again(out, form, "matter-form"), rq, grant);
    kz_str_uuid_v7(id);
    KZ_TRY(kz_q_matter_add(NULL, kz_grant_db(grant), &args));
    KZ_TRY(kz_event_add(grant, KZ_EVENT_MATTER_CREATED,
                        &(kz_event_t){.client = client, .subject = id, .detail = args.title}));
    return kz_form_done(rq, grant, out, apr_pstrcat(rq->pool, "/matters/", id, NULL),
                        "matter_created");
}
