/* Replies of the scanner. The first byte tells a worker's answer (even) from the keeper's (odd).
 * Only a complete, plain "clean" is clean. */
#include "io/scan/internal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>

static apr_pool_t *pool;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int truth)
{
    if (!truth)
        abort();
}

static int is_word(const char *what, const char *letters)
{
    return strspn(what, letters) == strlen(what);
}

static int is_reason(const char *what)
{
    static const char *const reasons[] = {"encrypted", "limits", "rar",      "unsupported",
                                          "timeout",   "error",  "too_large"};

    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (strcmp(what, reasons[i]) == 0)
            return 1;
    }
    return 0;
}

static void hear_worker(const uint8_t *data, size_t size)
{
    kz_scan_verdict_t verdict = {KZ_SCAN_CLEAN, NULL};
    kz_scand_reply_t reply;
    uint32_t magic = 0, kind = 0;
    kz_err_t *err;

    memset(&reply, 'x', sizeof reply);
    memcpy(&reply, data, size < sizeof reply ? size : sizeof reply);
    memcpy(&magic, data, size < 4 ? size : 4);
    memcpy(&kind, data + (size < 8 ? 0 : 4), size < 8 ? 0 : 4);
    must(kz_scan__is_reply(&reply, (ssize_t)size) ==
         (size == 8 + KZ_SCAND_WHAT_MAX && magic == KZ_SCAND_MAGIC));
    if (!kz_scan__is_reply(&reply, (ssize_t)size))
        return;
    err = kz_scan__verdict(&verdict, &reply, pool);
    must((verdict.result == KZ_SCAN_CLEAN) == (kind == KZ_SCAND_CLEAN));
    must((verdict.result == KZ_SCAN_INFECTED) == (kind == KZ_SCAND_INFECTED));
    must((err == NULL) ==
         (kind == KZ_SCAND_CLEAN || kind == KZ_SCAND_INFECTED || kind == KZ_SCAND_UNSCANNABLE));
    if (verdict.result == KZ_SCAN_INFECTED)
        must(strlen(verdict.what) < KZ_SCAND_WHAT_MAX &&
             is_word(verdict.what, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "0123456789._-/:+"));
    if (verdict.result == KZ_SCAN_UNSCANNABLE)
        must(is_reason(verdict.what));
    kz_err_free(err);
}

static void hear_keeper(const uint8_t *data, size_t size)
{
    kz_scan_status_t status;
    kz_scand_status_t raw;
    kz_err_t *err;

    memset(&raw, 'x', sizeof raw);
    memcpy(&raw, data, size < sizeof raw ? size : sizeof raw);
    if (!kz_scan__is_status(&raw, (ssize_t)size)) {
        must(size != sizeof raw || raw.magic != KZ_SCAND_MAGIC);
        return;
    }
    err = kz_scan__status(&status, &raw, pool);
    if (raw.state == KZ_SCAND_LOADING)
        must(err != NULL);
    if (!err) {
        must(status.workers == (int64_t)raw.workers && apr_time_sec(status.loaded) == raw.loaded);
        must(status.refusing == (raw.state != KZ_SCAND_READY));
        must(status.workers >= 0 && status.loaded >= 0);
        must(strlen(status.version) < sizeof raw.version && strlen(status.reason) < 128);
    }
    kz_err_free(err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (!pool) {
        apr_initialize();
        apr_pool_create(&pool, NULL);
    }
    if (data[0] % 2)
        hear_keeper(data + 1, size - 1);
    else
        hear_worker(data + 1, size - 1);
    apr_pool_clear(pool);
    return 0;
}
