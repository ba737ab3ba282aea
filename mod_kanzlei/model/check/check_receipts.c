/* Compares deliveries and their steps with the events that tell of them, in both directions, as
 * proof/EVENTS.md lists under "Receipts". */
#include "model/check/internal.h"

#include <string.h>

#include <apr_strings.h>

#include "base/str.h"
#include "base/time.h"

#define PAGE         200                     /* rows read at once */
#define APART        (60 * APR_USEC_PER_SEC) /* row and event are of one transaction */
#define FIRST_OF_ALL "00000000-0000-0000-0000-000000000000"

/* One firm's receipts at work. */
typedef struct receipts_t {
    kz_check_t *check;
    kz_portal_t *portal;
    const kz_firm_t *firm;
    kz_grant_t *grant;
    apr_pool_t *page;                                          /* cleared with each page */
    char document[KZ_STR_UUID_SIZE], client[KZ_STR_UUID_SIZE]; /* the last row read */
    char account[KZ_STR_UUID_SIZE], step[16], event[KZ_STR_UUID_SIZE];
} receipts_t;

/* Reads one page behind the last row; *COUNT rows. */
typedef kz_err_t *(*reader_t)(int *count, receipts_t *r);

static void report(receipts_t *r, const char *document, const char *event, const char *detail)
{
    kz_check_problem_t problem = {.kind = KZ_CHECK_RECEIPT,
                                  .store = "database",
                                  .firm = r->firm->slug,
                                  .document = document,
                                  .event = event,
                                  .detail = detail};

    kz_check__report(r->check, &problem);
}

/* STEP of DOCUMENT at AT; TOLD: the time of its event, 0: there is none. */
static void compare_time(receipts_t *r, const char *document, const char *step, apr_time_t at,
                         apr_time_t told)
{
    const char *detail = NULL;

    if (!told)
        detail = apr_psprintf(r->page, "\"%s\" of %s: no event tells of it", step,
                              kz_time_iso(at, r->page));
    else if (at > told + APART || at < told - APART)
        detail = apr_psprintf(r->page, "\"%s\" of %s: its event is of %s", step,
                              kz_time_iso(at, r->page), kz_time_iso(told, r->page));
    if (detail)
        report(r, document, NULL, detail);
}

static kz_err_t *read_deliveries(int *count, receipts_t *r)
{
    kz_q_check_deliveries_args_t args = {r->document, r->client, PAGE};
    kz_q_check_deliveries_t *rows;
    int i;

    KZ_TRY(kz_q_check_deliveries(&rows, count, kz_grant_db(r->grant), &args, r->page));
    for (i = 0; i < *count; i++) {
        compare_time(r, rows[i].document, "provided", rows[i].provided, rows[i].told);
        if (rows[i].wrong && *rows[i].wrong)
            report(r, rows[i].document, NULL,
                   apr_pstrcat(r->page, "the delivery is not what its steps are: ", rows[i].wrong,
                               NULL));
        apr_cpystrn(r->document, rows[i].document, sizeof r->document);
        apr_cpystrn(r->client, rows[i].client, sizeof r->client);
    }
    r->check->receipts += *count;
    return NULL;
}

static kz_err_t *read_steps(int *count, receipts_t *r)
{
    kz_q_check_steps_args_t args = {r->document, r->client, r->account, r->step, PAGE};
    kz_q_check_steps_t *rows;
    int i;

    KZ_TRY(kz_q_check_steps(&rows, count, kz_grant_db(r->grant), &args, r->page));
    for (i = 0; i < *count; i++) {
        if (rows[i].told || !rows[i].untold)
            compare_time(r, rows[i].document, rows[i].step, rows[i].at, rows[i].told);
        if (rows[i].marked_otherwise)
            report(r, rows[i].document, NULL,
                   apr_psprintf(r->page,
                                "\"%s\" of %s: whether it was behind a code of the firm's is told "
                                "otherwise by its event",
                                rows[i].step, kz_time_iso(rows[i].at, r->page)));
        apr_cpystrn(r->document, rows[i].document, sizeof r->document);
        apr_cpystrn(r->client, rows[i].client, sizeof r->client);
        apr_cpystrn(r->account, rows[i].account, sizeof r->account);
        apr_cpystrn(r->step, rows[i].step, sizeof r->step);
    }
    return NULL;
}

static kz_err_t *read_told(int *count, receipts_t *r)
{
    kz_q_check_told_args_t args = {r->event, PAGE};
    kz_q_check_told_t *rows;
    int i;

    KZ_TRY(kz_q_check_told(&rows, count, kz_grant_db(r->grant), &args, r->page));
    for (i = 0; i < *count; i++) {
        if (!rows[i].found)
            report(r, rows[i].document, rows[i].id,
                   apr_psprintf(r->page, "\"%s\": the event tells of what no receipt has",
                                rows[i].kind));
        apr_cpystrn(r->event, rows[i].id, sizeof r->event);
    }
    return NULL;
}

static kz_err_t *read_all(receipts_t *r, reader_t read)
{
    int count = PAGE;

    apr_cpystrn(r->document, FIRST_OF_ALL, sizeof r->document);
    apr_cpystrn(r->client, FIRST_OF_ALL, sizeof r->client);
    apr_cpystrn(r->account, FIRST_OF_ALL, sizeof r->account);
    apr_cpystrn(r->event, FIRST_OF_ALL, sizeof r->event);
    *r->step = '\0';
    while (count == PAGE) {
        apr_pool_clear(r->page);
        KZ_TRY(kz_grant_portal(&r->grant, r->portal, r->firm->id, r->page));
        KZ_TRY(read(&count, r));
        kz_grant_rest(r->grant);
    }
    return NULL;
}

kz_err_t *kz_check_receipts(kz_check_t *check, kz_portal_t *portal, const kz_firm_t *firm,
                            apr_pool_t *scratch_pool)
{
    static const reader_t readers[] = {read_deliveries, read_steps, read_told};
    receipts_t r = {.check = check, .portal = portal, .firm = firm};
    kz_err_t *err = NULL;
    size_t i;

    apr_pool_create(&r.page, scratch_pool);
    for (i = 0; !err && i < sizeof readers / sizeof *readers; i++)
        err = read_all(&r, readers[i]);
    apr_pool_destroy(r.page);
    return err ? kz_err_wrap(err, "the receipts of %s", firm->slug) : NULL;
}
