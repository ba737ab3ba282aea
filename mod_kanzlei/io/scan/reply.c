/* Reads the scanner's answers. */
#include "io/scan/internal.h"

#include <limits.h>
#include <string.h>

#include <apr_strings.h>

int kz_scan__is_reply(kz_scand_reply_t *reply, ssize_t len)
{
    if (len != sizeof *reply || reply->magic != KZ_SCAND_MAGIC)
        return 0;
    reply->what[sizeof reply->what - 1] = '\0';
    return 1;
}

int kz_scan__is_status(kz_scand_status_t *status, ssize_t len)
{
    if (len != sizeof *status || status->magic != KZ_SCAND_MAGIC)
        return 0;
    status->version[sizeof status->version - 1] = '\0';
    status->reason[sizeof status->reason - 1] = '\0';
    return 1;
}

/* Cleans the name of a signature. The worker that sends it has read foreign bytes and may have been
 * taken over: only such a name reaches a page. */
static const char *name_of(const char *what, apr_pool_t *result_pool)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    char *name = apr_pstrdup(result_pool, what), *c;

    for (c = name; *c; c++)
        if (!strchr(letters, *c) && !strchr("._-/:+", *c))
            *c = '_';
    return name;
}

kz_err_t *kz_scan__verdict(kz_scan_verdict_t *verdict, const kz_scand_reply_t *reply,
                           apr_pool_t *result_pool)
{
    static const char *const reasons[] = {"encrypted", "limits", "rar",      "unsupported",
                                          "timeout",   "error",  "too_large"};

    *verdict = (kz_scan_verdict_t){KZ_SCAN_UNSCANNABLE, "error"};
    switch (reply->kind) {
    case KZ_SCAND_CLEAN:
        verdict->result = KZ_SCAN_CLEAN;
        verdict->what = NULL;
        return NULL;
    case KZ_SCAND_INFECTED:
        verdict->result = KZ_SCAN_INFECTED;
        verdict->what = name_of(reply->what, result_pool);
        return NULL;
    case KZ_SCAND_UNSCANNABLE:
        for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
            if (!strcmp(reply->what, reasons[i]))
                verdict->what = reasons[i];
        return NULL;
    case KZ_SCAND_REFUSED:
        return kz_err_create(KZ_ERR_SCANNER_DOWN, "the scanner refuses: %s", reply->what);
    default:
        return kz_err_create(KZ_ERR_SCANNER_DOWN, "the scanner answers %u", reply->kind);
    }
}

kz_err_t *kz_scan__status(kz_scan_status_t *status, const kz_scand_status_t *raw,
                          apr_pool_t *result_pool)
{
    memset(status, 0, sizeof *status);
    if (raw->state == KZ_SCAND_LOADING)
        return kz_err_create(KZ_ERR_SCANNER_DOWN, "the scanner is loading its signatures");
    if (raw->loaded < 0 || raw->loaded > APR_INT64_MAX / APR_USEC_PER_SEC || raw->workers > INT_MAX)
        return kz_err_create(KZ_ERR_SCANNER_DOWN, "the scanner's status is none");
    status->workers = (int)raw->workers;
    status->landlock = raw->landlock > INT_MAX ? 0 : (int)raw->landlock;
    status->signatures = raw->signatures;
    status->test_only = raw->test_only != 0;
    status->refusing = raw->state != KZ_SCAND_READY;
    status->reason = apr_pstrdup(result_pool, raw->reason);
    status->loaded = apr_time_from_sec(raw->loaded);
    status->version = apr_pstrdup(result_pool, raw->version);
    return NULL;
}
