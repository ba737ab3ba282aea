/* Ends transactions in all the ways there are, on a pool of one connection, so that the next one
 * always gets the connection of the one before. A tool for tests/http/test_transactions.py, no test
 * of its own.
 *
 *   transaction_steps CONFIG FIRM STEP... */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "base/str.h"
#include "model/grant.h"
#include "queries.h"

typedef struct scene_t {
    kz_portal_t *portal;
    kz_grant_t *grant;
    int firm;
    apr_pool_t *pool;
} scene_t;

/* Adds a job without waiting for the answer. ID NULL: a new id. */
static kz_err_t *job_later(scene_t *s, const char *id)
{
    char uuid[KZ_STR_UUID_SIZE];
    kz_q_job_remove_args_t args = {.id = id ? id : uuid, .object = "1/aa/step", .wait = 3600000};

    kz_str_uuid_v7(uuid);
    return kz_q_job_remove_later(kz_grant_db(s->grant), &args);
}

static kz_err_t *read_something(scene_t *s)
{
    kz_q_job_firm_t *row;

    return kz_q_job_firm(&row, kz_grant_db(s->grant), s->pool);
}

/* A change fails, and nobody reads its answer; then the connection is borrowed again. */
static kz_err_t *failing_later(scene_t *s)
{
    char id[KZ_STR_UUID_SIZE];

    kz_str_uuid_v7(id);
    KZ_TRY(job_later(s, id));
    KZ_TRY(job_later(s, id));
    kz_grant_rest(s->grant);
    KZ_TRY(kz_grant_again(s->grant));
    return read_something(s);
}

static kz_err_t *many_later(scene_t *s)
{
    int i;

    for (i = 0; i < 500; i++)
        KZ_TRY(job_later(s, NULL));
    return kz_grant_commit(s->grant);
}

/* One change in the middle fails: nothing is committed. */
static kz_err_t *failing_many(scene_t *s)
{
    char id[KZ_STR_UUID_SIZE];
    int i;

    kz_str_uuid_v7(id);
    for (i = 0; i < 500; i++)
        KZ_TRY(job_later(s, i == 200 || i == 201 ? id : NULL));
    return kz_grant_commit(s->grant);
}

static kz_err_t *rest_uncommitted(scene_t *s)
{
    KZ_TRY(job_later(s, NULL));
    KZ_TRY(read_something(s));
    kz_grant_rest(s->grant);
    return NULL;
}

static kz_err_t *commit_twice(scene_t *s)
{
    KZ_TRY(job_later(s, NULL));
    KZ_TRY(kz_grant_commit(s->grant));
    return kz_grant_commit(s->grant);
}

static kz_err_t *ask_after_commit(scene_t *s)
{
    KZ_TRY(kz_grant_commit(s->grant));
    return read_something(s);
}

/* Ends as the dispatcher does after a handler that forgot to commit. */
static kz_err_t *end_uncommitted(scene_t *s)
{
    KZ_TRY(job_later(s, NULL));
    return kz_grant_end(s->grant);
}

static const struct {
    const char *name;
    kz_err_t *(*run)(scene_t *s);
} steps[] = {
    {"failing_later", failing_later},   {"many_later", many_later},
    {"failing_many", failing_many},     {"rest_uncommitted", rest_uncommitted},
    {"commit_twice", commit_twice},     {"ask_after_commit", ask_after_commit},
    {"read_something", read_something}, {"end_uncommitted", end_uncommitted},
};

static kz_err_t *step(scene_t *s, const char *name)
{
    size_t i;
    kz_err_t *err = NULL;

    KZ_TRY(kz_grant_portal(&s->grant, s->portal, s->firm, s->pool));
    for (i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (strcmp(steps[i].name, name) == 0)
            err = steps[i].run(s);
    }
    kz_grant_rest(s->grant);
    return err;
}

int main(int argc, const char **argv)
{
    scene_t s = {0};
    kz_conf_t *conf;
    kz_err_t *err;
    int i;

    if (argc < 4)
        return 2;
    apr_initialize();
    apr_pool_create(&s.pool, NULL);
    s.firm = atoi(argv[2]);
    err = kz_conf_read(&conf, argv[1], s.pool);
    if (!err) {
        conf->db_connections = 1;
        err = kz_portal_open(&s.portal, conf, s.pool);
    }
    for (i = 3; !err && i < argc; i++) {
        kz_err_t *said = step(&s, argv[i]);

        printf("%s: %s\n", argv[i], said ? kz_err_detail(said) : "fine");
        kz_err_free(said);
    }
    if (err)
        fprintf(stderr, "%s\n", kz_err_detail(err));
    apr_pool_destroy(s.pool);
    apr_terminate();
    return err ? 1 : 0;
}
