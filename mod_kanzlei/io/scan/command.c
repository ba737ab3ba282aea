#include "io/scan/command.h"

#include <strings.h>

#include <apr_strings.h>
#include <apr_tables.h>

static void add(apr_array_header_t *words, const char *option, const char *value)
{
    APR_ARRAY_PUSH(words, const char *) = option;
    APR_ARRAY_PUSH(words, const char *) = value;
}

const char *const *kz_scan_command(const kz_conf_t *conf, apr_pool_t *pool)
{
    apr_array_header_t *words = apr_array_make(pool, 20, sizeof(const char *));

    add(words, "--socket", conf->scanner);
    add(words, "--signatures", conf->signatures);
    if (*conf->test_signatures)
        add(words, "--fallback", conf->test_signatures);
    add(words, "--workers", apr_itoa(pool, conf->scan_workers));
    add(words, "--max-bytes", apr_psprintf(pool, "%" APR_INT64_T_FMT, conf->scan_maximum));
    add(words, "--max-time",
        apr_psprintf(pool, "%" APR_INT64_T_FMT, apr_time_as_msec(conf->scan_time)));
    if (*conf->scan_tmp)
        add(words, "--tmp", conf->scan_tmp);
    if (strcasecmp(conf->scan_without_landlock, "on") == 0)
        APR_ARRAY_PUSH(words, const char *) = "--without-landlock";
    APR_ARRAY_PUSH(words, const char *) = NULL;
    return (const char *const *)words->elts;
}
