#include "pages/people.h"

#include <string.h>

#include <apr_strings.h>

#include "base/str.h"
#include "base/text.h"
#include "model/people/password.h"
#include "views.h"

kz_err_t *kz_people_client(kz_q_client_t **client, kz_view_t *view, kz_request_t *rq,
                           kz_grant_t *grant)
{
    kz_q_client_t *row;

    KZ_TRY(kz_q_client(&row, kz_grant_db(grant), &(kz_q_client_args_t){kz_request_id(rq, "client")},
                       rq->pool));
    kz_show_client(view, "client", row);
    if (client)
        *client = row;
    return NULL;
}

const char *kz_people_password(kz_form_t *form, kz_field_id_t first, kz_field_id_t second,
                               const kz_request_t *rq, const char *words)
{
    const char *password = kz_password_fold(kz_form_value(form, first), rq->pool);
    const char *again = kz_password_fold(kz_form_value(form, second), rq->pool);

    if (kz_form_failed(form))
        return "";
    if (!kz_text_password(password, strlen(password), rq->pool))
        kz_form_fail(form, first, "field.characters");
    else if (kz_password_score(rq->portal, password, words, rq->pool) <
             rq->portal->conf->password_score)
        kz_form_fail(form, first, "field.weak");
    else if (strcmp(password, again) != 0)
        kz_form_fail(form, second, "field.mismatch");
    return kz_form_failed(form) ? "" : password;
}

kz_err_t *kz_people_words(const char **words, kz_grant_t *grant, const char *account,
                          apr_pool_t *pool)
{
    kz_q_account_words_t *row;

    KZ_TRY(
        kz_q_account_words(&row, kz_grant_db(grant), &(kz_q_account_words_args_t){account}, pool));
    *words = row->words ? row->words : "";
    return NULL;
}

void kz_people_letter(kz_view_t *view, const kz_request_t *rq)
{
    char *id = apr_palloc(rq->pool, KZ_STR_UUID_SIZE);

    kz_str_uuid_v7(id);
    kz_view_text(view, "letter", id);
}
