#include "conf/conf.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "conf/kind.h"

static const struct {
    kz_conf_kind_t kind;
    size_t offset; /* of the member in kz_conf_t */
    const char *preset, *least, *most;
} table[] = {
#define KZ_DIRECTIVE(directive, kind, member, preset, least, most, help)                           \
    {KZ_CONF_##kind, offsetof(kz_conf_t, member), preset, least, most},
#include "conf/directives.def"
#undef KZ_DIRECTIVE
};

const kz_conf_directive_t kz_conf_directives[] = {
#define KZ_DIRECTIVE(directive, kind, member, preset, least, most, help) {#directive, help},
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

/* A number of KIND, with a unit behind it; -1 if it is none. */
static apr_int64_t number(const char *text, kz_conf_kind_t kind)
{
    const unit_t *unit = kind == KZ_CONF_BYTES  ? byte_units
                         : kind == KZ_CONF_TIME ? time_units
                                                : no_units;
    char *end;
    apr_int64_t value;

    if (!apr_isdigit(*text))
        return -1;
    errno = 0;
    value = apr_strtoi64(text, &end, 10);
    for (; !errno && unit->name; unit++) {
        if (strcmp(end, unit->name) == 0 && value <= APR_INT64_MAX / unit->factor)
            return value * unit->factor;
    }
    return -1;
}

static const char *set_number(char *member, int i, const char *value, apr_pool_t *pool)
{
    kz_conf_kind_t kind = table[i].kind;
    apr_int64_t n = number(value, kind);

    if (n < number(table[i].least, kind) || n > number(table[i].most, kind))
        return apr_psprintf(pool, "%s is %s from %s to %s, not \"%s\"", kz_conf_directives[i].name,
                            kz_conf__takes(kind), table[i].least, table[i].most, value);
    if (kind == KZ_CONF_NUMBER)
        *(kz_conf_NUMBER_t *)member = (kz_conf_NUMBER_t)n;
    else if (kind == KZ_CONF_BYTES)
        *(kz_conf_BYTES_t *)member = n;
    else
        *(kz_conf_TIME_t *)member = n;
    return NULL;
}

static const char *add_store(apr_array_header_t *stores, const char *name, const char *url,
                             apr_pool_t *pool)
{
    kz_conf_pair_t *pair;

    if (!url || !kz_conf__is_store(name, url))
        return apr_psprintf(pool, "KanzleiStore is %s, not \"%s%s%s\"",
                            kz_conf__takes(KZ_CONF_STORES), name, url ? " " : "", url ? url : "");
    pair = apr_array_push(stores);
    pair->name = apr_pstrdup(pool, name);
    pair->value = apr_pstrdup(pool, url);
    return NULL;
}

static const char *set(kz_conf_t *conf, int i, const char *value, const char *extra,
                       apr_pool_t *pool)
{
    char *member = (char *)conf + table[i].offset;
    const char *name = kz_conf_directives[i].name;

    if (table[i].kind == KZ_CONF_STORES)
        return add_store(*(apr_array_header_t **)member, value, extra, pool);
    if (extra)
        return apr_psprintf(pool, "%s takes one value", name);
    if (table[i].least)
        return set_number(member, i, value, pool);
    if (!*value && table[i].preset && !*table[i].preset)
        ; /* it may be left out, and is */
    else if (!kz_conf__is_written_well(table[i].kind, value, pool))
        return apr_psprintf(pool, "%s is %s, not \"%s\"", name, kz_conf__takes(table[i].kind),
                            value);
    *(const char **)member = apr_pstrdup(pool, value);
    return NULL;
}

kz_conf_t *kz_conf_create(apr_pool_t *pool)
{
    kz_conf_t *conf = apr_pcalloc(pool, sizeof *conf);
    int i;

    for (i = 0; i < kz_conf_directives_count; i++) {
        if (table[i].kind == KZ_CONF_STORES)
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

apr_interval_time_t kz_conf_store_time(const kz_conf_t *conf, apr_uint64_t bytes)
{
    return conf->store_timeout +
           apr_time_from_sec((apr_interval_time_t)(bytes / KZ_CONF_STORE_RATE));
}

/* What is missing, or not there on this host. */
static const char *check_each(const kz_conf_t *conf, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < kz_conf_directives_count; i++) {
        const char *name = kz_conf_directives[i].name;
        const char *value;

        if (table[i].least || table[i].kind == KZ_CONF_STORES)
            continue;
        value = *(const char *const *)((const char *)conf + table[i].offset);
        if (!value)
            return apr_psprintf(pool, "%s is missing: %s", name, kz_conf_directives[i].help);
        if (*value && !kz_conf__is_there(table[i].kind, value, pool))
            return apr_psprintf(pool, "%s is %s, not \"%s\"", name, kz_conf__takes(table[i].kind),
                                value);
    }
    return NULL;
}

static const char *check_stores(const kz_conf_t *conf, apr_pool_t *pool)
{
    int i, other;

    if (conf->stores->nelts == 0)
        return "KanzleiStore is missing: a document needs at least one store";
    if (conf->quorum > conf->stores->nelts)
        return "KanzleiStoreQuorum is larger than the number of stores";
    for (i = 0; i < conf->stores->nelts; i++) {
        const kz_conf_pair_t *store = &APR_ARRAY_IDX(conf->stores, i, kz_conf_pair_t);

        for (other = 0; other < i; other++) {
            const kz_conf_pair_t *before = &APR_ARRAY_IDX(conf->stores, other, kz_conf_pair_t);

            if (strcmp(store->name, before->name) == 0)
                return apr_psprintf(pool,
                                    "KanzleiStore %s is given twice: each store has a name "
                                    "of its own",
                                    store->name);
        }
    }
    return NULL;
}

const char *kz_conf_check(const kz_conf_t *conf, apr_pool_t *pool)
{
    const char *wrong = check_each(conf, pool);

    if (!wrong)
        wrong = check_stores(conf, pool);
    if (wrong)
        return wrong;
    if (conf->scan_maximum > conf->scan_memory)
        return "KanzleiScanMaximum is larger than KanzleiScanMemory";
    if (conf->session_idle > conf->session_max)
        return "KanzleiSessionIdle is longer than KanzleiSessionMaximum";
    if (*conf->mail_user && !*conf->mail_password_file)
        return "KanzleiMailUser needs KanzleiMailPasswordFile";
    if (!kz_conf__is_memory_there(conf->argon2_memory, conf->argon2_slots))
        return "KanzleiPasswordMemory times KanzleiPasswordSlots is more than this host's memory";
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
