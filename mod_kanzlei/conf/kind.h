/* What a directive's value can be (conf/kind.def), and whether a value is such a one. */
#ifndef KZ_CONF_KIND_H
#define KZ_CONF_KIND_H

#include <apr_pools.h>

typedef enum kz_conf_kind_t {
#define KZ_KIND(kind, type, takes) KZ_CONF_##kind,
#include "conf/kind.def"
#undef KZ_KIND
} kz_conf_kind_t;

/* What a directive of KIND takes, for a message: "https://host[:port]". */
const char *kz_conf__takes(kz_conf_kind_t kind);
/* Returns 1 if VALUE can be one of KIND, as it is written. Numbers and stores have checks of their
 * own. */
int kz_conf__is_written_well(kz_conf_kind_t kind, const char *value, apr_pool_t *scratch_pool);
/* Returns 1 if what VALUE names is on this host. */
int kz_conf__is_there(kz_conf_kind_t kind, const char *value, apr_pool_t *scratch_pool);
/* Returns 1 if NAME and URL can be a store's. */
int kz_conf__is_store(const char *name, const char *url);
/* Returns 1 if this host has COUNT times BYTES of memory, or if that is not known. */
int kz_conf__is_memory_there(apr_int64_t bytes, int count);

#endif
