#include "model/check/check.h"

#include <string.h>

#include <apr_strings.h>

#include "ctl/ctl.h"
#include "model/master.h"

#define LISTED_MAX 10000 /* problems in the JSON document; the numbers count all */

static void problem(void *baton, const kz_check_problem_t *found)
{
    kz_ctl_t *ctl = baton;
    json_t *list = json_object_get(ctl->result, "problems"), *object;

    kz_ctl__say(ctl, "%-8s  %s  %s  %s: %s%s", kz_check_word(found->kind), found->store,
                found->firm ? found->firm : "-",
                found->object  ? found->object
                : found->event ? found->event
                               : "-",
                found->detail,
                !found->mended                    ? ""
                : found->kind == KZ_CHECK_UNKNOWN ? " (removed)"
                : found->kind == KZ_CHECK_GONE    ? " (forgotten)"
                                                  : " (repaired)");
    if (!kz_ctl__is_json(ctl) || json_array_size(list) >= LISTED_MAX)
        return;
    object = json_object();
    kz_ctl__text(object, "problem", kz_check_word(found->kind));
    kz_ctl__text(object, "store", found->store);
    kz_ctl__text(object, "firm", found->firm);
    kz_ctl__text(object, "document", found->document);
    kz_ctl__text(object, "event", found->event);
    kz_ctl__text(object, "object", found->object);
    kz_ctl__text(object, "detail", found->detail);
    json_object_set_new(object, "mended", json_boolean(found->mended));
    json_array_append_new(list, object);
}

static void put_number(kz_ctl_t *ctl, const char *name, apr_int64_t number)
{
    json_object_set_new(ctl->result, name, json_integer(number));
}

/* --head NUMBER:HASH of --firm; NULL when it is not given. */
static kz_err_t *head_of(kz_check_head_t **head, kz_ctl_t *ctl)
{
    const char *text = kz_ctl__option(ctl, "head");
    char *colon;

    *head = NULL;
    if (!text)
        return NULL;
    *head = apr_pcalloc(ctl->pool, sizeof **head);
    (*head)->number = apr_strtoi64(text, &colon, 10);
    if ((*head)->number < 1 || *colon != ':' || strlen(colon + 1) != 64)
        return kz_err_create(KZ_ERR_BAD_REQUEST, "a head is a number, a colon, 64 hex digits");
    if (!kz_ctl__option(ctl, "firm"))
        return kz_err_create(KZ_ERR_BAD_REQUEST, "--head needs --firm");
    (*head)->hash = colon + 1;
    return NULL;
}

/* Reports an error as a problem, so that what can be checked without it still is; FIRM NULL: it
 * is about no single one. */
static void go_on(kz_check_t *check, const kz_firm_t *firm, kz_err_t *err)
{
    kz_ctl_t *ctl = check->baton;
    json_t *object = json_object();

    check->problems++;
    kz_ctl__say(ctl, "%-8s  %s: %s", "error", firm ? firm->slug : "-", kz_err_detail(err));
    kz_ctl__text(object, "problem", "error");
    kz_ctl__text(object, "firm", firm ? firm->slug : NULL);
    kz_ctl__text(object, "detail", kz_err_detail(err));
    json_array_append_new(json_object_get(ctl->result, "problems"), object);
    kz_err_free(err);
}

/* Events, receipts and documents of one firm. Errors: the database's, without which nothing goes
 * on. */
static kz_err_t *check_firm(kz_check_t *check, kz_ctl_t *ctl, const kz_firm_t *firm,
                            const kz_check_head_t *head)
{
    int events = kz_ctl__option(ctl, "events") != NULL; /* alone */
    kz_err_t *err = kz_check_events(check, ctl->portal, firm, head, ctl->pool);

    if (!err)
        err = kz_check_receipts(check, ctl->portal, firm, ctl->pool);
    if (!err && !events)
        err = kz_check_documents(check, ctl->portal, firm, ctl->pool);
    if (!err || kz_err_code(err) == KZ_ERR_DB_DOWN)
        return err;
    go_on(check, firm, err);
    return NULL;
}

