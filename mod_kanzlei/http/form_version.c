/* The version of what a form edits: a hash of what is stored in its fields. So nothing of it is
 * stored, and who types what somebody else has stored meanwhile disturbs nobody. */
#include "http/form.h"

#include <string.h>

#include <apr_strings.h>
#include <sodium.h>

#include "base/str.h"
#include "http/csrf.h"

void kz_form__version(unsigned char version[KZ_REPLY_VERSION], const kz_view_t *form,
                      kz_form_id_t id)
{
    unsigned char hash[crypto_generichash_BYTES];
    crypto_generichash_state state;
    int i;

    crypto_generichash_init(&state, NULL, 0, sizeof hash);
    for (i = 0; i < KZ_FIELDS; i++) {
        const kz_field_t *field = &kz_fields[i];
        const char *value = field->form == id ? kz_view_said(form, field->name) : NULL;

        if (value) { /* with the NUL, which ends it */
            crypto_generichash_update(&state, (const unsigned char *)&i, sizeof i);
            crypto_generichash_update(&state, (const unsigned char *)value, strlen(value) + 1);
        }
    }
    crypto_generichash_final(&state, hash, sizeof hash);
    memcpy(version, hash, KZ_REPLY_VERSION);
}

const char *kz_form__etag(const unsigned char version[KZ_REPLY_VERSION], apr_pool_t *pool)
{
    return apr_pstrcat(pool, "\"", kz_str_base64url(version, KZ_REPLY_VERSION, pool), "\"", NULL);
}

/* Whether the list of entity tags HEADER has ETAG (RFC 9110 section 8.8.3: no comma within). A weak
 * one never matches here. */
static int has_etag(const char *header, const char *etag)
{
    size_t len = strlen(etag);

    while (*header) {
        header += strspn(header, " \t,");
        if (strcspn(header, " \t,") == len && memcmp(header, etag, len) == 0)
            return 1;
        header += strcspn(header, ",");
    }
    return 0;
}

int kz_form__is_from(const kz_request_t *rq, const unsigned char version[KZ_REPLY_VERSION])
{
    static const unsigned char none[KZ_REPLY_VERSION];
    const char *match = kz_request_header(rq, "If-Match");
    const kz_csrf_t *token = rq->form_token;

    if (match)
        return strcmp(match, "*") == 0 || has_etag(match, kz_form__etag(version, rq->pool));
    if (!token || !token->in_form || memcmp(token->version, none, sizeof none) == 0)
        return -1;
    return memcmp(token->version, version, KZ_REPLY_VERSION) == 0;
}
