#include "model/portal.h"

#include <stdlib.h>
#include <string.h>

#include <apr_file_io.h>
#include <apr_strings.h>
#include <sodium.h>

#include "base/str.h"
#include "io/scan/scan.h"
#include "base/log.h"
#include "base/secret.h"
#include "model/master.h"
#include "model/people/password.h"
#include "model/worker.h"

#define KZ_PORTAL_WORDS_MAX (4 << 20) /* bytes of the word list */
#define KZ_PORTAL_PASSWORD  256       /* bytes of the password at the mail server, with its NUL */
#define KZ_PORTAL_FINISHING 1         /* uploads for each worker of the scanner */

static kz_err_t *open_stores(kz_portal_t *portal, apr_pool_t *pool)
{
    const apr_array_header_t *list = portal->conf->stores;
    kz_store_place_t *places = apr_pcalloc(pool, sizeof *places * (size_t)list->nelts);
    int quorum = portal->conf->quorum, i;

    for (i = 0; i < list->nelts; i++) {
        places[i].name = APR_ARRAY_IDX(list, i, kz_conf_pair_t).name;
        places[i].url = APR_ARRAY_IDX(list, i, kz_conf_pair_t).value;
    }
    if (quorum == 0)
        quorum = list->nelts / 2 + 1;
    return kz_err_wrap(kz_stores_open(&portal->stores, places, list->nelts, quorum,
                                      portal->conf->installation, pool),
                       "KanzleiStore");
}

/* The password at the mail server: one line of a file that its owner alone may read. */
static kz_err_t *read_mail_password(kz_portal_t *portal, apr_pool_t *pool)
{
    const char *path = portal->conf->mail_password_file;
    apr_file_t *file;
    apr_finfo_t info;
    apr_size_t len = KZ_PORTAL_PASSWORD - 1;
    char *room;
    apr_status_t status;

    if (!*path)
        return NULL;
    KZ_TRY(kz_secret_alloc((void **)&room, KZ_PORTAL_PASSWORD, pool));
    status = apr_file_open(&file, path, APR_FOPEN_READ, 0, pool);
    if (status == APR_SUCCESS)
        status = apr_file_info_get(&info, APR_FINFO_PROT, file);
    if (status == APR_SUCCESS && (info.protection & (APR_FPROT_GREAD | APR_FPROT_WREAD)))
        return kz_err_create(KZ_ERR_CONFIG, "%s must be readable by its owner alone", path);
    if (status == APR_SUCCESS)
        status = apr_file_read(file, room, &len);
    if (status != APR_SUCCESS)
        return kz_err_status(KZ_ERR_CONFIG, status, "%s", path);
    apr_file_close(file);
    room[strcspn(room, "\r\n")] = '\0';
    portal->mail.password = room;
    return NULL;
}

static void set_mail(kz_portal_t *portal)
{
    const kz_conf_t *conf = portal->conf;

    portal->mail.url = conf->mail;
    portal->mail.from = conf->mail_from;
    portal->mail.user = *conf->mail_user ? conf->mail_user : NULL;
    portal->mail.ca_file = *conf->mail_ca ? conf->mail_ca : NULL;
    portal->mail.timeout = conf->mail_timeout;
}

/* The word list of the password check is optional: without it the check knows English alone.
 */
static const char *read_words(const char *dir, apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, dir, "/words.de.txt", NULL);
    apr_file_t *file;
    apr_finfo_t info;
    apr_size_t len;
    char *text;

    if (apr_file_open(&file, path, APR_FOPEN_READ, 0, pool) != APR_SUCCESS)
        return NULL;
    if (apr_file_info_get(&info, APR_FINFO_SIZE, file) != APR_SUCCESS ||
        info.size > KZ_PORTAL_WORDS_MAX)
        return NULL;
    text = apr_palloc(pool, (apr_size_t)info.size + 1);
    if (apr_file_read_full(file, text, (apr_size_t)info.size, &len) != APR_SUCCESS)
        return NULL;
    text[len] = '\0';
    apr_file_close(file);
    return text;
}

