/* Assigns staff to clients. */
#include "http/route.h"

#include <string.h>

#include <apr_strings.h>

#include "model/people/client.h"
#include "queries.h"
#include "http/form.h"

/* POST /clients/{client}/assignments: field "staff". */
kz_err_t *page_assign(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    const char *client = kz_request_id(rq, "client"), *staff;
    kz_form_t *form = kz_form_read(rq, KZ_FORM_assignment);
    kz_q_colleague_t *member = NULL;

    staff = kz_form_value(form, KZ_FIELD_assignment_staff);
    if (!kz_form_failed(form))
        KZ_TRY(
            kz_q_colleague(&member, kz_grant_db(grant), &(kz_q_colleague_args_t){staff}, rq->pool));
    if (!member)
        return kz_err_create(KZ_ERR_INVALID, "\"staff\" is none of the firm's");
    KZ_TRY(kz_client_assign(grant, client, member->id));
    return kz_form_done(rq, grant, out, apr_pstrcat(rq->pool, "/clients/", client, NULL),
                        "assigned");
}

/* The page to go to: the staff member's, if the form came from there, else the client's; the list
 * for somebody who doesn't see the client any more. */
static const char *way_back(const kz_request_t *rq, const kz_grant_t *grant, const char *staff)
{
    const char *page = apr_pstrcat(rq->pool, rq->base, "/staff/", staff, NULL);
    const char *back = kz_request_form(rq, "back");

    if (back && strcspn(back, "?") == strlen(page) && strncmp(back, page, strlen(page)) == 0 &&
        kz_grant_has(grant, KZ_RIGHT_ADMIN))
        return page + strlen(rq->base);
    if (strcmp(staff, kz_grant_account(grant)) == 0 && !kz_grant_has(grant, KZ_RIGHT_ALL))
        return "/clients";
    return apr_pstrcat(rq->pool, "/clients/", kz_request_id(rq, "client"), NULL);
}

/* POST /clients/{client}/assignments/{staff}/end */
kz_err_t *page_unassign(kz_request_t *rq, kz_grant_t *grant, kz_reply_t *out)
{
    const char *staff = kz_request_id(rq, "staff");

    KZ_TRY(kz_client_unassign(NULL, grant, kz_request_id(rq, "client"), staff));
    return kz_form_done(rq, grant, out, way_back(rq, grant, staff), "unassigned");
}
