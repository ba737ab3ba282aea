/* The Cookie header (RFC 6265 section 4.2.1). Knows no httpd: fuzzed alone. httpd's
 * ap_cookie_read() is not used, because it logs an error whenever a reader sends a name twice. */
#ifndef KZ_HTTP_COOKIE_H
#define KZ_HTTP_COOKIE_H

#include <apr_pools.h>

/* The value of the cookie "__Host-NAME" in HEADER (which may be NULL), copied into POOL; NULL if it
 * isn't there. The first of several counts. */
const char *kz_cookie_find(const char *header, const char *name, apr_pool_t *pool);

#endif
