/* The Cookie header (RFC 6265 section 4.2.1). Knows no httpd: fuzzed alone. httpd's
 * ap_cookie_read() is not used, because it logs an error whenever a reader sends a name twice. */
#ifndef KZ_HTTP_COOKIE_H
#define KZ_HTTP_COOKIE_H

#include <apr_pools.h>

/* The value of the cookie "__Host-NAME" in HEADER (which may be NULL), copied into POOL; NULL if it
 * isn't there. The first of several counts. */
const char *kz_cookie_find(const char *header, const char *name, apr_pool_t *pool);

/* Names of the portal's cookies, without "__Host-". A hyphen behind "kz" begins the name of a firm
 * alone, so that no firm's name makes that of another cookie. */
#define KZ_COOKIE_BROWSER       "kz"              /* ties forms to a browser */
#define KZ_COOKIE_LANGUAGE      "kz_language"     /* of the reader */
#define KZ_COOKIE_KNOWN         "kz_known"        /* a browser that has signed in before */
#define KZ_COOKIE_LANGUAGE_LIFE (365 * 24 * 3600) /* seconds */

/* That of a session at the firm SLUG: sessions of several firms in one browser don't disturb each
 * other. In POOL. */
const char *kz_cookie_session(const char *slug, apr_pool_t *pool);

#endif
