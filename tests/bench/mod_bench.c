/* Makes mod_dav_fs a fair yardstick: before the answer to a PUT goes out, this flushes its file and
 * folder. With BenchSecond it also writes the file to a second folder at the same time, and flushes
 * that too, as Kanzleipost's stores do. For tests/bench alone. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_request.h>
#include <apr_strings.h>
#include <util_filter.h>

typedef struct bench_t {
    int flush;
    const char *second; /* folder, or NULL */
} bench_t;

typedef struct copy_t {
    const char *from, *folder, *to;
    int failed;
} copy_t;

/* The one symbol that httpd looks for. */
extern __attribute__((visibility("default"))) module AP_MODULE_DECLARE_DATA bench_module;

static int flush(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), failed = fd < 0 || fsync(fd) != 0;

    if (fd >= 0)
        close(fd);
    return failed;
}

static void *copy(void *baton)
{
    copy_t *job = baton;
    int from = open(job->from, O_RDONLY | O_CLOEXEC);
    int to = open(job->to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    struct stat info;
    off_t at = 0;

    job->failed = from < 0 || to < 0 || fstat(from, &info) != 0;
    while (!job->failed && at < info.st_size)
        job->failed = sendfile(to, from, &at, (size_t)(info.st_size - at)) <= 0;
    job->failed = job->failed || fsync(to) != 0 || flush(job->folder);
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    return NULL;
}

static int keep(request_rec *r, const bench_t *conf)
{
    const char *name = strrchr(r->filename, '/');
    copy_t job = {.from = r->filename, .folder = conf->second};
    pthread_t thread;
    int failed;

    job.to = apr_pstrcat(r->pool, conf->second, name, NULL); /* if there is one */
    if (conf->second && pthread_create(&thread, NULL, copy, &job) != 0)
        return 1;
    failed = flush(r->filename) ||
             flush(apr_pstrmemdup(r->pool, r->filename, (apr_size_t)(name - r->filename)));
    if (conf->second)
        pthread_join(thread, NULL);
    return failed || job.failed;
}

static apr_status_t before_answer(ap_filter_t *filter, apr_bucket_brigade *bb)
{
    request_rec *r = filter->r;
    const bench_t *conf = ap_get_module_config(r->per_dir_config, &bench_module);

    ap_remove_output_filter(filter);
    if (r->status == HTTP_CREATED && keep(r, conf)) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, errno, r, "bench: %s was not kept", r->filename);
        return APR_EGENERAL;
    }
    return ap_pass_brigade(filter->next, bb);
}

static void insert_filter(request_rec *r)
{
    const bench_t *conf = ap_get_module_config(r->per_dir_config, &bench_module);

    if (conf->flush && r->method_number == M_PUT)
        ap_add_output_filter("BENCH", NULL, r, r->connection);
}

static void *create(apr_pool_t *pool, char *folder)
{
    (void)folder;
    return apr_pcalloc(pool, sizeof(bench_t));
}

static const command_rec commands[] = {
    AP_INIT_TAKE1("BenchSecond", ap_set_string_slot, (void *)APR_OFFSETOF(bench_t, second),
                  ACCESS_CONF, "second folder of what PUT brings"),
    AP_INIT_FLAG("BenchFlush", ap_set_flag_slot, (void *)APR_OFFSETOF(bench_t, flush), ACCESS_CONF,
                 "flush what PUT brings"),
    {NULL},
};

static void hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_register_output_filter("BENCH", before_answer, NULL, AP_FTYPE_RESOURCE);
    ap_hook_insert_filter(insert_filter, NULL, NULL, APR_HOOK_LAST);
}

AP_DECLARE_MODULE(bench) = {STANDARD20_MODULE_STUFF, create, NULL, NULL, NULL, commands, hooks, 0};
