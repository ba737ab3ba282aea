/* Errors and secret memory. */
#include "base/err.h"
#include "base/secret.h"

#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <apr_general.h>

#include "scene.h"

static void test_code_and_detail(void **state)
{
    kz_err_t *err = kz_err_create(KZ_ERR_NOT_FOUND, "matter %d", 7);

    (void)state;
    assert_int_equal(kz_err_code(err), KZ_ERR_NOT_FOUND);
    assert_int_equal(kz_err_http(err), 404);
    assert_string_equal(kz_err_text(err), "err.not_found");
    assert_string_equal(kz_err_detail(err), "matter 7");
    assert_string_equal(kz_err_name(kz_err_code(err)), "NOT_FOUND");
    kz_err_free(err);
    kz_err_free(NULL);
}

static void test_every_code(void **state)
{
    int code;

    (void)state;
    for (code = 0; code <= KZ_ERR_CONFIG; code++) {
        kz_err_t *err = kz_err_create((kz_err_code_t)code, "x");

        assert_int_equal(kz_err_code(err), code);
        assert_in_range(kz_err_http(err), 400, 599);
        assert_memory_equal(kz_err_text(err), "err.", 4);
        assert_true(strlen(kz_err_name((kz_err_code_t)code)) > 2);
        kz_err_free(err);
    }
}

static void test_wrap(void **state)
{
    kz_err_t *err = kz_err_status(KZ_ERR_CONFIG, APR_FROM_OS_ERROR(ENOENT), "key %s", "k");
    char longest[2000];

    (void)state;
    assert_non_null(strstr(kz_err_detail(err), "key k: "));
    assert_non_null(strstr(kz_err_detail(err), strerror(ENOENT)));
    err = kz_err_wrap(err, "starting %d", 1);
    assert_int_equal(kz_err_code(err), KZ_ERR_CONFIG);
    assert_memory_equal(kz_err_detail(err), "starting 1: key k: ", 19);
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    err = kz_err_wrap(err, "%s", longest);
    assert_int_equal(strlen(kz_err_detail(err)), 511);
    kz_err_free(err);
    assert_null(kz_err_wrap(NULL, "nothing"));
}

static void test_field(void **state)
{
    kz_err_t *err = kz_err_field("name", "err.name.taken");

    (void)state;
    assert_int_equal(kz_err_code(err), KZ_ERR_INVALID);
    assert_int_equal(kz_err_http(err), 422);
    assert_string_equal(kz_err_detail(err), "field name: err.name.taken");
    assert_string_equal(kz_err_text(err), "err.name.taken");
    kz_err_free(err);
}

static int tried;

static kz_err_t *step(kz_err_t *err)
{
    tried++;
    return err;
}

static kz_err_t *two_steps(kz_err_t *first)
{
    KZ_TRY(step(first));
    KZ_TRY(step(NULL));
    return NULL;
}

static void test_try(void **state)
{
    (void)state;
    tried = 0;
    assert_ok(two_steps(NULL));
    assert_int_equal(tried, 2);
    assert_code(two_steps(kz_err_create(KZ_ERR_BUSY, "no")), KZ_ERR_BUSY);
    assert_int_equal(tried, 3);
}

static void test_secret_memory(void **state)
{
    static const char zero[100];
    apr_pool_t *pool;
    void *secret;

    (void)state;
    apr_pool_create(&pool, NULL);
    assert_ok(kz_secret_alloc(&secret, sizeof zero, pool));
    assert_memory_equal(secret, zero, sizeof zero);
    memset(secret, 1, sizeof zero);
    apr_pool_destroy(pool);
}

