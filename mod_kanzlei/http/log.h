/* The log of base/log.h, led into httpd's. */
#ifndef KZ_HTTP_LOG_H
#define KZ_HTTP_LOG_H

#include <httpd.h>

/* Leads this process's lines into SERVER's error log, at its LogLevel for this module, until POOL
 * ends. */
void kz_http_log_start(server_rec *server, apr_pool_t *pool);

#endif
