#include "conf/conf.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>

typedef enum kind_t { STRING, PATH, NUMBER, BYTES, TIME, LIST } kind_t;

static const struct {
    kind_t kind;
    size_t offset; /* of the member in kz_conf_t */
    const char *preset;
} table[] = {
#define KZ_DIRECTIVE(directive, kind, member, preset, help)                                        \
    {kind, offsetof(kz_conf_t, member), preset},
#include "conf/directives.def"
#undef KZ_DIRECTIVE
};

const kz_conf_directive_t kz_conf_directives[] = {
#define KZ_DIRECTIVE(directive, kind, member, preset, help) {#directive, help, kind == LIST},
#include "conf/directives.def"
#undef KZ_DIRECTIVE
};
const int kz_conf_directives_count = sizeof kz_conf_directives / sizeof *kz_conf_directives;

typedef struct unit_t {
    const char *name;
    apr_int64_t factor;
} unit_t;

static const unit_t byte_units[] = {
    {"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", APR_INT64_C(1) << 30}, {NULL, 0}};
static const unit_t time_units[] = {{"ms", 1000},
                                    {"s", APR_USEC_PER_SEC},
                                    {"min", 60 * APR_USEC_PER_SEC},
                                    {"h", 3600 * APR_USEC_PER_SEC},
                                    {"d", 86400 * (apr_int64_t)APR_USEC_PER_SEC},
                                    {NULL, 0}};
static const unit_t no_units[] = {{"", 1}, {NULL, 0}};

/* A number with one of UNITS behind it; -1 if it is none. */
static apr_int64_t number(const char *text, const unit_t *units)
{
    char *end;
    apr_int64_t value;

    if (!apr_isdigit(*text))
        return -1;
    errno = 0;
    value = apr_strtoi64(text, &end, 10);
    for (; !errno && units->name; units++) {
        if (strcmp(end, units->name) == 0 && value <= APR_INT64_MAX / units->factor)
            return value * units->factor;
    }
    return -1;
}

static const char *set(kz_conf_t *conf, int i, const char *value, const char *extra,
                       apr_pool_t *pool)
{
    char *member = (char *)conf + table[i].offset;
    const char *name = kz_conf_directives[i].name;
    apr_int64_t n;

    switch (table[i].kind) {
    case STRING:
    case PATH:
        *(const char **)member = apr_pstrdup(pool, value);
        return NULL;
    case NUMBER:
        n = number(value, no_units);
        if (n < 0 || n > 1000000)
            return apr_psprintf(pool, "%s takes a number, not \"%s\"", name, value);
        *(int *)member = (int)n;
        return NULL;
    case BYTES:
        n = number(value, byte_units);
        if (n < 0)
            return apr_psprintf(pool, "%s takes a number of bytes such as 64M", name);
        *(apr_int64_t *)member = n;
        return NULL;
    case TIME:
        n = number(value, time_units);
        if (n < 0)
            return apr_psprintf(pool, "%s takes a time such as 30s, 15min or 12h", name);
        *(apr_interval_time_t *)member = n;
        return NULL;
    case LIST:
        if (value && extra) {
            kz_conf_pair_t *pair = apr_array_push(*(apr_array_header_t **)member);

            pair->name = apr_pstrdup(pool, value);
            pair->value = apr_pstrdup(pool, extra);
            return NULL;
        }
        return apr_psprintf(pool, "%s takes a name and a value", name);
    }
    return NULL;
}

kz_conf_t *kz_conf_create(apr_pool_t *pool)
{
    kz_conf_t *conf = apr_pcalloc(pool, sizeof *conf);
    int i;

    for (i = 0; i < kz_conf_directives_count; i++) {
        if (table[i].kind == LIST)
            *(apr_array_header_t **)((char *)conf + table[i].offset) =
                apr_array_make(pool, 3, sizeof(kz_conf_pair_t));
        else if (table[i].preset)
            set(conf, i, table[i].preset, NULL, pool);
    }
    return conf;
}

const char *kz_conf_set(kz_conf_t *conf, const char *name, const char *value, const char *extra,
                        apr_pool_t *pool)
{
    int i;

    for (i = 0; i < kz_conf_directives_count; i++) {
        if (strcasecmp(name, kz_conf_directives[i].name) == 0)
            return set(conf, i, value, extra, pool);
    }
    return apr_psprintf(pool, "%s is not a directive of Kanzleipost", name);
}

/* Checks https://host[:port], without a path: Origin is compared with it, and links in mails begin
 * with it. */
static int is_address(const char *url)
{
    const char *host = url + strlen("https://");

    return strncmp(url, "https://", strlen("https://")) == 0 && *host && *host != ':' &&
           host[strcspn(host, "/?#@ \t")] == '\0';
}

apr_interval_time_t kz_conf_store_time(const kz_conf_t *conf, apr_uint64_t bytes)
{
    return conf->store_timeout +
           apr_time_from_sec((apr_interval_time_t)(bytes / KZ_CONF_STORE_RATE));
}

const char *kz_conf_check(const kz_conf_t *conf, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < kz_conf_directives_count; i++) {
        const char *const *member = (const char *const *)((const char *)conf + table[i].offset);
        apr_finfo_t info;

        if (table[i].kind != STRING && table[i].kind != PATH)
            continue;
        if (!*member)
            return apr_psprintf(pool, "%s is missing: %s", kz_conf_directives[i].name,
                                kz_conf_directives[i].help);
        if (table[i].kind == PATH && apr_stat(&info, *member, APR_FINFO_TYPE, pool) != APR_SUCCESS)
            return apr_psprintf(pool, "%s: there is no %s", kz_conf_directives[i].name, *member);
    }
    if (!is_address(conf->url))
        return apr_psprintf(pool, "KanzleiUrl is https://host[:port], not \"%s\"", conf->url);
    if (conf->stores->nelts == 0)
        return "KanzleiStore is missing: a document needs at least one store";
    if (conf->quorum > conf->stores->nelts)
        return "KanzleiStoreQuorum is larger than the number of stores";
    if (conf->scan_maximum > conf->scan_memory)
        return "KanzleiScanMaximum is larger than KanzleiScanMemory";
    if (conf->db_connections < 1 || conf->argon2_slots < 1)
        return "KanzleiDatabaseConnections and KanzleiPasswordSlots must be at least 1";
    return NULL;
}

kz_err_t *kz_conf_read(kz_conf_t **conf, const char *path, apr_pool_t *pool)
{
    const char *wrong = NULL;
    apr_file_t *file;
    char line[2048];
    int number_of_line = 0;
    apr_status_t status = apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BUFFERED, 0, pool);

    if (status != APR_SUCCESS)
        return kz_err_status(KZ_ERR_CONFIG, status, "%s", path);
    *conf = kz_conf_create(pool);
    while (!wrong && apr_file_gets(line, sizeof line, file) == APR_SUCCESS) {
        char **words;

        number_of_line++;
        line[strcspn(line, "\r\n")] = '\0';
        apr_tokenize_to_argv(line, &words, pool);
        if (!words[0] || words[0][0] == '#')
            continue;
        if (!words[1] || (words[2] && words[3]))
            wrong = apr_psprintf(pool, "%s: one value is expected", words[0]);
        else
            wrong = kz_conf_set(*conf, words[0], words[1], words[2], pool);
    }
    apr_file_close(file);
    if (wrong)
        return kz_err_create(KZ_ERR_CONFIG, "%s:%d: %s", path, number_of_line, wrong);
    wrong = kz_conf_check(*conf, pool);
    return wrong ? kz_err_create(KZ_ERR_CONFIG, "%s: %s", path, wrong) : NULL;
}
