/* One's own account: password, and the list of sessions. */
#include "http/route.h"

#include <string.h>

#include <apr_strings.h>

#include "model/proof/event.h"
#include "model/people/password.h"
#include "model/people/session.h"
#include "pages/people.h"
#include "pages/rows.h"
#include "queries.h"
#include "views.h"

/* The first of the words that AGENT has in it, "" if none. */
static const char *word_in(const char *agent, const char *const words[][2])
{
    int i;

    for (i = 0; words[i][0]; i++) {
        if (strstr(agent, words[i][0]))
            return words[i][1];
    }
    return "";
}

/* "Firefox, Linux", from the User-Agent; a guess is enough for its owner to recognise it. "" if
 * it says nothing. */
static const char *device(const char *agent, apr_pool_t *pool)
{
    /* Each names the ones behind it in its User-Agent, too. */
    static const char *const browsers[][2] = {{"Edg", "Edge"},
                                              {"OPR", "Opera"},
                                              {"SamsungBrowser", "Samsung Internet"},
                                              {"Firefox", "Firefox"},
                                              {"FxiOS", "Firefox"},
                                              {"CriOS", "Chrome"},
                                              {"Chrom", "Chrome"},
                                              {"Safari", "Safari"},
                                              {"curl", "curl"},
                                              {NULL, NULL}};
    static const char *const systems[][2] = {
        {"iPhone", "iPhone"}, {"iPad", "iPad"},     {"Android", "Android"}, {"Windows", "Windows"},
        {"Mac OS", "Mac"},    {"CrOS", "ChromeOS"}, {"Linux", "Linux"},     {NULL, NULL}};
    const char *browser = word_in(agent, browsers), *system = word_in(agent, systems);

    if (!*browser && !*system)
        return apr_pstrmemdup(pool, agent, strcspn(agent, " /"));
    return apr_pstrcat(pool, browser, *browser && *system ? ", " : "", system, NULL);
}

static kz_err_t *fill_page(kz_view_t *view, kz_request_t *rq, kz_grant_t *grant)
{
    kz_q_sessions_args_t args;
    kz_q_account_email_t *me;
    kz_q_sessions_t *sessions;
    const char *words;
    int n, i;

    KZ_TRY(kz_grant_settle(grant));
    args.account = kz_grant_account(grant);
    args.current = kz_grant_session(grant);
    KZ_TRY(kz_people_words(&words, grant, args.account, rq->pool));
    KZ_TRY(kz_q_account_email(&me, kz_grant_db(grant), &(kz_q_account_email_args_t){args.account},
                              rq->pool));
    KZ_TRY(kz_q_sessions(&sessions, &n, kz_grant_db(grant), &args, rq->pool));
    kz_view_text(view, "me_email", me->me_email);
    kz_view_text(view, "strength_words", words);
    kz_view_cut(view, "sessions_more", &n, KZ_ROWS_FEW);
    kz_show_sessions(view, "sessions", sessions, n);
    for (i = 0; i < n; i++) {
        const char *name = device(sessions[i].agent, rq->pool);
        kz_view_t *row = kz_view_at(view, "sessions", i);

        kz_view_text(row, "device", name);
        if (!*name)
            kz_view_say(row, "device", "account.device_unknown");
    }
    kz_view_flag(view, "others", n > 1);
    return NULL;
}

/* GET /account */
kz_err_t *page_me(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_view_t *view = kz_reply_page(out, "account");

    kz_form_show(view, rq, KZ_FORM_password);
    return fill_page(view, rq, grant);
}

/* Says at the field of the old password what ANSWER means; nothing when it was right. */
static void say_answer(kz_form_t *form, kz_session_answer_t answer, const kz_grant_t *grant)
{
    const char *locked = kz_grant_is_client(grant) ? "field.locked" : "field.locked_staff";

    if (answer != KZ_SESSION_RIGHT)
        kz_form_fail(form, KZ_FIELD_password_old,
                     answer == KZ_SESSION_LOCKED ? locked : "field.wrong_password");
}

/* POST /account/password: the old one is asked again, and all other sessions end. */
kz_err_t *page_me_password(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    const char *me = kz_grant_account(grant), *old, *fitted = NULL, *words, *password, *hash;
    kz_form_t *form = kz_form_read(rq, KZ_FORM_password);
    kz_session_answer_t answer = KZ_SESSION_WRONG;

    old = kz_form_value(form, KZ_FIELD_password_old);
    KZ_TRY(kz_people_words(&words, grant, me, rq->pool));
    if (*old)
        KZ_TRY(kz_session_ask(&answer, &fitted, grant, old, rq->pool));
    say_answer(form, answer, grant);
    kz_grant_rest(grant); /* argon2id holds no connection */
    password = kz_people_password(form, KZ_FIELD_password_password,
                                  KZ_FIELD_password_password_again, rq, words);
    if (!kz_form_failed(form) && strcmp(password, kz_password_fold(old, rq->pool)) == 0)
        kz_form_fail(form, KZ_FIELD_password_password, "field.same");
    if (!kz_form_failed(form))
        KZ_TRY(kz_password_hash(&hash, grant, password, rq->pool));
    KZ_TRY(kz_grant_again(grant));
    if (!kz_form_failed(form)) {
        KZ_TRY(kz_session_change(&answer, grant, fitted, hash, rq->pool));
        say_answer(form, answer, grant);
    }
    if (kz_form_failed(form))
        return fill_page(kz_form_again(out, form, "account"), rq, grant);
    kz_reply_see(out, rq->base, "/account", "password");
    return NULL;
}

/* POST /account/sessions/{session}/end */
kz_err_t *page_me_session_end(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_q_session_end_args_t args = {kz_request_id(rq, "session")};

    KZ_TRY(kz_q_session_end(NULL, kz_grant_db(grant), &args));
    KZ_TRY(kz_event_add(grant, KZ_EVENT_SESSION_ENDED,
                        &(kz_event_t){.subject = kz_grant_account(grant)}));
    return kz_form_done(rq, grant, out, "/account", "session_ended");
}

/* POST /account/sessions/end: all but this one. */
kz_err_t *page_me_sessions_end(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_q_sessions_end_args_t args = {kz_grant_account(grant), kz_grant_session(grant)};

    KZ_TRY(kz_q_sessions_end(NULL, kz_grant_db(grant), &args));
    KZ_TRY(kz_event_add(grant, KZ_EVENT_SESSION_ENDED, &(kz_event_t){.subject = args.account}));
    return kz_form_done(rq, grant, out, "/account", "sessions_ended");
}
