/* Seals standard input as a document and puts it into the stores, as an upload's end does: prints
 * its id and the key of its object. A tool for tests/http/test_kanzleictl_check.py, no test of its
 * own.
 *
 *   document_put CONFIG FIRM CLIENT MATTER ACCOUNT */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "base/clock.h"
#include "base/str.h"
#include "model/grant.h"
#include "queries.h"

typedef struct put_t {
    kz_portal_t *portal;
    kz_grant_t *grant;
    char id[KZ_STR_UUID_SIZE];
    const char *spool, *object, **argv;
    unsigned char wrapped[KZ_SEAL_WRAPPED], sha256[KZ_SEAL_SHA256], held[KZ_STORES_MAX];
    kz_seal_key_t *key;
    apr_uint64_t size;
    apr_pool_t *pool;
} put_t;

static kz_err_t *seal_input(put_t *p)
{
    char buffer[65536];
    kz_seal_writer_t *writer;
    kz_seal_key_t *firm_key;
    apr_uint64_t offset;
    ssize_t len;

    KZ_TRY(kz_grant_firm_key(&firm_key, p->grant));
    KZ_TRY(kz_seal_document_create(p->wrapped, firm_key, p->id, p->pool));
    KZ_TRY(kz_seal_document_open(&p->key, firm_key, p->id, p->wrapped, p->pool));
    KZ_TRY(kz_seal_spool_create(p->spool, p->wrapped, p->pool));
    KZ_TRY(kz_seal_writer_open(&writer, &offset, p->spool, p->key, p->id, p->pool));
    while ((len = read(STDIN_FILENO, buffer, sizeof buffer)) > 0)
        KZ_TRY(kz_seal_write(writer, buffer, (size_t)len));
    KZ_TRY(kz_seal_writer_close(writer));
    return kz_seal_scan_copy(&p->size, p->sha256, p->spool, -1, p->key, p->id);
}

static kz_err_t *store(put_t *p)
{
    kz_seal_meta_t meta = {
        .firm = kz_grant_firm(p->grant),
        .document = p->id,
        .client = p->argv[3],
        .matter = p->argv[4],
        .name = "brief.pdf",
        .type = "application/pdf",
        .by = p->argv[5],
        .at = apr_time_now(),
        .size = p->size,
    };
    struct stat info;
    kz_err_t *err;
    int fd;

    memcpy(meta.sha256, p->sha256, sizeof meta.sha256);
    KZ_TRY(kz_seal_spool_finish(p->spool, p->key, &meta, p->pool));
    fd = open(p->spool, O_RDONLY);
    if (fd < 0 || fstat(fd, &info) != 0)
        return kz_err_create(KZ_ERR_INTERNAL, "%s", p->spool);
    err = kz_stores_put(p->held, p->portal->stores, p->object, fd, (apr_uint64_t)info.st_size,
                        kz_clock_now() + 60 * APR_USEC_PER_SEC);
    close(fd);
    KZ_TRY(kz_seal_spool_remove(p->spool, p->pool));
    return err;
}

static kz_err_t *add_rows(put_t *p)
{
    kz_q_document_add_args_t args = {
        .id = p->id,
        .client = p->argv[3],
        .matter = p->argv[4],
        .direction = "from_client",
        .name = "brief.pdf",
        .type = "application/pdf",
        .size = (apr_int64_t)p->size,
        .sha256 = {p->sha256, sizeof p->sha256},
        .key = {p->wrapped, sizeof p->wrapped},
        .object = p->object,
        .by = p->argv[5],
        .state = "available",
        .reason = "",
    };
    int i;

    KZ_TRY(kz_grant_again(p->grant));
    KZ_TRY(kz_q_document_add(NULL, kz_grant_db(p->grant), &args));
    for (i = 0; i < kz_stores_count(p->portal->stores); i++)
        KZ_TRY(kz_q_object_copy_set(
            NULL, kz_grant_db(p->grant),
            &(kz_q_object_copy_set_args_t){.document = p->id,
                                           .store = kz_stores_name(p->portal->stores, i),
                                           .state = p->held[i] ? "held" : "missing"}));
    return kz_grant_commit(p->grant);
}

static kz_err_t *put(put_t *p)
{
    int firm = atoi(p->argv[2]);
    kz_conf_t *conf;

    KZ_TRY(kz_conf_read(&conf, p->argv[1], p->pool));
    KZ_TRY(kz_portal_open(&p->portal, conf, p->pool));
    KZ_TRY(kz_grant_portal(&p->grant, p->portal, firm, p->pool));
    kz_str_uuid_v7(p->id);
    p->spool = apr_pstrcat(p->pool, conf->spool, "/", p->id, NULL);
    p->object = apr_psprintf(p->pool, "%d/%.2s/%s/1", firm, p->id + 34, p->id);
    KZ_TRY(seal_input(p));
    KZ_TRY(store(p));
    return add_rows(p);
}

int main(int argc, const char **argv)
{
    put_t p = {.argv = argv};
    kz_err_t *err;
    int code;

    if (argc != 6)
        return 2;
    apr_initialize();
    apr_pool_create(&p.pool, NULL);
    err = put(&p);
    if (err)
        fprintf(stderr, "%s\n", kz_err_detail(err));
    else
        printf("%s %s\n", p.id, p.object);
    code = err ? 1 : 0;
    kz_err_free(err);
    apr_pool_destroy(p.pool);
    apr_terminate();
    return code;
}
