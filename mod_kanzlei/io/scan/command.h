/* The command line of kanzlei-scand, as the configuration wants it. */
#ifndef KZ_IO_SCAN_COMMAND_H
#define KZ_IO_SCAN_COMMAND_H

#include <apr_pools.h>

#include "conf/conf.h"

/* The arguments behind the program's name, ended by NULL; they say nothing of users. Allocated in
 * POOL, or CONF's. */
const char *const *kz_scan_command(const kz_conf_t *conf, apr_pool_t *pool);

#endif
