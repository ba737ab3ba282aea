/* The directives as httpd sees them. */
#include "conf/module.h"

#include <apr_strings.h>

static kz_server_t *of(cmd_parms *cmd)
{
    return ap_get_module_config(cmd->server->module_config, &kanzlei_module);
}

static const char *set_portal(cmd_parms *cmd, void *unused, int on)
{
    (void)unused;
    of(cmd)->portal_on = on;
    return NULL;
}

/* All other directives belong to the server as a whole: they are kept with the main server. */
static const char *set(cmd_parms *cmd, void *unused, const char *value, const char *extra)
{
    const char *wrong = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)unused;
    return wrong ? wrong : kz_conf_set(of(cmd)->conf, cmd->cmd->name, value, extra, cmd->pool);
}

const command_rec kz_conf_commands[] = {AP_INIT_FLAG("KanzleiPortal", set_portal, NULL, RSRC_CONF,
                                                     "On: this virtual host is the portal"),
#define KZ_DIRECTIVE(directive, kind, member, preset, least, most, help)                           \
    AP_INIT_TAKE12(#directive, set, NULL, RSRC_CONF, help),
#include "conf/directives.def"
#undef KZ_DIRECTIVE
                                        {NULL, {NULL}, NULL, 0, RAW_ARGS, NULL}};

void *kz_conf_server_create(apr_pool_t *pool, server_rec *server)
{
    kz_server_t *made = apr_pcalloc(pool, sizeof *made);

    (void)server;
    made->conf = kz_conf_create(pool);
    return made;
}

/* A virtual host has the main server's settings and a switch of its own. */
void *kz_conf_server_merge(apr_pool_t *pool, void *base, void *own)
{
    kz_server_t *merged = apr_pcalloc(pool, sizeof *merged);

    merged->conf = ((kz_server_t *)base)->conf;
    merged->portal_on = ((kz_server_t *)own)->portal_on;
    return merged;
}
