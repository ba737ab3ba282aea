/* kanzlei-scand as a helper of httpd: started by the parent, started again when it ends. It lives
 * as long as the parent: a restart of httpd leaves it alone unless its arguments have changed. */
#ifndef KZ_WORK_SCANNER_H
#define KZ_WORK_SCANNER_H

#include <httpd.h>

#include "conf/conf.h"

/* Whether the scanner can be started as CONF wants it: its program, and as whom. Errors: CONFIG. */
kz_err_t *kz_scanner_check(const kz_conf_t *conf);

/* Starts the scanner that CONF names, unless the one that runs is the same. CONF NULL, or without a
 * program: none is wanted any more. A scanner that is not wanted any more comes to the end of its
 * scans; one that is replaced does so when the new one has loaded. Until PCONF ends, the parent
 * looks after the scanner. Errors: CONFIG. */
kz_err_t *kz_scanner_start(const kz_conf_t *conf, apr_pool_t *pconf);

#endif
