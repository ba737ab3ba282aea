/* The configuration: one struct for httpd and kanzleictl, filled from the directives that
 * directives.def lists. This header and settings.c know no httpd. */
#ifndef KZ_CONF_H
#define KZ_CONF_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#include "base/err.h"

typedef struct kz_conf_pair_t {
    const char *name, *value;
} kz_conf_pair_t;

#define KZ_CONF_STORE_RATE 4000000 /* bytes a second: no store may be slower */

#define KZ_KIND(kind, type, takes) typedef type kz_conf_##kind##_t;
#include "conf/kind.def"
#undef KZ_KIND

typedef struct kz_conf_t {
#define KZ_DIRECTIVE(directive, kind, member, preset, least, most, help) kz_conf_##kind##_t member;
#include "conf/directives.def"
#undef KZ_DIRECTIVE
} kz_conf_t;

typedef struct kz_conf_directive_t {
    const char *name, *help;
} kz_conf_directive_t;

extern const kz_conf_directive_t kz_conf_directives[];
extern const int kz_conf_directives_count;

/* A configuration with every default in place, in POOL. */
kz_conf_t *kz_conf_create(apr_pool_t *pool);
/* Sets the directive NAME; EXTRA is the second value of a store, NULL for the others. Returns NULL,
 * or a sentence that says what it takes: a value that can't work anywhere is refused here, so that
 * the message has its line. Strings are copied to POOL. */
const char *kz_conf_set(kz_conf_t *conf, const char *name, const char *value, const char *extra,
                        apr_pool_t *pool);
/* How long the stores may take over a document of BYTES: KanzleiStoreTimeout, and the time it needs
 * at KZ_CONF_STORE_RATE. */
apr_interval_time_t kz_conf_store_time(const kz_conf_t *conf, apr_uint64_t bytes);
/* Returns a sentence about a setting that is missing, or that can't work on this host or beside the
 * others; NULL when all is well. Looks at files and folders. */
const char *kz_conf_check(const kz_conf_t *conf, apr_pool_t *pool);
/* Reads a file of directives as httpd does: one a line, # comments, "quoted values". */
kz_err_t *kz_conf_read(kz_conf_t **conf, const char *path, apr_pool_t *pool);

#endif
