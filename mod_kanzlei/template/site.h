/* One process as it shows pages and mails: the portal, the words of each language, the assets.
 */
#ifndef KZ_TEMPLATE_SITE_H
#define KZ_TEMPLATE_SITE_H

#include "model/portal.h"
#include "template/view.h"

#define KZ_SITE_LANGUAGES 2

/* What all children of one configuration see of each other. */
typedef struct kz_site_shared_t {
    kz_db_health_t db;
    volatile int test_signatures; /* the scanner has no others */
    volatile apr_time_t ready;    /* since when a child has been ready, by kz_clock_now(); 0:
                                     none yet */
    volatile int wrong_keys;      /* the master keys are not this installation's */
} kz_site_shared_t;

typedef struct kz_site_t {
    kz_portal_t *portal;
    const kz_words_t *languages[KZ_SITE_LANGUAGES + 1]; /* "de", "en", NULL */
    const char *css, *js, *strength_js;                 /* URLs of the assets */
    const char *openapi;                                /* the description, as JSON */
    apr_size_t openapi_len;                             /* bytes of it */
    kz_site_shared_t *shared;
} kz_site_t;

/* In the parent: loads and proves the templates, texts and assets of all languages and what
 * kz_portal_load() does, so that a mistake is said before any child starts, and children share it.
 * CONF must live as long as POOL. Errors: CONFIG. */
kz_err_t *kz_site_load(kz_site_t **site, const kz_conf_t *conf, apr_pool_t *pool);

/* In a child: what it works with, of what the parent has LOADED. Ends with POOL. The process shows
 * that it lives (kz_worker_live()), later if the spool is not there. Errors: those of
 * kz_portal_start(). */
kz_err_t *kz_site_start(kz_site_t **site, const kz_site_t *loaded, apr_pool_t *pool);

#endif
