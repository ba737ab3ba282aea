/* Signing in and out, the reader's language, and the pages that everybody may see. */
#include "http/route.h"

#include <apr_strings.h>

#include "model/proof/event.h"
#include "model/people/session.h"
#include "queries.h"
#include "http/cookie.h"
#include "http/form.h"

/* GET /: for visitors that don't know their firm's address. */
kz_err_t *page_root(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    (void)rq;
    (void)grant;
    kz_reply_page(out, "root");
    return NULL;
}

kz_err_t *page_help(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    (void)rq;
    (void)grant;
    kz_reply_page(out, "help");
    return NULL;
}

kz_err_t *page_imprint(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    (void)rq;
    (void)grant;
    kz_reply_page(out, "imprint");
    return NULL;
}

kz_err_t *page_privacy(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    (void)rq;
    (void)grant;
    kz_reply_page(out, "privacy");
    return NULL;
}

/* GET /sign-in: "back" is where one wanted to go. */
kz_err_t *page_sign_in(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_view_t *view = kz_reply_page(out, "sign-in");

    (void)grant;
    kz_view_text(view, "back", kz_request_back(rq));
    kz_form_show(view, rq, KZ_FORM_sign_in);
    return NULL;
}

/* POST /sign-in: the same answer for an unknown name, a wrong password and a locked access. Leads
 * to where one wanted to go, or goes on with a form whose session had ended. */
kz_err_t *page_sign_in_post(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    const char *agent = kz_request_header(rq, "User-Agent");
    kz_form_t *form = kz_form_read(rq, KZ_FORM_sign_in);
    const char *user = kz_form_value(form, KZ_FIELD_sign_in_user);
    const char *password = kz_form_value(form, KZ_FIELD_sign_in_password);
    const char *back = kz_request_back(rq);
    kz_session_made_t *made = NULL;

    if (!kz_form_failed(form))
        KZ_TRY(kz_session_sign_in(&made, grant, user, password, agent ? agent : "", rq->pool));
    if (!made) {
        if (!kz_form_failed(form))
            kz_form_fail(form, KZ_FIELD_sign_in_password, "sign_in.wrong");
        kz_view_text(kz_form_again(out, form, "sign-in"), "back", back);
        kz_form_keep(out->view, rq);
        return NULL;
    }
    kz_reply_cookie(out, kz_cookie_session(rq->slug, rq->pool), made->token, 0);
    kz_reply_cookie(out, KZ_COOKIE_LANGUAGE, made->language, KZ_COOKIE_LANGUAGE_LIFE);
    kz_reply_known(out, rq->portal);
    if (kz_form_goes_on(rq))
        kz_reply_again(out, kz_form_goes_on(rq));
    else
        kz_reply_see(out, back ? "" : rq->base, back ? back : "/", NULL);
    return NULL;
}

kz_err_t *page_sign_out(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_event_t event = {.subject = kz_grant_account(grant)};

    KZ_TRY(kz_q_session_end(NULL, kz_grant_db(grant),
                            &(kz_q_session_end_args_t){kz_grant_session(grant)}));
    KZ_TRY(kz_event_add(grant, KZ_EVENT_SIGNED_OUT, &event));
    KZ_TRY(kz_grant_commit(grant));
    kz_reply_cookie(out, kz_cookie_session(rq->slug, rq->pool), NULL, 0);
    kz_reply_header(out, "Clear-Site-Data", "\"cache\", \"storage\"");
    kz_reply_see(out, rq->base, "/sign-in", "signed_out");
    return NULL;
}

/* POST /language: kept by the browser; goes back to the page it was asked on. */
kz_err_t *page_language(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_form_t *form = kz_form_read(rq, KZ_FORM_language);
    const char *language = kz_form_value(form, KZ_FIELD_language_lang);
    const char *back = kz_request_back(rq);

    (void)grant;
    kz_reply_cookie(out, KZ_COOKIE_LANGUAGE, language, KZ_COOKIE_LANGUAGE_LIFE);
    kz_reply_see(out, back ? "" : rq->base, back ? back : "/", NULL);
    return NULL;
}