static kz_err_t *check_all(kz_check_t *check, kz_ctl_t *ctl)
{
    const char *slug = kz_ctl__option(ctl, "firm");
    kz_firm_t *firms, *only = NULL;
    kz_check_head_t *head;
    kz_err_t *err;
    int count = 1, i;

    KZ_TRY(head_of(&head, ctl));
    if (slug)
        KZ_TRY(kz_firm_find(&only, ctl->portal, slug, ctl->pool));
    else
        KZ_TRY(kz_firm_list(&firms, &count, ctl->portal, ctl->pool));
    err = kz_master_prove(ctl->portal, ctl->pool);
    if (err && kz_err_code(err) != KZ_ERR_CONFIG)
        return err;
    if (err)
        go_on(check, NULL, err);
    for (i = 0; i < count; i++)
        KZ_TRY(check_firm(check, ctl, only ? only : &firms[i], head));
    if (kz_ctl__option(ctl, "events"))
        return NULL;
    return kz_check_objects(check, ctl->portal, only, ctl->pool);
}

static kz_err_t *run_check(kz_ctl_t *ctl)
{
    kz_check_t check = {
        .repair = kz_ctl__option(ctl, "repair") != NULL,
        .remove_unknown = kz_ctl__option(ctl, "remove-unknown") != NULL,
        .problem = problem,
        .baton = ctl,
    };

    json_object_set_new(ctl->result, "problems", json_array());
    KZ_TRY(check_all(&check, ctl));
    put_number(ctl, "seals", check.seals);
    put_number(ctl, "events", check.events);
    put_number(ctl, "receipts", check.receipts);
    put_number(ctl, "documents", check.documents);
    put_number(ctl, "copies", check.copies);
    put_number(ctl, "bytes", check.bytes);
    put_number(ctl, "found", check.problems);
    put_number(ctl, "mended", check.mended);
    kz_ctl__say(ctl,
                "%" APR_INT64_T_FMT " events under %" APR_INT64_T_FMT " seals, %" APR_INT64_T_FMT
                " receipts compared with them.",
                check.events, check.seals, check.receipts);
    kz_ctl__say(ctl,
                "%" APR_INT64_T_FMT " documents, %" APR_INT64_T_FMT " copies, %" APR_INT64_T_FMT
                " bytes compared: %" APR_INT64_T_FMT " problems, %" APR_INT64_T_FMT " mended.",
                check.documents, check.copies, check.bytes, check.problems, check.mended);
    ctl->code = check.problems ? KZ_CTL_FAILED : KZ_CTL_FINE;
    return NULL;
}

static const apr_getopt_option_t options[] = {
    {"firm", KZ_CTL_OPTION, 1, "SLUG: this firm alone"},
    {"events", KZ_CTL_OPTION, 0, "the events, their seals and receipts alone"},
    {"head", KZ_CTL_OPTION, 1, "NUMBER:HASH: a seal of the firm, as noted elsewhere; to be there"},
    {"repair", KZ_CTL_OPTION, 0,
     "replaces missing and damaged copies by good ones, forgets gone ones"},
    {"remove-unknown", KZ_CTL_OPTION, 0, "removes objects older than a day that no document has"},
    {NULL, 0, 0, NULL},
};

const kz_ctl_command_t kz_ctl__check = {
    "check",
    "[--firm SLUG [--head NUMBER:HASH]] [--events] [--repair] [--remove-unknown]",
    "Compares documents with stores, receipts with events, events with seals\n\n"
    "Each copy is read whole, unsealed, and its size and SHA-256 compared with the database's. "
    "The\n"
    "exit code is 1 when a problem was found, also when it could be mended. After the database "
    "was\n"
    "restored from a backup, documents newer than that are unknown: keep them.\n",
    NULL,
    options,
    run_check};
