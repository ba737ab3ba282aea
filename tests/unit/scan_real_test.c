/* The scanner's client against the kanzlei-scand of this build. */
#include "io/scan/scan.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "scan_once.h"

#include "base/clock.h"

#define SECOND APR_USEC_PER_SEC
#define MANY   60 /* seconds: ends a test that would hang */

static apr_pool_t *pool;
static char folder[] = "/tmp/scan_real_test.XXXXXX";
static const char *path;
static pid_t scand;

static const char *program(void)
{
    char self[4096] = "";

    /* build/unit/scan_real_test: the program is one folder up. */
    assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    *strrchr(self, '/') = '\0';
    return apr_pstrcat(pool, self, "/../kanzlei-scand", NULL);
}

static int start(void **state)
{
    const char *testdb = apr_pstrcat(pool, getenv("KZ_SRC"), "/mod_kanzlei/scand/testdb", NULL);
    const char *file = program();
    kz_scan_status_t status;

    (void)state;
    assert_int_equal(access(file, X_OK), 0); /* make build/kanzlei-scand */
    scand = fork();
    if (scand == 0) {
        execl(file, file, "--socket", path, "--signatures", testdb, "--workers", "1", "--max-time",
              "600000", (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < MANY * 100; i++) {
        kz_err_t *err = kz_scan_status(&status, path, kz_clock_now() + SECOND, pool);

        if (!err)
            return status.refusing;
        kz_err_free(err);
        usleep(10000);
    }
    return 1;
}

static int stop(void **state)
{
    int status;

    (void)state;
    kill(scand, SIGTERM);
    kill(scand, SIGCONT); /* a test that failed may have left it stopped */
    return waitpid(scand, &status, 0) != scand || access(path, F_OK) == 0;
}

static int scan(kz_scan_verdict_t *verdict, const char *bytes, size_t length)
{
    int fd, code = -1;
    kz_err_t *err;

    assert_null(kz_scan_reserve(&fd, length, kz_clock_now() + MANY * SECOND));
    assert_int_equal(write(fd, bytes, length), length);
    err = scan_memfd(verdict, path, fd, kz_clock_now() + MANY * SECOND, pool);
    kz_scan_release(fd, length);
    if (err)
        code = (int)kz_err_code(err);
    kz_err_free(err);
    return code;
}

static int scan_text(kz_scan_verdict_t *verdict, const char *text)
{
    return scan(verdict, text, strlen(text));
}

/* Put together here so that this file is not taken for it. */
static const char *eicar(void)
{
    return apr_pstrcat(pool, "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EI",
                       "CAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*", NULL);
}

static void test_verdicts(void **state)
{
    kz_scan_verdict_t verdict;

    (void)state;
    assert_int_equal(scan_text(&verdict, "Guten Tag"), -1);
    assert_int_equal(verdict.result, KZ_SCAN_CLEAN);
    assert_null(verdict.what);
    assert_int_equal(scan_text(&verdict, ""), -1);
    assert_int_equal(verdict.result, KZ_SCAN_CLEAN);
    assert_int_equal(scan_text(&verdict, eicar()), -1);
    assert_int_equal(verdict.result, KZ_SCAN_INFECTED);
    assert_string_equal(verdict.what, "Eicar-Test-Signature.UNOFFICIAL");
    assert_int_equal(scan_text(&verdict, "Rar!\x1a\x07\x01"), -1);
    assert_int_equal(verdict.result, KZ_SCAN_UNSCANNABLE);
    assert_string_equal(verdict.what, "rar");
}

static void test_status(void **state)
{
    kz_scan_status_t status;

    (void)state;
    assert_null(kz_scan_status(&status, path, kz_clock_now() + MANY * SECOND, pool));
    assert_int_equal(status.workers, 1);
    assert_int_equal(status.signatures, 3);
    assert_int_equal(status.refusing, 0);
    assert_true(status.loaded > 0 && status.loaded <= apr_time_now());
}

/* Returns the first child of PID, or 0. */
static pid_t child(pid_t pid)
{
    char name[64];
    int number = 0;
    FILE *file;

    snprintf(name, sizeof name, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    file = fopen(name, "re");
    if (file && fscanf(file, "%d", &number) != 1)
        number = 0;
    if (file)
        fclose(file);
    return number;
}

/* Returns the CPU time of PID, in clock ticks. */
static unsigned long ticks(pid_t pid)
{
    unsigned long user = 0, kernel = 0;
    char name[64];
    FILE *file;

    snprintf(name, sizeof name, "/proc/%d/stat", (int)pid);
    file = fopen(name, "re");
    if (file && fscanf(file, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                       &kernel) != 2)
        user = kernel = 0;
    if (file)
        fclose(file);
    return user + kernel;
}

/* Kills the worker COUNT times, a little after it has begun with the one document that is there:
 * when it computes (what else it does, /proc tells nobody without the right to trace it). */
static pid_t kill_worker(int count)
{
    pid_t killer = fork(), last = 0;
    unsigned long before = 0;

    if (killer)
        return killer;
    for (int tries = 0; count > 0 && tries < 60000; usleep(1000), tries++) {
        pid_t worker = child(child(scand));

        if (worker != last) {
            last = worker;
            before = ticks(worker);
        } else if (worker && ticks(worker) >= before + 3) { /* 30 ms: idle ones take none */
            kill(worker, SIGKILL);
            count--;
            while (child(child(scand)) == worker)
                usleep(1000);
        }
    }
    _exit(count);
}

/* A text that takes a second or more to scan. */
static int scan_slow(kz_scan_verdict_t *verdict)
{
    size_t length = 80u << 20;
    char *bytes = malloc(length);
    unsigned seed = 1;
    int code;

    for (size_t i = 0; i < length; i++)
        bytes[i] = (char)rand_r(&seed);
    code = scan(verdict, bytes, length);
    free(bytes);
    return code;
}

static void test_a_killed_worker_is_asked_again(void **state)
{
    kz_scan_verdict_t verdict;
    pid_t killer = kill_worker(1);
    int left;

    (void)state;
    assert_int_equal(scan_slow(&verdict), -1);
    assert_int_equal(verdict.result, KZ_SCAN_CLEAN);
    assert_int_equal(waitpid(killer, &left, 0), killer);
    assert_int_equal(left, 0); /* it did kill one */
}

static void test_a_document_that_kills_is_unscannable(void **state)
{
    kz_scan_verdict_t verdict;
    pid_t killer = kill_worker(2);
    int left;

    (void)state;
    assert_int_equal(scan_slow(&verdict), -1);
    assert_int_equal(verdict.result, KZ_SCAN_UNSCANNABLE);
    assert_string_equal(verdict.what, "error");
    assert_int_equal(waitpid(killer, &left, 0), killer);
    assert_int_equal(left, 0);
    assert_int_equal(scan_text(&verdict, eicar()), -1);
    assert_int_equal(verdict.result, KZ_SCAN_INFECTED);
}

static void test_hung_and_back(void **state)
{
    kz_scan_verdict_t verdict;
    pid_t master = child(scand), worker = child(master);

    (void)state;
    assert_true(worker > 0); /* kill(0) would stop this program and all that runs beside it */
    kill(scand, SIGSTOP);
    kill(worker, SIGSTOP);
    assert_int_equal(scan_text(&verdict, "Guten Tag"), KZ_ERR_SCANNER_DOWN);
    kill(scand, SIGCONT);
    kill(worker, SIGCONT);
    assert_int_equal(scan_text(&verdict, "Guten Tag"), -1);
    assert_int_equal(verdict.result, KZ_SCAN_CLEAN);
}

static void test_stopped_and_started(void **state)
{
    kz_scan_verdict_t verdict;

    assert_int_equal(stop(state), 0);
    assert_int_equal(scan_text(&verdict, "Guten Tag"), KZ_ERR_SCANNER_DOWN);
    assert_int_equal(start(state), 0);
    assert_int_equal(scan_text(&verdict, eicar()), -1);
    assert_int_equal(verdict.result, KZ_SCAN_INFECTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_a_killed_worker_is_asked_again),
        cmocka_unit_test(test_a_document_that_kills_is_unscannable),
        cmocka_unit_test(test_hung_and_back),
        cmocka_unit_test(test_stopped_and_started),
    };
    int failed;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (!mkdtemp(folder) || !getenv("KZ_SRC"))
        return 1;
    path = apr_pstrcat(pool, folder, "/sock", NULL);
    failed = cmocka_run_group_tests(tests, start, stop);
    rmdir(folder);
    apr_pool_destroy(pool);
    apr_terminate();
    return failed;
}
