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

/* Reads and judges PASSWORD for USER; *FITTED is the hash that it fits, or NULL. Argon2id holds no
 * connection: a new transaction begins. *FOUND is NULL for an unknown name. */
static kz_err_t *verify(const char **fitted, kz_q_sign_in_find_t **found, kz_grant_t *grant,
                        const char *user, const char *password, apr_pool_t *pool)
{
    kz_portal_t *portal = kz_grant_services(grant);
    kz_q_sign_in_find_args_t args = {user, apr_time_as_msec(portal->conf->lock_time)};
    int ok;

    KZ_TRY(kz_q_sign_in_find(found, kz_grant_db(grant), &args, pool));
    kz_grant_rest(grant);
    KZ_TRY(kz_password_verify(&ok, grant, *found ? (*found)->password : NULL, password, pool));
    *fitted = ok ? (*found)->password : NULL;
    return kz_grant_again(grant);
}

/* Answers a password that was tried, FITTED by verify(): KZ_SESSION_RIGHT leaves the transaction
 * open, with the account's row taken; after the others it is committed, since a wrong one counts.
 * Nothing is counted for an unknown name: so that the time doesn't tell, the commit waits for no
 * disk. */
static kz_err_t *judge(kz_session_answer_t *answer, kz_grant_t *grant, const char *user,
                       const char *fitted, const kz_q_sign_in_find_t *found, const char *password)
{
    apr_pool_t *pool = kz_grant_pool(grant);
    kz_portal_t *portal = kz_grant_services(grant);
    unsigned char mark[KZ_PASSWORD_MARK];
    kz_q_password_tried_t *row;
    kz_q_password_tried_args_t args = {
        .user = user,
        .fitted = fitted,
        .mark = {mark, sizeof mark},
        .lock_time = apr_time_as_msec(portal->conf->lock_time),
    };

    kz_password_mark(mark, portal, found ? found->id : "", kz_password_fold(password, pool));
    KZ_TRY(kz_db_soon(kz_grant_db(grant)));
    KZ_TRY(kz_q_password_tried(&row, kz_grant_db(grant), &args, pool));
    *answer = !row                                  ? KZ_SESSION_WRONG
              : strcmp(row->verdict, "right") == 0  ? KZ_SESSION_RIGHT
              : strcmp(row->verdict, "locked") == 0 ? KZ_SESSION_LOCKED
                                                    : KZ_SESSION_WRONG;
    if (*answer == KZ_SESSION_RIGHT)
        return NULL;
    if (row && row->counted)
        KZ_TRY(kz_event_add(
            grant, *answer == KZ_SESSION_LOCKED ? KZ_EVENT_LOCKED : KZ_EVENT_WRONG_PASSWORD,
            &(kz_event_t){.account = row->id, .subject = row->id}));
    return kz_grant_commit(grant);
}

kz_err_t *kz_session_sign_in(kz_session_made_t **made, kz_grant_t *grant, const char *user,
                             const char *password, const char *agent, apr_pool_t *pool)
{
    kz_q_sign_in_find_t *found;
    kz_session_answer_t answer;
    const char *token, *fitted;

    *made = NULL;
    KZ_TRY(verify(&fitted, &found, grant, user, password, pool));
    if (!fitted || found->locked)
        return judge(&answer, grant, user, fitted, found, password);
    KZ_TRY(kz_session_open(&token, grant,
                           &(kz_session_for_t){found->id, found->kind, fitted, agent}, pool));
    if (token) { /* otherwise locked in this moment, or it has got another password */
        *made = apr_pcalloc(pool, sizeof **made);
        (*made)->language = found->language;
        (*made)->token = token;
    }
    return kz_grant_commit(grant);
}

kz_err_t *kz_session_ask(kz_session_answer_t *answer, const char **fitted, kz_grant_t *grant,
                         const char *password, apr_pool_t *pool)
{
    const char *user = kz_grant_user(grant);
    kz_q_sign_in_find_t *found;

    KZ_TRY(verify(fitted, &found, grant, user, password, pool));
    KZ_TRY(judge(answer, grant, user, *fitted, found, password));
    return kz_grant_again(grant);
}

kz_err_t *kz_session_change(kz_session_answer_t *answer, kz_grant_t *grant, const char *fitted,
                            const char *hash, apr_pool_t *pool)
{
    const kz_conf_t *conf = kz_grant_services(grant)->conf;
    kz_q_password_change_t *row;
    kz_q_password_change_args_t args = {
        .fitted = fitted,
        .password = hash,
        .keep = kz_grant_session(grant),
        .lock_time = apr_time_as_msec(conf->lock_time),
    };

    KZ_TRY(kz_q_password_change(&row, kz_grant_db(grant), &args, pool));
    *answer = row->changed ? KZ_SESSION_RIGHT : KZ_SESSION_LOCKED;
    if (!row->changed)
        return kz_grant_again(grant);
    KZ_TRY(kz_event_add(grant, KZ_EVENT_PASSWORD_SET,
                        &(kz_event_t){.subject = kz_grant_account(grant)}));
    return kz_grant_commit(grant);
}
