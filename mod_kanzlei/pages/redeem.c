/* One-time codes: an invitation, a new password. The mail's link has the code behind the #, where
 * no server sees it; by paper or without JavaScript it is typed. */
#include "http/route.h"

#include <apr_strings.h>

#include "http/cookie.h"
#include "model/people/code.h"
#include "model/people/password.h"
#include "pages/people.h"

kz_err_t *page_redeem(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    (void)grant;
    kz_form_show(kz_reply_page(out, "redeem"), rq, KZ_FORM_redeem);
    return NULL;
}

/* Looks the form's code up; a wrong one makes the form fail with what to do next. */
static kz_err_t *find_code(kz_code_t **code, kz_form_t *form, const char *typed, kz_grant_t *grant,
                           apr_pool_t *pool)
{
    *code = NULL;
    if (!*typed)
        return NULL;
    KZ_TRY(kz_code_find(code, grant, typed, pool));
    if ((*code)->state == KZ_CODE_UNKNOWN)
        kz_form_fail(form, KZ_FIELD_redeem_code, "field.code_unknown");
    else if ((*code)->state == KZ_CODE_USED)
        kz_form_fail(form, KZ_FIELD_redeem_code, "field.code_used");
    else if ((*code)->state == KZ_CODE_EXPIRED)
        kz_form_fail(form, KZ_FIELD_redeem_code, "field.code_expired");
    return NULL;
}

static kz_err_t *fill_page(kz_view_t *view, const kz_code_t *code, const char *typed,
                           kz_request_t *rq, kz_grant_t *grant)
{
    kz_view_t *account = kz_view_object(view, "account");
    const char *words;

    KZ_TRY(kz_people_words(&words, grant, code->account, rq->pool));
    kz_view_text(account, "user", code->user);
    kz_view_text(account, "name", code->name);
    kz_view_text(view, "code", typed);
    kz_view_text(view, "strength_words", words);
    return NULL;
}

/* POST /redeem: the code is right, now the password. */
kz_err_t *page_redeem_post(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_form_t *form = kz_form_read(rq, KZ_FORM_redeem);
    const char *typed = kz_form_value(form, KZ_FIELD_redeem_code);
    kz_view_t *view;
    kz_code_t *code;

    KZ_TRY(find_code(&code, form, typed, grant, rq->pool));
    if (kz_form_failed(form)) {
        kz_form_again(out, form, "redeem");
        return NULL;
    }
    view = kz_reply_page(out, "redeem-password");
    kz_form_show(view, rq, KZ_FORM_redeem_password);
    return fill_page(view, code, typed, rq, grant);
}

/* POST /redeem/password: uses the code up, sets the password and signs in. */
kz_err_t *page_redeem_password(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    const char *agent = kz_request_header(rq, "User-Agent"), *words, *password, *hash;
    kz_form_t *form = kz_form_read(rq, KZ_FORM_redeem);
    const char *typed = kz_form_value(form, KZ_FIELD_redeem_code);
    kz_form_t *passwords = kz_form_read(rq, KZ_FORM_redeem_password);
    kz_code_redeemed_t redeemed;
    kz_code_t *code;

    KZ_TRY(find_code(&code, form, typed, grant, rq->pool));
    if (kz_form_failed(form)) {
        kz_form_again(out, form, "redeem");
        return NULL;
    }
    KZ_TRY(kz_people_words(&words, grant, code->account, rq->pool));
    password = kz_people_password(passwords, KZ_FIELD_redeem_password_password,
                                  KZ_FIELD_redeem_password_password_again, rq, words);
    if (kz_form_failed(passwords))
        return fill_page(kz_form_again(out, passwords, "redeem-password"), code, typed, rq, grant);
    kz_grant_rest(grant);
    KZ_TRY(kz_password_hash(&hash, grant, password, rq->pool));
    KZ_TRY(kz_grant_again(grant));
    KZ_TRY(kz_code_redeem(&redeemed, grant, code, hash, agent ? agent : "", rq->pool));
    if (redeemed.state != KZ_CODE_GOOD) { /* somebody else was quicker */
        kz_form_fail(form, KZ_FIELD_redeem_code, "field.code_used");
        kz_form_again(out, form, "redeem");
        return NULL;
    }
    /* Locked: a code on paper sets the password and lifts no lock. */
    kz_reply_see(out, rq->base, redeemed.token ? "/" : "/sign-in",
                 redeemed.token ? "password_set" : "password_stored");
    if (redeemed.token) {
        kz_reply_cookie(out, kz_cookie_session(rq->slug, rq->pool), redeemed.token, 0);
        kz_reply_cookie(out, KZ_COOKIE_LANGUAGE, code->language, KZ_COOKIE_LANGUAGE_LIFE);
        kz_reply_known(out, rq->portal);
    }
    return NULL;
}

kz_err_t *page_forgotten(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    (void)grant;
    kz_form_show(kz_reply_page(out, "forgotten"), rq, KZ_FORM_forgotten);
    return NULL;
}

/* POST /forgotten: the same answer, in the same time, whether there is such a user name or not. */
kz_err_t *page_forgotten_post(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_form_t *form = kz_form_read(rq, KZ_FORM_forgotten);
    const char *user = kz_form_value(form, KZ_FIELD_forgotten_user);

    if (kz_form_failed(form)) {
        kz_form_again(out, form, "forgotten");
        return NULL;
    }
    KZ_TRY(kz_code_forgotten(grant, user));
    KZ_TRY(kz_grant_commit(grant));
    kz_reply_page(out, "forgotten-sent");
    return NULL;
}