kz_err_t *kz_portal_load(kz_portal_t **portal, const kz_conf_t *conf, apr_pool_t *pool)
{
    kz_portal_t *made = apr_pcalloc(pool, sizeof *made);
    const char *sender;
    kz_err_t *err;

    if (sodium_init() < 0)
        return kz_err_create(KZ_ERR_CONFIG, "libsodium does not start");
    err = kz_db_conninfo_check(conf->database);
    if (err)
        return kz_err_wrap(err, "KanzleiDatabase");
    err = kz_mail_address(&sender, conf->mail_from, pool);
    if (err) {
        kz_err_expected(err); /* said with the directive's name */
        return kz_err_create(KZ_ERR_CONFIG, "KanzleiMailFrom is a mail address, not \"%s\"",
                             conf->mail_from);
    }
    made->conf = conf;
    KZ_TRY(kz_seal_keyring_open(&made->keys, conf->master_keys, pool));
    KZ_TRY(kz_seal_derive(&made->csrf_keys, made->keys, "csrf", pool));
    KZ_TRY(kz_seal_derive(&made->token_keys, made->keys, "token", pool));
    set_mail(made);
    KZ_TRY(read_mail_password(made, pool));
    made->words = read_words(conf->html, pool);
    *portal = made;
    return NULL;
}

static void lock_keys(const unsigned char *const *keys)
{
    for (; *keys; keys++)
        kz_secret_lock(*keys, KZ_SEAL_KEY);
}

static void lock_secrets(const kz_portal_t *portal)
{
    kz_seal_keyring_lock(portal->keys);
    lock_keys(portal->csrf_keys);
    lock_keys(portal->token_keys);
    if (portal->mail.password)
        kz_secret_lock(portal->mail.password, KZ_PORTAL_PASSWORD);
}

/* Where uploads wait while many end in the same moment. Each keeps a thread: a quarter of them may
 * wait in each of the lines, an eighth for one account, and the rest is left to pages. */
static kz_err_t *make_lines(kz_portal_t *portal, apr_pool_t *pool)
{
    const kz_conf_t *conf = portal->conf;
    int threads = portal->threads;
    kz_slots_bounds_t bounds = {
        .waiting = threads > 0 ? threads / 4 + 1 : KZ_SLOTS_ANY,
        .share = threads > 0 ? threads / 8 + 1 : KZ_SLOTS_ANY,
        .first = &portal->pages,
    };

    bounds.count = bounds.each = (conf->db_connections + 1) / 2;
    KZ_TRY(kz_slots_create(&portal->behind, &bounds, "an upload's transaction", pool));
    bounds.count = KZ_PORTAL_FINISHING * conf->scan_workers;
    bounds.each = (bounds.count + 1) / 2;
    return kz_slots_create(&portal->finishing, &bounds, "what follows the last byte", pool);
}

kz_err_t *kz_portal_start(kz_portal_t **portal, const kz_portal_t *loaded, apr_pool_t *pool)
{
    kz_portal_t *made = apr_pmemdup(pool, loaded, sizeof *made);
    const kz_conf_t *conf = made->conf;

    if (sodium_init() < 0)
        return kz_err_create(KZ_ERR_CONFIG, "libsodium does not start");
    lock_secrets(made);
    kz_str_uuid_v7(made->worker);
    KZ_TRY(kz_worker_prepare(made, pool));
    KZ_TRY(kz_db_pool_open(&made->db, conf->database, conf->db_connections, conf->db_timeout,
                           made->db_health, pool));
    KZ_TRY(kz_argon2_create(&made->argon2, conf, pool));
    KZ_TRY(make_lines(made, pool));
    KZ_TRY(open_stores(made, pool));
    kz_scan_bound((apr_uint64_t)conf->scan_memory, (apr_uint64_t)conf->scan_maximum);
    *portal = made;
    return NULL;
}

kz_err_t *kz_portal_prove(const kz_portal_t *loaded, apr_pool_t *scratch_pool)
{
    kz_portal_t portal = *loaded;
    const kz_conf_t *conf = loaded->conf;
    kz_err_t *err;

    KZ_TRY(open_stores(&portal, scratch_pool));
    KZ_TRY(kz_worker_marker(conf, scratch_pool));
    KZ_TRY(kz_db_pool_open(&portal.db, conf->database, 1, conf->db_timeout, NULL, scratch_pool));
    err = kz_master_prove(&portal, scratch_pool);
    if (!err || kz_err_code(err) == KZ_ERR_CONFIG)
        return err;
    kz_log_err(KZ_LOG_WARNING, KZ_LOGNO(0060) "the master keys are proven later: ", err);
    return NULL;
}

kz_err_t *kz_portal_open(kz_portal_t **portal, const kz_conf_t *conf, apr_pool_t *pool)
{
    kz_portal_t *loaded;

    KZ_TRY(kz_portal_load(&loaded, conf, pool));
    return kz_portal_start(portal, loaded, pool);
}

const char *kz_portal_stores(const kz_portal_t *portal, apr_pool_t *pool)
{
    const char *list = "";
    int i;

    for (i = 0; i < kz_stores_count(portal->stores); i++)
        list = apr_pstrcat(pool, list, i ? "\n" : "", kz_stores_name(portal->stores, i), NULL);
    return list;
}
