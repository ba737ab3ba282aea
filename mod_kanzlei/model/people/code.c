#include "model/people/code.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <sodium.h>

#include "base/str.h"
#include "model/proof/event.h"
#include "model/people/session.h"
#include "queries.h"

#define KZ_CODE_HASH 32 /* bytes */

/* Crockford's base32 (crockford.com/base32.html): no I, L, O and U. */
static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static void hash_of(unsigned char hash[KZ_CODE_HASH], const kz_grant_t *grant, const char *digits)
{
    crypto_generichash(hash, KZ_CODE_HASH, (const unsigned char *)digits, strlen(digits),
                       kz_grant_services(grant)->token_key, KZ_SEAL_KEY);
}

static const char *in_groups(const char *digits, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%.4s-%.4s-%.4s-%.4s", digits, digits + 4, digits + 8, digits + 12);
}

kz_err_t *kz_code_create(const char **code, apr_time_t *expires, kz_grant_t *grant,
                         const char *account, const char *purpose, apr_pool_t *pool)
{
    const kz_conf_t *conf = kz_grant_services(grant)->conf;
    int invitation = strcmp(purpose, "invitation") == 0;
    char digits[KZ_CODE_DIGITS + 1] = "", id[KZ_STR_UUID_SIZE];
    unsigned char hash[KZ_CODE_HASH];
    kz_q_code_add_t *row;
    kz_q_code_add_args_t args = {
        .id = id,
        .account = account,
        .purpose = purpose,
        .hash = {hash, sizeof hash},
        .life = apr_time_as_msec(invitation ? conf->code_life : conf->reset_life),
    };
    int i;

    for (i = 0; i < KZ_CODE_DIGITS; i++)
        digits[i] = alphabet[randombytes_uniform(sizeof alphabet - 1)];
    kz_str_uuid_v7(id);
    hash_of(hash, grant, digits);
    KZ_TRY(kz_q_code_add(&row, kz_grant_db(grant), &args, pool));
    *code = in_groups(digits, pool);
    sodium_memzero(digits, sizeof digits);
    if (expires)
        *expires = row->expires;
    return NULL;
}

int kz_code_fold(char digits[KZ_CODE_DIGITS + 1], const char *typed)
{
    int n = 0;

    for (; *typed; typed++) {
        char c = (char)apr_toupper(*typed);

        if (c == '-' || apr_isspace(c))
            continue;
        c = c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c;
        if (n == KZ_CODE_DIGITS || !strchr(alphabet, c))
            return 0;
        digits[n++] = c;
    }
    digits[n] = '\0';
    return n == KZ_CODE_DIGITS;
}

kz_err_t *kz_code_find(kz_code_t **code, kz_grant_t *grant, const char *typed, apr_pool_t *pool)
{
    char digits[KZ_CODE_DIGITS + 1] = "";
    unsigned char hash[KZ_CODE_HASH];
    kz_q_code_find_args_t args = {.hash = {hash, sizeof hash}};
    kz_q_code_find_t *row;

    *code = apr_pcalloc(pool, sizeof **code);
    if (!kz_code_fold(digits, typed))
        return NULL;
    hash_of(hash, grant, digits);
    sodium_memzero(digits, sizeof digits);
    KZ_TRY(kz_q_code_find(&row, kz_grant_db(grant), &args, pool));
    if (!row)
        return NULL;
    (*code)->state = row->used ? KZ_CODE_USED : row->expired ? KZ_CODE_EXPIRED : KZ_CODE_GOOD;
    (*code)->id = row->id;
    (*code)->account = row->account;
    (*code)->kind = row->kind;
    (*code)->user = row->user;
    (*code)->name = row->name;
    (*code)->language = row->language;
    return NULL;
}

kz_err_t *kz_code_redeem(kz_code_redeemed_t *redeemed, kz_grant_t *grant, const kz_code_t *code,
                         const char *hash, const char *agent, apr_pool_t *pool)
{
    kz_event_t event = {.account = code->account, .subject = code->account};
    kz_session_for_t who = {code->account, code->kind, hash, agent};
    kz_q_code_redeem_t *row;

    redeemed->token = NULL;
    redeemed->state = KZ_CODE_USED;
    KZ_TRY(kz_q_code_redeem(&row, kz_grant_db(grant), &(kz_q_code_redeem_args_t){code->id, hash},
                            pool));
    if (!row->good) {
        kz_grant_rest(grant);
        return NULL;
    }
    KZ_TRY(kz_event_add(grant, KZ_EVENT_PASSWORD_SET, &event));
    KZ_TRY(kz_session_open(&redeemed->token, grant, &who, pool));
    redeemed->state = KZ_CODE_GOOD;
    return kz_grant_commit(grant);
}
