#include "http/caller.h"

#include <string.h>

#include <apr_strings.h>
#include <sodium.h>

#include "base/str.h"
#include "http/address.h"
#include "http/cookie.h"
#include "http/reply.h"

#define RANDOM 12 /* bytes */
#define MAC    16

static const char *sign(const char *random, const kz_portal_t *portal, apr_pool_t *pool)
{
    const char *text = apr_pstrcat(pool, "known ", random, NULL);
    unsigned char mac[MAC];

    crypto_generichash(mac, sizeof mac, (const unsigned char *)text, strlen(text),
                       portal->csrf_keys[0], KZ_SEAL_KEY);
    return apr_pstrcat(pool, random, ".", kz_str_base64url(mac, sizeof mac, pool), NULL);
}

void kz_reply_known(kz_reply_t *out, const kz_portal_t *portal)
{
    unsigned char random[RANDOM];

    randombytes_buf(random, sizeof random);
    kz_reply_cookie(out, KZ_COOKIE_KNOWN,
                    sign(kz_str_base64url(random, sizeof random, out->pool), portal, out->pool),
                    KZ_CALLER_LIFE);
}

static int is_ours(const char *known, const kz_portal_t *portal, apr_pool_t *pool)
{
    const char *dot = known ? strchr(known, '.') : NULL;

    return dot &&
           kz_str_equal_secret(
               known, sign(apr_pstrmemdup(pool, known, (apr_size_t)(dot - known)), portal, pool));
}

/* A number for LEN BYTES that nobody without the key can aim at. */
static apr_uint64_t number_of(const void *bytes, size_t len, const kz_portal_t *portal)
{
    unsigned char hash[crypto_shorthash_BYTES];
    apr_uint64_t number;

    crypto_shorthash(hash, bytes, len, portal->csrf_keys[0]); /* its first 16 bytes */
    memcpy(&number, hash, sizeof number);
    return number;
}

void kz_caller_see(kz_slots_who_t *who, const request_rec *r, const kz_portal_t *portal,
                   const char *known)
{
    unsigned char network[KZ_ADDRESS_NETWORK];

    kz_address_network(network, r->useragent_addr);
    who->known = is_ours(known, portal, r->pool);
    who->group = who->known ? number_of(known, strlen(known), portal)
                            : number_of(network, sizeof network, portal);
    who->member = 0;
}
