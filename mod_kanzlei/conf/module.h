/* The module's configuration of one server_rec. Only http/, work/, conf/ and mod_kanzlei.c include
 * this. */
#ifndef KZ_CONF_MODULE_H
#define KZ_CONF_MODULE_H

#include <httpd.h>
#include <http_config.h>

#include "conf/conf.h"

typedef struct kz_server_t {
    kz_conf_t *conf; /* one for all virtual hosts */
    int portal_on;   /* this virtual host is the portal */
} kz_server_t;

/* The one symbol that httpd looks for. */
extern __attribute__((visibility("default"))) module AP_MODULE_DECLARE_DATA kanzlei_module;
extern const command_rec kz_conf_commands[];

void *kz_conf_server_create(apr_pool_t *pool, server_rec *server);
void *kz_conf_server_merge(apr_pool_t *pool, void *base, void *own);

#endif
