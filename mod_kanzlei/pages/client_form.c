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
    kz_view_t *view = kz_reply_page(out, "client-form"), *form = kz_view_object(view, "form");

    (void)rq;
    (void)grant;
    kz_view_text(view, "client", NULL);
    kz_view_enum(form, "kind", "person", "person|company");
    kz_view_enum(form, "language", "de", "de|en");
    return NULL;
}

/* GET /clients/{client}/edit */
kz_err_t *page_client_edit(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_view_t *view = kz_reply_page(out, "client-form");
    kz_q_client_t *client;

    KZ_TRY(kz_people_client(&client, view, rq, grant));
    kz_show_client(view, "form", client);
    return NULL;
}

/* The lengths are those of the table. */
static void read_client(kz_client_t *client, kz_form_t *form)
{
    client->number = kz_form_number(form, "number", 40, KZ_FORM_REQUIRED);
    client->kind = kz_form_choice(form, "kind", "person|company");
    client->salutation = kz_form_text(form, "salutation", 40, KZ_FORM_OPTIONAL);
    client->first_name = kz_form_text(form, "first_name", 100, KZ_FORM_OPTIONAL);
    if (strcmp(client->kind, "person") != 0)
        client->first_name = "";
    client->name = kz_form_text(form, "name", 200, KZ_FORM_REQUIRED);
    client->street = kz_form_text(form, "street", 200, KZ_FORM_OPTIONAL);
    client->postcode = kz_form_text(form, "postcode", 20, KZ_FORM_OPTIONAL);
    client->city = kz_form_text(form, "city", 100, KZ_FORM_OPTIONAL);
    client->country = kz_form_text(form, "country", 100, KZ_FORM_OPTIONAL);
    client->email = kz_form_email(form, "email", KZ_FORM_OPTIONAL);
    client->language = kz_form_choice(form, "language", "de|en");
}

/* Notes at the field when ERR says that the number is taken; any other error comes back. */
static kz_err_t *taken(kz_err_t *err, kz_form_t *form, kz_grant_t *grant)
{
    if (!err || kz_err_code(err) != KZ_ERR_CONFLICT)
        return err;
    kz_err_expected(err);
    kz_form_fail(form, "number", "field.taken");
    return kz_grant_again(grant);
}

/* POST /clients */
kz_err_t *page_client_create(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_form_t *form = kz_form_open(rq);
    const char *id = NULL;
    kz_client_t client;

    read_client(&client, form);
    if (!kz_form_failed(form))
        KZ_TRY(taken(kz_client_create(&id, grant, &client, rq->pool), form, grant));
    if (kz_form_failed(form)) {
        kz_view_text(kz_form_again(out, form, "client-form"), "client", NULL);
        return NULL;
    }
    KZ_TRY(kz_grant_commit(grant));
    kz_reply_see(out, rq->base, apr_pstrcat(rq->pool, "/clients/", id, NULL), "client_created");
    return NULL;
}

/* POST /clients/{client} */
kz_err_t *page_client_change(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    const char *id = kz_request_id(rq, "client");
    kz_form_t *form = kz_form_open(rq);
    kz_client_t client;

    read_client(&client, form);
    if (!kz_form_failed(form))
        KZ_TRY(taken(kz_client_change(grant, id, &client), form, grant));
    if (kz_form_failed(form))
        return kz_people_client(NULL, kz_form_again(out, form, "client-form"), rq, grant);
    KZ_TRY(kz_grant_commit(grant));
    kz_reply_see(out, rq->base, apr_pstrcat(rq->pool, "/clients/", id, NULL), "saved");
    return NULL;
}

/* GET /clients/{client}/matters/new */
kz_err_t *page_matter_new(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_view_t *view = kz_reply_page(out, "matter-form");

    kz_view_object(view, "form");
    return kz_people_client(NULL, view, rq, grant);
}

/* POST /clients/{client}/matters */
kz_err_t *page_matter_create(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    const char *client = kz_request_id(rq, "client");
    kz_form_t *form = kz_form_open(rq);
    char id[KZ_STR_UUID_SIZE];
    kz_q_matter_add_args_t args = {
        .id = id,
        .client = client,
        .number = kz_form_number(form, "number", 40, KZ_FORM_OPTIONAL),
        .title = kz_form_text(form, "title", 200, KZ_FORM_REQUIRED),
    };

    if (kz_form_failed(form))
        return kz_people_client(NULL, kz_form_again(out, form, "matter-form"), rq, grant);
    kz_str_uuid_v7(id);
    KZ_TRY(kz_q_matter_add(NULL, kz_grant_db(grant), &args));
    KZ_TRY(kz_event_add(grant, KZ_EVENT_MATTER_CREATED,
                        &(kz_event_t){.client = client, .subject = id, .detail = args.title}));
    KZ_TRY(kz_grant_commit(grant));
    kz_reply_see(out, rq->base, apr_pstrcat(rq->pool, "/matters/", id, NULL), "matter_created");
    return NULL;
}
