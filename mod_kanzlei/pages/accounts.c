/* The accesses of clients: made, invited by mail or letter, unlocked. */
#include "http/route.h"

#include <string.h>

#include <apr_strings.h>

#include "base/str.h"
#include "model/people/code.h"
#include "model/proof/event.h"
#include "pages/people.h"
#include "pages/rows.h"
#include "queries.h"
#include "views.h"

/* GET /clients/{client}/accounts/new */
kz_err_t *page_account_new(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_view_t *view = kz_reply_page(out, "account-form"), *form = kz_view_object(view, "form");
    kz_q_client_t *client;

    KZ_TRY(kz_people_client(&client, view, rq, grant));
    kz_view_text(form, "name", strcmp(client->kind, "person") == 0 ? client->client_name : NULL);
    kz_view_text(form, "email", client->email);
    kz_view_enum(form, "language", client->language, "de|en");
    kz_form_show(view, rq, KZ_FORM_access);
    return NULL;
}

/* POST /clients/{client}/accounts */
kz_err_t *page_account_create(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    const char *client = kz_request_id(rq, "client");
    kz_form_t *form = kz_form_read(rq, KZ_FORM_access);
    char id[KZ_STR_UUID_SIZE];
    kz_q_account_add_args_t args = {
        .id = id,
        .user = kz_form_value(form, KZ_FIELD_access_user),
        .name = kz_form_value(form, KZ_FIELD_access_name),
        .email = kz_form_value(form, KZ_FIELD_access_email),
        .language = kz_form_value(form, KZ_FIELD_access_language),
    };
    kz_err_t *err = NULL;

    kz_str_uuid_v7(id);
    if (!kz_form_failed(form))
        err = kz_q_account_add(NULL, kz_grant_db(grant), &args);
    if (err && strcmp(kz_db_constraint(kz_grant_db(grant)), "account_user_taken") == 0) {
        kz_err_expected(err);
        err = NULL;
        kz_form_fail(form, KZ_FIELD_access_user, "field.taken");
        KZ_TRY(kz_grant_again(grant));
    }
    KZ_TRY(err);
    if (kz_form_failed(form))
        return kz_people_client(NULL, kz_form_again(out, form, "account-form"), rq, grant);
    KZ_TRY(kz_q_account_client_add(NULL, kz_grant_db(grant),
                                   &(kz_q_account_client_add_args_t){id, client}));
    KZ_TRY(kz_event_add(grant, KZ_EVENT_ACCESS_CREATED,
                        &(kz_event_t){.client = client, .subject = id}));
    return kz_form_done(rq, grant, out, apr_pstrcat(rq->pool, "/accounts/", id, NULL),
                        "account_created");
}

/* Fills the page of an access beside its form. */
static kz_err_t *show_access(kz_q_account_t **account, kz_view_t *view, kz_request_t *rq,
                             kz_grant_t *grant)
{
    const char *id = kz_request_id(rq, "account");
    kz_q_clients_of_account_t *clients;
    int n;

    KZ_TRY(kz_q_account(account, kz_grant_db(grant), &(kz_q_account_args_t){id}, rq->pool));
    kz_show_account(view, "account", *account);
    kz_people_letter(view, rq);
    KZ_TRY(kz_q_clients_of_account(&clients, &n, kz_grant_db(grant),
                                   &(kz_q_clients_of_account_args_t){id}, rq->pool));
    kz_view_cut(view, "clients_more", &n, KZ_ROWS_FEW);
    kz_show_clients_of_account(view, "clients", clients, n);
    return NULL;
}

/* GET /accounts/{account} */
kz_err_t *page_access(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_view_t *view = kz_reply_page(out, "access");
    kz_q_account_t *account;

    KZ_TRY(show_access(&account, view, rq, grant));
    kz_view_text(kz_view_object(view, "form"), "email", account->email);
    kz_form_edit(out, view, rq, KZ_FORM_address);
    return NULL;
}

/* Commits, and goes back to where the button was: "back" of the form without its query, if it is in
 * this portal; else the account's page, which for STAFF is among the staff. */
static kz_err_t *go_back(kz_reply_t *out, kz_request_t *rq, kz_grant_t *grant, int staff,
                         const char *notice)
{
    const char *back = kz_request_back(rq), *id = kz_request_id(rq, "account");
    const char *path = back ? apr_pstrmemdup(rq->pool, back, strcspn(back, "?#")) : NULL;

    if (path)
        path += strlen(rq->base);
    else
        path = apr_pstrcat(rq->pool, staff ? "/staff/" : "/accounts/", id, NULL);
    return kz_form_done(rq, grant, out, path, notice);
}

/* The first client of an account, for the event; NULL for staff. */
static kz_err_t *client_of(kz_q_clients_of_account_t **client, kz_request_t *rq, kz_grant_t *grant)
{
    kz_q_clients_of_account_args_t args = {kz_request_id(rq, "account")};
    int n;

    KZ_TRY(kz_q_clients_of_account(client, &n, kz_grant_db(grant), &args, rq->pool));
    if (n == 0)
        *client = NULL;
    return NULL;
}

/* Adds an event about the account; *STAFF: it is of one of the staff. */
static kz_err_t *note(int *staff, kz_request_t *rq, kz_grant_t *grant, kz_event_kind_t kind)
{
    kz_event_t event = {.subject = kz_request_id(rq, "account")};
    kz_q_clients_of_account_t *client;

    KZ_TRY(client_of(&client, rq, grant));
    event.client = client ? client->id : NULL;
    *staff = !client;
    return kz_event_add(grant, kind, &event);
}

/* POST /accounts/{account}/invite: a mail with a code; needs an address that it can go to. The
 * event "invited" comes when the mail server has taken it. */
