#include "model/people/code.h"

#include <string.h>

#include <apr_strings.h>
#include <sodium.h>

#include "base/str.h"
#include "base/text.h"
#include "model/proof/event.h"
#include "model/people/session.h"
#include "queries.h"

#define KZ_CODE_BOX    "code in a job"
#define KZ_CODE_SEALED (KZ_CODE_DIGITS + KZ_SEAL_BOX_EXTRA) /* bytes */

/* Crockford's base32 (crockford.com/base32.html): no I, L, O and U. */
static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static void hash_by(unsigned char hash[KZ_CODE_HASH], const unsigned char *key, const char *digits)
{
    crypto_generichash(hash, KZ_CODE_HASH, (const unsigned char *)digits, strlen(digits), key,
                       KZ_SEAL_KEY);
}

static void hash_of(unsigned char hash[KZ_CODE_HASH], const kz_grant_t *grant, const char *digits)
{
    hash_by(hash, kz_grant_services(grant)->token_keys[0], digits);
}

static const char *in_groups(const char *digits, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%.4s-%.4s-%.4s-%.4s", digits, digits + 4, digits + 8, digits + 12);
}

/* A code that nobody has yet. */
typedef struct drawn_t {
    char id[KZ_STR_UUID_SIZE];
    char digits[KZ_CODE_DIGITS + 1];
    unsigned char hash[KZ_CODE_HASH];
} drawn_t;

static void draw(drawn_t *code, const kz_grant_t *grant)
{
    int i;

    for (i = 0; i < KZ_CODE_DIGITS; i++)
        code->digits[i] = alphabet[randombytes_uniform(sizeof alphabet - 1)];
    code->digits[i] = '\0';
    kz_str_uuid_v7(code->id);
    hash_of(code->hash, grant, code->digits);
}

/* Milliseconds. */
static apr_int64_t life_of(const kz_grant_t *grant, const char *purpose)
{
    const kz_conf_t *conf = kz_grant_services(grant)->conf;

    return apr_time_as_msec(strcmp(purpose, KZ_CODE_PASSWORD) == 0 ? conf->reset_life
                                                                   : conf->code_life);
}

/* A code as it lies in its job. */
typedef struct mailed_t {
    drawn_t code;
    char job[KZ_STR_UUID_SIZE];
    unsigned char sealed[KZ_CODE_SEALED];
} mailed_t;

static kz_err_t *draw_sealed(mailed_t *mailed, kz_grant_t *grant)
{
    kz_seal_key_t *key;

    KZ_TRY(kz_grant_firm_key(&key, grant));
    draw(&mailed->code, grant);
    kz_str_uuid_v7(mailed->job);
    KZ_TRY(kz_seal_box(mailed->sealed, key, KZ_CODE_BOX, mailed->code.id, mailed->code.digits,
                       KZ_CODE_DIGITS));
    sodium_memzero(mailed->code.digits, sizeof mailed->code.digits);
    return NULL;
}

kz_err_t *kz_code_mail(kz_grant_t *grant, const char *account, const char *purpose)
{
    mailed_t mailed;
    kz_q_code_mail_args_t args = {
        .job = mailed.job,
        .account = account,
        .purpose = purpose,
        .id = mailed.code.id,
        .hash = {mailed.code.hash, sizeof mailed.code.hash},
        .life = life_of(grant, purpose),
        .sealed = {mailed.sealed, sizeof mailed.sealed},
    };

    KZ_TRY(draw_sealed(&mailed, grant));
    return kz_q_code_mail(NULL, kz_grant_db(grant), &args);
}

kz_err_t *kz_code_forgotten(kz_grant_t *grant, const char *user)
{
    mailed_t mailed;
    kz_q_code_forgotten_args_t args = {
        .job = mailed.job,
        .user = user,
        .id = mailed.code.id,
        .hash = {mailed.code.hash, sizeof mailed.code.hash},
        .life = life_of(grant, KZ_CODE_PASSWORD),
        .sealed = {mailed.sealed, sizeof mailed.sealed},
    };

    KZ_TRY(draw_sealed(&mailed, grant));
    return kz_q_code_forgotten(NULL, kz_grant_db(grant), &args);
}

kz_err_t *kz_code_unseal(const char **code, kz_grant_t *grant, const char *id,
                         const unsigned char *sealed, size_t len, apr_pool_t *pool)
{
    char digits[KZ_CODE_DIGITS + 1] = "";
    kz_seal_key_t *key;

    if (len != KZ_CODE_SEALED)
        return kz_err_create(KZ_ERR_INVALID, "the job has no code");
    KZ_TRY(kz_grant_firm_key(&key, grant));
    KZ_TRY(kz_seal_box_open(digits, key, KZ_CODE_BOX, id, sealed, len));
    *code = in_groups(digits, pool);
    sodium_memzero(digits, sizeof digits);
    return NULL;
}

