/* The scanner's client against a scanner that misbehaves: whatever it does, the wait ends, and no
 * document becomes "clean" without that verdict. */
#include "io/scan/scan.h"

#include <apr_general.h>
#include <signal.h>

#include "base/clock.h"
#include "scan_fake.h"
#include "scan_once.h"

#define SECOND APR_USEC_PER_SEC

static apr_pool_t *pool;

static int document(void)
{
    int fd = -1;

    assert_null(kz_scan_reserve(&fd, 9, kz_clock_now() + 60 * SECOND));
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(write(fd, "Guten Tag", 9), 9);
    return fd;
}

/* Asks FAKE, for SECONDS at most. Returns the code of the error, or -1. */
static int ask(kz_scan_verdict_t *verdict, fake_t *fake, double seconds)
{
    int fd = document(), code = -1;
    apr_time_t end = kz_clock_now() + (apr_time_t)(seconds * SECOND);
    kz_err_t *err = scan_memfd(verdict, fake->path, fd, end, pool);

    kz_scan_release(fd, 9);
    if (err) {
        code = (int)kz_err_code(err);
        assert_string_not_equal(kz_err_detail(err), "");
        assert_int_not_equal(verdict->result, KZ_SCAN_CLEAN);
    }
    kz_err_free(err);
    return code;
}

static void expect(const step_t *steps, int count, int code, kz_scan_result_t result,
                   const char *what)
{
    kz_scan_verdict_t verdict;
    fake_t fake;

    fake_start(&fake, steps, count, KZ_SCAND_READY);
    assert_int_equal(ask(&verdict, &fake, 60), code);
    assert_int_equal(verdict.result, result);
    if (what)
        assert_string_equal(verdict.what, what);
    else
        assert_null(verdict.what);
    assert_int_equal(fake.served, count);
    fake_stop(&fake);
}

static void test_verdicts(void **state)
{
    static const step_t clean = {SAY, KZ_SCAND_CLEAN, ""};
    static const step_t infected = {SAY, KZ_SCAND_INFECTED, "Win.Test"};
    static const step_t odd = {SAY, KZ_SCAND_INFECTED, "Kontonummer 12 \xff\n<b>"};
    static const step_t rar = {SAY, KZ_SCAND_UNSCANNABLE, "rar"};
    static const step_t strange = {SAY, KZ_SCAND_UNSCANNABLE, "a reason without a text"};

    (void)state;
    expect(&clean, 1, -1, KZ_SCAN_CLEAN, NULL);
    expect(&infected, 1, -1, KZ_SCAN_INFECTED, "Win.Test");
    expect(&odd, 1, -1, KZ_SCAN_INFECTED, "Kontonummer_12____b_");
    expect(&rar, 1, -1, KZ_SCAN_UNSCANNABLE, "rar");
    expect(&strange, 1, -1, KZ_SCAN_UNSCANNABLE, "error");
}

static void test_a_name_without_end(void **state)
{
    char name[KZ_SCAND_WHAT_MAX + 8];
    kz_scan_verdict_t verdict;
    step_t step = {SAY, KZ_SCAND_INFECTED, name};
    fake_t fake;

    (void)state;
    memset(name, 'x', sizeof name);
    fake_start(&fake, &step, 1, KZ_SCAND_READY);
    assert_int_equal(ask(&verdict, &fake, 60), -1);
    assert_int_equal(strlen(verdict.what), KZ_SCAND_WHAT_MAX - 1);
    fake_stop(&fake);
}

static void test_refused_is_down(void **state)
{
    static const step_t refused = {SAY, KZ_SCAND_REFUSED, "the canary was missed"};
    static const step_t unknown = {SAY, (kz_scand_kind_t)77, ""};

    (void)state;
    expect(&refused, 1, KZ_ERR_SCANNER_DOWN, KZ_SCAN_UNSCANNABLE, "error");
    expect(&unknown, 1, KZ_ERR_SCANNER_DOWN, KZ_SCAN_UNSCANNABLE, "error");
}

