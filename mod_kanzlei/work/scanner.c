#include "work/scanner.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <linux/close_range.h>

#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <unixd.h>

#include "base/log.h"

#define KZ_SCANNER_CALM (10 * APR_USEC_PER_SEC) /* one that ran so long starts again at once */

typedef struct scanner_t {
    const kz_conf_t *conf;
    apr_pool_t *pool; /* pconf */
    apr_proc_t proc;
    apr_time_t started;
} scanner_t;

static void run(const scanner_t *scanner, int wait)
{
    const kz_conf_t *conf = scanner->conf;
    char workers[16], bytes[24], ms[24];
    const char *args[] = {conf->scanner_program,
                          "--socket",
                          conf->scanner,
                          "--signatures",
                          conf->signatures,
                          "--fallback",
                          conf->test_signatures,
                          "--workers",
                          workers,
                          "--max-bytes",
                          bytes,
                          "--max-time",
                          ms,
                          *conf->scan_tmp ? "--tmp" : NULL,
                          conf->scan_tmp,
                          NULL};
    char *const nothing[] = {NULL}; /* the environment may hold secrets */
    sigset_t none;

    apr_snprintf(workers, sizeof workers, "%d", conf->scan_workers);
    apr_snprintf(bytes, sizeof bytes, "%" APR_INT64_T_FMT, conf->scan_maximum);
    apr_snprintf(ms, sizeof ms, "%" APR_INT64_T_FMT, apr_time_as_msec(conf->scan_time));
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGHUP, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGUSR1, SIG_DFL);
    close_range(3, ~0U, 0);
    if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setgid(ap_unixd_config.group_id) != 0 ||
                           setuid(ap_unixd_config.user_id) != 0))
        _exit(1);
    if (wait)
        sleep(1);
    execve(conf->scanner_program, (char *const *)args, nothing);
    _exit(127);
}

static kz_err_t *start(scanner_t *scanner, int wait);

static void maintain(int reason, void *baton, apr_wait_t status)
{
    scanner_t *scanner = baton;
    kz_err_t *err;

    if (reason == APR_OC_REASON_UNREGISTER || reason == APR_OC_REASON_RESTART)
        return; /* the pool's cleanup ends it */
    if (reason != APR_OC_REASON_DEATH && reason != APR_OC_REASON_LOST)
        return;
    apr_proc_other_child_unregister(scanner);
    KZ_LOG(KZ_LOG_ERR, KZ_LOGNO(0022) "the scanner ended (status %d) and is started again",
           (int)status);
    err = start(scanner, apr_time_now() - scanner->started < KZ_SCANNER_CALM);
    kz_log_err(KZ_LOG_CRIT, KZ_LOGNO(0023) "starting the scanner: ", err);
}

static kz_err_t *start(scanner_t *scanner, int wait)
{
    pid_t pid = fork();

    if (pid == 0)
        run(scanner, wait);
    if (pid < 0)
        return kz_err_status(KZ_ERR_CONFIG, errno, "the scanner does not start");
    scanner->started = apr_time_now();
    scanner->proc.pid = pid;
    apr_proc_other_child_register(&scanner->proc, maintain, scanner, NULL, scanner->pool);
    return NULL;
}

/* Ends the scanner of this configuration; the next one is started by the next post_config. Its
 * registration ends with the same pool, or sooner when it was started again: otherwise APR would
 * look for it in vain, and crash. */
static apr_status_t stop(void *baton)
{
    const scanner_t *scanner = baton;

    kill(scanner->proc.pid, SIGTERM);
    return APR_SUCCESS;
}

kz_err_t *kz_scanner_start(const kz_conf_t *conf, apr_pool_t *pconf)
{
    scanner_t *scanner = apr_pcalloc(pconf, sizeof *scanner);

    if (!*conf->scanner_program)
        return NULL;
    if (access(conf->scanner_program, X_OK) != 0)
        return kz_err_status(KZ_ERR_CONFIG, errno, "KanzleiScannerProgram %s",
                             conf->scanner_program);
    scanner->conf = conf;
    scanner->pool = pconf;
    KZ_TRY(start(scanner, 0));
    apr_pool_cleanup_register(pconf, scanner, stop, apr_pool_cleanup_null);
    return NULL;
}
