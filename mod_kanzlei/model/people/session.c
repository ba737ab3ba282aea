#include "model/people/session.h"

#include <string.h>

#include <apr_strings.h>
#include <sodium.h>

#include "base/str.h"
#include "model/proof/event.h"
#include "model/people/password.h"
#include "queries.h"

#define KZ_SESSION_TOKEN 32 /* random bytes */
#define KZ_SESSION_AGENT                                                                           \
    200 /* bytes of the browser's name that are kept: the end says which it is */

int kz_session_hash(unsigned char hash[KZ_GRANT_TOKEN_HASH], const char *value)
{
    size_t len = strlen(value);

    if (len != 44 || (*value != 's' && *value != 'c'))
        return 0;
    crypto_generichash(hash, KZ_GRANT_TOKEN_HASH, (const unsigned char *)value, len, NULL, 0);
    return 1;
}

/* The browser's name for the list of sessions: printable ASCII, not too long. */
static const char *clean(const char *agent, apr_pool_t *pool)
{
    char *copy = apr_pstrndup(pool, agent, KZ_SESSION_AGENT), *at;

    for (at = copy; *at; at++) {
        if (*at < ' ' || *at > '~')
            *at = '?';
    }
    return copy;
}

kz_err_t *kz_session_open(const char **token, kz_grant_t *grant, const kz_session_for_t *who,
                          apr_pool_t *pool)
{
    const kz_conf_t *conf = kz_grant_services(grant)->conf;
    unsigned char random[KZ_SESSION_TOKEN], hash[KZ_GRANT_TOKEN_HASH];
    const unsigned char *before = kz_grant_token(grant);
    char id[KZ_STR_UUID_SIZE], prefix[2] = {*who->kind, '\0'};
    kz_q_sign_in_t *row;
    kz_q_sign_in_args_t args = {
        .account = who->account,
        .password = who->password,
        .lock_time = apr_time_as_msec(conf->lock_time),
        .session = id,
        .token = {hash, sizeof hash},
        .idle = apr_time_as_msec(conf->session_idle),
        .life = apr_time_as_msec(conf->session_max),
        .agent = clean(who->agent, pool),
        .before = {before, before ? KZ_GRANT_TOKEN_HASH : 0},
    };
    const char *made;

    *token = NULL;
    kz_str_uuid_v7(id);
    randombytes_buf(random, sizeof random);
    made = apr_pstrcat(pool, prefix, kz_str_base64url(random, sizeof random, pool), NULL);
    sodium_memzero(random, sizeof random);
    kz_session_hash(hash, made);
    KZ_TRY(kz_q_sign_in(&row, kz_grant_db(grant), &args, pool));
    if (!row->taken)
        return NULL;
    *token = made;
    return kz_event_add(grant, KZ_EVENT_SIGNED_IN,
                        &(kz_event_t){.account = who->account, .subject = who->account});
}

/* Counts a wrong password; the third one locks, and then LOCKED becomes 1. Nothing is counted for
 * an unknown name: so that the time doesn't tell, the commit waits for no disk. */
static kz_err_t *count_wrong(int *locked, kz_grant_t *grant, const char *user, const char *account,
                             const char *password, apr_pool_t *pool)
{
    kz_portal_t *portal = kz_grant_services(grant);
    unsigned char mark[KZ_PASSWORD_MARK];
    kz_q_sign_in_wrong_t *row;
    kz_q_sign_in_wrong_args_t args = {
        .user = user,
        .mark = {mark, sizeof mark},
        .lock_time = apr_time_as_msec(portal->conf->lock_time),
    };

    kz_password_mark(mark, portal, account ? account : "", kz_password_fold(password, pool));
    KZ_TRY(kz_db_soon(kz_grant_db(grant)));
    KZ_TRY(kz_q_sign_in_wrong(&row, kz_grant_db(grant), &args, pool));
    if (row) {
        *locked = row->locked;
        KZ_TRY(kz_event_add(grant, row->locked ? KZ_EVENT_LOCKED : KZ_EVENT_WRONG_PASSWORD,
                            &(kz_event_t){.account = row->id, .subject = row->id}));
    }
    return kz_grant_commit(grant);
}

/* Whether PASSWORD is USER's and the account is not locked; *FOUND is NULL for an unknown name. */
static kz_err_t *verify(int *ok, kz_q_sign_in_find_t **found, kz_grant_t *grant, const char *user,
                        const char *password, apr_pool_t *pool)
{
    kz_portal_t *portal = kz_grant_services(grant);
    kz_q_sign_in_find_args_t args = {user, apr_time_as_msec(portal->conf->lock_time)};

    KZ_TRY(kz_q_sign_in_find(found, kz_grant_db(grant), &args, pool));
    kz_grant_rest(grant); /* argon2id holds no connection */
    KZ_TRY(kz_password_verify(ok, portal, *found ? (*found)->password : NULL, password, pool));
    *ok = *ok && !(*found)->locked;
    return kz_grant_again(grant);
}

kz_err_t *kz_session_sign_in(kz_session_made_t **made, kz_grant_t *grant, const char *user,
                             const char *password, const char *agent, apr_pool_t *pool)
{
    kz_q_sign_in_find_t *found;
    const char *token;
    int ok, locked;

    *made = NULL;
    KZ_TRY(verify(&ok, &found, grant, user, password, pool));
    if (!ok)
        return count_wrong(&locked, grant, user, found ? found->id : NULL, password, pool);
    KZ_TRY(kz_session_open(
        &token, grant, &(kz_session_for_t){found->id, found->kind, found->password, agent}, pool));
    if (token) { /* otherwise locked in this moment, or it has got another password */
        *made = apr_pcalloc(pool, sizeof **made);
        (*made)->language = found->language;
        (*made)->token = token;
    }
    return kz_grant_commit(grant);
}

kz_err_t *kz_session_ask(kz_session_answer_t *answer, kz_grant_t *grant, const char *password,
                         apr_pool_t *pool)
{
    const char *user = kz_grant_user(grant);
    kz_q_sign_in_find_t *found;
    int ok, locked;

    KZ_TRY(verify(&ok, &found, grant, user, password, pool));
    *answer = KZ_SESSION_RIGHT;
    if (ok)
        return NULL;
    locked = found && found->locked;
    KZ_TRY(count_wrong(&locked, grant, user, found ? found->id : NULL, password, pool));
    *answer = locked ? KZ_SESSION_LOCKED : KZ_SESSION_WRONG;
    return kz_grant_again(grant);
}
