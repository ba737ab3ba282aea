/* Fills the names that every page has, and the page of an error. */
#include "http/http.h"

#include <string.h>

#include <apr_strings.h>

#include "http/csrf.h"
#include "http/form.h"

/* view names: nav_start nav_clients nav_matters nav_documents nav_receipts nav_admin nav_help */
static const struct {
    const char *segment; /* of the path, behind the firm */
    const char *room;    /* of staff */
    const char *client;  /* of clients */
} rooms[] = {
    {"", "nav_start", "nav_start"},
    {"clients", "nav_clients", NULL},
    {"accounts", "nav_clients", NULL},
    {"matters", "nav_clients", "nav_matters"},
    {"documents", "nav_documents", "nav_documents"},
    {"receipts", "nav_receipts", NULL},
    {"staff", "nav_admin", NULL},
    {"settings", "nav_admin", NULL},
    {"help", "nav_help", "nav_help"},
};

static void set_room(kz_view_t *view, const kz_request_t *rq, int staff)
{
    const char *rest = rq->path + strlen(rq->base);
    size_t len, i;

    rest += *rest == '/';
    len = strcspn(rest, "/");
    for (i = 0; *rq->base && i < sizeof rooms / sizeof *rooms; i++) {
        const char *room = staff ? rooms[i].room : rooms[i].client;

        if (room && strlen(rooms[i].segment) == len && memcmp(rest, rooms[i].segment, len) == 0)
            kz_view_flag(view, room, 1);
    }
}

static void set_person(kz_view_t *view, const kz_grant_t *grant)
{
    kz_view_flag(view, "signed_in", grant && kz_grant_account(grant));
    if (!grant || !kz_grant_account(grant))
        return;
    kz_view_flag(view, "is_staff", kz_grant_is_staff(grant));
    kz_view_flag(view, "is_client", kz_grant_is_client(grant));
    kz_view_text(view, "me_name", kz_grant_name(grant));
    kz_view_text(view, "me_user", kz_grant_user(grant));
    kz_view_flag(view, "is_admin", kz_grant_has(grant, KZ_RIGHT_ADMIN));
#define KZ_RIGHT(NAME, name) kz_view_flag(view, "may_" name, kz_grant_has(grant, KZ_RIGHT_##NAME));
#include "rights.def"
#undef KZ_RIGHT
}

/* A notice is named in the query by the end of its text's key: letters and underscores. */
static void set_notice(kz_view_t *view, const kz_request_t *rq)
{
    const char *name = kz_request_query(rq, "notice");
    const char *key, *text;

    if (!name || !*name || strspn(name, "abcdefghijklmnopqrstuvwxyz_") != strlen(name))
        return;
    key = apr_pstrcat(rq->pool, "notice.", name, NULL);
    text = kz_view_phrase(rq->words, key, NULL, rq->pool);
    if (strcmp(text, key) != 0)
        kz_view_text(kz_view_object(view, "notice"), "text", text);
}

static const char *title_key(const char *page, apr_pool_t *pool)
{
    char *key = apr_pstrcat(pool, "title.", page, NULL), *at;

    for (at = key; *at; at++) {
        if (*at == '-')
            *at = '_';
    }
    return key;
}

void kz_http__globals(kz_reply_t *out, kz_request_t *rq, kz_grant_t *grant)
{
    const char *language = kz_words_language(rq->words);
    kz_site_t *site = rq->http->site;
    kz_view_t *view = out->view;

    kz_view_text(view, "base", rq->base);
    kz_view_text(view, "firm_name", grant ? kz_grant_firm_name(grant) : NULL);
    kz_view_text(view, "lang", language);
    kz_view_flag(view, strcmp(language, "en") == 0 ? "lang_en" : "lang_de", 1);
    kz_view_text(view, "csrf",
                 kz_csrf_make(rq, grant ? kz_grant_account(grant) : NULL, out->version));
    kz_view_text(view, "here", rq->here);
    kz_view_text(view, "css", site->css);
    kz_view_text(view, "js", site->js);
    kz_view_text(view, "strength_js", site->strength_js);
    set_person(view, grant);
    if (grant && kz_grant_is_staff(grant))
        kz_view_flag(view, "test_signatures", site->shared->test_signatures);
    set_room(view, rq, grant && kz_grant_is_staff(grant));
    set_notice(view, rq);
    kz_view_say(view, "page_title", title_key(out->page, rq->pool));
}

/* What a form whose session has ended needs to go on: the page to sign in, with what was typed; or
 * the way back to where it is filled in anew. */
static void ask_to_sign_in(kz_reply_t *out, kz_view_t *problem, const kz_request_t *rq)
{
    if (!rq->json && !out->keep && kz_http__keep_typed(out->view, rq)) {
        kz_reply_page(out, "sign-in");
        kz_view_text(out->view, "back", NULL);
        kz_form_show(out->view, rq, KZ_FORM_sign_in);
        return;
    }
    kz_view_text(problem, "sign_in",
                 apr_pstrcat(rq->pool, rq->base, kz_http__sign_in_place(rq), NULL));
}

/* The sentence of ERR for people: its own, or what is true of the request that it ends. */
static void say_detail(kz_view_t *problem, const kz_request_t *rq, const kz_err_t *err)
{
    const char *key = kz_err_text(err);

    if (kz_err_sentence(err)) {
        kz_view_text(problem, "detail", kz_err_sentence(err));
        return;
    }
    if (strcmp(key, "err.sign_in_needed") == 0 && rq->route->body == KZ_BODY_FORM)
        key = "err.signed_out";
    else if (strcmp(key, "err.sign_in_needed") == 0 && rq->route->body == KZ_BODY_PARTS)
        key = "err.signed_out_files";
    kz_view_say(problem, "detail", key);
}

void kz_http__problem(kz_reply_t *out, kz_request_t *rq, const kz_err_t *err)
{
    kz_view_t *view = out->keep ? out->view : kz_reply_page(out, "problem");
    kz_view_t *problem = kz_view_object(view, "problem");

    kz_view_say(problem, "title", "err.title");
    say_detail(problem, rq, err);
    if (kz_err_code(err) == KZ_ERR_SIGN_IN_NEEDED || kz_err_code(err) == KZ_ERR_OTHER_ACCOUNT)
        ask_to_sign_in(out, problem, rq);
    out->status = kz_err_http(err);
    kz_view_number(view, "status", out->status);
    kz_view_text(view, "request_id", rq->request_id);
    if (out->status != 503 && out->status != 429)
        return;
    kz_reply_header(out, "Retry-After", "5");
    if (!rq->json && !out->keep && rq->route && rq->route->answer == KZ_ANSWER_PAGE)
        kz_http__offer_retry(view, rq);
}
