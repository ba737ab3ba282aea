/* One process as it shows pages and mails: the portal, the words of each language, the assets.
 */
#ifndef KZ_TEMPLATE_SITE_H
#define KZ_TEMPLATE_SITE_H

#include "model/portal.h"
#include "template/view.h"

#define KZ_SITE_LANGUAGES 2

typedef struct kz_site_t {
    kz_portal_t *portal;
    const kz_words_t *languages[KZ_SITE_LANGUAGES + 1]; /* "de", "en", NULL */
    const char *css, *js, *strength_js;                 /* URLs of the assets */
    const char *openapi;                                /* the description, as JSON */
    apr_size_t openapi_len;                             /* bytes of it */
    volatile int *test_signatures; /* the scanner has no others; one for all children */
} kz_site_t;

/* Makes what a process needs of CONF: the portal, the templates of all languages, the assets. All
 * of it ends with POOL. Errors: CONFIG; what kz_portal_open() has. */
kz_err_t *kz_site_open(kz_site_t **site, const kz_conf_t *conf, apr_pool_t *pool);

/* Loads templates, texts and assets alone, so that a mistake in them is said before children start.
 * Errors: CONFIG. */
kz_err_t *kz_site_try(const kz_conf_t *conf, apr_pool_t *pool);

#endif
