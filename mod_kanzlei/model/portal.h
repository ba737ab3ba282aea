/* One process of the portal: configuration, database, stores, keys. Made once, then
 * used by all threads. */
#ifndef KZ_MODEL_PORTAL_H
#define KZ_MODEL_PORTAL_H

#include <sys/types.h>

#include <apr_pools.h>
#include <apr_thread_mutex.h>

#include "base/slots.h"
#include "conf/conf.h"
#include "io/db/db.h"
#include "io/mail/mail.h"
#include "io/seal/seal.h"
#include "io/store/store.h"

typedef struct kz_argon2_t kz_argon2_t; /* the slots: model/people/password.h */

#define KZ_PORTAL_CLAIMS 256 /* uploads that one process finishes at once, at most */

typedef struct kz_portal_t {
    const kz_conf_t *conf;
    kz_db_pool_t *db;
    kz_db_health_t *db_health; /* what all processes of httpd share; NULL: this one is alone */
    kz_stores_t *stores;
    kz_seal_keyring_t *keys;
    kz_argon2_t *argon2;
    int threads; /* requests that this process can have at work; 0: no bound is known */
    volatile apr_uint32_t pages; /* transactions of pages, or those that wait for a connection */
    kz_slots_t *behind;          /* transactions of uploads: pages have the other connections */
    kz_slots_t *finishing;       /* uploads whose bytes are there: scanned, stored, committed */
    kz_mail_config_t mail;
    /* KZ_SEAL_KEY bytes each, by kz_seal_derive(): what an older one has made is still good. */
    const unsigned char *const *csrf_keys;  /* for form tokens */
    const unsigned char *const *token_keys; /* for marks of wrong passwords and for codes */
    const char *words;              /* word list of the password check, one a line; NULL: none */
    char worker[37];                /* UUID of this process, in leases */
    apr_thread_mutex_t *alive_lock; /* guards the next six: model/worker.h */
    const char *alive_file;
    int alive;              /* descriptor, -1: not yet */
    apr_time_t alive_since; /* when the file was made first, by the clock of this host */
    dev_t alive_device;     /* of the folder that the file was made in */
    ino_t alive_folder;     /* the same folder's inode */
    unsigned char claimed[KZ_PORTAL_CLAIMS]; /* 1: that place in the file names an upload */
} kz_portal_t;

/* Loads and proves what several processes may share: keys, the password at the mail server, the
 * word list. Nothing but these can be used of *PORTAL; a process makes its own of it by
 * kz_portal_start(). CONF must live as long as POOL. Errors: CONFIG. */
kz_err_t *kz_portal_load(kz_portal_t **portal, const kz_conf_t *conf, apr_pool_t *pool);
/* What a process works with, of what was LOADED before it was forked: its keys are locked in the
 * memory of this process, too; database and stores are opened, but need not be up. Ends with POOL;
 * LOADED must live as long. Errors: CONFIG. */
kz_err_t *kz_portal_start(kz_portal_t **portal, const kz_portal_t *loaded, apr_pool_t *pool);
/* Proves, before a process works with what was LOADED, that stores and master keys are this
 * installation's. A store that is not there is left out; so are the keys while the database is not
 * there: kz_master_prove() does it later. Errors: CONFIG. */
kz_err_t *kz_portal_prove(const kz_portal_t *loaded, apr_pool_t *scratch_pool);
/* Both, for a process that is alone. Errors: CONFIG. */
kz_err_t *kz_portal_open(kz_portal_t **portal, const kz_conf_t *conf, apr_pool_t *pool);

/* The names of the configured stores, one a line, as statements take them. */
const char *kz_portal_stores(const kz_portal_t *portal, apr_pool_t *pool);

#endif