static void test_one_that_dies_is_asked_again_once(void **state)
{
    static const step_t once[] = {{DIE_AT_WORK, 0, NULL}, {SAY, KZ_SCAND_CLEAN, ""}};
    static const step_t early[] = {{DIE_AT_ONCE, 0, NULL}, {SAY, KZ_SCAND_INFECTED, "X"}};
    static const step_t twice[] = {{DIE_AT_WORK, 0, NULL}, {DIE_AT_WORK, 0, NULL}};
    static const step_t never[] = {{DIE_AT_ONCE, 0, NULL}, {DIE_AT_ONCE, 0, NULL}};
    static const step_t garbage[] = {{GARBAGE, 0, NULL}, {GARBAGE, 0, NULL}};

    (void)state;
    expect(once, 2, -1, KZ_SCAN_CLEAN, NULL);
    expect(early, 2, -1, KZ_SCAN_INFECTED, "X");
    /* The document itself kills the worker ... */
    expect(twice, 2, -1, KZ_SCAN_UNSCANNABLE, "error");
    expect(garbage, 2, -1, KZ_SCAN_UNSCANNABLE, "error");
    /* ... unless no worker has begun to scan it. */
    expect(never, 2, KZ_ERR_SCANNER_DOWN, KZ_SCAN_UNSCANNABLE, "error");
}

static void test_one_that_goes_down_is_no_verdict(void **state)
{
    static const step_t twice[] = {{DIE_AT_WORK, 0, NULL}, {DIE_AT_WORK, 0, NULL}};
    kz_scan_verdict_t verdict;
    fake_t fake;

    (void)state;
    fake_start(&fake, twice, 2, 0); /* nobody answers for the scanner any more */
    assert_int_equal(ask(&verdict, &fake, 60), KZ_ERR_SCANNER_DOWN);
    fake_stop(&fake);
}

static void test_nobody_listens(void **state)
{
    kz_scan_verdict_t verdict;
    fake_t fake = {.path = "/tmp/scan_test.none/sock"};

    (void)state;
    assert_int_equal(ask(&verdict, &fake, 60), KZ_ERR_SCANNER_DOWN);
    memset(fake.path, 'x', sizeof fake.path - 1);
    assert_int_equal(ask(&verdict, &fake, 60), KZ_ERR_SCANNER_DOWN);
}

static void test_a_stale_socket(void **state)
{
    kz_scan_verdict_t verdict;
    fake_t fake;

    (void)state;
    fake_start(&fake, NULL, 0, KZ_SCAND_READY);
    close(fake.listening);
    assert_int_equal(ask(&verdict, &fake, 60), KZ_ERR_SCANNER_DOWN);
    fake.listening = dup(fake.asked);
    fake_stop(&fake);
}

static void test_at_work_until_the_deadline(void **state)
{
    static const step_t on = {GO_ON, 0, NULL};
    long long start = fake_now_ms();
    kz_scan_verdict_t verdict;
    fake_t fake;

    (void)state;
    fake_start(&fake, &on, 1, KZ_SCAND_READY);
    assert_int_equal(ask(&verdict, &fake, 2.5), -1);
    assert_int_equal(verdict.result, KZ_SCAN_UNSCANNABLE);
    assert_string_equal(verdict.what, "timeout");
    assert_true(fake_now_ms() - start >= 2499);
    /* The worker was told to stop earlier, so that it can say so itself. */
    assert_in_range(fake.left, 1, 2300);
    fake_stop(&fake);
}

