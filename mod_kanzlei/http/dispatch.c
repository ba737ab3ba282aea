/* From a request_rec to a handler's answer: the one place in which session, firm, right, the ids of
 * the path and the form token are looked at. */
#include "base/clock.h"
#include "base/log.h"
#include "http/http.h"

#include <string.h>

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <sodium.h>

#include "base/str.h"
#include "conf/module.h"
#include "model/people/session.h"
#include "http/caller.h"
#include "http/cookie.h"
#include "http/crowd.h"
#include "http/csrf.h"
#include "http/form.h"
#include "http/multipart.h"

/* The value of the cookie "__Host-NAME", or NULL. */
static const char *find_cookie(request_rec *r, const char *name)
{
    return kz_cookie_find(apr_table_get(r->headers_in, "Cookie"), name, r->pool);
}

static kz_request_t *make_request(request_rec *r, kz_site_t *site)
{
    kz_request_t *rq = apr_pcalloc(r->pool, sizeof *rq);
    char id[KZ_STR_UUID_SIZE];

    rq->pool = r->pool;
    rq->portal = site->portal;
    rq->words = kz_http__language(site, find_cookie(r, KZ_COOKIE_LANGUAGE),
                                  apr_table_get(r->headers_in, "Accept-Language"));
    rq->languages = site->languages;
    rq->method = r->method;
    rq->path = r->uri;
    rq->here =
        apr_pstrcat(r->pool, ap_escape_uri(r->pool, r->uri), r->args ? "?" : NULL, r->args, NULL);
    rq->slug = "";
    rq->base = "";
    rq->browser = "";
    rq->query = apr_table_make(r->pool, 8);
    rq->form = apr_table_make(r->pool, 16);
    kz_str_uuid_v7(id);
    r->log_id = rq->request_id = apr_pstrdup(r->pool, id); /* %L of the log */
    rq->http = apr_pcalloc(r->pool, sizeof *rq->http);
    rq->http->r = r;
    rq->http->site = site;
    return rq;
}

/* The reader's cookies: the session's token, and the one that only ties forms to a browser. */
static void read_cookies(kz_request_t *rq, kz_reply_t *out)
{
    const char *value;

    if (*rq->slug && (!rq->route || rq->route->credential == KZ_CREDENTIAL_COOKIE))
        rq->token = find_cookie(rq->http->r, kz_cookie_session(rq->slug, rq->pool));
    value = find_cookie(rq->http->r, KZ_COOKIE_BROWSER);
    if (!value || strlen(value) < 16) {
        unsigned char random[18];

        randombytes_buf(random, sizeof random);
        value = kz_str_base64url(random, sizeof random, rq->pool);
        kz_reply_cookie(out, KZ_COOKIE_BROWSER, value, 0);
    }
    rq->browser = value;
}

/* Refuses values of routes.def that nothing can answer yet. */
static kz_err_t *check_known(const kz_route_t *route)
{
    if (route->credential == KZ_CREDENTIAL_APP_PASSWORD)
        return kz_err_create(KZ_ERR_INTERNAL, "%s: there are no application passwords yet",
                             route->name);
    if (route->answer == KZ_ANSWER_XML || route->answer == KZ_ANSWER_STREAM)
        return kz_err_create(KZ_ERR_INTERNAL, "%s: nothing answers so yet", route->name);
    return NULL;
}

/* Reads the form's token, from the header or, where a form has it, from its field. A handler finds
 * it itself where it may stand in the first part. */
static kz_err_t *read_token(kz_request_t *rq, const kz_route_t *route)
{
    const char *sent = kz_request_header(rq, "X-CSRF-Token");
    kz_csrf_t *token = apr_pcalloc(rq->pool, sizeof *token);
    kz_err_t *err;

    if (!sent && route->token == KZ_TOKEN_FIELD)
        sent = kz_request_form(rq, "csrf");
    if (!sent && (route->token == KZ_TOKEN_NONE || route->token == KZ_TOKEN_FIRST))
        return NULL;
    err = kz_csrf_read(token, rq, sent);
    token->in_form = !kz_request_header(rq, "X-CSRF-Token");
    if (!err) {
        rq->form_token = token;
    } else if (route->token == KZ_TOKEN_NONE) { /* none is needed */
        kz_err_expected(err);
        err = NULL;
    }
    return err;
}

