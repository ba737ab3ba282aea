/* kanzlei-scand as a helper of httpd: started by the parent, started again when it ends. */
#ifndef KZ_WORK_SCANNER_H
#define KZ_WORK_SCANNER_H

#include <httpd.h>

#include "conf/conf.h"

/* Starts the scanner that CONF names, unless it names none. It ends with PCONF. Errors: CONFIG. */
kz_err_t *kz_scanner_start(const kz_conf_t *conf, apr_pool_t *pconf);

#endif
