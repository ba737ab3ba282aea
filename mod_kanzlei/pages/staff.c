/* The firm's own people and their rights: for administrators. */
#include "http/route.h"

#include <string.h>

#include <apr_strings.h>

#include "model/proof/event.h"
#include "model/people/staff.h"
#include "pages/list.h"
#include "pages/people.h"
#include "pages/rows.h"
#include "queries.h"
#include "views.h"
#include "http/form.h"

/* Checkboxes, and the rights they are. */
static const struct {
    const char *field, *right;
} boxes[] = {
#define KZ_RIGHT(NAME, name) {"right_" name, name},
#include "rights.def"
#undef KZ_RIGHT
};

/* Each right as a flag, "right_all", set if RIGHTS (words, or NULL) has it, and all that are set as
 * words "rights", in the order of rights.def. */
static void show_rights(kz_view_t *view, const char *rights)
{
    unsigned set = kz_right_set(rights);
    const char *words = "";
    size_t i;

    for (i = 0; i < sizeof boxes / sizeof *boxes; i++) {
        int on = (set & 1U << kz_right_find(boxes[i].right)) != 0;

        kz_view_flag(view, boxes[i].field, on);
        if (on)
            words = apr_pstrcat(kz_view_pool(view), words, *words ? " " : "", boxes[i].right, NULL);
    }
    kz_view_text(view, "rights", words);
}

/* GET /staff */
kz_err_t *page_staff(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_view_t *view = kz_reply_page(out, "staff");
    kz_list_asked_t asked;
    kz_q_staff_t *rows;
    int n, i;

    KZ_TRY(kz_list_ask(&asked, &kz_list_staff, rq));
    do {
        kz_q_staff_args_t args = {KZ_LIST_BY_NAME(&asked)};

        KZ_TRY(kz_q_staff(&rows, &n, kz_grant_db(grant), &args, rq->pool));
    } while (kz_list_again(&asked, n));
    rows = kz_list_page(&n, view, &asked, rows);
    kz_show_staff(view, "staff", rows, n);
    for (i = 0; i < n; i++)
        show_rights(kz_view_at(view, "staff", i), rows[i].rights);
    return NULL;
}

/* GET /staff/new */
kz_err_t *page_staff_new(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    (void)grant;
    kz_form_show(kz_reply_page(out, "staff-form"), rq, KZ_FORM_staff);
    return NULL;
}

/* The rights that are ticked: an array of const char *. */
static apr_array_header_t *read_rights(kz_form_t *form, apr_pool_t *pool)
{
    apr_array_header_t *rights = apr_array_make(pool, 5, sizeof(const char *));
    size_t i;

    for (i = 0; i < sizeof boxes / sizeof *boxes; i++) {
        if (kz_form_ticked(form, boxes[i].field))
            APR_ARRAY_PUSH(rights, const char *) = boxes[i].right;
    }
    return rights;
}

/* POST /staff: the person, the rights and the invitation in one transaction. */
kz_err_t *page_staff_create(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_form_t *form = kz_form_read(rq, KZ_FORM_staff);
    kz_staff_new_t staff = {
        .name = kz_form_value(form, KZ_FIELD_staff_name),
        .user = kz_form_value(form, KZ_FIELD_staff_user),
        .email = kz_form_value(form, KZ_FIELD_staff_email),
        .language = kz_form_value(form, KZ_FIELD_staff_language),
        .rights = read_rights(form, rq->pool),
        .invite = 1,
    };
    const char *id = NULL;
    kz_err_t *err = NULL;

    if (!kz_form_failed(form))
        err = kz_staff_create(&id, grant, &staff, rq->pool);
    if (err && kz_err_code(err) == KZ_ERR_CONFLICT) {
        kz_err_expected(err);
        kz_form_fail(form, KZ_FIELD_staff_user, "field.taken");
        KZ_TRY(kz_grant_again(grant));
    } else if (err)
        return err;
    if (kz_form_failed(form)) {
        kz_form_again(out, form, "staff-form");
        return NULL;
    }
    return kz_form_done(rq, grant, out, apr_pstrcat(rq->pool, "/staff/", id, NULL), "invited");
}