/* Reads what comes before the handler and checks that the portal's own page sent it. */
static kz_err_t *check_body(kz_request_t *rq, const kz_route_t *route)
{
    if (route->token != KZ_TOKEN_NONE)
        KZ_TRY(kz_http__origin_check(rq));
    if (route->body == KZ_BODY_FORM) {
        KZ_TRY(kz_http__read_form(rq));
        kz_http__take_typed(rq);
    }
    return read_token(rq, route);
}

/* Makes the grant: firm, session and right, checked by PostgreSQL. What writes or needs a right has
 * the ids of its path checked at once, too; what else reads does it by its own query (:one). */
static kz_err_t *enter(kz_grant_t **grant, kz_request_t *rq, const kz_route_t *route)
{
    kz_grant_ask_t ask = {.slug = rq->slug, .right = route->right, .effect = route->effect};
    unsigned char hash[KZ_GRANT_TOKEN_HASH];

    kz_caller_see(&ask.caller, rq->http->r, rq->portal, find_cookie(rq->http->r, KZ_COOKIE_KNOWN));
    ask.who = kz_route_who(route->who);
    ask.yields = route->body == KZ_BODY_STREAM;
    if (route->effect == KZ_EFFECT_WRITES || route->right != KZ_RIGHT_NONE)
        ask.ids = rq->ids;
    memcpy(ask.kinds, rq->kinds, sizeof ask.kinds);
    memcpy(ask.id, rq->id, sizeof ask.id);
    if (rq->token && kz_session_hash(hash, rq->token))
        ask.token = apr_pmemdup(rq->pool, hash, sizeof hash);
    else if (route->who != KZ_WHO_PUBLIC)
        return kz_err_create(KZ_ERR_SIGN_IN_NEEDED, "no session cookie");
    KZ_TRY(kz_grant_enter(grant, rq->portal, &ask, rq->pool));
    if (route->effect != KZ_EFFECT_WRITES)
        return NULL;
    KZ_TRY(kz_grant_settle(*grant));
    if (!rq->form_token || route->who == KZ_WHO_PUBLIC)
        return NULL;
    return kz_csrf_check_account(rq->form_token, *grant);
}

/* What ERR, a NOT_FOUND, is for a script or form whose account isn't the one that has signed in
 * meanwhile: what belongs to the one is not there for the other, and it must not go on. */
static kz_err_t *see_account(kz_request_t *rq, kz_grant_t *grant, kz_err_t *err)
{
    kz_grant_ask_t ask = {.slug = rq->slug, .who = kz_route_who(KZ_WHO_MEMBER)};
    unsigned char hash[KZ_GRANT_TOKEN_HASH];
    kz_err_t *other;

    if (kz_err_code(err) != KZ_ERR_NOT_FOUND || !rq->form_token || !rq->token ||
        rq->route->who == KZ_WHO_PUBLIC || !kz_session_hash(hash, rq->token))
        return err;
    kz_grant_rest(grant);
    ask.token = hash;
    other = kz_grant_enter(&grant, rq->portal, &ask, rq->pool);
    if (!other)
        other = kz_grant_settle(grant);
    if (!other)
        other = kz_csrf_check_account(rq->form_token, grant);
    kz_grant_rest(grant);
    if (other && kz_err_code(other) == KZ_ERR_OTHER_ACCOUNT) {
        kz_err_expected(err);
        return other;
    }
    kz_err_expected(other); /* ERR says enough */
    return err;
}