static void test_hung_ones_are_found_out(void **state)
{
    static const step_t silent = {SILENT, 0, NULL}, fallen = {FALL_SILENT, 0, NULL};
    kz_scan_verdict_t verdict;
    fake_t fake;

    (void)state;
    /* Nobody answers for the scanner, or it still loads: "down", long before the deadline. */
    fake_start(&fake, &silent, 1, 0);
    assert_int_equal(ask(&verdict, &fake, 3600), KZ_ERR_SCANNER_DOWN);
    fake_stop(&fake);
    fake_start(&fake, &silent, 1, KZ_SCAND_LOADING);
    assert_int_equal(ask(&verdict, &fake, 3600), KZ_ERR_SCANNER_DOWN);
    fake_stop(&fake);
    /* The worker had begun and then says nothing: "hung", whatever the keeper says. */
    fake_start(&fake, &fallen, 1, KZ_SCAND_READY);
    assert_int_equal(ask(&verdict, &fake, 3600), KZ_ERR_SCANNER_DOWN);
    fake_stop(&fake);
    /* The same when the deadline comes meanwhile: nobody has found the document too slow. */
    fake_start(&fake, &fallen, 1, KZ_SCAND_READY);
    assert_int_equal(ask(&verdict, &fake, 3), KZ_ERR_SCANNER_DOWN);
    fake_stop(&fake);
}

static void test_a_busy_one_is_waited_for(void **state)
{
    static const step_t silent = {SILENT, 0, NULL};
    kz_scan_verdict_t verdict;
    fake_t fake;

    (void)state;
    fake_start(&fake, &silent, 1, KZ_SCAND_READY);
    assert_int_equal(ask(&verdict, &fake, 2.5), KZ_ERR_BUSY);
    fake_stop(&fake);
}

static void test_a_full_queue(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    kz_scan_verdict_t verdict;
    int queued[2];
    fake_t fake;

    (void)state;
    fake_start(&fake, NULL, 0, KZ_SCAND_READY); /* accepts none; its queue holds one */
    snprintf(address.sun_path, sizeof address.sun_path, "%.100s", fake.path);
    for (int i = 0; i < 2; i++) {
        queued[i] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)!connect(queued[i], (struct sockaddr *)&address, sizeof address);
    }
    assert_int_equal(ask(&verdict, &fake, 2), KZ_ERR_BUSY);
    fake_stop(&fake);
    fake_start(&fake, NULL, 0, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%.100s", fake.path);
    for (int i = 0; i < 2; i++) {
        close(queued[i]);
        queued[i] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)!connect(queued[i], (struct sockaddr *)&address, sizeof address);
    }
    assert_int_equal(ask(&verdict, &fake, 3600), KZ_ERR_SCANNER_DOWN);
    close(queued[0]);
    close(queued[1]);
    fake_stop(&fake);
}

static void test_what_is_sent(void **state)
{
    static const step_t clean = {SAY, KZ_SCAND_CLEAN, ""};
    const int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;
    kz_scan_verdict_t verdict;
    fake_t fake;

    (void)state;
    fake_start(&fake, &clean, 1, KZ_SCAND_READY);
    assert_int_equal(ask(&verdict, &fake, 60), -1);
    assert_int_equal(fake.seals & seals, seals);
    assert_int_equal(fake.bytes, 9);
    assert_in_range(fake.left, 1, 60000 - 499);
    fake_stop(&fake);
}

/* A repeated job sends the same file, which has its seals already. */
static void test_sent_twice(void **state)
{
    static const step_t clean[] = {{SAY, KZ_SCAND_CLEAN, ""}, {SAY, KZ_SCAND_CLEAN, ""}};
    apr_time_t end = kz_clock_now() + 60 * SECOND;
    kz_scan_verdict_t verdict;
    int fd = document();
    fake_t fake;

    (void)state;
    fake_start(&fake, clean, 2, KZ_SCAND_READY);
    assert_null(scan_memfd(&verdict, fake.path, fd, end, pool));
    assert_null(scan_memfd(&verdict, fake.path, fd, end, pool));
    assert_int_equal(verdict.result, KZ_SCAN_CLEAN);
    kz_scan_release(fd, 9);
    fake_stop(&fake);
}

static void test_what_cannot_be_sealed(void **state)
{
    kz_scan_verdict_t verdict;
    kz_err_t *err;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    (void)state;
    err = scan_memfd(&verdict, "/nowhere", fd, kz_clock_now() + SECOND, pool);
    assert_int_equal(kz_err_code(err), KZ_ERR_INTERNAL);
    kz_err_free(err);
    close(fd);
}