/* The pool's end unmaps the secret memory: reading it kills the process. */
static void test_secret_is_gone_with_its_pool(void **state)
{
    volatile unsigned char *secret;
    apr_pool_t *pool;
    void *memory;
    int status;
    pid_t child;

    (void)state;
    apr_pool_create(&pool, NULL);
    assert_ok(kz_secret_alloc(&memory, 32, pool));
    secret = memory;
    secret[0] = 42;
    apr_pool_destroy(pool);
    child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL); /* the crash is intended: no report of a sanitizer */
        _exit(secret[0] == 42 ? 1 : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static void test_secret_file(void **state)
{
    apr_pool_t *pool;
    const char *folder, *path;
    void *secret;

    (void)state;
    apr_pool_create(&pool, NULL);
    folder = scene_folder(pool);
    path = apr_pstrcat(pool, folder, "/key", NULL);
    assert_code(kz_secret_read(&secret, 4, path, pool), KZ_ERR_CONFIG);
    scene_write(path, "\0abc", 4);
    assert_ok(kz_secret_read(&secret, 4, path, pool));
    assert_memory_equal(secret, "\0abc", 4);
    assert_code(kz_secret_read(&secret, 3, path, pool), KZ_ERR_CONFIG);
    assert_code(kz_secret_read(&secret, 5, path, pool), KZ_ERR_CONFIG);
    chmod(path, 0640);
    assert_code(kz_secret_read(&secret, 4, path, pool), KZ_ERR_CONFIG);
    chmod(path, 0604);
    assert_code(kz_secret_read(&secret, 4, path, pool), KZ_ERR_CONFIG);
    chmod(path, 0400);
    assert_ok(kz_secret_read(&secret, 4, path, pool));
    chmod(folder, 0700);
    assert_code(kz_secret_read(&secret, 4, folder, pool), KZ_ERR_CONFIG);
    scene_remove(folder);
    apr_pool_destroy(pool);
}

/* What only a fault of ours causes, and what no file or folder gives. */
/* clang-format off */
static const int ours[] = {
    ESRCH, E2BIG, ENOEXEC, EBADF, ECHILD, EFAULT, ENOTBLK, EXDEV, EINVAL, ENOTTY, ESPIPE,
    EPIPE, EDOM, ERANGE, ENAMETOOLONG, ENOSYS, 41, ENOMSG, EIDRM, ECHRNG, EL2NSYNC, EL3HLT,
    EL3RST, ELNRNG, EUNATCH, ENOCSI, EL2HLT, EBADE, EBADR, EXFULL, ENOANO, EBADRQC, EBADSLT,
    58, EBFONT, ENOSTR, ETIME, ENOSR, ENOPKG, EREMOTE, EADV, ESRMNT, ECOMM, EPROTO, EMULTIHOP,
    EDOTDOT, EBADMSG, EOVERFLOW, ENOTUNIQ, EBADFD, EREMCHG, ELIBACC, ELIBBAD, ELIBSCN,
    ELIBMAX, ELIBEXEC, EILSEQ, ERESTART, ESTRPIPE, EUSERS, ENOTSOCK, EDESTADDRREQ, EMSGSIZE,
    EPROTOTYPE, ENOPROTOOPT, EPROTONOSUPPORT, ESOCKTNOSUPPORT, EOPNOTSUPP, EPFNOSUPPORT,
    EAFNOSUPPORT, EADDRINUSE, EADDRNOTAVAIL, ENETRESET, ENOBUFS, EISCONN, ETOOMANYREFS,
    EALREADY, EINPROGRESS, ENOTNAM, ENAVAIL, EISNAM, ECANCELED, EOWNERDEAD, ENOTRECOVERABLE,
    ERFKILL, EHWPOISON};
/* clang-format on */

/* Every errno that Linux has is either in errno.def, or ours. */
static void test_errno(void **state)
{
    int number;
    size_t i;

    (void)state;
    for (number = 1; number <= EHWPOISON; number++) {
        int is_ours = 0;

        for (i = 0; i < sizeof ours / sizeof *ours; i++)
            is_ours |= ours[i] == number;
        if ((kz_err_errno(number) == KZ_ERR_INTERNAL) != is_ours)
            fail_msg("%d (%s) is %s", number, strerror(number), kz_err_name(kz_err_errno(number)));
    }
    assert_int_equal(kz_err_errno(EIO), KZ_ERR_STORE_DOWN);
    assert_int_equal(kz_err_errno(EROFS), KZ_ERR_STORE_DOWN);
    assert_int_equal(kz_err_errno(ENOSPC), KZ_ERR_NO_SPACE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_code_and_detail),
        cmocka_unit_test(test_every_code),
        cmocka_unit_test(test_wrap),
        cmocka_unit_test(test_field),
        cmocka_unit_test(test_try),
        cmocka_unit_test(test_secret_memory),
        cmocka_unit_test(test_secret_is_gone_with_its_pool),
        cmocka_unit_test(test_secret_file),
        cmocka_unit_test(test_errno),
    };

    apr_initialize();
    atexit(apr_terminate);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
