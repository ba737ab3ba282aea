/* A worker's file in the spool: it shows that the process lives, and that the spool is there. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <cmocka.h>

#include "base/str.h"
#include "model/worker.h"

typedef struct scene_t {
    apr_pool_t *pool, *process; /* the second ends with the worker */
    const char *aside;          /* where the spool is put */
    kz_conf_t conf;
    kz_portal_t portal;
} scene_t;

static int setup(void **state)
{
    char folder[] = "/tmp/worker_test.XXXXXX";
    scene_t *scene;
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    scene = apr_pcalloc(pool, sizeof *scene);
    scene->pool = pool;
    assert_non_null(mkdtemp(folder));
    scene->conf.spool = apr_pstrdup(pool, folder);
    scene->conf.installation = "01932c5e-0000-7abc-8def-0123456789ab";
    scene->aside = apr_pstrcat(pool, folder, ".aside", NULL);
    scene->portal.conf = &scene->conf;
    kz_str_uuid_v7(scene->portal.worker);
    apr_pool_create(&scene->process, pool);
    assert_null(kz_worker_prepare(&scene->portal, scene->process));
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    scene_t *scene = *state;

    if (scene->process)
        apr_pool_destroy(scene->process);
    unlink(apr_pstrcat(scene->pool, scene->conf.spool, "/" KZ_WORKER_FILE, scene->portal.worker,
                       NULL));
    unlink(apr_pstrcat(scene->pool, scene->conf.spool, "/" KZ_STORE_MARKER, NULL));
    rmdir(scene->conf.spool);
    apr_pool_destroy(scene->pool);
    return 0;
}

static void check_away(scene_t *scene)
{
    kz_err_t *err = kz_worker_spool(NULL, &scene->portal);

    assert_non_null(err);
    assert_int_equal(kz_err_code(err), KZ_ERR_STORE_DOWN);
    kz_err_free(err);
}

static void put_aside(const scene_t *scene)
{
    assert_int_equal(rename(scene->conf.spool, scene->aside), 0);
}

static void put_back(const scene_t *scene)
{
    assert_int_equal(rename(scene->aside, scene->conf.spool), 0);
}

static void test_its_spool(void **state)
{
    scene_t *scene = *state;
    apr_time_t since = 0, again = 0;

    assert_null(kz_worker_spool(&since, &scene->portal));
    assert_in_range(since, 1, apr_time_now());
    assert_null(kz_worker_spool(&again, &scene->portal));
    assert_true(again == since);
    assert_int_equal(access(scene->portal.alive_file, F_OK), 0);
}

static void test_no_spool(void **state)
{
    scene_t *scene = *state;

    put_aside(scene);
    check_away(scene); /* also before it was there once */
    put_back(scene);
    assert_null(kz_worker_spool(NULL, &scene->portal));
    put_aside(scene);
    check_away(scene);
    put_back(scene);
    assert_null(kz_worker_spool(NULL, &scene->portal));
}

/* An empty folder, such as one that nothing is mounted on. */
static void test_another_folder(void **state)
{
    scene_t *scene = *state;

    assert_null(kz_worker_live(&scene->portal));
    put_aside(scene);
    assert_int_equal(mkdir(scene->conf.spool, 0700), 0);
    check_away(scene);
    assert_int_equal(rmdir(scene->conf.spool), 0); /* it has got nothing */
    put_back(scene);
    assert_null(kz_worker_spool(NULL, &scene->portal));
}

/* Another host took this process for dead, and removed its file. */
static void test_no_file(void **state)
{
    scene_t *scene = *state;

    assert_null(kz_worker_live(&scene->portal));
    assert_int_equal(unlink(scene->portal.alive_file), 0);
    assert_null(kz_worker_spool(NULL, &scene->portal));
}

/* It ends in order: its file stays, unlocked, and tells others what it may have left. */
static void test_end(void **state)
{
    scene_t *scene = *state;
    const char *file = apr_pstrdup(scene->pool, scene->portal.alive_file);
    int fd;

    assert_null(kz_worker_live(&scene->portal));
    fd = open(scene->portal.alive_file, O_RDWR);
    assert_true(fd >= 0);
    assert_int_not_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    apr_pool_destroy(scene->process);
    scene->process = NULL;
    assert_int_equal(access(file, F_OK), 0);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(close(fd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_its_spool, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_spool, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_folder, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_end, setup, teardown),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
