/* Where the log's lines go: httpd's error log, as this module's. */
#include "http/log.h"

#include <http_config.h>
#include <http_log.h>

#include "base/log.h"
#include "conf/module.h"

APLOG_USE_MODULE(kanzlei);

/* CONTEXT is the request at work, whose id stands on the page of its error, too. The line is its
 * connection's: ap_log_rerror() adds the Referer, with what somebody has searched for. */
static void write_line(void *baton, kz_log_level_t level, const char *file, int line, void *context,
                       const char *text)
{
    request_rec *r = context;

    if (r)
        ap_log_cerror_(file, line, APLOG_MODULE_INDEX, level, 0, r->connection, "%s [request %s]",
                       text, r->log_id ? r->log_id : "-");
    else
        ap_log_error_(file, line, APLOG_MODULE_INDEX, level, 0, baton, "%s", text);
}

/* Threads that outlive the server's memory say nothing any more. */
static apr_status_t stop(void *baton)
{
    (void)baton;
    kz_log_hook_set(NULL, NULL, KZ_LOG_CRIT);
    return APR_SUCCESS;
}

void kz_http_log_start(server_rec *server, apr_pool_t *pool)
{
    apr_pool_cleanup_register(pool, NULL, stop, apr_pool_cleanup_null);
    kz_log_hook_set(write_line, server,
                    (kz_log_level_t)ap_get_server_module_loglevel(server, APLOG_MODULE_INDEX));
}