kz_err_t *page_account_invite(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    const char *id = kz_request_id(rq, "account");
    kz_q_account_t *account;

    KZ_TRY(kz_q_account(&account, kz_grant_db(grant), &(kz_q_account_args_t){id}, rq->pool));
    if (!*account->email)
        return kz_err_say(KZ_ERR_INVALID,
                          kz_view_phrase(rq->words, "access.mail_none", NULL, rq->pool));
    KZ_TRY(kz_code_mail(grant, id, KZ_CODE_INVITATION));
    return go_back(out, rq, grant, strcmp(account->kind, "staff") == 0, "invited");
}

/* POST /accounts/{account}/letter: a page to print, with a code. Sent once more, as by a browser
 * that loads the page anew, the form gives the same one. */
kz_err_t *page_account_letter(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    const char *id = kz_request_id(rq, "account"), *code,
               *host = strstr(rq->portal->conf->url, "//");
    kz_view_t *view = kz_reply_page(out, "letter");
    kz_q_clients_of_account_t *client;
    kz_q_account_t *account;
    kz_form_t *form = kz_form_read(rq, KZ_FORM_letter);
    const char *once = kz_form_value(form, KZ_FIELD_letter_letter);
    char made_id[KZ_STR_UUID_SIZE];
    apr_time_t expires;
    int staff, made;

    kz_str_uuid_v7(made_id);
    KZ_TRY(kz_q_account(&account, kz_grant_db(grant), &(kz_q_account_args_t){id}, rq->pool));
    KZ_TRY(client_of(&client, rq, grant));
    KZ_TRY(kz_code_letter(&code, &expires, &made, grant, id, *once ? once : made_id));
    if (made)
        KZ_TRY(note(&staff, rq, grant, KZ_EVENT_LETTER_PRINTED));
    KZ_TRY(kz_grant_commit(grant));
    kz_show_account(view, "account", account);
    kz_view_text(view, "client", NULL);
    if (client)
        kz_row_clients_of_account(kz_view_object(view, "client"), client);
    kz_view_text(view, "code", code);
    kz_view_text(
        view, "url",
        apr_pstrcat(rq->pool, host ? host + 2 : rq->portal->conf->url, rq->base, "/redeem", NULL));
    kz_view_time(view, "expires", expires);
    kz_view_date(view, "today", apr_time_now());
    return NULL;
}

/* POST /accounts/{account}/codes/end: codes that nobody has used are void, as when a letter is
 * lost. */
kz_err_t *page_account_codes_end(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_q_codes_void_args_t args = {kz_request_id(rq, "account")};
    kz_q_codes_void_t *row;
    kz_q_account_t *account;
    int staff;

    KZ_TRY(
        kz_q_account(&account, kz_grant_db(grant), &(kz_q_account_args_t){args.account}, rq->pool));
    staff = strcmp(account->kind, "staff") == 0;
    KZ_TRY(kz_q_codes_void(&row, kz_grant_db(grant), &args, rq->pool));
    if (row->voided)
        KZ_TRY(note(&staff, rq, grant, KZ_EVENT_CODES_VOIDED));
    return go_back(out, rq, grant, staff, "codes_voided");
}

/* POST /accounts/{account}/unlock */
kz_err_t *page_account_unlock(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_q_account_unlock_args_t args = {kz_request_id(rq, "account")};
    kz_q_account_unlock_t *row;
    int staff = 0;

    KZ_TRY(kz_q_account_unlock(&row, kz_grant_db(grant), &args, rq->pool));
    if (row->unlocked)
        KZ_TRY(note(&staff, rq, grant, KZ_EVENT_UNLOCKED));
    return go_back(out, rq, grant, staff, "unlocked");
}

/* POST /accounts/{account}/address: where mails to this person go from now on; 409 when somebody
 * else has changed that since the form was made. */
kz_err_t *page_account_address(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_form_t *form = kz_form_read(rq, KZ_FORM_address);
    kz_q_address_change_args_t args = {kz_request_id(rq, "account"),
                                       kz_form_value(form, KZ_FIELD_address_email)};
    kz_view_t *now = kz_view_create(rq->words, rq->pool);
    kz_q_invitation_owed_t *invitation;
    kz_q_address_change_t *row;
    kz_q_account_email_t *stored;
    kz_q_account_t *account;
    int staff = 0;

    KZ_TRY(kz_q_address_locked(&stored, kz_grant_db(grant),
                               &(kz_q_account_email_args_t){args.account}, rq->pool));
    kz_view_text(now, "email", stored->me_email);
    KZ_TRY(kz_form_compare(form, now));
    if (kz_form_failed(form)) {
        KZ_TRY(kz_grant_again(grant)); /* holds it no more */
        return show_access(&account, kz_form_again(out, form, "access"), rq, grant);
    }
    KZ_TRY(
        kz_q_account(&account, kz_grant_db(grant), &(kz_q_account_args_t){args.account}, rq->pool));
    staff = strcmp(account->kind, "staff") == 0;
    KZ_TRY(kz_q_invitation_owed(&invitation, kz_grant_db(grant),
                                &(kz_q_invitation_owed_args_t){args.account}, rq->pool));
    KZ_TRY(kz_q_address_change(&row, kz_grant_db(grant), &args, rq->pool));
    if (!row->changed)
        return go_back(out, rq, grant, staff, "saved");
    KZ_TRY(note(&staff, rq, grant, KZ_EVENT_ADDRESS_CHANGED));
    if (!invitation->owed || !*args.email)
        return go_back(out, rq, grant, staff, "saved");
    KZ_TRY(kz_code_mail(grant, args.account, KZ_CODE_INVITATION));
    return go_back(out, rq, grant, staff, "invited");
}