static kz_err_t *find_route(kz_route_match_t *match, kz_request_t *rq, kz_reply_t *out)
{
    request_rec *r = rq->http->r;
    const char *slug = NULL, *side;

    if (strncmp(r->uri, "/k/", 3) ==
        0) { /* the side is said by the cookie, and proven by "enter" */
        slug = apr_pstrmemdup(r->pool, r->uri + 3, strcspn(r->uri + 3, "/"));
        side = find_cookie(r, kz_cookie_session(slug, r->pool));
    } else {
        side = NULL;
    }
    kz_route_find(match, r->method, r->uri, side ? *side : 0, r->pool);
    if (match->slug) {
        rq->slug = match->slug;
        rq->base = apr_pstrcat(rq->pool, "/k/", match->slug, NULL);
    }
    rq->route = match->route;
    rq->ids = match->ids;
    memcpy(rq->kinds, match->kinds, sizeof rq->kinds);
    memcpy(rq->id, match->id, sizeof rq->id);
    read_cookies(rq, out);
    if (match->route)
        return NULL;
    if (!match->allow)
        return kz_err_create(KZ_ERR_NOT_FOUND, "no route");
    kz_reply_header(out, "Allow", match->allow);
    return kz_err_create(KZ_ERR_METHOD, "no %s here", r->method);
}

/* A firm's entrance without its last slash, as people type it, is led there. Returns 0 for any
 * other path. */
static int lead_to_entrance(kz_reply_t *out, const request_rec *r)
{
    const char *path = apr_pstrcat(r->pool, r->uri, "/", NULL);
    kz_route_match_t match;

    kz_route_find(&match, r->method, path, 0, r->pool);
    if (!match.route || !match.slug)
        return 0;
    kz_reply_empty(out, 308);
    kz_reply_header(out, "Location", ap_os_escape_path(r->pool, path, 1));
    return 1;
}

static void answer_options(kz_reply_t *out, const char *allow)
{
    kz_reply_empty(out, 204);
    kz_reply_header(out, "Allow", allow);
    kz_reply_header(out, "Tus-Resumable", "1.0.0");
    kz_reply_header(out, "Tus-Version", "1.0.0");
    kz_reply_header(out, "Tus-Extension", "creation,expiration,termination,checksum");
    kz_reply_header(out, "Tus-Checksum-Algorithm", "sha256,sha1");
}

static kz_err_t *run_route(kz_request_t *rq, kz_grant_t **grant, const kz_route_match_t *match,
                           kz_reply_t *out)
{
    const char *args = rq->http->r->args;
    int done = 0;

    if (args)
        KZ_TRY(kz_urlencoded_parse(rq->query, args, strlen(args), KZ_HTTP_FIELDS_MAX));
    KZ_TRY(check_known(match->route));
    if (!rq->http->ready)
        return kz_err_told(kz_err_create(KZ_ERR_NOT_READY, "this process is not ready"));
    KZ_TRY(check_body(rq, match->route));
    if (match->route->who != KZ_WHO_HOST)
        KZ_TRY(enter(grant, rq, match->route));
    if (match->route->body == KZ_BODY_FORM && match->route->who >= KZ_WHO_CLIENT)
        KZ_TRY(kz_form__begin(&done, rq, *grant, out));
    if (!done)
        KZ_TRY(match->route->handler(rq, *grant, out));
    /* A page that asked nothing is checked, too. */
    return *grant ? kz_grant_end(*grant) : NULL;
}