/* Fills the page of one of the staff beside its form. */
static kz_err_t *show_member(kz_view_t *view, kz_request_t *rq, kz_grant_t *grant)
{
    const char *id = kz_request_id(rq, "staff");
    kz_q_staff_member_t *member;
    kz_q_clients_of_staff_t *clients;
    int n;

    KZ_TRY(kz_grant_settle(grant));
    KZ_TRY(kz_q_staff_member(&member, kz_grant_db(grant),
                             &(kz_q_staff_member_args_t){id, kz_grant_account(grant)}, rq->pool));
    if (!member)
        return kz_err_create(KZ_ERR_NOT_FOUND, "no such staff");
    kz_show_staff_member(view, "member", member);
    kz_people_letter(view, rq);
    KZ_TRY(kz_q_clients_of_staff(&clients, &n, kz_grant_db(grant),
                                 &(kz_q_clients_of_staff_args_t){id}, rq->pool));
    kz_view_cut(view, "clients_more", &n, KZ_ROWS_MOST);
    kz_show_clients_of_staff(view, "clients", clients, n);
    return NULL;
}

/* GET /staff/{staff} */
kz_err_t *page_staff_member(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    kz_view_t *view = kz_reply_page(out, "staff-member");
    kz_q_staff_rights_args_t args = {kz_request_id(rq, "staff")};
    kz_q_staff_rights_t *rights;

    KZ_TRY(kz_q_staff_rights(&rights, kz_grant_db(grant), &args, rq->pool));
    show_rights(kz_view_object(view, "form"), rights->rights);
    kz_form_edit(out, view, rq, KZ_FORM_rights);
    return show_member(view, rq, grant);
}

static int is_in(const apr_array_header_t *rights, const char *right)
{
    int i;

    for (i = 0; i < rights->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(rights, i, const char *), right) == 0)
            return 1;
    }
    return 0;
}

static kz_err_t *store_rights(kz_grant_t *grant, const char *id, apr_array_header_t *rights,
                              apr_pool_t *pool)
{
    const char *list = apr_pstrcat(pool, "{", apr_array_pstrcat(pool, rights, ','), "}", NULL);
    kz_event_t event = {.subject = id, .detail = apr_array_pstrcat(pool, rights, ' ')};

    KZ_TRY(kz_q_rights_drop(NULL, kz_grant_db(grant), &(kz_q_rights_drop_args_t){id, list}));
    KZ_TRY(kz_q_rights_add(NULL, kz_grant_db(grant), &(kz_q_rights_add_args_t){id, list}));
    return kz_event_add(grant, KZ_EVENT_RIGHTS_CHANGED, &event);
}

/* Compares the rights that are stored with those that the form was made from. */
static kz_err_t *compare_rights(kz_form_t *form, kz_request_t *rq, kz_grant_t *grant,
                                apr_array_header_t *ticked)
{
    kz_q_staff_rights_args_t args = {kz_request_id(rq, "staff")};
    kz_view_t *now = kz_view_create(rq->words, rq->pool);
    kz_q_staff_rights_t *stored;

    KZ_TRY(kz_q_staff_rights(&stored, kz_grant_db(grant), &args, rq->pool));
    show_rights(now, stored->rights);
    kz_form_take(form, KZ_FIELD_rights_rights, apr_array_pstrcat(rq->pool, ticked, ' '));
    return kz_form_compare(form, now);
}

/* POST /staff/{staff}: all boxes; somebody must stay who can tick them. */
kz_err_t *page_staff_change(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    const char *id = kz_request_id(rq, "staff"), *path;
    kz_form_t *form = kz_form_read(rq, KZ_FORM_rights);
    apr_array_header_t *rights = read_rights(form, rq->pool);
    int admin = is_in(rights, kz_right_name(KZ_RIGHT_ADMIN));
    kz_q_rights_lock_t *lock;
    kz_q_admins_beside_t *others;

    KZ_TRY(kz_q_rights_lock(&lock, kz_grant_db(grant), rq->pool));
    KZ_TRY(kz_q_admins_beside(&others, kz_grant_db(grant), &(kz_q_admins_beside_args_t){id},
                              rq->pool));
    KZ_TRY(compare_rights(form, rq, grant, rights));
    if (!admin && others->count == 0)
        kz_form_fail(form, KZ_FIELD_rights_rights, "field.last_admin");
    if (kz_form_failed(form))
        return show_member(kz_form_again(out, form, "staff-member"), rq, grant);
    KZ_TRY(store_rights(grant, id, rights, rq->pool));
    path = apr_pstrcat(rq->pool, "/staff/", id, NULL);
    if (!admin && strcmp(id, kz_grant_account(grant)) == 0)
        path = "/"; /* no administrator any more */
    return kz_form_done(rq, grant, out, path, "saved");
}
