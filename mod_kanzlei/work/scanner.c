#include "work/scanner.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/close_range.h>

#include <apr_strings.h>
#include <apr_tables.h>
#include <apr_thread_proc.h>
#include <http_config.h>
#include <http_main.h>
#include <unixd.h>

#include "base/clock.h"
#include "base/log.h"
#include "io/scan/command.h"

#define KZ_SCANNER_CALM (10 * APR_USEC_PER_SEC) /* one that ran so long starts again at once */
#define KZ_SCANNER_KEY  "kanzlei_scanner"

/* What the parent keeps over its restarts, which load this module anew: no pointer into it. */
typedef struct kept_t {
    pid_t pid;          /* 0: none */
    const char *words;  /* its command line */
    apr_time_t started; /* the last time */
} kept_t;

typedef struct scanner_t {
    kept_t *kept;
    const char *const *args; /* with the program's name, ended by NULL */
    apr_pool_t *pool;        /* pconf */
    apr_proc_t proc;
} scanner_t;

/* The child's part: becomes the scanner. The environment may hold secrets and stays behind. */
static void run(const scanner_t *scanner, int wait)
{
    char *const nothing[] = {NULL};
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGHUP, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGUSR1, SIG_DFL);
    close_range(3, ~0U, 0);
    if (wait)
        sleep(1);
    execve(scanner->args[0], (char *const *)(uintptr_t)scanner->args, nothing);
    _exit(127);
}

static kz_err_t *start(scanner_t *scanner, int wait);

/* Called by httpd when one of its children has ended, and when this registration ends. */
static void maintain(int reason, void *baton, apr_wait_t status)
{
    scanner_t *scanner = baton;
    kz_err_t *err;

    if (reason != APR_OC_REASON_DEATH && reason != APR_OC_REASON_LOST)
        return;
    apr_proc_other_child_unregister(scanner);
    scanner->kept->pid = 0;
    KZ_LOG(KZ_LOG_ERR, KZ_LOGNO(0022) "the scanner ended (status %d) and is started again",
           (int)status);
    err = start(scanner, kz_clock_now() - scanner->kept->started < KZ_SCANNER_CALM);
    kz_log_err(KZ_LOG_CRIT, KZ_LOGNO(0023) "starting the scanner: ", err);
}

/* The registration ends with the pool, while the process lives on. */
static void look_after(scanner_t *scanner)
{
    scanner->proc.pid = scanner->kept->pid;
    apr_proc_other_child_register(&scanner->proc, maintain, scanner, NULL, scanner->pool);
}

static kz_err_t *start(scanner_t *scanner, int wait)
{
    pid_t pid = fork();

    if (pid == 0)
        run(scanner, wait);
    if (pid < 0)
        return kz_err_status(KZ_ERR_CONFIG, errno, "the scanner does not start");
    scanner->kept->started = kz_clock_now();
    scanner->kept->pid = pid;
    look_after(scanner);
    return NULL;
}

/* Whether it runs. While httpd reads its configuration nobody else waits for its children. */
static int lives(kept_t *kept)
{
    int status;

    if (kept->pid && waitpid(kept->pid, &status, WNOHANG) != 0)
        kept->pid = 0;
    return kept->pid != 0;
}

/* httpd that was started as root has a user to spare for the scanner; without root there is one for
 * all. */