static kz_err_t *run(kz_request_t *rq, kz_grant_t **grant, kz_reply_t *out)
{
    request_rec *r = rq->http->r;
    kz_err_t *err, *unacceptable;
    kz_route_match_t match;

    unacceptable = kz_http__accept(&rq->json, apr_table_get(r->headers_in, "Accept"));
    err = find_route(&match, rq, out);
    if (strcmp(r->method, "OPTIONS") == 0 && match.allow && !match.route) {
        kz_err_expected(err); /* no route has this method */
        kz_err_expected(unacceptable);
        answer_options(out, match.allow);
        return NULL;
    }
    if (!err && unacceptable && rq->route->answer == KZ_ANSWER_PAGE)
        return unacceptable;
    kz_err_expected(unacceptable);
    if (err && kz_err_code(err) == KZ_ERR_NOT_FOUND && lead_to_entrance(out, r)) {
        kz_err_expected(err);
        return NULL;
    }
    KZ_TRY(err);
    if (rq->route->answer == KZ_ANSWER_PROBLEM)
        rq->json = 1;
    return run_route(rq, grant, &match, out);
}

/* A document goes out as fast as its reader takes it, and keeps a worker. HTTP/2 has few: BUSY,
 * when the rest of them is needed for others. Ends with kz_crowd_leave(). */
static kz_err_t *admit_reader(kz_crowd_wait_t *wait, const request_rec *r, kz_reply_t *out)
{
    if (out->kind != KZ_REPLY_CONTENT || !r->connection->master)
        return NULL;
    kz_crowd_enter(wait, r, KZ_CROWD_ANSWER);
    if (kz_crowd_size(wait) != KZ_CROWD_FULL)
        return NULL;
    apr_table_clear(out->headers); /* the document's */
    return kz_err_create(KZ_ERR_BUSY, "many documents are being read over HTTP/2");
}

static int answer(request_rec *r, kz_site_t *site, int ready)
{
    apr_time_t start = kz_clock_now();
    kz_grant_t *grant = NULL;
    kz_request_t *rq = make_request(r, site);
    kz_reply_t out = {.pool = r->pool};
    kz_crowd_wait_t reader = {0};
    kz_err_t *err;
    int status;

    rq->http->ready = ready;
    out.headers = apr_table_make(r->pool, 8);
    out.view = kz_view_create(rq->words, r->pool);
    err = run(rq, &grant, &out);
    err = err ? see_account(rq, grant, err) : admit_reader(&reader, r, &out);
    kz_grant_rest(grant); /* what ended in an error is undone */
    if (err && kz_err_code(err) == KZ_ERR_SIGN_IN_NEEDED && rq->route && !rq->json &&
        (rq->route->effect != KZ_EFFECT_WRITES || rq->route->id == KZ_ROUTE_page_sign_out)) {
        kz_err_expected(err);
        err = NULL;
        kz_reply_see(&out, rq->base, kz_http__sign_in_place(rq), NULL);
        if (rq->token)
            kz_reply_cookie(&out, kz_cookie_session(rq->slug, r->pool), NULL, 0);
    }
    if (err) {
        kz_log_err_keep(kz_err_http(err) >= 500 ? KZ_LOG_ERR : KZ_LOG_INFO, KZ_LOGNO(0002) "", err);
        if (!out.keep)
            out.view = kz_view_create(rq->words, r->pool);
        kz_http__problem(&out, rq, err);
        kz_err_free(err);
    }
    if (out.kind == KZ_REPLY_PAGE)
        kz_http__globals(&out, rq, kz_grant_is_settled(grant) ? grant : NULL);
    status = kz_http__send(rq, &out);
    kz_crowd_leave(&reader);
    if (out.sent && rq->http->handed)
        kz_log_err(KZ_LOG_WARNING, KZ_LOGNO(0020) "a step of a document is not noted: ",
                   out.sent(out.sent_baton, &rq->http->sent));
    kz_grant_rest(grant);
    kz_metrics_time(kz_route_timing(rq->route ? rq->route->id : KZ_ROUTES), start);
    return status;
}

int kz_dispatch(request_rec *r, kz_site_t *loaded, kz_site_t *site)
{
    int status;

    kz_log_context_set(r);
    status = answer(r, site ? site : loaded, site && !site->shared->wrong_keys);
    kz_log_context_set(NULL);
    return status;
}
