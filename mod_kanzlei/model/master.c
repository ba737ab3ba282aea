#include "model/master.h"

#include "queries.h"

/* What to do about a key that is not the one which was used. */
static kz_err_t *wrong(const kz_portal_t *portal, apr_int64_t version, const char *what)
{
    return kz_err_create(KZ_ERR_CONFIG,
                         "KanzleiMasterKeys: master-%" APR_INT64_T_FMT " in %s is %s: put the key "
                         "back that this installation was used with",
                         version, portal->conf->master_keys, what);
}

static int is_there(const kz_portal_t *portal, apr_int64_t version)
{
    int count, i;
    const apr_uint32_t *versions = kz_seal_keyring_versions(&count, portal->keys);

    for (i = 0; i < count && versions[i] != version; i++)
        ;
    return i < count;
}

static kz_err_t *check_one(const kz_portal_t *portal, const kz_q_master_keys_t *row,
                           apr_pool_t *pool)
{
    kz_seal_key_t *key;
    kz_err_t *err;

    if (!is_there(portal, row->version)) /* one that no firm needs was retired */
        return row->firm ? wrong(portal, row->version, "missing") : NULL;
    if (row->proof.data)
        err = kz_seal_master_check(row->proof.data, portal->keys, portal->conf->installation, pool);
    else
        err = kz_seal_firm_open(&key, portal->keys, row->firm, row->key.data, pool);
    if (!err || kz_err_code(err) != KZ_ERR_SEAL)
        return err;
    kz_err_expected(err); /* said with what to do */
    return wrong(portal, row->version, "another key");
}

/* Checks the rows; *KNOWN becomes those of COUNT. */
static kz_err_t *check_all(kz_q_master_keys_t **known, int *count, const kz_portal_t *portal,
                           kz_db_t *db, apr_pool_t *pool)
{
    int i;

    KZ_TRY(kz_q_master_keys(known, count, db, pool));
    for (i = 0; i < *count; i++)
        KZ_TRY(check_one(portal, &(*known)[i], pool));
    return NULL;
}

kz_err_t *kz_master_check(const kz_portal_t *portal, kz_db_t *db, apr_pool_t *scratch_pool)
{
    kz_q_master_keys_t *known;
    int count;

    return check_all(&known, &count, portal, db, scratch_pool);
}

kz_err_t *kz_master_prove(const kz_portal_t *portal, apr_pool_t *scratch_pool)
{
    kz_err_t *err;
    kz_db_t *db;

    KZ_TRY(kz_db_begin(&db, portal->db, scratch_pool));
    err = kz_master_check(portal, db, scratch_pool);
    kz_db_end(db);
    return err;
}

static int is_noted(const kz_q_master_keys_t *known, int count, apr_uint32_t version)
{
    int i;

    for (i = 0; i < count; i++) {
        if (known[i].version == version)
            return known[i].proof.data != NULL;
    }
    return 0;
}

kz_err_t *kz_master_note(const kz_portal_t *portal, kz_db_t *db, apr_pool_t *scratch_pool)
{
    kz_q_master_keys_t *known;
    const apr_uint32_t *versions;
    int count, many, i;

    KZ_TRY(check_all(&known, &count, portal, db, scratch_pool));
    versions = kz_seal_keyring_versions(&many, portal->keys);
    for (i = 0; i < many; i++) {
        unsigned char proof[KZ_SEAL_WRAPPED];
        kz_q_master_key_note_args_t args = {versions[i], {proof, sizeof proof}};

        if (is_noted(known, count, versions[i]))
            continue;
        KZ_TRY(kz_seal_master_proof(proof, portal->keys, versions[i], portal->conf->installation,
                                    scratch_pool));
        KZ_TRY(kz_q_master_key_note(NULL, db, &args));
    }
    return NULL;
}
