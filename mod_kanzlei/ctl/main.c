#include "ctl/ctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <sodium.h>

#include "base/log.h"
#include "model/people/firm.h"

#define OPTIONS_MAX 24

const char *kz_ctl__option(const kz_ctl_t *ctl, const char *name)
{
    const apr_array_header_t *given = apr_table_elts(ctl->options);
    int i;

    for (i = given->nelts - 1; i >= 0; i--) {
        const apr_table_entry_t *entry = &APR_ARRAY_IDX(given, i, apr_table_entry_t);

        if (strcmp(entry->key, name) == 0)
            return entry->val;
    }
    return NULL;
}

kz_err_t *kz_ctl__need(const char **value, const kz_ctl_t *ctl, const char *name)
{
    *value = kz_ctl__option(ctl, name);
    return *value ? NULL : kz_err_create(KZ_ERR_BAD_REQUEST, "--%s is missing", name);
}

kz_err_t *kz_ctl__owner(const char **conninfo, const kz_ctl_t *ctl)
{
    *conninfo = kz_ctl__option(ctl, "database");
    if (!*conninfo)
        *conninfo = getenv("KANZLEI_OWNER_DATABASE");
    if (!*conninfo || !**conninfo)
        return kz_err_create(KZ_ERR_BAD_REQUEST, "the owner of the database's schema has to be "
                                                 "named: --database or KANZLEI_OWNER_DATABASE");
    return NULL;
}

int kz_ctl__is_json(const kz_ctl_t *ctl)
{
    return kz_ctl__option(ctl, "json") != NULL;
}