kz_err_t *kz_scanner_check(const kz_conf_t *conf)
{
    const char *name = conf->scanner_user;
    const struct passwd *user;

    if (!*conf->scanner_program)
        return !*name && strcasecmp(conf->scan_without_landlock, "on") != 0
                   ? NULL
                   : kz_err_create(KZ_ERR_CONFIG,
                                   "KanzleiScannerUser and KanzleiScannerWithoutLandlock are for a "
                                   "scanner that httpd starts: they need KanzleiScannerProgram");
    if (geteuid() != 0) {
        if (*name)
            return kz_err_create(KZ_ERR_CONFIG, "KanzleiScannerUser can be given where httpd is "
                                                "started as root: remove it, or start the scanner "
                                                "by itself and remove KanzleiScannerProgram");
        return strcasecmp(conf->scan_without_landlock, "on") != 0
                   ? NULL
                   : kz_err_create(KZ_ERR_CONFIG,
                                   "KanzleiScannerWithoutLandlock can be given where the scanner "
                                   "has a user of its own (KanzleiScannerUser)");
    }
    if (!*name)
        return kz_err_create(KZ_ERR_CONFIG,
                             "KanzleiScannerUser is missing: httpd was started as root, so the "
                             "scanner needs a user of its own, who can read nothing of the portal");
    user = getpwnam(name);
    if (!user)
        return kz_err_create(KZ_ERR_CONFIG, "KanzleiScannerUser: there is no user %s", name);
    if (user->pw_uid == 0 || user->pw_uid == ap_unixd_config.user_id)
        return kz_err_create(KZ_ERR_CONFIG,
                             "KanzleiScannerUser %s is the user of httpd, or root: the scanner "
                             "needs one of its own",
                             name);
    return NULL;
}

/* The whole command line, for one that takes the path over from the process BEFORE (0: none). */
static const char *const *command(const kz_conf_t *conf, pid_t before, apr_pool_t *pool)
{
    const char *const *each = kz_scan_command(conf, pool);
    apr_array_header_t *words = apr_array_make(pool, 24, sizeof(const char *));

    APR_ARRAY_PUSH(words, const char *) = conf->scanner_program;
    for (; *each; each++)
        APR_ARRAY_PUSH(words, const char *) = *each;
    if (geteuid() == 0) {
        APR_ARRAY_PUSH(words, const char *) = "--user";
        APR_ARRAY_PUSH(words, const char *) = conf->scanner_user;
        APR_ARRAY_PUSH(words, const char *) = "--group";
        APR_ARRAY_PUSH(words, const char *) =
            apr_psprintf(pool, "%lu", (unsigned long)ap_unixd_config.group_id);
    }
    if (before) {
        APR_ARRAY_PUSH(words, const char *) = "--replaces";
        APR_ARRAY_PUSH(words, const char *) = apr_psprintf(pool, "%ld", (long)before);
    }
    APR_ARRAY_PUSH(words, const char *) = NULL;
    return (const char *const *)words->elts;
}

static const char *in_one_line(const char *const *args, apr_pool_t *pool)
{
    const char *line = "";

    for (; *args; args++)
        line = apr_pstrcat(pool, line, *args, "\n", NULL);
    return line;
}

static kept_t *what_is_kept(void)
{
    kept_t *kept = ap_retained_data_get(KZ_SCANNER_KEY);

    return kept ? kept : ap_retained_data_create(KZ_SCANNER_KEY, sizeof *kept);
}

static kz_err_t *start_or_keep(scanner_t *scanner, const kz_conf_t *conf)
{
    kept_t *kept = scanner->kept;
    const char *words = in_one_line(command(conf, 0, scanner->pool), scanner->pool);
    pid_t before = lives(kept) ? kept->pid : 0;

    if (before && strcmp(kept->words, words) == 0) {
        look_after(scanner);
    } else {
        scanner->args = command(conf, before, scanner->pool);
        KZ_TRY(start(scanner, 0));
        kept->words = apr_pstrdup(ap_pglobal, words);
    }
    scanner->args = command(conf, 0, scanner->pool); /* when it has to be started again */
    return NULL;
}

kz_err_t *kz_scanner_start(const kz_conf_t *conf, apr_pool_t *pconf)
{
    scanner_t *scanner = apr_pcalloc(pconf, sizeof *scanner);

    scanner->kept = what_is_kept();
    scanner->pool = pconf;
    if (!conf || !*conf->scanner_program) {
        if (lives(scanner->kept))
            kill(scanner->kept->pid, SIGUSR1);
        scanner->kept->pid = 0;
        return NULL;
    }
    KZ_TRY(kz_scanner_check(conf));
    return start_or_keep(scanner, conf);
}