/* The digits that ONCE stands for, by a key that only the portal has. */
static void derive(char digits[KZ_CODE_DIGITS + 1], const kz_grant_t *grant, const char *account,
                   const char *once)
{
    crypto_generichash_state state;
    unsigned char random[KZ_CODE_DIGITS];
    const char *parts[] = {"letter", kz_grant_account(grant), account, once};
    size_t i;

    crypto_generichash_init(&state, kz_grant_services(grant)->token_keys[0], KZ_SEAL_KEY,
                            sizeof random);
    for (i = 0; i < sizeof parts / sizeof *parts; i++)
        crypto_generichash_update(&state, (const unsigned char *)parts[i], strlen(parts[i]) + 1);
    crypto_generichash_final(&state, random, sizeof random);
    for (i = 0; i < KZ_CODE_DIGITS; i++)
        digits[i] = alphabet[random[i] % (sizeof alphabet - 1)]; /* 32 divides 256 */
    digits[KZ_CODE_DIGITS] = '\0';
    sodium_memzero(random, sizeof random);
}

kz_err_t *kz_code_letter(const char **code, apr_time_t *expires, int *made, kz_grant_t *grant,
                         const char *account, const char *once)
{
    apr_pool_t *pool = kz_grant_pool(grant);
    kz_q_code_again_t *again;
    kz_q_code_add_t *row;
    drawn_t drawn;
    kz_q_code_add_args_t args = {
        .id = drawn.id,
        .account = account,
        .purpose = KZ_CODE_INVITATION,
        .hash = {drawn.hash, sizeof drawn.hash},
        .life = life_of(grant, KZ_CODE_INVITATION),
    };

    derive(drawn.digits, grant, account, once);
    kz_str_uuid_v7(drawn.id);
    hash_of(drawn.hash, grant, drawn.digits);
    *code = in_groups(drawn.digits, pool);
    sodium_memzero(drawn.digits, sizeof drawn.digits);
    KZ_TRY(kz_q_code_add(&row, kz_grant_db(grant), &args, pool));
    *made = row != NULL;
    if (row) {
        *expires = row->expires;
        return NULL;
    }
    KZ_TRY(kz_q_code_again(&again, kz_grant_db(grant),
                           &(kz_q_code_again_args_t){account, args.hash}, pool));
    if (!again)
        return kz_err_create(KZ_ERR_CONFLICT, "the letter's code is no longer good");
    *expires = again->expires;
    return NULL;
}

int kz_code_fold(char digits[KZ_CODE_DIGITS + 1], const char *typed, apr_pool_t *scratch_pool)
{
    const char *hash = strrchr(typed, '#'), *at;
    int n = 0;

    typed = hash ? hash + 1 : typed;
    at = kz_text_code(typed, strlen(typed), scratch_pool);
    for (; at && *at; at++) {
        char c = *at == 'O' ? '0' : *at == 'I' || *at == 'L' ? '1' : *at;

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
    const unsigned char *const *key = kz_grant_services(grant)->token_keys;
    kz_q_code_find_t *row = NULL;
    kz_err_t *err = NULL;

    *code = apr_pcalloc(pool, sizeof **code);
    if (!kz_code_fold(digits, typed, pool))
        return NULL;
    for (; *key && !row && !err; key++) { /* a letter may be older than the newest key */
        kz_q_code_find_args_t args = {.hash = {(*code)->hash, KZ_CODE_HASH}};

        hash_by((*code)->hash, *key, digits);
        err = kz_q_code_find(&row, kz_grant_db(grant), &args, pool);
    }
    sodium_memzero(digits, sizeof digits);
    KZ_TRY(err);
    if (!row)
        return NULL;
    (*code)->state = row->used ? KZ_CODE_USED : row->expired ? KZ_CODE_EXPIRED : KZ_CODE_GOOD;
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
    kz_q_code_redeem_args_t args = {{code->hash, KZ_CODE_HASH}, hash};
    kz_q_code_unlock_t *lock;
    kz_q_code_redeem_t *row;

    redeemed->token = NULL;
    redeemed->state = KZ_CODE_USED;
    KZ_TRY(kz_q_code_redeem(&row, kz_grant_db(grant), &args, pool));
    if (!row->good) {
        kz_grant_rest(grant);
        return NULL;
    }
    KZ_TRY(kz_event_add(grant, KZ_EVENT_PASSWORD_SET, &event));
    KZ_TRY(
        kz_q_code_unlock(&lock, kz_grant_db(grant), &(kz_q_code_unlock_args_t){args.hash}, pool));
    if (lock->unlocked)
        KZ_TRY(kz_event_add(grant, KZ_EVENT_UNLOCKED, &event));
    KZ_TRY(kz_session_open(&redeemed->token, grant, &who, pool));
    redeemed->state = KZ_CODE_GOOD;
    return kz_grant_commit(grant);
}