void kz_ctl__say(const kz_ctl_t *ctl, const char *format, ...)
{
    va_list args;

    if (kz_ctl__is_json(ctl))
        return;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

void kz_ctl__warn(const char *format, ...)
{
    va_list args;

    fputs("kanzleictl: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

/* What the log says goes to standard error. */
static void write_line(void *baton, kz_log_level_t level, const char *file, int line, void *context,
                       const char *text)
{
    (void)baton;
    (void)level;
    (void)file;
    (void)line;
    (void)context;
    kz_ctl__warn("%s", text);
}

static void report(void *baton, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void report(void *baton, const char *format, ...)
{
    va_list args;

    (void)baton;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
}

/* Reads the options of ARGV, those of all and OWN ones, into CTL until the first word that is none,
 * or, when INTERLEAVE, all of them; *AT is the first word then. */
static int read_options(kz_ctl_t *ctl, apr_getopt_t *getopt, const apr_getopt_option_t *own,
                        int interleave)
{
    apr_getopt_option_t known[OPTIONS_MAX] = {{NULL, 0, 0, NULL}};
    int n = 0, letter;
    const char *value;
    apr_status_t status;

    for (; own && own->name; own++, n++) {
        known[n] = *own;
        known[n].optch = KZ_CTL_OPTION + n;
    }
    for (own = kz_ctl__common; own->name; own++, n++) {
        known[n] = *own;
        if (own->optch == KZ_CTL_OPTION)
            known[n].optch = KZ_CTL_OPTION + n;
    }
    getopt->interleave = interleave;
    getopt->errfn = report;
    while ((status = apr_getopt_long(getopt, known, &letter, &value)) == APR_SUCCESS) {
        const char *name = letter == 'h' ? "help" : known[letter - KZ_CTL_OPTION].name;

        apr_table_add(ctl->options, name, value ? value : "");
    }
    return status == APR_EOF ? KZ_CTL_FINE : KZ_CTL_USAGE;
}

static kz_err_t *open_portal(kz_ctl_t *ctl)
{
    const char *path = kz_ctl__option(ctl, "config");
    kz_conf_t *conf;

    if (!path)
        path = getenv("KANZLEI_CONFIG");
    KZ_TRY(kz_conf_read(&conf, path && *path ? path : "/etc/kanzleipost.conf", ctl->pool));
    return kz_portal_open(&ctl->portal, conf, ctl->pool);
}

/* Prints a command's result, and ends its error. */
static int finish(kz_ctl_t *ctl, kz_err_t *err)
{
    int code = !err                                     ? ctl->code
               : kz_err_code(err) == KZ_ERR_BAD_REQUEST ? KZ_CTL_USAGE
                                                        : KZ_CTL_FAILED;

    if (err) {
        kz_ctl__warn("%s", kz_err_detail(err));
        kz_ctl__text(ctl->result, "error", kz_err_detail(err));
    }
    if (kz_ctl__is_json(ctl)) {
        json_dumpf(ctl->result, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    kz_err_free(err);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        kz_ctl__warn("the answer could not be written");
        code = KZ_CTL_FAILED;
    }
    return code;
}

/* Whether COMMAND works as the owner of the database. */
static int is_owners(const kz_ctl_command_t *command)
{
    const apr_getopt_option_t *each;

    for (each = command->options; each->name; each++) {
        if (strcmp(each->name, "database") == 0)
            return 1;
    }
    return 0;
}

static int run(kz_ctl_t *ctl, const kz_ctl_command_t *command)
{
    kz_err_t *err = kz_ctl__become_user(ctl, is_owners(command));
    int code;

    if (!err)
        err = open_portal(ctl);
    if (!err)
        err = command->run(ctl);
    code = finish(ctl, err);
#ifdef __SANITIZE_ADDRESS__
    kz_err_expected(kz_ctl__begin_root(ctl)); /* the look for leaks needs the rights of root */
#endif
    return code;
}

static int wrong_use(const char *what)
{
    kz_ctl__warn("%s", what);
    kz_ctl__usage(stderr);
    return KZ_CTL_USAGE;
}

static apr_status_t end_result(void *baton)
{
    json_decref(baton);
    return APR_SUCCESS;
}

static int work(int argc, const char *const *argv, apr_pool_t *pool)
{
    kz_ctl_t ctl = {.pool = pool, .options = apr_table_make(pool, 8), .result = json_object()};
    const kz_ctl_command_t *command;
    apr_getopt_t *getopt;
    int words = 0, help;

    apr_pool_cleanup_register(pool, ctl.result, end_result, apr_pool_cleanup_null);
    apr_getopt_init(&getopt, pool, argc, argv);
    if (read_options(&ctl, getopt, NULL, 0) != KZ_CTL_FINE)
        return KZ_CTL_USAGE;
    help = getopt->ind < argc && strcmp(argv[getopt->ind], "help") == 0;
    if (help && getopt->ind + 1 < argc && strcmp(argv[getopt->ind + 1], "--words") == 0)
        return kz_ctl__print_words(argc - getopt->ind - 2, argv + getopt->ind + 2);
    command = kz_ctl__find(&words, argc - getopt->ind - help, argv + getopt->ind + help);
    if (!command && (help || kz_ctl__option(&ctl, "help")) && getopt->ind + help >= argc) {
        if (!kz_ctl__is_json(&ctl))
            kz_ctl__usage(stdout);
        else
            kz_ctl__help_json(ctl.result);
        return finish(&ctl, NULL);
    }
    if (!command)
        return wrong_use(getopt->ind + help < argc ? "there is no such command"
                                                   : "a command is missing");
    getopt->ind += words + help;
    getopt->skip_start = getopt->skip_end = getopt->ind;
    if (read_options(&ctl, getopt, command->options, 1) != KZ_CTL_FINE)
        return KZ_CTL_USAGE;
    if (help || kz_ctl__option(&ctl, "help")) {
        kz_ctl__print_help(command);
        return KZ_CTL_FINE;
    }
    if (argc - getopt->ind != (command->word ? 1 : 0)) {
        kz_ctl__warn("usage: kanzleictl %s %s", command->name, command->synopsis);
        return KZ_CTL_USAGE;
    }
    ctl.word = command->word ? getopt->argv[getopt->ind] : NULL;
    return run(&ctl, command);
}

int main(int argc, const char *const *argv)
{
    apr_pool_t *pool;
    int code;

    if (apr_app_initialize(&argc, &argv, NULL) != APR_SUCCESS || sodium_init() < 0)
        return KZ_CTL_FAILED;
    apr_pool_create(&pool, NULL);
    kz_log_hook_set(write_line, NULL, KZ_LOG_WARNING);
    code = work(argc, argv, pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return code;
}
