/* What becomes of a request whose session has ended: the way back to where it was, and the form
 * that goes on by itself.
 *
 * The answer to such a form is the page to sign in, which holds what was typed as hidden fields:
 * the field "again" is the path that the form goes to, and each of its fields, the form's own token
 * among them, has "typed_" in front of its name. Signing in then answers 307 with that path (RFC
 * 9110, section 15.4.8): the browser sends all of it there, with the new session. There the
 * dispatcher takes the form out of it, and goes on as ever. So it is a request like any other: its
 * token says which account made the form, and another one that has signed in is refused. */
#include "http/http.h"

#include <string.h>

#include <apr_escape.h>
#include <apr_strings.h>

#include "http/csrf.h"
#include "http/form.h"

#define AGAIN    "again"  /* the field that says where the form goes to */
#define TYPED    "typed_" /* in front of the names of its fields */
#define BACK_MAX 1000     /* bytes of a way back in the address of the page to sign in */

/* The page that the form was on, by Referer; "" unless it is in this portal. */
static const char *form_page(const kz_request_t *rq)
{
    const char *page = kz_request_header(rq, "Referer"), *path;

    path = page ? strstr(page, "://") : NULL;
    path = path ? strchr(path + 3, '/') : NULL;
    return path ? apr_pstrmemdup(rq->pool, path, strcspn(path, "#")) : "";
}

const char *kz_http__sign_in_place(const kz_request_t *rq)
{
    const char *back = rq->here;

    if (rq->route->effect == KZ_EFFECT_WRITES)
        back = form_page(rq);
    else if (rq->route->answer == KZ_ANSWER_FILE && rq->ids > 0) /* what the file belongs to */
        back = apr_pstrmemdup(rq->pool, back, (size_t)(strrchr(rq->path, '/') - rq->path));
    else if (rq->route->answer != KZ_ANSWER_PAGE)
        back = "";
    if (!kz_request_leads_back(rq, back) || strlen(back) > BACK_MAX ||
        strncmp(back + strlen(rq->base), "/sign-in", 8) == 0 ||
        strcmp(back + strlen(rq->base), "/") == 0) /* where one lands anyway */
        return "/sign-in";
    return apr_pstrcat(rq->pool, "/sign-in?back=", apr_pescape_urlencoded(rq->pool, back), NULL);
}

/* 1 for a field that is never shown again: a password of any form. */
static int is_secret(const char *name)
{
    int i;

    for (i = 0; i < KZ_FIELDS; i++) {
        if (kz_fields[i].kind == KZ_FIELD_SECRET && strcmp(kz_fields[i].name, name) == 0)
            return 1;
    }
    return 0;
}

static kz_view_t *keep(kz_view_t *view, const char *action)
{
    kz_view_t *again = kz_view_object(view, "again");

    kz_view_text(again, "action", action);
    return again;
}

static void keep_field(kz_view_t *again, const char *name, const char *value)
{
    kz_view_t *row = kz_view_row(again, "typed");

    kz_view_text(row, "name", name);
    kz_view_text(row, "value", value);
}

/* 1 if RQ has a form of ours, in which nothing is secret. */
static int may_be_kept(const kz_request_t *rq)
{
    const apr_array_header_t *rows = apr_table_elts(rq->form);
    int i;

    if (rows->nelts == 0 || !rq->form_token || !rq->form_token->in_form)
        return 0;
    for (i = 0; i < rows->nelts; i++) {
        if (is_secret(APR_ARRAY_IDX(rows, i, apr_table_entry_t).key))
            return 0;
    }
    return 1;
}

int kz_http__keep_typed(kz_view_t *view, const kz_request_t *rq)
{
    const apr_array_header_t *rows = apr_table_elts(rq->form);
    kz_view_t *again;
    int i;

    if (!may_be_kept(rq))
        return 0;
    again = keep(view, rq->here);
    for (i = 0; i < rows->nelts; i++) {
        const apr_table_entry_t *field = &APR_ARRAY_IDX(rows, i, apr_table_entry_t);

        keep_field(again, apr_pstrcat(rq->pool, TYPED, field->key, NULL), field->val);
    }
    return 1;
}

void kz_http__offer_retry(kz_view_t *view, const kz_request_t *rq)
{
    const apr_array_header_t *rows = apr_table_elts(rq->form);
    const char *page = strcmp(rq->method, "GET") == 0 ? rq->here : form_page(rq);
    kz_view_t *again;
    int i;

    if (!may_be_kept(rq)) {
        kz_view_text(view, "reload", kz_request_leads_back(rq, page) ? page : NULL);
        return;
    }
    again = keep(view, rq->here);
    for (i = 0; i < rows->nelts; i++) {
        const apr_table_entry_t *field = &APR_ARRAY_IDX(rows, i, apr_table_entry_t);

        keep_field(again, field->key, field->val);
    }
}

void kz_http__take_typed(kz_request_t *rq)
{
    const apr_array_header_t *rows = apr_table_elts(rq->form);
    apr_table_t *typed;
    int i;

    if (rq->route->who < KZ_WHO_CLIENT || !kz_request_form(rq, AGAIN))
        return;
    typed = apr_table_make(rq->pool, rows->nelts);
    for (i = 0; i < rows->nelts; i++) {
        const apr_table_entry_t *field = &APR_ARRAY_IDX(rows, i, apr_table_entry_t);

        if (strncmp(field->key, TYPED, strlen(TYPED)) == 0)
            apr_table_addn(typed, field->key + strlen(TYPED), field->val);
    }
    rq->form = typed;
}

const char *kz_form_goes_on(const kz_request_t *rq)
{
    const char *path = kz_request_form(rq, AGAIN);

    return path && kz_request_leads_back(rq, path) ? path : NULL;
}

void kz_form_keep(kz_view_t *view, const kz_request_t *rq)
{
    const apr_array_header_t *rows = apr_table_elts(rq->form);
    const char *path = kz_form_goes_on(rq);
    kz_view_t *again;
    int i;

    if (!path)
        return;
    again = keep(view, path);
    for (i = 0; i < rows->nelts; i++) {
        const apr_table_entry_t *field = &APR_ARRAY_IDX(rows, i, apr_table_entry_t);

        if (strncmp(field->key, TYPED, strlen(TYPED)) == 0)
            keep_field(again, field->key, field->val);
    }
}
