/* Protects against forged requests: a token that says who made the form, and the Origin that
 * browsers send.
 */
#include "http/csrf.h"
#include "http/http.h"

#include <string.h>

#include <apr_strings.h>
#include <sodium.h>

#define KZ_CSRF_LIFE (7 * 24 * 3600 * APR_USEC_PER_SEC) /* of a token: longer than any session */

/* The bytes of a token; csrf.h says what they are. */
typedef struct token_t {
    unsigned char account[KZ_STR_UUID_BYTES], form[KZ_STR_UUID_BYTES];
    unsigned char version[KZ_CSRF_VERSION], browser[12], mac[16];
} token_t;

_Static_assert(sizeof(token_t) == 69, "a token has no padding");
_Static_assert(sizeof(token_t) / 3 * 4 < KZ_CSRF_TEXT, "a token's text has room");

static void uuid_bytes(unsigned char out[KZ_STR_UUID_BYTES], const char *uuid)
{
    sodium_hex2bin(out, KZ_STR_UUID_BYTES, uuid, strlen(uuid), "-", NULL, NULL);
}

static void mark_browser(token_t *token, const kz_request_t *rq, const unsigned char *key)
{
    unsigned char hash[crypto_generichash_BYTES];

    crypto_generichash(hash, sizeof hash, (const unsigned char *)rq->browser, strlen(rq->browser),
                       key, KZ_SEAL_KEY);
    memcpy(token->browser, hash, sizeof token->browser);
}

static void sign(unsigned char mac[16], const token_t *token, const unsigned char *key)
{
    crypto_generichash(mac, sizeof token->mac, (const unsigned char *)token, offsetof(token_t, mac),
                       key, KZ_SEAL_KEY);
}

/* Returns the key that has signed TOKEN, or NULL. */
static const unsigned char *signer_of(const token_t *token, const kz_portal_t *portal)
{
    const unsigned char *const *key = portal->csrf_keys;
    unsigned char mac[sizeof token->mac];

    for (; *key; key++) {
        sign(mac, token, *key);
        if (sodium_memcmp(mac, token->mac, sizeof mac) == 0)
            return *key;
    }
    return NULL;
}

const char *kz_csrf_make(const kz_request_t *rq, const char *account, const unsigned char *version)
{
    char form[KZ_STR_UUID_SIZE];
    token_t token;

    memset(&token, 0, sizeof token);
    kz_str_uuid_v7(form);
    uuid_bytes(token.form, form);
    if (account)
        uuid_bytes(token.account, account);
    if (version)
        memcpy(token.version, version, sizeof token.version);
    mark_browser(&token, rq, rq->portal->csrf_keys[0]);
    sign(token.mac, &token, rq->portal->csrf_keys[0]);
    return kz_str_base64url(&token, sizeof token, rq->pool);
}

/* When the token was made: the milliseconds of its UUIDv7 (RFC 9562, section 5.7). */
static apr_time_t time_of(const token_t *token)
{
    apr_time_t ms = 0;

    for (int i = 0; i < 6; i++)
        ms = ms << 8 | token->form[i];
    return ms * 1000;
}

kz_err_t *kz_csrf_read(kz_csrf_t *token, const kz_request_t *rq, const char *sent)
{
    const unsigned char *key;
    token_t is, own;
    size_t len;

    if (!sent)
        return kz_err_create(KZ_ERR_FORGED, "form token is missing");
    if (sodium_base642bin((unsigned char *)&is, sizeof is, sent, strlen(sent), NULL, &len, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        len != sizeof is)
        return kz_err_create(KZ_ERR_FORGED, "form token is none");
    key = signer_of(&is, rq->portal);
    if (!key)
        return kz_err_create(KZ_ERR_FORGED, "form token is wrong");
    if (apr_time_now() - time_of(&is) > KZ_CSRF_LIFE)
        return kz_err_create(KZ_ERR_FORGED, "form token is too old");
    mark_browser(&own, rq, key);
    if (rq->route->who == KZ_WHO_PUBLIC &&
        sodium_memcmp(own.browser, is.browser, sizeof is.browser) != 0)
        return kz_err_create(KZ_ERR_FORGED, "form token of another browser");
    memcpy(token->account, is.account, sizeof is.account);
    memcpy(token->version, is.version, sizeof is.version);
    kz_str_uuid_text(token->form, is.form);
    return NULL;
}

kz_err_t *kz_csrf_check_account(const kz_csrf_t *token, const kz_grant_t *grant)
{
    const char *account = kz_grant_account(grant);
    unsigned char mine[KZ_STR_UUID_BYTES] = {0};

    if (account)
        uuid_bytes(mine, account);
    if (account && memcmp(mine, token->account, sizeof mine) == 0)
        return NULL;
    return kz_err_create(KZ_ERR_OTHER_ACCOUNT, "another account made the form");
}

int kz_csrf_is_foreign(const kz_request_t *rq)
{
    const char *site = kz_request_header(rq, "Sec-Fetch-Site");

    return site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0;
}

kz_err_t *kz_http__origin_check(const kz_request_t *rq)
{
    const char *origin = kz_request_header(rq, "Origin");
    const char *host = kz_request_header(rq, "Host");

    if (kz_csrf_is_foreign(rq))
        return kz_err_create(KZ_ERR_FORGED, "the request comes from another site");
    if (!origin || strcmp(origin, rq->portal->conf->url) == 0)
        return NULL;
    if (host && strcmp(origin, apr_pstrcat(rq->pool, "https://", host, NULL)) == 0)
        return NULL;
    return kz_err_create(KZ_ERR_FORGED, "the request comes from another origin");
}