static void test_status(void **state)
{
    kz_scan_status_t status;
    kz_err_t *err;
    fake_t fake;

    (void)state;
    fake_start(&fake, NULL, 0, KZ_SCAND_READY);
    assert_null(kz_scan_status(&status, fake.path, kz_clock_now() + 60 * SECOND, pool));
    fake_stop(&fake);
    assert_int_equal(status.workers, 2);
    assert_int_equal(status.signatures, 7);
    assert_int_equal(status.test_only, 1);
    assert_int_equal(status.refusing, 0);
    assert_string_equal(status.version, "1.2.3");
    assert_true(status.loaded == 1700000000 * SECOND);
    fake_start(&fake, NULL, 0, KZ_SCAND_REFUSING);
    assert_null(kz_scan_status(&status, fake.path, kz_clock_now() + 60 * SECOND, pool));
    fake_stop(&fake);
    assert_int_equal(status.refusing, 1);
    assert_string_equal(status.reason, "because");
    for (int down = 0; down <= KZ_SCAND_LOADING; down++) {
        fake_start(&fake, NULL, 0, down); /* hung, loading */
        err = kz_scan_status(&status, fake.path, kz_clock_now() + SECOND / 5, pool);
        assert_int_equal(kz_err_code(err), KZ_ERR_SCANNER_DOWN);
        kz_err_free(err);
        fake_stop(&fake);
    }
    err = kz_scan_status(&status, fake.path, kz_clock_now() + SECOND, pool); /* gone */
    assert_int_equal(kz_err_code(err), KZ_ERR_SCANNER_DOWN);
    kz_err_free(err);
}

static int reserve_all(double seconds)
{
    int fd = -1, code = -1;
    kz_err_t *err = kz_scan_reserve(&fd, 9, kz_clock_now() + (apr_time_t)(seconds * SECOND));

    if (err)
        code = (int)kz_err_code(err);
    kz_err_free(err);
    kz_scan_release(fd, 9);
    return code;
}

/* The scanner holds a document's memory although nobody waits for its verdict any more. */
static void test_room_comes_back_when_the_scanner_has_let_go(void **state)
{
    static const step_t step = {HOLD, KZ_SCAND_CLEAN, ""};
    kz_scan_verdict_t verdict;
    kz_scan_t *scan;

    (void)state;
    kz_scan_bound(9, 9);
    for (int awaited = 0; awaited < 2; awaited++) {
        fake_t fake;
        int fd;

        fake_start(&fake, &step, 1, KZ_SCAND_READY);
        fd = document();
        assert_null(kz_scan_begin(&scan, fake.path, fd, kz_clock_now() + SECOND, pool));
        if (awaited) {
            assert_null(kz_scan_await(&verdict, scan, pool));
            assert_string_equal(verdict.what, "timeout");
        }
        kz_scan_leave(scan);
        kz_scan_release(fd, 9);
        assert_int_equal(reserve_all(0.2), KZ_ERR_BUSY);
        fake.let_go = 1;
        assert_int_equal(reserve_all(60), -1);
        assert_int_equal(reserve_all(60), -1); /* once */
        fake_stop(&fake);
    }
    kz_scan_bound(512u << 20, 100u << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_a_name_without_end),
        cmocka_unit_test(test_refused_is_down),
        cmocka_unit_test(test_one_that_dies_is_asked_again_once),
        cmocka_unit_test(test_one_that_goes_down_is_no_verdict),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_a_stale_socket),
        cmocka_unit_test(test_at_work_until_the_deadline),
        cmocka_unit_test(test_hung_ones_are_found_out),
        cmocka_unit_test(test_a_busy_one_is_waited_for),
        cmocka_unit_test(test_a_full_queue),
        cmocka_unit_test(test_what_is_sent),
        cmocka_unit_test(test_sent_twice),
        cmocka_unit_test(test_what_cannot_be_sealed),
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_room_comes_back_when_the_scanner_has_let_go),
    };
    int failed;

    signal(SIGPIPE, SIG_DFL); /* one that is not expected ends the test */
    apr_initialize();
    apr_pool_create(&pool, NULL);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_pool_destroy(pool);
    apr_terminate();
    return failed;
}
