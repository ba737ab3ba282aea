#include "model/people/password.h"

#include <math.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_tables.h>
#include <sodium.h>
#include <zxcvbn.h>

#include "base/slots.h"
#include "base/text.h"

#define KZ_ARGON2_WAIT    (10 * APR_USEC_PER_SEC) /* for a slot */
#define KZ_ARGON2_WAITING 32  /* threads per slot, some seconds: the others serve pages */
#define KZ_ARGON2_SHARE   16  /* threads of one network, browser or account */
#define KZ_ZXCVBN_MAX     100 /* characters looked at: its time grows with them */
#define KZ_ZXCVBN_WORDS   200 /* words of ours given to it, at most */

struct kz_argon2_t {
    kz_slots_t *slots;
    size_t memory;
    unsigned long long passes;
    char dummy[crypto_pwhash_STRBYTES]; /* of a password that nobody has */
};

static kz_err_t *hash_into(char *hash, const kz_argon2_t *argon2, const char *password)
{
    if (crypto_pwhash_str_alg(hash, password, strlen(password), argon2->passes, argon2->memory,
                              crypto_pwhash_ALG_ARGON2ID13) != 0)
        return kz_err_create(KZ_ERR_BUSY, "not enough memory for argon2id");
    return NULL;
}

kz_err_t *kz_argon2_create(kz_argon2_t **argon2, const kz_conf_t *conf, apr_pool_t *pool)
{
    kz_argon2_t *made = apr_pcalloc(pool, sizeof *made);
    kz_slots_bounds_t bounds = {.share = KZ_ARGON2_SHARE};
    char nobody[33];
    unsigned char random[16];

    made->memory = (size_t)conf->argon2_memory;
    made->passes = (unsigned long long)conf->argon2_passes;
    if (made->memory < crypto_pwhash_MEMLIMIT_MIN || made->passes < crypto_pwhash_OPSLIMIT_MIN)
        return kz_err_create(KZ_ERR_CONFIG, "KanzleiPasswordMemory or -Passes is too small");
    bounds.count = bounds.each = conf->argon2_slots;
    bounds.waiting = KZ_ARGON2_WAITING * conf->argon2_slots;
    bounds.reserved = bounds.waiting / 2;
    KZ_TRY(kz_slots_create(&made->slots, &bounds, "argon2id", pool));
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(nobody, sizeof nobody, random, sizeof random);
    KZ_TRY(hash_into(made->dummy, made, nobody));
    *argon2 = made;
    return NULL;
}

const char *kz_password_fold(const char *typed, apr_pool_t *pool)
{
    const char *folded = kz_text_password(typed, strlen(typed), pool);

    return folded ? folded : typed;
}

kz_err_t *kz_password_hash(const char **hash, const kz_grant_t *grant, const char *password,
                           apr_pool_t *pool)
{
    const kz_argon2_t *argon2 = kz_grant_services(grant)->argon2;
    char *room = apr_palloc(pool, crypto_pwhash_STRBYTES);
    kz_err_t *err;

    password = kz_password_fold(password, pool);
    KZ_TRY(kz_slots_take(argon2->slots, kz_grant_caller(grant), KZ_ARGON2_WAIT));
    err = hash_into(room, argon2, password);
    kz_slots_give(argon2->slots, kz_grant_caller(grant));
    *hash = room;
    return err;
}

static int fits(const char *hash, const char *password)
{
    return crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
}

kz_err_t *kz_password_verify(int *ok, const kz_grant_t *grant, const char *hash,
                             const char *password, apr_pool_t *scratch_pool)
{
    const kz_argon2_t *argon2 = kz_grant_services(grant)->argon2;
    const char *folded = kz_password_fold(password, scratch_pool);
    const char *stored = hash ? hash : argon2->dummy;
    int right;

    *ok = 0;
    KZ_TRY(kz_slots_take(argon2->slots, kz_grant_caller(grant), KZ_ARGON2_WAIT));
    right = fits(stored, folded);
    if (strcmp(folded, password) != 0)
        right |= fits(stored, password);
    kz_slots_give(argon2->slots, kz_grant_caller(grant));
    *ok = right && hash;
    return NULL;
}

void kz_password_mark(unsigned char *mark, const kz_portal_t *portal, const char *account,
                      const char *password)
{
    crypto_generichash_state state;
    unsigned char out[crypto_generichash_BYTES_MIN];

    crypto_generichash_init(&state, portal->token_keys[0], KZ_SEAL_KEY, sizeof out);
    crypto_generichash_update(&state, (const unsigned char *)account, strlen(account) + 1);
    crypto_generichash_update(&state, (const unsigned char *)password, strlen(password));
    crypto_generichash_final(&state, out, sizeof out);
    memcpy(mark, out, KZ_PASSWORD_MARK);
    sodium_memzero(out, sizeof out);
}

static void add_word(apr_array_header_t *words, const char *word)
{
    if (words->nelts < KZ_ZXCVBN_WORDS)
        *(const char **)apr_array_push(words) = word;
}

static char *lower(const char *text, size_t len, apr_pool_t *pool)
{
    char *copy = apr_pstrmemdup(pool, text, len), *at;

    for (at = copy; *at; at++)
        *at = (char)apr_tolower(*at);
    return copy;
}

/* zxcvbn compares with each word of ours, so it gets those only that the password has in it. */
static void add_known(apr_array_header_t *words, const char *list, const char *password,
                      apr_pool_t *pool)
{
    while (list && *list) {
        size_t len = strcspn(list, "\n");

        if (len >= 4 && len < 64) {
            char word[64];

            memcpy(word, list, len);
            word[len] = '\0';
            if (strstr(password, word))
                add_word(words, apr_pstrmemdup(pool, word, len));
        }
        list += len + (list[len] == '\n');
    }
}

int kz_password_score(const kz_portal_t *portal, const char *password, const char *names,
                      apr_pool_t *scratch_pool)
{
    apr_array_header_t *words = apr_array_make(scratch_pool, 16, sizeof(const char *));
    size_t len = strlen(password);
    char *looked_at =
        apr_pstrmemdup(scratch_pool, password, len < KZ_ZXCVBN_MAX ? len : KZ_ZXCVBN_MAX);
    char *folded = lower(looked_at, strlen(looked_at), scratch_pool), *last = NULL, *word;
    char *list = lower(names, strlen(names), scratch_pool);
    double log10_guesses;

    for (word = apr_strtok(list, " ", &last); word; word = apr_strtok(NULL, " ", &last)) {
        if (strlen(word) >= 2)
            add_word(words, word);
    }
    add_known(words, portal->words, folded, scratch_pool);
    *(const char **)apr_array_push(words) = NULL;
    log10_guesses = ZxcvbnMatch(looked_at, (const char **)words->elts, NULL) * log10(2);
    sodium_memzero(looked_at, strlen(looked_at));
    sodium_memzero(folded, strlen(folded));
    /* zxcvbn's own steps: 10^3, 10^6, 10^8 and 10^10 guesses */
    return log10_guesses < 3    ? 0
           : log10_guesses < 6  ? 1
           : log10_guesses < 8  ? 2
           : log10_guesses < 10 ? 3
                                : 4;
}
